# SPDX-License-Identifier: Apache-2.0
"""Sound that is easy to recognise, and calls with it."""
import array
import math
import time
import wave

RATE = 48000


def write_tone(path, seconds, hertz):
    """A steady tone, mono, 16 bits."""
    period = [int(9000 * math.sin(2 * math.pi * i / RATE * hertz)) for i in range(RATE)]
    with wave.open(path, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        for _ in range(seconds):
            out.writeframes(array.array("h", period).tobytes())


class Call:
    """Between two phones, each speaking a tone and recording what it hears."""

    def __init__(self, folder, caller, called, extension, seconds):
        self.heard = {}
        tones = {}
        for phone, hertz in ((caller, 440), (called, 550)):
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
