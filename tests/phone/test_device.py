# SPDX-License-Identifier: Apache-2.0
"""Several devices of one person, between real processes: a card, a code, what both show, and one that is lost."""
import json
import subprocess
import sys

from network import Network, fails, sotto
from tap import equal, run, true


class State(Network):
    def __init__(self):
        super().__init__("ana", "ben")
        self.join()
        self.tablet = self.rig.phone("tablet")
        self.stranger = self.rig.phone("stranger")


class Lines:
    """A command that goes on, and what it says line by line."""

    def __init__(self, phone, *arguments):
        self.process = subprocess.Popen(phone.command(*arguments), env=phone.environment, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def line(self):
        line = self.process.stdout.readline()
        return json.loads(line) if line else None

    def end(self):
        self.process.wait(timeout=90)
        self.process.stdout.close()
        return self.process.returncode


def add(phone, *name):
    """The command that shows a card, and the card."""
    asking = Lines(phone, "device", "add", *name)
    return asking, asking.line()


def texts(phone, extension):
    return [(m["from"], m["text"]) for m in phone.run("read", extension) if "text" in m]


def notices(phone, extension):
    return [(m["notice"], m["by"], m["device"]) for m in phone.run("read", extension) if "notice" in m]


def nobody_without_the_code(state):
    """a card alone brings nobody in, nor does a wrong code; the right one does, typed on the old phone"""
    state.ana.run("send", "101", "before")
    state.ben.wait_for("the text", lambda: ("100", "before") in texts(state.ben, "100"))
    fails(state.ben, 1, "state", "no card is open", "device", "approve", "AAAAAAAAAAAA")
    asking, card = add(state.ben, "Tablet")
    equal(card["name"], "Tablet")
    fails(state.ben, 1, "not_found", "no phone has shown the card", "device", "approve", "AAAAAAAAAAAA")
    joining = Lines(state.tablet, "join", card["invitation"])
    code = joining.line()["code"]
    true(len(code) == 14 and code[4] == code[9] == "-", code)
    equal(asking.line(), {"state": "asks"})
    equal(asking.end(), 0)
    equal(len(state.ben.run("device", "list")), 1)
    fails(state.ben, 1, "forged", "let nobody in", "device", "approve", "AAAA-AAAA-AAAA")
    fails(state.ana, 1, "state", "no card is open", "device", "approve", code)
    # Whoever has photographed the card shows another code.
    other = state.stranger.run("join", "--no-wait", card["invitation"])[-1]["code"]
    true(other != code, "two phones, two codes")
    got = state.ben.run("device", "approve", code.lower().replace("-", " "))[-1]
    equal((got["extension"], got["number"], got["name"], got["state"]), ("101", 2, "Tablet", "active"))
    equal(joining.end(), 0)
    fails(state.ben, 1, "state", "no card is open", "device", "approve", other)


def seen_by_all(state):
    """the ledger has it on every phone, and who has how many devices is shown"""
    for phone in (state.ana, state.ben, state.tablet):
        phone.wait_for("the entry", lambda p=phone: "further" in [e["action"] for e in p.run("ledger")])
        equal([(m["extension"], m["devices"]) for m in phone.run("members")], [("100", 1), ("101", 2)])
        equal([(d["number"], d["name"]) for d in phone.run("device", "list", "101")], [(1, ""), (2, "Tablet")])
    equal([d["this"] for d in state.tablet.run("device", "list")], [False, True])
    code, out, _ = sotto(state.ana, "members", as_json=False)
    true(code == 0 and "2 devices" in out, out)


def both_show_all(state):
    """what one of them sends the other shows as its person's own, and both get what others send"""
    state.tablet.wait_for("the conversation", lambda: state.tablet.run("send", "100", "from the tablet"))
    state.ben.run("send", "100", "from the phone")
    state.ana.run("send", "101", "to both")
    said = [("101", "from the tablet"), ("101", "from the phone"), ("100", "to both")]
    for phone, extension in ((state.ben, "100"), (state.tablet, "100"), (state.ana, "101")):
        phone.wait_for("all three", lambda p=phone, e=extension: set(said) <= set(texts(p, e)))
        equal(notices(phone, extension), [("device", "101", "Tablet")])
    code, out, _ = sotto(state.ana, "read", "101", as_json=False)
    true(code == 0 and '101 has a further device: "Tablet"' in out, out)
    true(("100", "before") not in texts(state.tablet, "100"), "nothing of before is on the new one")


def hands(phone):
    return {(h["gives"], h["device"]): h for h in phone.run("device", "history")}


def handed_over(state):
    """what was said before comes on request, when its person says yes on the old device, and is marked and no news"""
    fails(state.ben, 1, "not_found", "has not asked", "device", "give", "2")
    state.ana.run("send", "101", "unread on the tablet")
    state.tablet.wait_for("the text", lambda: ("100", "unread on the tablet") in texts(state.tablet, "100"))
    state.tablet.run("read", "--new")
    state.ana.run("send", "101", "one that is new")
    state.tablet.wait_for("the newest", lambda: [m["text"] for m in state.tablet.run("search", "one that is new")])
    asked = state.tablet.run("device", "ask")[-1]
    equal((asked["device"], asked["gives"], asked["state"]), (1, False, "asked"))
    state.ben.wait_for("the request", lambda: (True, 2) in hands(state.ben))
    request = hands(state.ben)[True, 2]
    equal((request["name"], request["state"], request["messages"]), ("Tablet", "asked", 0))
    code, out, _ = sotto(state.ben, "device", "history", as_json=False)
    true(code == 0 and "sotto device give 2" in out, out)
    true("before" not in [m.get("text") for m in state.tablet.run("export", "100")], "a request alone brings nothing")
    fails(state.ana, 1, "not_found", "has not asked", "device", "give", "2")
    equal(state.ben.run("device", "give", "2")[-1]["state"], "under_way")
    for phone, key in ((state.tablet, (False, 1)), (state.ben, (True, 2))):
        phone.wait_for("all of it", lambda p=phone, k=key: hands(p)[k]["state"] == "done")
    equal(hands(state.tablet)[False, 1]["messages"], 1)
    messages = [m for m in state.tablet.run("export", "100") if "text" in m]
    # Not read there: it would then be nothing new on the tablet either.
    equal([m["text"] for m in messages], [m["text"] for m in state.ben.run("export", "100") if "text" in m])
    equal([m["text"] for m in messages if m.get("handed")], ["before"])
    equal([m["from"] for m in messages if m.get("handed")], ["100"])
    # What was new is, and nothing else.
    equal([m["text"] for m in state.tablet.run("read", "--new") if "text" in m], ["one that is new"])
    code, out, _ = sotto(state.tablet, "export", "100", as_json=False)
    true(code == 0 and "before  (from your other device)" in out, out)
    fails(state.ben, 1, "not_found", "has got it", "device", "give", "2")
    fails(state.ben, 1, "not_found", "nothing is asked", "device", "stop", "2")


def refused(state):
    """what is asked wrongly is said in words, and changes nothing"""
    before = state.ben.run("device", "list")
    for words in ([], ["frob"], ["add", "a", "b"], ["approve"], ["list", "a", "b"], ["remove"],
                  ["remove", "1", "2", "3"]):
        fails(state.ben, 2, "usage", "usage: sotto device", "device", *words)
    for words in (["list", "1o1"], ["remove", "x", "2"]):
        fails(state.ben, 2, "usage", "an extension is a number", "device", *words)
    for words in (["remove", "Tablet"], ["give", "Tablet"], ["ask", "Tablet"], ["stop", "Tablet"]):
        fails(state.ben, 2, "usage", "a device has a number", "device", *words)
    for words in (["give"], ["stop"], ["ask", "1", "2"], ["history", "1"]):
        fails(state.ben, 2, "usage", "usage: sotto device", "device", *words)
    fails(state.ana, 1, "not_found", "you have no other device", "device", "ask")
    fails(state.ben, 1, "not_found", "no such device of yours", "device", "ask", "7")
    fails(state.ben, 1, "not_found", "no such device of yours", "device", "ask", "0")
    fails(state.ben, 1, "exists", "called so already", "device", "add", "Tablet")
    fails(state.ben, 1, "invalid", "1 to 64 bytes", "device", "add", "a\nb")
    fails(state.ben, 1, "not_found", "no such device", "device", "remove", "7")
    fails(state.ben, 1, "not_found", "nobody has this extension", "device", "list", "177")
    fails(state.ben, 1, "invalid", "not this phone itself", "device", "remove", "1")
    fails(state.ben, 1, "denied", "only its person or an admin", "device", "remove", "100", "1")
    fails(state.ana, 1, "invalid", "somebody's only one", "device", "remove", "1")
    fails(state.tablet, 1, "denied", "only an admin", "invite", "150", "Eve")
    fails(state.ana, 2, "usage", "--devices is 1 to 4", "invite", "--devices", "5", "150", "Eve")
    equal(state.ben.run("device", "list"), before)


def message(phone, extension, text):
    """As it is there, without reading it; or nothing."""
    return ([m for m in phone.run("export", extension) if m.get("text") == text] or [{}])[-1]


def read_on_one(state):
    """what was read on one device is read on the other; who says nothing of reading lets nobody else know"""
    for receipts, text in (("on", "read aloud"), ("off", "read silently")):
        state.ben.run("receipts", receipts)
        state.ana.run("send", "101", text)
        for phone in (state.ben, state.tablet):
            phone.wait_for("the text", lambda p=phone, t=text: message(p, "100", t))
            true("read" not in message(phone, "100", text), "not read yet")
        state.ben.run("read", "100")
        state.tablet.wait_for("the mark", lambda t=text: message(state.tablet, "100", t).get("read"))
        true(text not in [m.get("text") for m in state.tablet.run("read", "100", "--new")], "nothing new there")
    state.ana.wait_for("the receipt", lambda: [p["state"] for p in message(state.ana, "101", "read aloud").get("reached", [])]
                       == ["read"])
    equal(message(state.ana, "101", "read silently").get("reached", []), [])
    state.ben.run("receipts", "on")


def locked(state):
    """a phone that is locked shows no card and approves nobody, and a card that was open is over"""
    asking, card = add(state.ben, "Desk")
    true("invitation" in card, "the card")
    state.ben.run("lock")
    equal(asking.line()["error"], "state")
    asking.end()
    state.ben.run("unlock")
    fails(state.ben, 1, "state", "no card is open", "device", "approve", "AAAAAAAAAAAA")


def lost(state):
    """one that is lost is taken out by the other, and gets nothing any more"""
    out = state.ben.run("device", "remove", "2")[-1]
    equal((out["number"], out["state"]), (2, "revoked"))
    state.tablet.wait_for("its end", lambda: state.tablet.run("status")[-1]["state"] == "revoked")
    state.ana.wait_for("the entry", lambda: "retire" in [e["action"] for e in state.ana.run("ledger")])
    state.ana.run("send", "101", "after")
    state.ben.wait_for("the text", lambda: ("100", "after") in texts(state.ben, "100"))
    true(("100", "after") not in texts(state.tablet, "100"), "what was said later is not on it")
    equal([m["devices"] for m in state.ana.run("members")], [1, 1])
    equal(notices(state.ana, "101"), [("device", "101", "Tablet"), ("device_gone", "101", "Tablet")])


if __name__ == "__main__":
    sys.exit(run([nobody_without_the_code, seen_by_all, both_show_all, handed_over, refused, read_on_one, locked, lost], State))
