# SPDX-License-Identifier: Apache-2.0
"""Groups between real processes: made, named, joined, left, and what is said in them."""
import sys

from network import Network, fails, sotto
from tap import equal, run, true


class State(Network):
    def __init__(self):
        super().__init__("ana", "ben", "cleo", "dan")
        self.join()
        self.id = None


def group(phone, name):
    """The group as this phone sees it, or None."""
    found = [g for g in phone.run("group", "list") if g["name"] == name and g["state"] != "out"]
    return found[0] if len(found) == 1 else None


def members(phone, name):
    return {m["extension"]: m["state"] for m in phone.run("group", "show", name)[-1]["members"]}


def is_in(*extensions):
    return dict.fromkeys(extensions, "in")


def create(state):
    """a group is made, and everybody in it sees it and who is in it"""
    made = state.ana.run("group", "create", "Harbour", "101", "102")[-1]
    state.id = made["id"]
    equal((made["name"], made["state"], made["wanted"], made["devices"]), ("Harbour", "in", 0, 3))
    equal([(m["extension"], m["name"]) for m in made["members"]],
          [("100", "Ana"), ("101", "Ben"), ("102", "Cleo")])
    for phone in (state.ben, state.cleo):
        phone.wait_for("the group", lambda p=phone: group(p, "Harbour"))
        equal(group(phone, "Harbour")["id"], state.id)
        equal(members(phone, "Harbour"), is_in("100", "101", "102"))
    equal(state.dan.run("group", "list"), [])


def change(state):
    """any member adds, names and removes, and all see the same"""
    equal({m["extension"]: m["state"] for m in state.ben.run("group", "add", "Harbour", "103")[-1]["members"]},
          is_in("100", "101", "102", "103"))
    state.dan.wait_for("the group", lambda: group(state.dan, "Harbour"))
    equal(state.cleo.run("group", "rename", "Harbour", "Quay – West")[-1]["name"], "Quay – West")
    state.dan.wait_for("the name", lambda: group(state.dan, "Quay – West"))
    state.dan.run("group", "remove", "Quay – West", "101")
    state.ben.wait_for("the end", lambda: state.ben.run("group", "list")[0]["state"] == "out")
    for phone in (state.ana, state.cleo, state.dan):
        phone.wait_for("the change", lambda p=phone: members(p, "Quay – West") == is_in("100", "102", "103"))


def leave(state):
    """who leaves is gone for all, and may be added again"""
    equal(state.cleo.run("group", "leave", "Quay – West")[-1]["state"], "out")
    state.ana.wait_for("his end", lambda: members(state.ana, "Quay – West") == is_in("100", "103"))
    fails(state.cleo, 1, "denied", "not in this group any more", "group", "add", "Quay – West", "101")
    fails(state.cleo, 1, "denied", "not in this group any more", "group", "leave", "Quay – West")
    state.ana.run("group", "add", state.id[:6], "101", "102")
    for phone in (state.ben, state.cleo):
        phone.wait_for("the group", lambda p=phone: group(p, "Quay – West"))
        equal(group(phone, "Quay – West")["id"], state.id)
    state.cleo.run("group", "rename", state.id, "Harbour")
    for phone in state.phones:
        phone.wait_for("the name", lambda p=phone: group(p, "Harbour"))


def offline(state):
    """what is wanted while there is no relay is queued, shown, and comes about by itself"""
    state.relay.end()
    state.ana.wait_for("no link", lambda: not state.ana.run("status")[-1]["connected"])
    made = state.ana.run("group", "remove", "Harbour", "103")[-1]
    equal(made["wanted"], 1)
    equal([m["state"] for m in made["members"] if m["extension"] == "103"], ["going"])
    made = state.ana.run("group", "create", "Pier", "103")[-1]
    equal([m["state"] for m in made["members"]], ["in", "coming"])
    code, out, _ = sotto(state.ana, "group", "show", "Pier", as_json=False)
    true(code == 0 and "103   Dan  (to be added)" in out and "1 change to come" in out, out)
    state.cleo.wait_for("no link", lambda: not state.cleo.run("status")[-1]["connected"])
    equal(state.cleo.run("group", "leave", "Harbour")[-1]["state"], "going")
    code, out, _ = sotto(state.cleo, "group", "list", as_json=False)
    true(code == 0 and '"Harbour"  (4 phones, this phone is leaving)\n' in out, out)
    for words in (["group", "rename", "Harbour", "x"], ["group", "leave", "Harbour"], ["send", "Harbour", "x"]):
        fails(state.cleo, 1, "denied", "leaving", *words)
    state.relay.start()
    state.cleo.wait_for("the end", lambda: state.cleo.run("group", "list")[0]["state"] == "out")
    state.ana.wait_for("two ends", lambda: members(state.ana, "Harbour") == is_in("100", "101"))
    state.dan.wait_for("both", lambda: group(state.dan, "Pier") and not group(state.dan, "Harbour"))
    state.ana.wait_for("both", lambda: members(state.ana, "Pier") == is_in("100", "103"))
    equal([g["wanted"] for g in state.ana.run("group", "list")], [0, 0])
    true(isinstance(state.ana.run("status")[-1]["discarded"], int), "how many came behind another one's")


def named_by(state):
    """a group is named by its name if that is one group's alone, or by its id; what fits several is refused"""
    twin = state.ana.run("group", "create", "Pier")[-1]
    fails(state.ana, 1, "exists", f"{twin['id'][:8]}", "group", "show", "Pier")
    equal(state.ana.run("group", "show", twin["id"][:8])[-1]["id"], twin["id"])
    # Called as the other one's id begins: then that is no name for either, but all of the id is.
    state.ana.run("group", "rename", twin["id"], state.id[:8])
    fails(state.ana, 1, "exists", "2 groups fit", "group", "show", state.id[:8])
    state.ana.run("group", "rename", twin["id"], state.id)
    equal(state.ana.run("group", "show", state.id)[-1]["name"], "Harbour")
    # One that this phone has left has its name still.
    state.ana.run("group", "rename", twin["id"], "Harbour")
    state.ana.run("group", "leave", twin["id"])
    fails(state.ana, 1, "exists", "2 groups fit", "group", "show", "Harbour")


def asked_for(phone):
    """The groups, without what phones change by themselves: who came in renews its path."""
    return [{key: value for key, value in line.items() if key not in ("epoch", "discarded")}
            for line in phone.run("group", "list")]


def refused(state):
    """what is asked wrongly is said in words, and changes nothing"""
    before = asked_for(state.ana)
    for words in ([], ["frob"], ["create"], ["list", "x"], ["show"], ["rename", "Harbour"], ["add", "Harbour"],
                  ["remove", "Harbour"], ["leave", "a", "b"]):
        fails(state.ana, 2, "usage", "usage: sotto group", "group", *words)
    for words in (["create", "x", "1o1"], ["add", state.id, "123456"], ["remove", state.id, "-"]):
        fails(state.ana, 2, "usage", "an extension is a number", "group", *words)
    for words in (["create", "x", "199"], ["add", state.id, "101", "199"], ["remove", state.id, "199"]):
        fails(state.ana, 1, "not_found", "nobody has extension 199", "group", *words)
    fails(state.ana, 1, "not_found", "103 is not in this group", "group", "remove", state.id, "101", "103")
    fails(state.ana, 1, "not_found", "no group of this phone", "group", "show", "Nowhere")
    fails(state.ana, 1, "exists", "its own extension", "group", "add", state.id, "100")
    fails(state.ana, 1, "invalid", "sotto group leave", "group", "remove", state.id, "100")
    fails(state.ana, 1, "invalid", "a number", "group", "create", "123")
    fails(state.ana, 1, "invalid", "a number", "group", "rename", state.id, "12345")
    for name in ("", "a\nb", "x" * 65):
        fails(state.ana, 1, "invalid", "1 to 64 bytes", "group", "create", name)
        fails(state.ana, 1, "invalid", "1 to 64 bytes", "group", "rename", state.id, name)
    equal(asked_for(state.ana), before)
    state.ana.run("revoke", "103")
    fails(state.ana, 1, "denied", "103 is revoked", "group", "add", state.id, "101", "103")


if __name__ == "__main__":
    sys.exit(run([create, change, leave, offline, named_by, refused], State))
