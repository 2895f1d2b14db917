# SPDX-License-Identifier: Apache-2.0
"""Encoded voice frames of a call that is under way, read where the voice process seals them."""
import os
import re
import time

from debugger import stop_at
from rig import Failed
from search import files

FRAMES = 5
# Opus' packet is the last field of the frame: VOICE_PACKET_LEN bytes, of which the last 60 are always Opus.
PACKET_LEN = 60


def bytes_in(listing):
    """What gdb's `x/…xb` printed."""
    values = re.findall(r"\b0x([0-9a-f]{2})\b", listing)
    return bytes(int(value, 16) for value in values[:PACKET_LEN])


def encoded_frames(caller, called, said):
    """Distinct frames of a short call of its own, and the voice process' memory at each of them."""
    cores = os.path.join(caller.rig.folder, "voice-memory")
    scrap = [phone.home + "-scrap.wav" for phone in (caller, called)]
    answer = called.start("answer", "--wait", "--mic", said, "--speaker", scrap[1])
    time.sleep(0.5)
    call = caller.start("call", "101", "--mic", said, "--speaker", scrap[0], "--for", "15")
    try:
        pid = caller.wait_for("a voice process or the end of the call",
                              lambda: caller.pids().get("sotto-voice") or call.poll() is not None, 20)
        if call.poll() is not None:
            raise Failed(f"no call to take frames from: {call.communicate()}")
        time.sleep(4)
        shown = stop_at(pid, "sframe_seal_padded", FRAMES, cores,
                        f"x/{PACKET_LEN}xb frame.data + frame.len - {PACKET_LEN}")
    finally:
        call.terminate()
        call.wait(timeout=20)
        answer.terminate()
        answer.wait(timeout=20)
    frames = [bytes_in(listing) for listing in shown]
    if len(set(frames)) < FRAMES or any(len(frame) != PACKET_LEN for frame in frames):
        raise Failed(f"the debugger saw {len(set(frames))} voice frames instead of {FRAMES}")
    return frames, list(files(cores))
