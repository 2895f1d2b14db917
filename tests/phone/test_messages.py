# SPDX-License-Identifier: Apache-2.0
"""What happens to messages after they were sent: answered, edited, deleted, read, found, exported. Real processes."""
import json
import os
import stat
import sys

from network import Network, fails, sotto
from tap import equal, run, true

TEXT_MAX = 65536  # TALK_TEXT_MAX of talk/schema.h


class State(Network):
    def __init__(self):
        super().__init__("ana", "ben")
        self.ids = {}


def messages(phone, *arguments):
    return phone.run("read", *arguments)


def one(phone, text):
    """The message that says this, if it is there once."""
    found = [m for m in messages(phone) if m["text"] == text]
    return found[0] if len(found) == 1 else None


def network(state):
    """two phones"""
    state.ana.run("found", "Field desk", "--relay", state.relay.name, "--as", "Ana")
    card = state.ana.run("invite", "101", "Ben")[-1]["invitation"]
    state.ben.run("join", card)


def reply(state):
    """a reply names the message that it answers, by the first digits of its id"""
    state.ids["where"] = state.ana.run("send", "101", "Where?")[-1]["id"]
    state.ben.wait_for("it", lambda: one(state.ben, "Where?"))
    state.ben.run("send", "100", "Here.", "--reply", state.ids["where"][:6])
    state.ana.wait_for("the answer", lambda: one(state.ana, "Here."))
    for phone in (state.ana, state.ben):
        equal(one(phone, "Here.")["reply_to"], state.ids["where"])
        true("reply_to" not in one(phone, "Where?"), "which answers nothing")


def read_state(state):
    """who has read it is told, and nothing of it when receipts are off"""
    def readers():
        return [(p["extension"], p["state"]) for p in one(state.ana, "Where?").get("reached", [])]
    state.ana.wait_for("the receipt", lambda: readers() == [("101", "read")])
    equal(state.ben.run("receipts", "off")[-1], {"receipts": False})
    true(state.ben.run("status")[-1]["receipts"] is False, "status says so")
    state.ana.run("send", "101", "Unseen?")
    state.ben.wait_for("it", lambda: one(state.ben, "Unseen?"))
    equal(state.ben.run("receipts", "on")[-1], {"receipts": True})
    state.ana.run("send", "101", "Seen?")
    state.ben.wait_for("it", lambda: one(state.ben, "Seen?"))
    state.ana.wait_for("its receipt", lambda: one(state.ana, "Seen?").get("reached"))
    true("reached" not in one(state.ana, "Unseen?"), "the one before was read in silence")


def edit_and_react(state):
    """an edit is shown to both, and reactions come, change and go; who follows sees it"""
    follower = state.ben.start("read", "100", "--new", "--follow")
    state.ids["road"] = state.ana.run("send", "101", "Harbor road")[-1]["id"]
    line = json.loads(follower.stdout.readline())
    equal((line["text"], line.get("changed")), ("Harbor road", None))
    state.ana.run("edit", "101", state.ids["road"], "Harbour road")
    line = json.loads(follower.stdout.readline())
    equal((line["text"], line["edited"], line["changed"]), ("Harbour road", True, "edited"))
    state.ana.run("react", "101", state.ids["road"], "\U0001f44d\U0001f3fd")
    line = json.loads(follower.stdout.readline())
    equal(line["reactions"], [{"from": "100", "reaction": "\U0001f44d\U0001f3fd"}])
    state.ben.run("react", "100", state.ids["road"], "?")
    equal(len(json.loads(follower.stdout.readline())["reactions"]), 2)
    state.ana.run("react", "101", state.ids["road"])
    equal(json.loads(follower.stdout.readline())["reactions"], [{"from": "101", "reaction": "?"}])
    follower.terminate()
    follower.communicate(timeout=10)
    state.ana.wait_for("the reaction", lambda: one(state.ana, "Harbour road").get("reactions")
                       == [{"from": "101", "reaction": "?"}])
    true(one(state.ana, "Harbor road") is None, "what it said before is gone")


def delete(state):
    """what is taken back is gone on both phones, and only its author does that"""
    state.ids["slip"] = state.ana.run("send", "101", "a slip of the tongue")[-1]["id"]
    state.ben.wait_for("it", lambda: one(state.ben, "a slip of the tongue"))
    fails(state.ben, 1, "denied", "not this phone's", "delete", "100", state.ids["slip"])
    fails(state.ben, 1, "denied", "not this phone's", "edit", "100", state.ids["slip"], "x")
    state.ana.run("delete", "101", state.ids["slip"])
    for phone in (state.ana, state.ben):
        phone.wait_for("its end", lambda p=phone: [m for m in messages(p) if m["id"] == state.ids["slip"]][0]
                       .get("deleted"))
        true(one(phone, "a slip of the tongue") is None, "its text is gone")
    fails(state.ana, 1, "exists", "deleted", "edit", "101", state.ids["slip"], "again")
    fails(state.ben, 1, "exists", "deleted", "react", "100", state.ids["slip"], "!")


def ids_in_words(state):
    """what is no id, or no message's, or several messages', is said in words"""
    for digits in ("abc", "xyz12", "A" * 8, "0" * 33, ""):
        fails(state.ana, 2, "usage", "first 4 to 32 digits", "edit", "101", digits, "x")
    fails(state.ana, 1, "not_found", "no message of this conversation begins with",
          "send", "101", "x", "--reply", "0123456789abcdef0123456789abcdef")
    fails(state.ana, 1, "not_found", "nobody has extension 199", "react", "199", state.ids["road"], "x")
    fails(state.ana, 1, "not_found", "no group of this phone", "delete", "ben", state.ids["road"])
    fails(state.ana, 1, "limit", "a reaction 40", "react", "101", state.ids["road"], "x" * 41)
    for reaction in ("+1", "\U0001f44d\U0001f44d", "\u0301", " "):
        fails(state.ana, 1, "invalid", "a reaction is one character", "react", "101", state.ids["road"], reaction)
    fails(state.ana, 2, "usage", "usage: sotto receipts", "receipts", "maybe")
    fails(state.ana, 2, "usage", "no such option", "read", "--reply", "x")


def from_stdin(state):
    """- takes the text from standard input, up to 64 KiB, and says what is wrong with it"""
    code, out, _ = sotto(state.ana, "send", "101", "-", stdin="zwei\nZeilen ✓\n".encode())
    equal((code, json.loads(out)["state"]), (0, "stored"))
    state.ben.wait_for("it", lambda: one(state.ben, "zwei\nZeilen ✓"))
    longest = ("0123456789abcdef" * (TEXT_MAX // 16)).encode()
    equal(sotto(state.ana, "send", "101", "-", stdin=longest)[0], 0)
    state.ben.wait_for("all of it", lambda: one(state.ben, longest.decode()))
    fails(state.ana, 1, "limit", "65536", "send", "101", "-", stdin=longest + b"x")
    for wrong in (b"", b"\n", b"\xff\xfe", b"a\0b"):
        fails(state.ana, 2, "usage", "UTF-8", "send", "101", "-", stdin=wrong)


def search(state):
    """search finds what is said now, without regard to case, and not what was"""
    equal([m["text"] for m in state.ben.run("search", "HARBOUR")], ["Harbour road"])
    equal([m["text"] for m in state.ben.run("search", "harbour", "100")], ["Harbour road"])
    equal(state.ben.run("search", "Harbor road"), [])
    equal(state.ben.run("search", "slip of the"), [])
    equal(len(state.ben.run("search", "✓")), 1)
    fails(state.ben, 2, "usage", "search for what", "search", "")
    fails(state.ben, 1, "not_found", "199", "search", "x", "199")


def export(state):
    """export writes all of a conversation in its order, whole or not at all, for its user alone"""
    all_of_it = messages(state.ben)
    state.ana.run("send", "101", "unread still")
    state.ben.wait_for("it", lambda: len(state.ben.run("export")) == len(all_of_it) + 1)
    path = state.path("said.jsonl")
    equal(sotto(state.ben, "export", "--out", path), (0, "", ""))
    with open(path, encoding="utf-8") as file:
        exported = [json.loads(line) for line in file]
    equal(stat.S_IMODE(os.stat(path).st_mode), 0o600)
    equal(exported[:len(all_of_it)], all_of_it)
    equal(exported[-1]["text"], "unread still")
    equal([m["text"] for m in messages(state.ben, "--new")], ["unread still"])
    code, out, _ = sotto(state.ben, "export", "100", as_json=False)
    true(code == 0 and out.count("\n") > len(all_of_it) and "Harbour road (edited)" in out
         and "(deleted)" in out and f"(to {state.ids['where'][:8]})" in out, f"for people: {out[:600]!r}")
    # Nothing is made where the conversation is not there, and what stood there before stays.
    fails(state.ben, 1, "not_found", "199", "export", "199", "--out", path)
    with open(path, encoding="utf-8") as file:
        equal(len(file.readlines()), len(exported))
    fails(state.ben, 1, "not_found", "199", "export", "199", "--out", state.path("none"))
    fails(state.ben, 1, "file", "no/where", "export", "--out", state.path("no/where"))
    equal([n for n in os.listdir(state.folder.name) if "said" in n or "none" in n], ["said.jsonl"])


if __name__ == "__main__":
    sys.exit(run([network, reply, read_state, edit_and_react, delete, ids_in_words, from_stdin, search, export],
                 State))
