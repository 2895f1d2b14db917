# SPDX-License-Identifier: Apache-2.0
"""What is said in groups, between real processes: by all, in one order, to those who are in it and to nobody else."""
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading

from network import Network, fails, sotto
from tap import equal, run, true


class State(Network):
    def __init__(self):
        super().__init__("ana", "ben", "cleo", "dan")
        self.join()
        self.id = None
        self.ids = {}


def said(phone, *whom):
    """Who said what, and who did what, in the order in which this phone shows it."""
    found = []
    for item in phone.run("read", *whom):
        if "notice" in item:
            found.append(" ".join(filter(None, (item.get("by"), item["notice"], item.get("subject"), item.get("name")))))
        else:
            found.append(f"{item['from']}: {item['text']}")
    return found


def one(phone, text):
    """The message that says this, if it is there once."""
    found = [m for m in phone.run("read") if m.get("text") == text]
    return found[0] if len(found) == 1 else None


def reached(phone, text):
    return {p["extension"]: p["state"] for p in one(phone, text).get("reached", [])}


def all_write(state):
    """all write into it at once, and all see the same in the same order, beside what is one to one"""
    state.id = state.ana.run("group", "create", "Harbour", "101", "102")[-1]["id"]
    for phone in (state.ben, state.cleo):
        phone.wait_for("the group", lambda p=phone: p.run("group", "list"))
    state.ana.run("send", "101", "to you alone")
    state.ben.wait_for("it", lambda: one(state.ben, "to you alone"))
    writers = [phone.start("send", "Harbour", f"{number} by {phone.name}")
               for number in range(3) for phone in (state.ana, state.ben, state.cleo)]
    for writer in writers:
        equal(writer.communicate(timeout=60)[1], "")
        equal(writer.returncode, 0)
    for phone in (state.ana, state.ben, state.cleo):
        phone.wait_for("all of it", lambda p=phone: len([s for s in said(p, "Harbour") if " by " in s]) == 9,
                       seen=lambda p=phone: said(p))
    texts = [[s for s in said(phone, "Harbour") if " by " in s] for phone in (state.ana, state.ben, state.cleo)]
    equal(texts[1], texts[0])
    equal(texts[2], texts[0])
    equal(sorted(texts[0]), sorted(f"10{i}: {n} by {name}" for n in range(3)
                                   for i, name in enumerate(("ana", "ben", "cleo"))))


def never_mistaken(state):
    """a text of a group names the group and no person; one to one it is the other way round"""
    for phone in (state.ana, state.ben):
        for item in phone.run("read", "Harbour"):
            equal(item["group"], {"id": state.id, "name": "Harbour"})
            true("to" not in item and "with" not in item, f"a person in {item}")
        for item in phone.run("read", "100" if phone is state.ben else "101"):
            equal((item["text"], item["to"]), ("to you alone", "101"))
            true("group" not in item, f"a group in {item}")
    code, out, _ = sotto(state.ben, "read", as_json=False)
    true(code == 0 and '100 -> 101  to you alone' in out and '100 -> "Harbour"  0 by ana' in out, out)
    equal(state.dan.run("read"), [])


def who_did_what(state):
    """who added, named, removed and left is shown where it happened; an added one sees nothing of before"""
    state.ben.run("group", "add", "Harbour", "103")
    state.dan.wait_for("the group", lambda: state.dan.run("group", "list"))
    state.dan.run("send", "Harbour", "Hello")
    state.cleo.run("group", "rename", "Harbour", "Quay")
    state.ana.wait_for("the name", lambda: state.ana.run("group", "list")[0]["name"] == "Quay")
    state.ana.run("send", state.id, "Goodbye, Ben")
    state.ben.wait_for("it", lambda: one(state.ben, "Goodbye, Ben"))
    state.ana.run("group", "remove", "Quay", "101")
    state.ben.wait_for("the end", lambda: state.ben.run("group", "list")[0]["state"] == "out")
    state.ana.run("send", "Quay", "Without Ben")
    state.dan.wait_for("it", lambda: one(state.dan, "Without Ben"))
    state.dan.run("group", "leave", "Quay")
    state.cleo.wait_for("his end", lambda: said(state.cleo, "Quay")[-1] == "103 left 103", seen=lambda: said(state.cleo))
    later = ["101 added 103", "103: Hello", "102 named Quay", "100: Goodbye, Ben", "100 removed 101"]
    equal(said(state.dan), [*later, "100: Without Ben", "103 left 103"])
    equal(said(state.ben, "Quay")[-5:], later)
    for phone in (state.ana, state.cleo):
        equal(said(phone, "Quay")[-7:], [*later, "100: Without Ben", "103 left 103"])
    equal(said(state.ana, "Quay")[0], "100 created Harbour")
    equal(sorted(s for s in said(state.ana, "Quay") if "100 added" in s), ["100 added 101", "100 added 102"])
    code, out, _ = sotto(state.ana, "read", "Quay", as_json=False)
    for line in ('100 created "Harbour"', '100 added 101 to "Quay"', '102 named the group "Quay"',
                 '100 removed 101 from "Quay"', '103 left "Quay"'):
        true(code == 0 and f"  *         {line}\n" in out, f"{line} in {out}")


def out_of_it(state):
    """who is not in it reads what he had, and sends nothing there"""
    true("100: Without Ben" not in said(state.ben), "what was said without him")
    for phone in (state.ben, state.dan):
        for words in (["send", "Quay", "x"], ["react", "Quay", one(phone, "Hello")["id"], "x"]):
            fails(phone, 1, "denied", "not in", *words)
    fails(state.ana, 1, "not_found", "no group of this phone", "send", "Nowhere", "x")
    fails(state.ana, 1, "not_found", "no group of this phone", "read", "Nowhere")
    alone = state.ana.run("group", "create", "Alone")[-1]["id"]
    fails(state.ana, 1, "denied", "nobody else is in it", "send", alone, "x")
    state.ana.run("group", "leave", alone)


def per_member(state):
    """how far a message has come is told of each member: who has it, who has read it, who is off"""
    state.ana.run("group", "add", "Quay", "101", "103")
    state.cleo.wait_for("both", lambda: len(state.cleo.run("group", "show", "Quay")[-1]["members"]) == 4)
    for phone in (state.ben, state.dan):
        phone.wait_for("it", lambda p=phone: p.run("group", "list")[0]["state"] == "in")
    state.dan.stop()
    state.ana.run("send", "Quay", "Who is there?")
    state.ben.wait_for("it", lambda: one(state.ben, "Who is there?"))
    state.ana.wait_for("word of two", lambda: reached(state.ana, "Who is there?") == {"101": "read", "102": "delivered"},
                       seen=lambda: reached(state.ana, "Who is there?"))
    equal(one(state.ana, "Who is there?")["state"], "stored")
    code, out, _ = sotto(state.ana, "read", "Quay", as_json=False)
    true(code == 0 and "Who is there?  [stored; with 102; read by 101]" in out, out)
    true("reached" not in one(state.ben, "Who is there?"), "nobody else's way is his business")
    # Off through a change and a text, he comes back to all of it.
    state.cleo.run("group", "rename", "Quay", "Pier")
    state.cleo.run("send", state.id, "Here")
    state.dan.wait_for("what was said", lambda: said(state.dan)[-3:] == ["100: Who is there?", "102 named Pier", "102: Here"],
                       seen=lambda: said(state.dan))
    state.ana.wait_for("word of all", lambda: reached(state.ana, "Who is there?").get("103") == "read" and
                       one(state.ana, "Who is there?")["state"] == "delivered")


def changes(state):
    """replies, edits, reactions and deletions in a group, seen by who follows it, with the notices"""
    state.ben.wait_for("what was said before", lambda: one(state.ben, "Here"))
    follower = state.ben.start("read", state.id[:8], "--new", "--follow")

    def seen():
        return json.loads(follower.stdout.readline())

    state.ids["road"] = state.ana.run("send", "Pier", "Harbor road")[-1]["id"]
    equal(seen()["id"], state.ids["road"])
    state.ana.run("edit", "Pier", state.ids["road"][:8], "Harbour road")
    line = seen()
    equal((line["text"], line["changed"], line["group"]["id"]), ("Harbour road", "edited", state.id))
    state.cleo.wait_for("it", lambda: one(state.cleo, "Harbour road"))
    state.cleo.run("react", "Pier", state.ids["road"], "\U0001f44d")
    equal(seen()["reactions"], [{"from": "102", "reaction": "\U0001f44d"}])
    # Of somebody else's conversation nothing is shown here.
    state.ana.run("send", "101", "you alone again")
    state.cleo.run("send", "Pier", "Which one?", "--reply", state.ids["road"])
    line = seen()
    equal((line["text"], line["reply_to"]), ("Which one?", state.ids["road"]))
    state.ana.run("delete", "Pier", state.ids["road"])
    line = seen()
    equal((line["text"], line["deleted"], line["changed"]), ("", True, "deleted"))
    state.dan.run("group", "rename", "Pier", "Harbour")
    line = seen()
    equal((line["notice"], line["by"], line["name"]), ("named", "103", "Harbour"))
    follower.terminate()
    follower.communicate(timeout=10)
    fails(state.ben, 1, "denied", "not this phone's", "edit", "Harbour", one(state.ben, "Which one?")["id"], "x")
    fails(state.ben, 1, "not_found", "no message of this conversation", "react", "Harbour",
          one(state.ben, "to you alone")["id"], "x")


def found_and_exported(state):
    """search and export take one group, and an export has who did what"""
    equal([m["text"] for m in state.ben.run("search", "GOODBYE")], ["Goodbye, Ben"])
    equal(state.ben.run("search", "you alone", "Harbour"), [])
    equal(len(state.ben.run("search", "you alone", "100")), 2)
    equal(state.ben.run("search", "named"), [])
    path = state.path("group.jsonl")
    equal(sotto(state.ben, "export", "Harbour", "--out", path), (0, "", ""))
    with open(path, encoding="utf-8") as file:
        exported = [json.loads(line) for line in file]
    equal(exported, state.ben.run("read", "Harbour"))
    true({"named", "added", "removed"} <= {i.get("notice") for i in exported} and
         all(i["group"]["id"] == state.id for i in exported), "its notices and nothing else")


def answer_with(server, items):
    """An agent that is open, until it was asked to read; then these are what it has."""
    command = None
    while command != "read":
        connection, _ = server.accept()
        with connection, connection.makefile("rw", encoding="utf-8") as lines:
            for line in lines:
                command = json.loads(line)["command"]
                answers = [{"item": item} for item in items] if command == "read" else []
                for answer in [*answers, {"done": {"vault": "open"} if command == "hello" else {}}]:
                    lines.write(json.dumps(answer) + "\n")
                lines.flush()


def missing_is_said(state):
    """a stretch that is missing is said with its times, in a group and one to one"""
    span = {"since": "2026-11-01T10:00:00.000Z", "until": "2026-11-15T12:30:00.000Z"}
    items = [{"id": "0" * 32, "notice": "missing", "group": {"id": "1" * 32, "name": "Quay"}, **span},
             {"id": "0" * 32, "notice": "missing", "with": "101", **span},
             {"id": "0" * 32, "notice": "removed", "group": {"id": "1" * 32, "name": "\x1b[2J"}, "by": "", "subject": "",
              "at": span["until"]}]
    with tempfile.TemporaryDirectory(prefix="sotto-test-") as home:
        server = socket.socket(socket.AF_UNIX)
        server.bind(os.path.join(home, "control"))
        server.listen()
        thread = threading.Thread(target=answer_with, args=(server, items))
        thread.start()
        done = subprocess.run([os.path.join(state.rig.build, "cli/sotto"), "--home", home, "read"], timeout=60,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
        equal(done.stdout, "2026-11-15 12:30  *         a stretch is missing from 2026-11-01 10:00 to "
              "2026-11-15 12:30 in \"Quay\"\n"
              "2026-11-15 12:30  *         a stretch is missing from 2026-11-01 10:00 to 2026-11-15 12:30 with 101\n"
              "2026-11-15 12:30  *         somebody removed somebody from \"�[2J\"\n")
        thread.join(timeout=30)
        server.close()


if __name__ == "__main__":
    sys.exit(run([all_write, never_mistaken, who_did_what, out_of_it, per_member, changes, found_and_exported,
                  missing_is_said], State))
