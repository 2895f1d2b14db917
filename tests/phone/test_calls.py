# SPDX-License-Identifier: Apache-2.0
"""Calls between two phones with WAV files for sound: what is pressed and when, and what each side is told."""
import json
import os
import signal
import sys
import time

from network import Network
from tap import equal, run, true


class State(Network):
    def __init__(self):
        super().__init__("ana", "ben", "cleo", "dan")
        self.join()
        self.unanswered = None
        self.silence = self.make_silence(30)
        self.agents = [phone.pids()["sotto-agent"] for phone in (self.ana, self.ben)]

    def start(self, phone, command, *more):
        return phone.start(command, *more, "--mic", self.silence, "--speaker", self.path(phone.name + ".wav"))

    def same_agents(self):
        equal([phone.pids()["sotto-agent"] for phone in (self.ana, self.ben)], self.agents, "agents")


def end_of(process, seconds=180):
    """Exit code and the last object that the command printed."""
    out, _ = process.communicate(timeout=seconds)
    lines = out.splitlines()
    return process.returncode, json.loads(lines[-1]) if lines else None


def state_of(process, wanted):
    """Reads what the command prints up to this state."""
    seen = []
    for line in process.stdout:
        seen.append(json.loads(line))
        if seen[-1].get("state") == wanted:
            return
    raise AssertionError(f"the command ended before it was {wanted!r}: {seen}")


FIELDS = ["peer", "reason", "setup_ms", "answer_ms", "duration_s", "verified", "packets_sent", "packets_received",
          "packets_lost", "packets_refused", "concealed_ms", "late_ms_p99", "mouth_to_ear_ms", "mouth_to_ear_parts"]
PARTS = ["capture", "encode", "network", "jitter_buffer", "decode", "playout"]
NEVER_ANSWERED = set(FIELDS) - {"peer", "reason", "setup_ms", "verified", "mouth_to_ear_parts"}


def fields(report, null, setup):
    """A report has the same fields however the call ended: null are these, and no others; the called has no setup."""
    equal(list(report), FIELDS, "fields of a report")
    equal(list(report["mouth_to_ear_parts"]), PARTS, "parts of the delay")
    null = set(null) if setup else set(null) | {"setup_ms"}
    equal({name for name, value in report.items() if value is None}, null, "fields that are null")
    if report["mouth_to_ear_ms"] is None:
        true(None in report["mouth_to_ear_parts"].values(), "a part is missing")
    else:
        equal(report["mouth_to_ear_ms"], sum(report["mouth_to_ear_parts"].values()), "the delay is the sum")
        true(report["mouth_to_ear_parts"]["decode"] > 0, "decoding takes time")


def nothing_rings(state):
    """What was killed or cancelled may still be on its way: hangs up until there is nothing any more."""
    for phone in (state.ana, state.ben, state.ana):
        phone.wait_for("no call", lambda: any("error" in line for line in
                                              phone.run("hangup", check=False)))


def with_sound(commands, seconds):
    """Starts commands that make a call of so many seconds, longer and longer until both ends heard something: a busy
    machine may need all of a short one to start the voice processes. Their ends."""
    for longer in (1, 5, 20):
        ends = [end_of(process) for process in commands(seconds * longer)]
        if all(report.get("packets_received") for _, report in ends):
            break
        print(f"# a call of {seconds * longer} s without sound: {ends}", flush=True)
    return ends


def call_and_report(state):
    """a call is set up, both sides get a report, and it is verified"""
    ends = with_sound(lambda seconds: [state.start(state.ana, "call", "101", "--for", str(seconds)),
                                       state.start(state.ben, "answer", "--wait")], 2)
    code, report = ends[0]
    equal((code, report["reason"], report["peer"], report["verified"]), (0, "hung_up", "101", True))
    true(report["duration_s"] > 1.5, f"it lasted {report['duration_s']} s")
    fields(report, null=(), setup=True)
    code, report = ends[1]
    equal((code, report["reason"], report["peer"], report["verified"]), (0, "hung_up", "100", True))
    fields(report, null=(), setup=False)


def redial_at_once(state):
    """three calls in a row, each the moment the one before is reported"""
    for caller, called, extension in ((state.ana, state.ben, "101"), (state.ben, state.ana, "100"),
                                      (state.ana, state.ben, "101")):
        ends = with_sound(lambda seconds, one=caller, other=called, to=extension: [
            state.start(one, "call", to, "--for", str(seconds)), state.start(other, "answer", "--wait")], 1)
        for code, report in ends:
            equal((code, report["reason"]), (0, "hung_up"))
            true(report["packets_received"] > 0, f"packets came: {report}")
    state.same_agents()


def refused_and_cancelled(state):
    """hanging up refuses what rings here, and cancels what rings there"""
    call = state.start(state.ana, "call", "101")
    state_of(call, "ringing there")
    state.ben.run("hangup")
    code, report = end_of(call)
    equal((code, report["reason"], report["verified"]), (1, "refused", False))
    fields(report, NEVER_ANSWERED, setup=True)
    call = state.start(state.ana, "call", "101")
    state_of(call, "ringing there")
    state.ana.run("hangup")
    code, report = end_of(call)
    equal((code, report["reason"]), (1, "cancelled"))
    fields(report, NEVER_ANSWERED, setup=True)
    nothing_rings(state)
    state.same_agents()


def killed_command_ends_the_call(state):
    """a command that is killed ends its call, before and after the answer"""
    call = state.start(state.ana, "call", "101")
    state_of(call, "ringing there")
    call.send_signal(signal.SIGKILL)
    call.communicate()
    for victim in (0, 1):
        nothing_rings(state)
        answer = state.start(state.ben, "answer", "--wait")
        call = state.start(state.ana, "call", "101")
        state_of(call, "in a call")
        state_of(answer, "in a call")
        pair = [call, answer]
        pair[victim].send_signal(signal.SIGKILL)
        pair[victim].communicate()
        equal(end_of(pair[1 - victim])[1]["reason"], "hung_up")
    state.same_agents()


def killed_voice_breaks_the_call(state):
    """a voice process that dies ends the call as broken, and the next one works"""
    answer = state.start(state.ben, "answer", "--wait")
    call = state.start(state.ana, "call", "101")
    state_of(call, "in a call")
    os.kill(state.ana.wait_for("voice", lambda: state.ana.pids().get("sotto-voice")), signal.SIGKILL)
    equal(end_of(call)[1]["reason"], "broken")
    equal(end_of(answer)[1]["reason"], "broken")
    call_and_report(state)
    state.same_agents()


def busy(state):
    """who is in a call cannot dial another, and says so; who calls him is told that he is busy"""
    answer = state.start(state.ben, "answer", "--wait")
    call = state.start(state.ana, "call", "101")
    state_of(call, "in a call")
    for phone, extension in ((state.ana, "101"), (state.ben, "100")):
        code, report = end_of(state.start(phone, "call", extension))
        equal((code, report["error"]), (1, "state"))
    code, report = end_of(state.start(state.cleo, "call", "101"), 60)
    equal((code, report["reason"]), (1, "busy"))
    fields(report, NEVER_ANSWERED, setup=False)  # it never rang there
    state.ben.run("hangup")
    equal(end_of(call)[1]["reason"], "hung_up")
    end_of(answer)


def unanswered_begins(state):
    """a phone rings and nobody answers: what comes of it is looked at later"""
    state.unanswered = state.start(state.cleo, "call", "103")
    state_of(state.unanswered, "ringing there")


def unanswered_ends(state):
    """nobody answered: the command says so after a minute"""
    code, report = end_of(state.unanswered, 120)
    equal((code, report["reason"], report["verified"]), (1, "unanswered", False))
    fields(report, NEVER_ANSWERED, setup=True)


def both_dial(state):
    """two who call each other at the same moment are in one call"""
    ends = with_sound(lambda seconds: [state.start(state.ana, "call", "101", "--for", str(seconds)),
                                       state.start(state.ben, "call", "100", "--for", str(seconds))], 3)
    equal([(code, report["reason"]) for code, report in ends], [(0, "hung_up")] * 2)
    true(all(report["packets_received"] > 0 for _, report in ends), f"sound both ways: {ends}")
    state.same_agents()


def relay_gone(state):
    """without a relay a call ends as unreachable, and an invitation does not ring later"""
    state.relay.kill()
    state.ana.wait_for("no link", lambda: not state.ana.run("status")[-1]["connected"], 120)
    call = state.start(state.ana, "call", "101")
    state_of(call, "dialling")
    state.ana.run("hangup")
    equal(end_of(call)[1]["reason"], "cancelled")
    state.relay.start()
    state.ana.wait_for("a link", lambda: state.ana.run("status")[-1]["connected"], 120)
    state.ben.wait_for("a link", lambda: state.ben.run("status")[-1]["connected"], 120)
    call_and_report(state)
    state.same_agents()


def rooms(state):
    """How many rooms the relay has, and how many datagrams it has passed on."""
    counters = state.relay.status()
    return counters["rooms"], counters["datagrams"]


def no_packets(state):
    """No room is left, and nothing has been passed on for a second."""
    before = rooms(state)
    time.sleep(1)
    return before[0] == 0 and rooms(state) == before


def revoked_in_the_call(state):
    """revoking the other phone ends the call at once at both ends, and neither sends into its room any more"""
    answer = state.start(state.ben, "answer", "--wait")
    call = state.start(state.ana, "call", "101")
    state_of(call, "in a call")
    state_of(answer, "in a call")
    before = rooms(state)
    true(before[0] > 0, "control: there is a room during the call")
    state.ana.wait_for("sound in the room", lambda: rooms(state)[1] > before[1] + 50)
    state.ana.run("revoke", "101")
    for process, peer in ((call, "101"), (answer, "100")):
        code, report = end_of(process)
        equal((code, report["reason"], report["peer"]), (1, "revoked", peer), "what the command said")
    state.ana.wait_for("the end of the call's packets", lambda: no_packets(state))
    equal(state.ben.run("status")[-1]["state"], "revoked", "the other phone")
    code, report = end_of(state.start(state.ana, "call", "101"))
    equal((code, report["error"]), (1, "denied"), "calling who was revoked")


CASES = [call_and_report, redial_at_once, refused_and_cancelled, killed_command_ends_the_call,
         killed_voice_breaks_the_call, busy, unanswered_begins, both_dial, relay_gone, unanswered_ends,
         revoked_in_the_call]

if __name__ == "__main__":
    sys.exit(run(CASES, State))
