# SPDX-License-Identifier: Apache-2.0
"""What a phone that was off waits for: a thousand texts that were written to it meanwhile, between real processes.

    back.py BUILD          prints the times and leaves BUILD/bench/back.json
    back.py BUILD --check  one round, as a test: what is lost, comes twice or in another order fails, and no time does

Best of three, from the moment in which the phone is started: opening its store, for which the passphrase costs something on
purpose, stands beside it. Exit 1 where it misses its aim (tools/rig/aims.py).
"""
import json
import os
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
for place in (os.path.join("tools", "rig"), os.path.join("tests", "phone")):
    sys.path.insert(0, os.path.join(HERE, os.pardir, place))
from aims import BACK_MS, ROUNDS, best, missed  # noqa: E402
from control import Control  # noqa: E402
from rig import Failed, Rig, free_port  # noqa: E402

TEXTS = 1000


def wanted(number):
    return [f"Round {number}, text {text}." for text in range(TEXTS)]


def write_all(ana, number):
    """One after the other, and until the relay has all of it."""
    with Control(ana.home) as control:
        for text in wanted(number):
            last = control.ask({"command": "send", "to": "101", "text": text})[1]
            if last is None or "done" not in last:
                raise Failed(f"{text} was not taken: {last}")
    ana.wait_for("all of it at the relay", lambda: ana.run("status")[-1]["queued"] == 0)


def come_back(ben, number):
    """Starts the phone; how long that took, and how long until the last text was there."""
    began = time.monotonic()
    ben.run("status")
    opened = time.monotonic()
    seen = []
    with Control(ben.home) as control:
        control.say({"command": "read", "with": "100", "new": True, "follow": True})
        while len(seen) < TEXTS:
            line = control.line()
            if line is None or "item" not in line:
                raise Failed(f"reading ended with {line} after {len(seen)} texts")
            seen.append(line["item"].get("text"))
    ended = time.monotonic()
    if seen != wanted(number):
        wrong = next(i for i in range(TEXTS) if seen[i] != wanted(number)[i])
        raise Failed(f"in the place of text {wrong} came {seen[wrong]!r}")
    return {"open_ms": (opened - began) * 1000, "back_ms": (ended - began) * 1000}


def check_history(ben, rounds):
    """All of all rounds, in order, each once."""
    texts = [message["text"] for message in ben.run("read", "100") if "text" in message]
    if texts[1:] != [text for number in range(rounds) for text in wanted(number)]:
        raise Failed("what the phone has is not what was written to it")


def measure(build, rounds):
    with tempfile.TemporaryDirectory(prefix="sotto-back-") as folder, Rig(build, folder) as rig:
        address = f"127.0.0.1:{free_port()}"
        relay = rig.start_relay(address, address)
        ana, ben = rig.phone("ana"), rig.phone("ben")
        ana.run("found", "Bench", "--relay", relay.name, "--as", "Ana")
        ben.run("join", ana.run("invite", "101", "Ben")[-1]["invitation"])
        ana.run("send", "101", "A conversation is there before anything is timed.")
        ben.wait_for("the first one", lambda: [m for m in ben.run("read", "100") if "text" in m])
        found = []
        for number in range(rounds):
            ben.stop()
            began = time.monotonic()
            write_all(ana, number)
            written = time.monotonic() - began
            found.append({**come_back(ben, number), "write_ms": written * 1000})
        check_history(ben, rounds)
        return found


def main(build, check):
    rounds = measure(build, 1 if check else ROUNDS)
    last = min(rounds, key=lambda each: each["back_ms"])
    print(f"# {TEXTS} texts to a phone that was off: all there {last['back_ms']:.0f} ms after its start, of which "
          f"{last['open_ms']:.0f} ms until its agent answered; written in {last['write_ms']:.0f} ms")
    if check:
        print("1..1\nok 1 - a thousand texts that were written to a phone while it was off, all, once and in order")
        return 0
    late = missed(best(rounds, "back_ms"), BACK_MS)
    print(f"aim {BACK_MS} ms" + ("  MISSED" if late else ""))
    os.makedirs(os.path.join(build, "bench"), exist_ok=True)
    with open(os.path.join(build, "bench", "back.json"), "w", encoding="ascii") as out:
        json.dump({"texts": TEXTS, "aim_ms": BACK_MS, "missed": late, "rounds": rounds}, out)
    return 1 if late else 0


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3) or sys.argv[2:] not in ([], ["--check"]):
        sys.exit("usage: back.py BUILD [--check]")
    sys.exit(main(os.path.abspath(sys.argv[1]), len(sys.argv) == 3))
