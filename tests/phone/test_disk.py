# SPDX-License-Identifier: Apache-2.0
"""A phone whose disk is full says so, loses nothing, sends nothing that it did not keep, and goes on when there is room."""
import os
import subprocess
import sys

from network import Network
from rig import Failed
from tap import equal, run, true


class State(Network):
    def __init__(self):
        super().__init__("ana", "ben")
        os.mkdir(self.ben.home, 0o700)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m,mode=0700", "tmpfs", self.ben.home],
                       check=True)
        self.ballast = os.path.join(self.ben.home, "ballast")

    def close(self):
        self.rig.__exit__()
        subprocess.run(["umount", "-l", self.ben.home], check=False)
        self.folder.cleanup()


def sent(phone):
    return [m["text"] for m in phone.run("read") if m["state"] != "received"]


def set_up(state):
    """two phones, one of them on a small disk"""
    state.join()
    state.ben.run("send", "100", "before")


def full(state):
    """with a full disk a message is refused in words, not queued and not sent"""
    ballast = os.open(state.ballast, os.O_WRONLY | os.O_CREAT)
    try:
        while True:
            os.write(ballast, bytes(4096))
    except OSError:
        os.close(ballast)
    refused = 0
    for number in range(200):
        done = subprocess.run(state.ben.command("send", "100", f"full {number} " + "x" * 9000),
                              env=state.ben.environment, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=60, check=False)
        if done.returncode != 0:
            refused = 1
            true("disk full" in done.stderr or "passphrase" in done.stderr, done.stderr)
            break
    true(refused, "the disk never became full")
    state.kept = number


def said(state):
    """status says that the disk is full"""
    status = state.ben.run("status")[-1]
    true(any("disk full" in problem for problem in status["problems"]), f"status: {status}")


def goes_on(state):
    """when there is room again it goes on by itself, with everything that it had kept"""
    os.remove(state.ballast)

    def works():
        try:
            return state.ben.run("send", "100", "after")
        except Failed:
            return None

    state.ben.wait_for("an end of the problem", works, 30)
    texts = [text.split(" x")[0] for text in sent(state.ben)]
    equal(texts, ["before"] + [f"full {n}" for n in range(state.kept)] + ["after"], "kept")
    arrived = state.ana.wait_for("all of it", lambda: (
        lambda found: found if "after" in found else None)(
            [m["text"].split(" x")[0] for m in state.ana.run("read", "101")
             if m["state"] == "received"]), 60)
    equal(arrived, texts, "arrived")


sys.exit(run([set_up, full, said, goes_on], State))
