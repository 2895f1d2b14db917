# SPDX-License-Identifier: Apache-2.0
"""What a bad network does to speech, by simulation under virtual time: prints STOI and delays, speaks TAP.

usage: test_quality.py SIMULATE [EVERY]     of the scenarios, only one of so many
No number here depends on how fast this machine is.
"""
import json
import os
import subprocess
import sys
import tempfile

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools/measure"))
from speech import measure  # noqa: E402
from words import make_speech  # noqa: E402

RATE = 48000
SECONDS = 24
NETWORK_MS = 20 + 20  # a packet carries 20 ms, and the simulated network takes 20

# Scenario; least STOI; most median delay beyond NETWORK_MS, in ms. Each has been heard better than this by .01.
SCENARIOS = [
    ("", 0.965, 25),
    ("loss=5", 0.935, 45),
    ("loss=10", 0.935, 45),
    ("loss=20", 0.93, 45),
    ("loss=20 burst=3", 0.82, 45),
    ("jitter=0:30", 0.965, 60),
    ("jitter=0:100", 0.96, 130),
    ("jitter=0:30 loss=10", 0.93, 85),
    ("drift=200", 0.965, 30),
    ("drift=-200", 0.965, 30),
    ("block=64", 0.965, 25),
    ("block=960", 0.965, 45),
]

# Second and jitter in ms: after each step the target has 2 s to follow.
STEPS = [(0, 30), (8, 100), (16, 0)]
FOLLOW_S = 2


class Simulator:
    def __init__(self, program, folder, said):
        self.program = program
        self.folder = folder
        self.said = said
        pcm = (np.clip(said, -1, 1) * 32767).astype("<i2")
        pcm.tofile(f"{folder}/said.pcm")

    def run(self, *arguments):
        """The measurement, the lines of every 100 ms, the statistics."""
        out = f"{self.folder}/heard.pcm"
        text = subprocess.run([self.program, f"{self.folder}/said.pcm", out, *arguments], check=True,
                              capture_output=True, text=True).stdout
        lines = [json.loads(line) for line in text.splitlines()]
        heard = np.fromfile(out, "<i2") / 32768
        return measure(self.said, RATE, [], heard, RATE, words=False), lines[:-1], lines[-1]


def check_scenario(simulator, scenario, stoi_min, delay_max):
    result, _, stats = simulator.run(*scenario.split())
    added_ms = result["delay_ms"] - NETWORK_MS
    text = (f"{scenario or 'nothing lost'}: STOI {result['stoi']:.3f}, {added_ms:.0f} ms added, "
            f"{stats['packets_lost']} lost, {stats['concealed_ms']} ms concealed, "
            f"{stats['recovered_ms']} ms of it from copies, late p99 {stats['late_ms_p99']} ms")
    passed = result["stoi"] >= stoi_min and added_ms <= delay_max
    if not scenario:
        passed = passed and stats["concealed_ms"] == 0 and stats["packets_lost"] == 0
    return passed, text


def follows(lines, start, end, jitter_ms):
    """Is the target right from FOLLOW_S behind the step on? At least 80 % of the jitter, at most 25 ms more."""
    targets = [line["target_ms"] for line in lines if start + FOLLOW_S <= line["second"] < end]
    return bool(targets) and min(targets) >= 0.8 * jitter_ms and max(targets) <= jitter_ms + 25


def check_steps(simulator):
    steps = ",".join(f"{second}:{jitter}" for second, jitter in STEPS)
    result, lines, stats = simulator.run(f"jitter={steps}")
    for line in lines:
        if round(line["second"] * 10) % 5 == 0:
            print(f"# {line['second']:4.1f} s: jitter {line['jitter_ms']:3.0f} ms, "
                  f"target {line['target_ms']:3.0f} ms, in the buffer {line['buffer_ms']:3.0f} ms")
    ends = [second for second, _ in STEPS[1:]] + [SECONDS]
    for (second, jitter_ms), end in zip(STEPS, ends):
        yield (follows(lines, second, end, jitter_ms),
               f"the target follows jitter of {jitter_ms} ms within {FOLLOW_S} s")
    waits = [line["buffer_ms"] for line in lines if line["second"] >= STEPS[-1][0] + 3]
    yield max(waits) <= 40, f"the wait in the buffer is short again 3 s after jitter ended: {max(waits)} ms"
    yield (result["stoi"] >= 0.96 and stats["concealed_ms"] <= 300,
           f"the steps of jitter are not heard: STOI {result['stoi']:.3f}, delay {result['delay_ms_min']:.0f} "
           f"to {result['delay_ms_max']:.0f} ms, {stats['concealed_ms']} ms concealed")


def check_outage(simulator):
    """Nothing arrives for 3 s; then it goes on where it would be, with the delay of before."""
    result, lines, stats = simulator.run("outage=8:3000")
    after = [line["buffer_ms"] for line in lines if line["second"] >= 15]
    yield (stats["packets_lost"] == 150 and max(after) <= 40 and stats["concealed_ms"] < 3300,
           f"an outage of 3 s ends: {stats['packets_lost']} lost, {stats['concealed_ms']} ms concealed, "
           f"{max(after)} ms in the buffer later, delay at the end {result['delay_ms']:.0f} ms")


def main():
    scenarios = SCENARIOS[::int(sys.argv[2])] if len(sys.argv) > 2 else SCENARIOS
    said, _ = make_speech(5, 40, RATE)
    said = said[:SECONDS * RATE]
    print(f"1..{len(scenarios) + len(STEPS) + 3}")
    failed = 0
    number = 0
    with tempfile.TemporaryDirectory() as folder:
        simulator = Simulator(sys.argv[1], folder, said)
        checks = [check_scenario(simulator, *scenario) for scenario in scenarios]
        for passed, text in [*checks, *check_steps(simulator), *check_outage(simulator)]:
            number += 1
            failed += not passed
            print(f"{'ok' if passed else 'not ok'} {number} - {text}")
    return 1 if failed else 0


sys.exit(main())
