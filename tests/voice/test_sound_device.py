# SPDX-License-Identifier: Apache-2.0
"""Speech through a headless PipeWire and back, by a process that can open nothing any more. Speaks TAP.

usage: test_sound_device.py AUDIO-LOOP
Fails, and does not skip, if PipeWire cannot start.
"""
import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools/measure"))
from sound_server import SoundServer  # noqa: E402
from speech import measure  # noqa: E402
from words import make_speech, read_wav, write_wav  # noqa: E402

RATE = 22050  # so that the file is resampled on the way
WORDS = 16


def run(program, server, folder):
    return subprocess.Popen([program, f"{folder}/said.wav", f"{folder}/heard.wav"], env=server.environment,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def check_speech(program, server, folder, said, sentences):
    loop = run(program, server, folder)
    out, errors = loop.communicate(timeout=90)
    if loop.returncode != 0:
        return False, f"the device moves sound: exit {loop.returncode} {errors.strip()}"
    heard, heard_rate = read_wav(f"{folder}/heard.wav")
    result = measure(said, RATE, sentences, heard, heard_rate)
    return result["passed"], (f"speech arrives: STOI {result['stoi']:.3f}, word errors "
                              f"{result['word_error_rate']:.3f}, {json.loads(out)}")


def check_lost(program, server, folder):
    """The server goes away in the middle."""
    loop = run(program, server, folder)
    try:
        loop.wait(2)
        return False, f"it runs until the server ends: exit {loop.returncode}"
    except subprocess.TimeoutExpired:
        server.end("pipewire")
    try:
        loop.wait(10)
    except subprocess.TimeoutExpired:
        loop.kill()
        loop.wait()
        return False, "the end of the server is noticed"
    return loop.returncode == 1, f"the end of the server is noticed: exit {loop.returncode}"


def main():
    program = sys.argv[1]
    said, sentences = make_speech(3, WORDS, RATE)
    print("1..2")
    with tempfile.TemporaryDirectory() as folder, SoundServer() as server:
        write_wav(f"{folder}/said.wav", said, RATE)
        results = [check_speech(program, server, folder, said, sentences),
                   check_lost(program, server, folder)]
    for number, (passed, text) in enumerate(results, 1):
        print(f"{'ok' if passed else 'not ok'} {number} - {text}")
    return 0 if all(passed for passed, _ in results) else 1


sys.exit(main())
