# SPDX-License-Identifier: Apache-2.0
"""Phones and relays that do not belong together: refused or silent, and the phone says what it may be."""
import base64
import datetime
import hashlib
import os
import re
import subprocess
import sys

from proof import Proof, run, true
from rig import Failed, Relay
from tap import equal

# "no answer" is one sentence for all that is silent: a stranger is not told which it was.
SILENT = ("relay is off", "clock is wrong", "access has ended")


class State(Proof):
    """Ana's network at one relay; then another relay at the same address, which knows nothing of her."""

    other = None

    def prepare(self):
        self.start_relay()
        self.found()
        self.ana = self.phones[0]
        self.eve = self.rig.phone("eve")
        self.name_before = self.relay.name
        self.relay.end()
        address = self.name_before.split("#")[0]
        folder = self.rig.folder
        self.rig.folder = os.path.join(folder, "other")
        os.mkdir(self.rig.folder)
        self.other = Relay(self.rig, address, address)
        self.rig.folder = folder

    def close(self):
        if self.other:
            self.other.end()
        super().close()


def parts(name):
    """Address, key and claim of what a relay printed."""
    address, text = name.split("#")
    content = base64.b32decode(text + "=" * (-len(text) % 8))[:-4]
    return address, content[:32], content[32:]


def whole(address, key, claim):
    content = key + claim
    content += hashlib.sha256(content).digest()[:4]
    return f"{address}#{base64.b32encode(content).decode().rstrip('=')}"


def found_with(phone, relay):
    """What `sotto found` says: exit code, and its words."""
    done = subprocess.run(phone.command("found", "Desk", "--relay", relay, "--as", "Eve"),
                          env=phone.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=90, check=False)
    return done.returncode, done.stderr.strip()


def link_words(phone):
    """What status says about the link that is not there; nothing while it knows nothing, or before there is a vault."""
    try:
        return phone.run("status")[-1]["problems"]
    except Failed:
        return []


def says_its_time(words):
    """Who is silent may be so because this phone's clock is wrong: the words say what it shows, RFC 3339 in UTC."""
    found = re.search(r"this phone's clock says (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3})Z", words)
    true(found, f"its time: {words}")
    said = datetime.datetime.fromisoformat(found.group(1) + "+00:00")
    off = abs(datetime.datetime.now(datetime.timezone.utc) - said)
    true(off < datetime.timedelta(minutes=5), f"it is now: {words}")


def another_networks_phone(state):
    """a phone of another network gets no answer, and says what that may be"""
    words = state.ana.wait_for("words about the link", lambda: [
        text for text in link_words(state.ana) if "no answer" in text], 30)
    true(not state.ana.run("status")[-1]["connected"], "no link")
    print(f"# {words}", flush=True)
    true(all(part in words[0] for part in SILENT), "what it may be")
    says_its_time(words[0])
    saw = state.other.status()
    equal((saw["links"], saw["handshakes"]), (0, 0), "links and handshakes")
    true(saw["unanswered"] > 0, "it knocked")


def wrong_access_key(state):
    """founding with a claim that is not this relay's gets no answer"""
    address, key, claim = parts(state.other.name)
    equal(whole(address, key, claim), state.other.name, "control: taken apart and put together")
    code, words = found_with(state.eve, whole(address, key, bytes(32 * [7])))
    print(f"# {words}", flush=True)
    equal(code, 1)
    true(all(part in words for part in SILENT), f"what it may be: {words}")
    says_its_time(words)
    equal(state.other.status()["handshakes"], 0, "handshakes")


def wrong_relay_key(state):
    """founding with another relay's key is refused, and the words say that it is not this relay"""
    address, _, claim = parts(state.other.name)
    _, key_of_before, _ = parts(state.name_before)
    mallory = state.rig.phone("mallory")
    found = mallory.start("found", "Desk", "--relay", whole(address, key_of_before, claim), "--as",
                          "Mallory")
    words = mallory.wait_for("words about the link", lambda: [
        text for text in link_words(mallory) if "not its relay" in text], 30)
    print(f"# {words}", flush=True)
    true("clock" not in words[0], "no time where it is not what may be wrong")
    found.terminate()
    found.communicate(timeout=20)
    true(not mallory.run("status")[-1]["connected"], "no link")
    equal(state.other.status()["key_number"], 0, "nothing was founded")


def right_one(state):
    """control: with the right key and claim a network is founded there"""
    zoe = state.rig.phone("zoe")
    code, words = found_with(zoe, state.other.name)
    equal((code, words), (0, ""))


sys.exit(run([another_networks_phone, wrong_access_key, wrong_relay_key, right_one], State))
