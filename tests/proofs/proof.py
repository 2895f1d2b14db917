# SPDX-License-Identifier: Apache-2.0
"""What the proofs share: a relay and phones in a folder of their own, all real processes of this build."""
import os
import socket
import sys
import tempfile

SOURCE = os.environ["SOTTO_SOURCE"]
sys.path[:0] = [os.path.join(SOURCE, "tools", "rig"), os.path.join(SOURCE, "tests", "phone")]
from rig import Rig  # noqa: E402
from tap import run, true  # noqa: E402,F401

PEOPLE = [("100", "Ana"), ("101", "Ben"), ("102", "Chiyo")]


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Proof:
    """The state of a story; each proof says in prepare what it needs, and in close what has to end."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="sotto-proof-")
        self.rig = Rig(os.environ["SOTTO_BUILD"], self.folder.name)
        self.relay = None
        self.proxy = None
        self.phones = []
        try:
            self.prepare()
        except BaseException:
            self.close()
            raise

    def prepare(self):
        pass

    def close(self):
        self.rig.__exit__()
        self.folder.cleanup()

    def start_relay(self, proxy=None):
        """proxy: arguments of udp-proxy, through which phones then reach the relay."""
        port = free_port()
        if proxy is not None:
            self.proxy = self.rig.start_proxy(port, *proxy)
        address = f"127.0.0.1:{port}"
        self.relay = self.rig.start_relay(address, self.proxy.address if self.proxy else address)

    def found(self):
        ana = self.rig.phone("ana")
        ana.run("found", "Desk", "--relay", self.relay.name, "--as", PEOPLE[0][1])
        self.phones = [ana]

    def found_with(self, count):
        """A network of so many phones, which all know each other."""
        self.found()
        for extension, name in PEOPLE[1:count]:
            phone = self.rig.phone(name.lower())
            card = self.phones[0].run("invite", extension, name)[-1]
            phone.run("join", card["invitation"], timeout=120)
            self.phones.append(phone)
        for phone in self.phones:
            phone.wait_for("the roster", lambda p=phone: len(
                [m for m in p.run("members") if m["state"] == "active"]) == count)
