# SPDX-License-Identifier: Apache-2.0
"""Encoded voice frames of a call that is under way, taken out of the voice process by a debugger.

The product has no hook for this: gdb, as root, stops the process where it seals a frame and reads what is to
be sealed. While it is stopped its memory is written to a file, as the control of the search: a moment later the
frame is wiped.
"""
import os
import re
import subprocess
import time

from rig import Failed
from search import files

FRAMES = 5
# Opus' packet is the last field of the frame: VOICE_PACKET_LEN bytes.
PACKET_LEN = 60


def gdb(pid, *commands):
    arguments = ["gdb", "-q", "-batch", "-p", str(pid), "-ex", "set pagination off"]
    for command in commands:
        arguments += ["-ex", command]
    return subprocess.run(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=60, check=False).stdout


def frames_in(output):
    """The bytes of each `x/…xb` listing, joined over its lines."""
    found = []
    for listing in output.split("FRAME")[1:]:
        values = re.findall(r"\b0x([0-9a-f]{2})\b", listing.split("END")[0])
        if len(values) >= PACKET_LEN:
            found.append(bytes(int(value, 16) for value in values[:PACKET_LEN]))
    return found


def encoded_frames(caller, called, said):
    """Distinct frames of a short call of its own, and the voice process' memory at each of them."""
    cores = os.path.join(caller.rig.folder, "cores")
    os.makedirs(cores, exist_ok=True)
    scrap = [phone.home + "-scrap.wav" for phone in (caller, called)]
    answer = called.start("answer", "--wait", "--mic", said, "--speaker", scrap[1])
    time.sleep(0.5)
    call = caller.start("call", "101", "--mic", said, "--speaker", scrap[0], "--for", "15")
    try:
        pid = caller.wait_for("a voice process", lambda: caller.pids().get("sotto-voice"), 20)
        time.sleep(4)
        commands = ["break sframe_seal_padded"]
        for number in range(FRAMES):
            commands += ["continue", "echo FRAME\\n",
                         f"x/{PACKET_LEN}xb frame.data + frame.len - {PACKET_LEN}", "echo END\\n",
                         f"generate-core-file {os.path.join(cores, str(number))}"]
        frames = frames_in(gdb(pid, *commands))
    finally:
        call.terminate()
        call.wait(timeout=20)
        answer.terminate()
        answer.wait(timeout=20)
    if len(set(frames)) < FRAMES:
        raise Failed(f"the debugger saw {len(set(frames))} voice frames instead of {FRAMES}")
    return frames, list(files(cores))
