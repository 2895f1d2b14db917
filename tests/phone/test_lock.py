# SPDX-License-Identifier: Apache-2.0
"""A locked phone: what it refuses, what it still does, and what its memory holds (searched if this runs as root)."""
import json
import os
import signal
import socket
import sys
import time

from network import Network
from search import memory, search
from tap import equal, run, true

READ = "The ferry leaves at a quarter past four"
ACKNOWLEDGED = "Blue container, second row, north gate"
WAITING = "Nobody has taken this sentence with him yet"
LONG = "unread-by-a-slow-screen "
NEEDLES = {"read": READ.encode(), "acknowledged": ACKNOWLEDGED.encode(),
           "waiting": WAITING.encode(), "unread": LONG.encode() * 3}


class State(Network):
    def __init__(self):
        super().__init__("ana", "ben", "cleo")
        self.join()
        self.silence = self.make_silence(20)
        self.slow = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.follower = None

    def close(self):
        self.slow.close()
        super().close()

    def sound(self, phone):
        return ["--mic", self.silence, "--speaker", self.path(phone.name + ".wav")]

    def found_in_memory(self):
        """Of NEEDLES, in the agent of Ben's phone."""
        hits, size = search(memory(self.ben.pids()["sotto-agent"]), NEEDLES)
        true(size > 1 << 20, f"{size} bytes were searched")
        return set(hits)


def texts(phone, *arguments):
    return [m["text"] for m in phone.run("read", *arguments) if m["state"] == "received"]


def last_state(phone, extension, text):
    """Of a text that was sent."""
    return [m["state"] for m in phone.run("read", extension) if m["text"] == text][-1]


def delivered(phone, extension, text):
    phone.wait_for(f"the receipt of {text!r}",
                   lambda: last_state(phone, extension, text) == "delivered")


def before_the_lock(state):
    """messages are read, acknowledged, and one waits for a phone that is off"""
    state.ana.run("send", "101", READ)
    state.ben.wait_for("it", lambda: texts(state.ben, "100") == [READ])
    state.ben.run("send", "100", ACKNOWLEDGED)
    delivered(state.ben, "100", ACKNOWLEDGED)
    state.cleo.stop()
    state.ben.run("send", "102", WAITING)


def control_a_screen_that_does_not_read(state):
    """control: what waits for a slow screen is found in the memory of an open phone"""
    # More than its socket takes, so the agent has to hold it.
    for _ in range(40):
        state.ana.run("send", "101", LONG * 600)
    state.ben.wait_for("all", lambda: len(texts(state.ben, "100")) == 41)
    state.slow.connect(os.path.join(state.ben.home, "control"))
    state.slow.sendall(b'{"command":"read"}\n')
    # A control of the search, too: of own texts those that wait are kept to be sent again.
    if os.geteuid() == 0:
        state.ben.wait_for("both in memory", lambda: {"unread", "waiting"} <= state.found_in_memory(),
                           seen=state.found_in_memory)
    else:
        time.sleep(1)


def a_locked_phone_says_nothing(state):
    """a locked phone refuses what shows or says something, and status shows how it stands and no more"""
    state.follower = state.ben.start("read", "100", "--new", "--follow")
    state.ana.run("send", "101", "live")
    equal(json.loads(state.follower.stdout.readline())["text"], "live", "it follows")
    equal(state.ben.run("lock")[-1], {"vault": "locked"})
    equal(state.ben.run("lock")[-1], {"vault": "locked"}, "again")
    equal(json.loads(state.follower.communicate(timeout=60)[0])["error"], "state", "who follows")
    for words in (["read"], ["send", "100", "no"], ["members"], ["ledger"], ["invite", "103", "Dan"],
                  ["revoke", "102"], ["call", "100"]):
        equal(state.ben.run(*words, check=False)[-1]["error"], "state", f"{words}")
    state.ben.wait_for("no more than that", lambda: state.ben.run("status")[-1] ==
                       {"vault": "locked", "connected": True}, seen=lambda: state.ben.run("status"))


def memory_holds_nothing_older(state):
    """its memory holds no text of before, but for an own one that has to be sent again"""
    if os.geteuid() != 0:
        print("# not root: its memory was not searched")
        return
    equal(state.found_in_memory(), {"waiting"})


def a_locked_phone_receives(state):
    """messages come while it is locked: the sender has the receipts"""
    for text in ("locked one", "locked two", "locked three"):
        state.ana.run("send", "101", text)
        delivered(state.ana, "101", text)
    equal(state.ben.run("read", check=False)[-1]["error"], "state", "still locked")


def a_locked_phone_rings(state):
    """a call rings, is answered without the passphrase, and can be refused"""
    call = state.ana.start("call", "101", "--for", "2", *state.sound(state.ana))
    until = time.monotonic() + 60
    while state.ben.run("hangup", check=False) and time.monotonic() < until:
        # The first call is refused: that it rang is what its end says.
        if call.poll() is not None:
            break
        time.sleep(0.2)
    out, _ = call.communicate(timeout=120)
    equal(json.loads(out.splitlines()[-1])["reason"], "refused")
    # A busy machine may need all of a short call to start the voice processes.
    for seconds in ("2", "10", "40"):
        answer = state.ben.start("answer", "--wait", *state.sound(state.ben))
        call = state.ana.start("call", "101", "--for", seconds, *state.sound(state.ana))
        out, _ = call.communicate(timeout=180)
        report = json.loads(out.splitlines()[-1])
        answer.communicate(timeout=120)
        if report.get("packets_received"):
            break
        print(f"# a call of {seconds} s without sound: {report}", flush=True)
    equal((report["reason"], report["verified"]), ("hung_up", True))
    true(report["packets_received"] > 0, f"packets came: {report}")
    equal(state.ben.run("status")[-1]["vault"], "locked", "still")


def own_text_goes_out(state):
    """an own text that waited is acknowledged while it is locked, and leaves its memory"""
    state.cleo.run("status")
    state.cleo.wait_for("it", lambda: texts(state.cleo, "101") == [WAITING])
    if os.geteuid() == 0:
        state.ben.wait_for("an empty memory", lambda: state.found_in_memory() == set())


def unlock_shows_everything(state):
    """unlocked, it shows everything in order, what came as new"""
    wrong = os.path.join(state.folder.name, "wrong")
    with open(wrong, "w", encoding="ascii") as out:
        out.write("not it\n")
    equal(state.ben.run("--passphrase-file", wrong, "unlock", check=False)[-1]["error"], "denied")
    equal(state.ben.run("status")[-1]["vault"], "locked", "still")
    equal(state.ben.run("unlock")[-1]["vault"], "open")
    came = ["locked one", "locked two", "locked three"]
    equal(texts(state.ben, "100", "--new"), came)
    equal(texts(state.ben, "100")[-3:], came)
    equal(last_state(state.ben, "102", WAITING), "delivered")
    state.ben.run("send", "100", "open again")
    delivered(state.ben, "100", "open again")


def killed_while_locked(state):
    """an agent that ends while locked is closed: it needs the passphrase, and has everything"""
    state.ben.run("lock")
    state.ana.run("send", "101", "the last one")
    delivered(state.ana, "101", "the last one")
    agent = state.ben.pids()["sotto-agent"]
    os.kill(agent, signal.SIGKILL)
    state.ben.wait_for("its end", lambda: state.ben.pids().get("sotto-agent") != agent)
    wrong = os.path.join(state.folder.name, "wrong")
    equal(state.ben.run("--passphrase-file", wrong, "answer", check=False)[-1]["error"], "denied")
    equal(texts(state.ben, "100")[-2:], ["locked three", "the last one"])


CASES = [before_the_lock, control_a_screen_that_does_not_read, a_locked_phone_says_nothing,
         memory_holds_nothing_older, a_locked_phone_receives, a_locked_phone_rings,
         own_text_goes_out, unlock_shows_everything, killed_while_locked]

sys.exit(run(CASES, State))
