# SPDX-License-Identifier: Apache-2.0
"""A live sottod and more than 10,000 packets of strangers: it answers none, and phones connect all the while."""
import json
import os
import subprocess
import sys

from proof import Proof, run
from tap import equal, true

EACH = 1000
# What must have been among them.
KINDS = {"no token", "other key", "forged token", "too old", "too early", "replayed", "version bait", "garbage",
         "full garbage", "right token, wrong PSK", "right token, wrong inside"}


class State(Proof):
    knocking = None

    def prepare(self):
        self.start_relay()
        self.knocking = subprocess.Popen(
            [os.path.join(self.rig.build, "tests/proofs/strangers"), self.relay.name, str(EACH)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.sent = 0

    def close(self):
        if self.knocking:
            self.knocking.kill()
            self.knocking.communicate()
        super().close()

    def next_report(self):
        """What came of the next kind; None when the relay is to be restarted."""
        line = self.knocking.stdout.readline()
        if not line.startswith("{"):
            return None
        return json.loads(line)

    def unanswered(self):
        done = subprocess.run([self.rig.program("relay/sottod"), "status", "--state",
                               os.path.join(self.rig.folder, "relay"), "--json"],
                              stdout=subprocess.PIPE, text=True, timeout=20, check=True)
        return json.loads(done.stdout)["unanswered"]


def phones_are_answered(state):
    """control: a phone connects, and first packets with nothing wrong in them are answered"""
    report = state.next_report()
    true(report is not None, "a phone connected")
    equal(report["kind"], "control")
    true(report["answers"] >= report["sent"], f"answers to the control: {report}")
    true(report["connected"], "a phone connects afterwards")


def strangers_are_not(state):
    """of each kind of packet a thousand: no answer, and a phone connects after each kind"""
    kinds = set()
    while (report := state.next_report()) is not None:
        print(f"# {report['kind']}: {report['sent']} sent, {report['answers']} answers", flush=True)
        equal((report["sent"], report["answers"], report["connected"]), (EACH, 0, True),
              report["kind"])
        kinds.add(report["kind"])
        state.sent += report["sent"]
    true(kinds >= KINDS, f"all kinds: {kinds}")
    true(state.sent >= 10000, "ten thousand of them")


def all_of_them_arrived(state):
    """the relay saw them all: silence is its decision, not a full socket"""
    seen = state.unanswered()
    print(f"# {state.sent} sent, {seen} seen and left without an answer", flush=True)
    true(seen >= state.sent, f"{state.sent} sent, only {seen} seen")


def replays_after_a_restart(state):
    """a first packet that was kept is not answered after a restart, not even at its own address"""
    state.relay.kill()
    state.relay.start()
    state.knocking.stdin.write("back\n")
    state.knocking.stdin.flush()
    report = state.next_report()
    true(report is not None, "a report")
    print(f"# {report['kind']}: {report['sent']} sent, {report['answers']} answers", flush=True)
    equal((report["sent"], report["answers"], report["connected"]), (2 * EACH, 0, True))
    true(state.unanswered() >= 2 * EACH, "the relay saw them all")


def a_network_is_founded(state):
    """and a network is founded with that relay by the real command"""
    state.found()


sys.exit(run([phones_are_answered, strangers_are_not, all_of_them_arrived, replays_after_a_restart,
              a_network_is_founded], State))
