# SPDX-License-Identifier: Apache-2.0
"""Sound that is easy to recognise, and calls with it."""
import array
import json
import math
import time
import wave

RATE = 48000
BLOCK_MS = 20
# Of the tone as it was spoken. Concealment fades within some blocks: a gap begins and ends where it is not all there.
THERE = 0.25
WHOLE = 0.8
AMPLITUDE = 9000
# Whole periods in a block, so that one tone is nothing in the other's place.
TONES = (450, 550)


def write_tone(path, seconds, hertz):
    """A steady tone, mono, 16 bits."""
    period = [int(AMPLITUDE * math.sin(2 * math.pi * i / RATE * hertz)) for i in range(RATE)]
    with wave.open(path, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        for _ in range(seconds):
            out.writeframes(array.array("h", period).tobytes())


def levels(path, hertz, seconds):
    """How much of the tone is in each block of the last seconds of a recording, which may be growing: 1 is all."""
    with wave.open(path, "rb") as recording:
        rate, channels = recording.getframerate(), recording.getnchannels()
        count = recording.getnframes()
        recording.setpos(max(0, count - int(rate * seconds)))
        samples = array.array("h", recording.readframes(count))[::channels]
    block = rate * BLOCK_MS // 1000
    waves = [[function(2 * math.pi * hertz * i / rate) for i in range(block)]
             for function in (math.cos, math.sin)]
    found = []
    for at in range(0, len(samples) - block + 1, block):
        parts = [sum(a * b for a, b in zip(samples[at:at + block], wave_of)) for wave_of in waves]
        found.append(math.hypot(*parts) * 2 / block / AMPLITUDE)
    return found


def longest_gap_ms(found):
    """The longest stretch without all of the tone."""
    longest = here = 0
    for level in found:
        here = here + 1 if level < WHOLE else 0
        longest = max(longest, here)
    return longest * BLOCK_MS


class Call:
    """Between two phones, each speaking a tone and recording what it hears."""

    def __init__(self, folder, caller, called, extension, seconds):
        self.heard = {}
        self.hears = {caller: TONES[1], called: TONES[0]}
        tones = {}
        for phone, hertz in ((caller, TONES[0]), (called, TONES[1])):
            tones[phone] = f"{folder}/{phone.name}-says.wav"
            self.heard[phone] = f"{folder}/{phone.name}-hears.wav"
            write_tone(tones[phone], seconds + 5, hertz)
        self.answer = called.start("answer", "--wait", "--mic", tones[called], "--speaker",
                                   self.heard[called])
        time.sleep(0.5)
        self.call = caller.start("call", extension, "--mic", tones[caller], "--speaker",
                                 self.heard[caller], "--for", str(seconds))
        caller.wait_for("a voice process", lambda: caller.pids().get("sotto-voice"), 15)
        called.wait_for("a voice process", lambda: called.pids().get("sotto-voice"), 15)

    def end(self):
        """Hangs up if it still goes on."""
        for command in (self.call, self.answer):
            command.terminate()
            command.communicate(timeout=30)

    def is_heard(self, phone):
        """Does this phone hear the other one, just now?"""
        last = levels(self.heard[phone], self.hears[phone], 0.2)
        return bool(last) and min(last) >= THERE

    def both_hear(self):
        return all(self.is_heard(phone) for phone in self.heard)

    def gaps_ms(self, seconds):
        """By phone: the longest gap of the last seconds."""
        return {phone.name: longest_gap_ms(levels(path, self.hears[phone], seconds))
                for phone, path in self.heard.items()}

    def finish(self):
        """Waits for its end: what both commands printed last."""
        return [json.loads(command.communicate(timeout=60)[0].splitlines()[-1])
                for command in (self.call, self.answer)]
