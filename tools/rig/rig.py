# SPDX-License-Identifier: Apache-2.0
"""A relay, a bad network and phones, as separate processes in separate homes: what demo and tests drive.

Every process that is started here is ended by its id when the rig is left.
"""
import json
import os
import signal
import socket
import subprocess
import time

PASSPHRASE = "correct horse battery staple"


class Failed(Exception):
    """Something did not happen that should have; the text is for people."""


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def stat_of(pid):
    """What the system says of a process behind its name: state, parent, and so on (proc(5)); None when it has ended."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            return stat.read().rsplit(")", 1)[1].split()
    except (OSError, IndexError):
        return None


def processor_s(pid):
    """What it has used so far, its ended children not counted."""
    fields = stat_of(pid)
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") if fields else 0.0


def children_of(pid):
    """Ids of a process and everything below it."""
    found = [pid]
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        fields = stat_of(entry)
        if fields and int(fields[1]) == pid:
            found += children_of(int(entry))
    return found


def alive(pid):
    """Not ended; one that nobody has waited for has."""
    fields = stat_of(pid)
    return bool(fields) and fields[0] != "Z"


def words_of(pid):
    """Its command line; at least one word, which is empty for a process that has ended, or is just doing so."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as cmdline:
            return cmdline.read().decode(errors="replace").rstrip("\0").split("\0")
    except OSError:
        return [""]


def name_of(pid):
    return os.path.basename(words_of(pid)[0])


class Rig:
    def __init__(self, build, folder):
        self.build = os.path.abspath(build)
        self.folder = os.path.abspath(folder)
        os.makedirs(self.folder, exist_ok=True)
        self.phones = []
        self.relay = None
        self.proxy = None
        self.prefix = []  # words before every command of a phone or relay: as whom it runs
        self.passphrase_file = os.path.join(self.folder, "passphrase")
        with open(self.passphrase_file, "w", encoding="ascii") as out:
            out.write(PASSPHRASE + "\n")

    def program(self, path):
        return os.path.join(self.build, path)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for phone in self.phones:
            phone.stop()
        if self.proxy:
            self.proxy.end()
        if self.relay:
            self.relay.end()

    def start_proxy(self, *arguments):
        self.proxy = Proxy(self, *arguments)
        return self.proxy

    def start_relay(self, *arguments):
        self.relay = Relay(self, *arguments)
        return self.relay

    def phone(self, name, environment=None, build=None):
        """build: the folder of another build, whose programs this phone runs."""
        phone = Phone(self, name, environment, build or self.build)
        self.phones.append(phone)
        return phone


class Proxy:
    """The bad network. Phones know its address; the relay is behind it."""

    def __init__(self, rig, relay_port, *arguments):
        self.process = subprocess.Popen(
            [rig.program("tools/udp-proxy"), "--listen", "127.0.0.1:0", "--relay",
             f"127.0.0.1:{relay_port}", "--seed", "1", *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        ready = self.process.stdout.readline().split()
        if len(ready) != 2 or ready[0] != "ready":
            raise Failed("the proxy did not start")
        self.address = ready[1]

    def say(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def report(self):
        self.say("report")
        return json.loads(self.process.stdout.readline())

    def end(self):
        if self.process.poll() is None:
            self.say("quit")
            self.process.wait(timeout=10)


class Relay:
    def __init__(self, rig, listen, public, *arguments):
        self.rig = rig
        self.state = os.path.join(rig.folder, "relay")
        self.command = [*rig.prefix, rig.program("relay/sottod"), "--state", self.state, "--listen", listen,
                        "--public", public, *arguments]
        self.process = None
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline().strip()
        if not line.startswith("relay: "):
            raise Failed(f"sottod did not start: {line!r}")
        self.name = line[len("relay: "):]

    def pids(self):
        return children_of(self.process.pid)

    def status(self):
        """What the relay says of itself: counters."""
        done = subprocess.run([*self.rig.prefix, self.rig.program("relay/sottod"), "status", "--state", self.state,
                               "--json"], stdout=subprocess.PIPE, text=True, timeout=60, check=True)
        return json.loads(done.stdout)

    def kill(self, *pids):
        """These of its processes, or all of them at once, with -9; back when every one is gone, and with it the port."""
        there = self.pids()
        for pid in pids or there:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait(timeout=20)
        until = time.monotonic() + 10
        while any(alive(pid) for pid in there):
            if time.monotonic() > until:
                raise Failed("a process of the relay did not end with the others")
            time.sleep(0.01)

    def end(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=20)


class Phone:
    def __init__(self, rig, name, environment, build):
        self.rig = rig
        self.build = build
        self.name = name
        self.home = os.path.join(rig.folder, name)
        self.environment = {**os.environ, "SOTTO_HOME": self.home,
                            "SOTTO_PASSPHRASE_FILE": rig.passphrase_file, **(environment or {})}

    def command(self, *arguments):
        return [*self.rig.prefix, os.path.join(self.build, "cli/sotto"), "--json", *arguments]

    def run(self, *arguments, timeout=120, check=True):
        """The objects that the command printed, one a line."""
        done = subprocess.run(self.command(*arguments), env=self.environment, timeout=timeout,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if check and done.returncode != 0:
            raise Failed(f"{self.name}: sotto {' '.join(arguments)}: exit {done.returncode}: "
                         f"{done.stderr.strip()}")
        return [json.loads(line) for line in done.stdout.splitlines() if line]

    def start(self, *arguments):
        return subprocess.Popen(self.command(*arguments), env=self.environment,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def stop(self):
        subprocess.run(self.command("stop"), env=self.environment, timeout=30, check=False,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def wait_for(self, what, condition, seconds=60, seen=None):
        """Asks until the condition holds for what the commands show. The bound is for what will never come about, on a
        machine that is busy with other things; seen() says what there was instead."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            value = condition()
            if value:
                return value
            time.sleep(0.2)
        there = f"; there was {seen() if seen else value!r}"
        raise Failed(f"{self.name}: {what} did not come about in {seconds} s{there}")

    def pids(self):
        """Its processes by program: launcher, agent, link, and voice or ringer while they run."""
        found = {}
        for entry in os.listdir("/proc"):
            if entry.isdigit() and name_of(entry) == "sotto-launcher" and self.home in words_of(entry):
                for pid in children_of(int(entry)):
                    found[name_of(pid)] = pid
        return found
