# SPDX-License-Identifier: Apache-2.0
"""Calls to a person with two devices, between real processes: both ring, one answers, the other stops at once."""
import json
import sys

from network import Network
from rig import Failed
from tap import equal, run, true
from test_calls import end_of, state_of


class State(Network):
    def __init__(self):
        super().__init__("ana", "ben")
        self.join()
        self.silence = self.make_silence(60)
        self.tablet = self.rig.phone("tablet")
        asking = self.ben.start("device", "add", "Tablet")
        card = json.loads(asking.stdout.readline())["invitation"]
        joining = self.tablet.start("join", card)
        code = json.loads(joining.stdout.readline())["code"]
        end_of(asking)
        self.ben.run("device", "approve", code)
        equal(end_of(joining)[0], 0)
        # In the conversation, too.
        self.tablet.wait_for("the conversation", lambda: self.tablet.run("send", "100", "here", check=False))
        self.ana.wait_for("the text", lambda: "here" in [m.get("text") for m in self.ana.run("export", "101")])

    def start(self, phone, command, *more):
        return phone.start(command, *more, "--mic", self.silence, "--speaker", self.path(phone.name + ".wav"))

    def call(self):
        """Rings on both devices; the caller's command."""
        call = self.start(self.ana, "call", "101")
        state_of(call, "ringing there")
        return call


def silent(phone):
    """Nothing rings there, and nobody is in a call."""
    phone.wait_for("silence", lambda: any(line.get("error") == "state" for line in phone.run("hangup", check=False)))


def quiet(state):
    for phone in (state.ana, state.ben, state.tablet):
        silent(phone)


def each_rings(state):
    """a call rings on both: refused on whichever, it is refused for the person, and the other one is silent"""
    for refuses, other in ((state.ben, state.tablet), (state.tablet, state.ben)):
        call = state.call()
        refuses.wait_for("the ring", lambda p=refuses: "error" not in (p.run("hangup", check=False) or [{}])[-1])
        equal(end_of(call)[1]["reason"], "refused")
        silent(other)


def one_answers(state):
    """who answers on one device is in the call there, and the other one stops"""
    for answers, other in ((state.ben, state.tablet), (state.tablet, state.ben)):
        answer = state.start(answers, "answer", "--wait")
        call = state.call()
        state_of(answer, "in a call")
        state_of(call, "in a call")
        silent(other)
        true(call.poll() is None and answer.poll() is None, "the call goes on")
        state.ana.run("hangup")
        for process in (call, answer):
            code, report = end_of(process)
            equal((code, report["reason"]), (0, "hung_up"))
    quiet(state)


def both_answer(state):
    """a key pressed on both at the same moment: one call, and the other device is told"""
    told = 0
    for _ in range(4):
        answers = [state.start(phone, "answer", "--wait") for phone in (state.ben, state.tablet)]
        call = state.call()
        state_of(call, "in a call")
        try:
            state.ana.wait_for("the other's end", lambda: any(p.poll() is not None for p in answers), seconds=10)
        except Failed:
            pass  # it had stopped before the key counted, and waits for the next call
        ended = [p for p in answers if p.poll() is not None]
        going = [p for p in answers if p.poll() is None]
        true(len(ended) <= 1 and call.poll() is None, "the call goes on")
        for process in ended:
            code, report = end_of(process)
            equal((code, report["reason"]), (1, "answered_elsewhere"))
            told += 1
        state.ana.run("hangup")
        equal(end_of(call)[1]["reason"], "hung_up")
        state.ana.wait_for("the end", lambda g=going: any(p.poll() is not None for p in g))
        quiet(state)
        in_it = 0
        for process in going:
            if process.poll() is None:
                process.terminate()
                process.communicate()
            else:
                code, report = end_of(process)
                equal((code, report["reason"]), (0, "hung_up"))
                in_it += 1
        equal(in_it, 1, "devices in the call")
    print(f"# {told} of 4 times both keys counted, and one device was told", flush=True)


def cancelled(state):
    """who calls cancels on both"""
    call = state.call()
    state.ana.run("hangup")
    equal(end_of(call)[1]["reason"], "cancelled")
    quiet(state)


if __name__ == "__main__":
    sys.exit(run([each_rings, one_answers, both_answer, cancelled], State))
