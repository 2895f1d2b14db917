# SPDX-License-Identifier: Apache-2.0
"""What make demo holds against a call can each fail, and whatever ends it leaves a report that says so."""
import copy
import json
import os
import subprocess
import sys
import tempfile

SOURCE = os.environ["SOTTO_SOURCE"]
sys.path[:0] = [os.path.join(SOURCE, "tools", "rig"), os.path.join(SOURCE, "tests", "phone")]
from tap import equal, run, true  # noqa: E402
import verdict  # noqa: E402

FIGURES = ("group_messages_sent", "group_messages_received", "group_acknowledged", "group_notices", "search_hits",
           "exported", "handed_over", "device_received", "word_error_rate", "stoi", "mouth_to_ear_ms", "setup_ms",
           "messages_sent", "messages_received", "offline_delivered", "relay_plaintext_hits", "control_hits", "udp_sizes")
SILENCE_S = 20


class State:
    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="sotto-demo-")

    def close(self):
        self.folder.cleanup()


def wire(packets, lost=0):
    """As the proxy reports two phones that are in a call, and one that is not."""
    way = {"packets": packets, "lost": lost}
    quiet = {"packets": 0, "lost": 0}
    return {"to_relay": {"sizes": {"219": 2 * packets}}, "to_phones": {"sizes": {"219": 2 * packets}},
            "sources": [{"to_relay": dict(way), "to_phones": dict(way)} for _ in range(2)]
            + [{"to_relay": quiet, "to_phones": quiet}]}


def end(**changes):
    return {"reason": "hung_up", "verified": True, "packets_lost": 30, "concealed_ms": 500,
            "setup_ms": 60, "answer_ms": 10, "mouth_to_ear_ms": 60, **changes}


def holds(verdicts):
    return all(verdict_holds for verdict_holds, _ in verdicts)


def changed(report, path, value):
    report = copy.deepcopy(report)
    place = report
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return report


def packets_are_counted(_):
    """a phone that sends or gets fewer than 3,000 packets fails, and so does a second size, or a phone too few"""
    good = wire(verdict.PACKETS_MIN)
    true(holds(verdict.judge_wire(good)), "3,000 packets of each")
    for which in range(2):
        for way in verdict.WAYS:
            few = changed(good, ("sources", which, way, "packets"), verdict.PACKETS_MIN - 1)
            true(not holds(verdict.judge_wire(few)), f"2,999 packets of phone {which} {way}")
    for way in verdict.WAYS:
        true(not holds(verdict.judge_wire(changed(good, (way, "sizes", "1232"), 1))), f"a full packet {way}")
    for left in range(2):
        alone = changed(good, ("sources",), good["sources"][:left])
        true(not holds(verdict.judge_wire(alone)), f"{left} phones")


def silence_is_counted(_):
    """silence in which less leaves than in speech fails, in any direction"""
    before, after = wire(1000), wire(1000 + 50 * SILENCE_S)
    true(holds(verdict.judge_silence(before, after, SILENCE_S)), "as many in silence")
    for which in range(2):
        for way in verdict.WAYS:
            less = changed(after, ("sources", which, way, "packets"), 1000 + 25 * SILENCE_S)
            true(not holds(verdict.judge_silence(before, less, SILENCE_S)), f"phone {which} {way}")


def loss_has_to_happen(_):
    """a spell without loss fails, on any way of the wire or at any end"""
    before, after, ends = wire(3000), wire(3300, 30), [end(), end()]
    true(holds(verdict.judge_loss(before, after, ends)), "a spell")
    true(not holds(verdict.judge_loss(wire(3000, 30), after, ends)), "it was lost before")
    for which in range(2):
        for way in verdict.WAYS:
            none = changed(after, ("sources", which, way, "lost"), 0)
            true(not holds(verdict.judge_loss(before, none, ends)), f"phone {which} {way}")
        for name in ("packets_lost", "concealed_ms"):
            true(not holds(verdict.judge_loss(before, after, changed(ends, (which, name), 0))),
                 f"{name} at end {which}")


def both_ends_have_their_say(_):
    """an end that is not verified, or that broke, fails"""
    true(holds(verdict.judge_ends([end(), end()])), "both")
    for which in range(2):
        for name, value in (("verified", False), ("reason", "broken")):
            true(not holds(verdict.judge_ends(changed([end(), end()], (which, name), value))),
                 f"{name} at end {which}")


def times_are_best_of_three(_):
    """the best of three calls counts: one good one is enough, none is not, and two calls are too few"""
    names = ("setup_ms", "answer_ms", "mouth_to_ear_ms")
    for name in names:
        slow = end(**{name: verdict.AIMS_MS[name]})
        verdicts, times = verdict.judge_times([slow, end(), slow], names)
        true(holds(verdicts), f"{name}: one of three")
        equal(times[name], end()[name], name)
        true(not holds(verdict.judge_times([slow] * 3, names)[0]), f"{name}: none of three")
    try:
        verdict.judge_times([end()] * 2, names)
    except ValueError:
        return
    raise AssertionError("two calls were taken for three")


def a_fault_leaves_a_report(state):
    """a demo of programs that are not there ends with 1 and a report that has the fault and all figures' names"""
    done = subprocess.run(["/usr/bin/python3", os.path.join(SOURCE, "tools", "demo.py"), "no-such-build"],
                          cwd=state.folder.name, timeout=60, capture_output=True, text=True, check=False)
    equal(done.returncode, 1, "exit code")
    with open(os.path.join(state.folder.name, "build", "demo", "report.json"), encoding="utf-8") as text:
        report = json.load(text)
    equal(report["passed"], False)
    true(any("FileNotFoundError" in fault for fault in report["faults"]), f"the fault: {report}")
    equal([report[name] for name in FIGURES], [None] * len(FIGURES), "figures")


sys.exit(run([packets_are_counted, silence_is_counted, loss_has_to_happen, both_ends_have_their_say,
              times_are_best_of_three, a_fault_leaves_a_report], State))
