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
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools/measure"))
from sound_server import SoundServer  # noqa: E402
from speech import measure  # noqa: E402
from words import make_speech, read_wav, write_wav  # noqa: E402

RATE = 22050  # so that the file is resampled on the way
WORDS = 16
TRIES = 5


def prepare(program, server, folder):
    return subprocess.Popen([program, f"{folder}/said.wav", f"{folder}/heard.wav"], env=server.environment,
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def start(loop):
    loop.stdin.write("\n")
    loop.stdin.flush()


def streams(server):
    """What the server knows of: "Stream/Input/Audio" is an open microphone."""
    listing = subprocess.run(["pw-cli", "ls"], env=server.environment, capture_output=True, text=True,
                             timeout=10, check=True).stdout
    return {kind for kind in ("Stream/Input/Audio", "Stream/Output/Audio") if kind in listing}


def check_microphone(program, server, folder):
    """Connected, in its sandbox, and no stream; then both."""
    loop = prepare(program, server, folder)
    before = wait_for(lambda: 'application.name = "sotto"' in clients(server))
    before = streams(server) if before else {"no client"}
    start(loop)
    during = wait_for(lambda: len(streams(server)) == 2)
    loop.kill()
    loop.communicate()
    after = wait_for(lambda: not streams(server))
    return (not before and during and after,
            f"the microphone is open only while asked for: before {sorted(before)}, during {during}, after {after}")


def clients(server):
    return subprocess.run(["pw-cli", "ls", "Client"], env=server.environment, capture_output=True, text=True,
                          timeout=10, check=True).stdout


def wait_for(condition):
    until = time.monotonic() + 5
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def check_speech(program, server, folder, said, sentences):
    """Again, a few times, where the device ran dry: other programs had the machine."""
    for _ in range(TRIES):
        passed, text, dry = speak(program, server, folder, said, sentences)
        if passed or not dry:
            break
        print(f"# {text}")
    return passed, text


def speak(program, server, folder, said, sentences):
    loop = prepare(program, server, folder)
    try:
        out, errors = loop.communicate("\n", timeout=60)
    except subprocess.TimeoutExpired:
        loop.kill()
        out, errors = loop.communicate()
    if loop.returncode != 0:
        return False, f"the device moves sound: exit {loop.returncode} {errors.strip()}", False
    heard, heard_rate = read_wav(f"{folder}/heard.wav")
    result = measure(said, RATE, sentences, heard, heard_rate)
    figures = json.loads(out)
    return (result["passed"], f"speech arrives: STOI {result['stoi']:.3f}, word errors {result['word_error_rate']:.3f}, {figures}",
            figures["underruns"] > 0)


def check_lost(program, server, folder):
    """The server goes away in the middle."""
    loop = prepare(program, server, folder)
    start(loop)
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
    print("1..3")
    with tempfile.TemporaryDirectory() as folder, SoundServer() as server:
        write_wav(f"{folder}/said.wav", said, RATE)
        results = [check_microphone(program, server, folder),
                   check_speech(program, server, folder, said, sentences),
                   check_lost(program, server, folder)]
    for number, (passed, text) in enumerate(results, 1):
        print(f"{'ok' if passed else 'not ok'} {number} - {text}")
    return 0 if all(passed for passed, _ in results) else 1


sys.exit(main())
