# SPDX-License-Identifier: Apache-2.0
"""Whose memory holds which keys, during a call: a debugger reads them where they may be, and they are looked for
in every process. Each key is found where it has to be by the same search."""
import os
import shutil
import sys

from proof import Proof, run, true
from rig import words_of
from sound import Call
from keys import Keys
from search import own_memory, search


class State(Proof):
    """Two phones that have written to each other and are in a call; keys: by phone, name to bytes."""

    call = None

    def prepare(self):
        self.start_relay()
        self.found_with(2)
        ana, ben = self.phones
        ana.run("send", "101", "to the harbour")
        ben.wait_for("the message", lambda: ben.run("read", "100"))
        ben.run("send", "100", "understood")
        self.call = Call(self.folder.name, ana, ben, "101", 60)
        self.keys = {}
        self.own = {}
        for phone in self.phones:
            with Keys(phone.pids()["sotto-agent"], "agent") as keys:
                self.keys[phone] = keys.found
                self.own[phone], _ = search(own_memory(keys.pid), keys.found)
        self.relay_pids = {role(pid): pid for pid in self.relay.pids()}

    def close(self):
        if self.call:
            self.call.end()
        super().close()

    def all_keys(self):
        return {f"{phone.name}'s {name}": key for phone, keys in self.keys.items()
                for name, key in keys.items()}


def role(pid):
    words = words_of(pid)
    return {"--internal-store": "store", "--internal-network": "network"}.get(words[1] if words[1:] else "", "parent")


def hits_in(pid, needles):
    hits, size = search(own_memory(pid), needles)
    print(f"# {size >> 10} KiB of process {pid}: {len(hits)} of {len(needles)} keys found", flush=True)
    true(size > 100000, "there is memory to search")
    return sorted(hits)


def none_in(pid, what, needles):
    found = hits_in(pid, needles)
    true(not found, f"{what} holds {found}")


def agents_hold_them(state):
    """control: every key is found in the memory of its agent, by the search that follows"""
    for phone, keys in state.keys.items():
        for kind in ("person:", "conversation:", "vault:", "call: base key", "call: random"):
            true(any(name.startswith(kind) for name in keys), f"{phone.name} has keys of {kind}")
        missing = sorted(set(keys) - set(state.own[phone]))
        print(f"# {phone.name}: {len(keys)} keys", flush=True)
        true(not missing, f"not found in {phone.name}'s agent: {missing}")


def link_holds_none(state):
    """link and launcher hold no key of a person, a conversation, a vault or a call"""
    for phone in state.phones:
        for program in ("sotto-link", "sotto-launcher"):
            none_in(phone.pids()[program], f"{phone.name}'s {program}", state.all_keys())


def voice_holds_the_calls_only(state):
    """the voice process holds keys of this call, and no other"""
    for phone in state.phones:
        found = hits_in(phone.pids()["sotto-voice"], state.all_keys())
        true(found, "control: the base key of the call")
        true(all("'s call: " in name for name in found), f"voice holds {found}")


def sframe_keys_stay_in_voice(state):
    """what voice derives for its frames is neither in link nor at the relay"""
    pid = state.phones[0].pids()["sotto-voice"]
    with Keys(pid, "voice") as keys:
        derived = {"SFrame": keys.found["call: SFrame sender"]}
    true(hits_in(pid, derived), "control: voice has it")
    for other in [state.phones[0].pids()["sotto-link"], *state.relay.pids()]:
        none_in(other, "another process", derived)


def relay_holds_none(state):
    """no process of the relay holds any key of a phone"""
    for name, pid in state.relay_pids.items():
        none_in(pid, f"the relay's {name} process", state.all_keys())


def relay_key_is_in_the_store(state):
    """the relay's signing key is in its store process only"""
    with Keys(state.relay_pids["store"], "store") as keys:
        seed = {"seed": keys.found["relay: seed"]}
    true(hits_in(state.relay_pids["store"], seed), "control: the store process has it")
    for name in ("network", "parent"):
        none_in(state.relay_pids[name], f"the {name} process", seed)


def access_keys_are_in_the_network(state):
    """what links are opened with is in link and in the relay's network process, and no process else of the relay"""
    link = state.phones[0].pids()["sotto-link"]
    with Keys(link, "link") as keys:
        access = dict(keys.found)
    true(access, "link has an access key")
    true(hits_in(link, access), "control: link")
    true(hits_in(state.relay_pids["network"], access), "control: the network process")
    for name in ("store", "parent"):
        none_in(state.relay_pids[name], f"the {name} process", access)


if os.geteuid() != 0 or not shutil.which("gdb"):
    print("1..0 # SKIP needs root and gdb")
    sys.exit(0)
sys.exit(run([agents_hold_them, link_holds_none, voice_holds_the_calls_only,
              sframe_keys_stay_in_voice, relay_holds_none, relay_key_is_in_the_store,
              access_keys_are_in_the_network], State))
