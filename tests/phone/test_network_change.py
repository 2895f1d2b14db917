# SPDX-License-Identifier: Apache-2.0
"""A phone whose network changes under it notices, opens new sockets and is there again, without any command.

    street: relay 10.80.0.1, Ana         house: Ben
        street-a 10.81.0.1  ----------   house-a 10.81.0.2
        street-b 10.82.0.1  ----------   house-b 10.82.0.2

Both are network namespaces, made here inside a user namespace of their own; skipped where that is not allowed. That
Ben is there is what Ana sees: her message is delivered.
"""
import os
import subprocess
import sys
import time

SOURCE = os.environ["SOTTO_SOURCE"]
sys.path[:0] = [os.path.join(SOURCE, "tests", "proofs"), os.path.dirname(os.path.abspath(__file__))]
from proof import Proof, free_port  # noqa: E402
from rig import Phone  # noqa: E402
from tap import equal, run, true  # noqa: E402

INSIDE = "SOTTO_TEST_INSIDE"
RELAY = "10.80.0.1"
AWAY_S = 6
LIMIT_S = 15  # for a machine that has other work; how long it takes is printed


def ip(*words):
    subprocess.run(["ip", *words], check=True)


class HousePhone(Phone):
    """Every command of it runs in the house, and so do the processes that the first one starts."""

    def __init__(self, rig, name, house):
        super().__init__(rig, name, None, rig.build)
        self.house = house
        rig.phones.append(self)

    def command(self, *arguments):
        return ["nsenter", "--target", str(self.house), "--net", "--", *super().command(*arguments)]


class State(Proof):
    def __init__(self):
        super().__init__()
        ip("link", "set", "lo", "up")
        ip("address", "add", RELAY, "dev", "lo")
        self.holder = subprocess.Popen(["unshare", "--net", "cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        while os.readlink(f"/proc/{self.holder.pid}/ns/net") == os.readlink("/proc/self/ns/net"):
            time.sleep(0.01)
        self.in_house("link", "set", "lo", "up")
        for way, net in (("a", "10.81.0"), ("b", "10.82.0")):
            ip("link", "add", f"street-{way}", "type", "veth", "peer", "name", f"house-{way}", "netns",
               str(self.holder.pid))
            ip("address", "add", f"{net}.1/24", "dev", f"street-{way}")
            ip("link", "set", f"street-{way}", "up")
            self.in_house("address", "add", f"{net}.2/24", "dev", f"house-{way}")
        self.way = None
        self.ana = None
        self.ben = None
        self.said = 0

    def close(self):
        super().close()
        self.holder.stdin.close()
        self.holder.wait(10)

    def in_house(self, *words):
        subprocess.run(["nsenter", "--target", str(self.holder.pid), "--net", "--", "ip", *words], check=True)

    def go(self, way):
        """The house's only way from now on; None: there is none."""
        if self.way is not None:
            self.in_house("link", "set", f"house-{self.way}", "down")
        self.way = way
        if way is not None:
            self.in_house("link", "set", f"house-{way}", "up")
            self.in_house("route", "replace", "default", "via", "10.81.0.1" if way == "a" else "10.82.0.1")

    def ports(self):
        """Of the UDP sockets in the house: all of them are the link process'."""
        table = subprocess.run(["nsenter", "--target", str(self.holder.pid), "--net", "--", "cat", "/proc/net/udp"],
                               capture_output=True, text=True, check=True).stdout
        return {line.split()[1].split(":")[1] for line in table.splitlines()[1:]}

    def follows(self, way):
        """Goes that way, and sees that the phone does."""
        before = self.ports()
        self.go(way)
        began = time.monotonic()
        self.ben.wait_for("new sockets", lambda: self.ports() - before, LIMIT_S)
        self.delivered_within(LIMIT_S)
        print(f"# delivered {(time.monotonic() - began) * 1000:.0f} ms after the change", flush=True)

    def delivered_within(self, seconds):
        """Ben's phone has what Ana writes now."""
        self.said += 1
        began = time.monotonic()
        sent = self.ana.run("send", "101", f"message {self.said}")[-1]["id"]
        while time.monotonic() < began + seconds:
            if [m["state"] for m in self.ana.run("read", "101") if m["id"] == sent] == ["delivered"]:
                return
            time.sleep(0.02)
        raise AssertionError(f"nothing was delivered within {seconds} s")


def starts(state):
    """a phone in the house joins by one way"""
    port = free_port()
    state.relay = state.rig.start_relay(f"{RELAY}:{port}", f"{RELAY}:{port}")
    state.go("a")
    state.ana = state.rig.phone("ana")
    state.ben = HousePhone(state.rig, "ben", state.holder.pid)
    state.ana.run("found", "Desk", "--relay", state.relay.name, "--as", "Ana")
    card = state.ana.run("invite", "101", "Ben")[-1]
    state.ben.run("join", card["invitation"], timeout=120)
    state.delivered_within(20)


def follows_changes(state):
    """three times its way changes, and it follows"""
    for way in ("b", "a", "b"):
        state.follows(way)


def comes_back(state):
    """control: without any way nothing is delivered; it is there when one comes"""
    state.go(None)
    try:
        state.delivered_within(AWAY_S)
    except AssertionError:
        state.follows("a")
        return
    raise AssertionError("delivered to a house without a way")


def nothing_is_lost(state):
    """every message arrived once"""
    wanted = [f"message {n}" for n in range(1, state.said + 1)]
    state.ben.wait_for("all of them", lambda: len(state.ben.run("read", "100")) >= len(wanted))
    equal([m["text"] for m in state.ben.run("read", "100")], wanted)
    true(state.ben.run("status")[-1]["connected"], "connected")


CASES = [starts, follows_changes, comes_back, nothing_is_lost]


def main():
    if INSIDE in os.environ:
        return run(CASES, State)
    own = ["unshare", "--user", "--map-root-user", "--net", "--"]
    if subprocess.run([*own, "unshare", "--net", "ip", "link"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                      check=False).returncode != 0:
        print("1..0 # SKIP no network namespaces here")
        return 0
    os.execvpe(own[0], [*own, sys.executable, os.path.abspath(__file__)], {**os.environ, INSIDE: "1"})


sys.exit(main())
