# SPDX-License-Identifier: Apache-2.0
"""sottod as a program, speaking TAP: arguments, what it says, status, restarts, the ends of its processes."""
import json
import os
import re
import select
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time

SOTTOD, LINKS = sys.argv[1], sys.argv[2]
NAME = re.compile(r"^relay: (\S+:\d+)#([A-Z2-7]+)$")


class Relay:
    started = []

    def __init__(self, state, listen="127.0.0.1:0", *more):
        self.program = subprocess.Popen([SOTTOD, "--state", state, "--listen", listen, *more], text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        Relay.started.append(self.program)
        self.line = self.program.stdout.readline().rstrip("\n")
        match = NAME.match(self.line)
        self.listen, self.key = match.groups() if match else (None, None)

    def end(self, how=signal.SIGTERM):
        self.program.send_signal(how)
        self.error = self.program.communicate(timeout=20)[1]
        return self.program.returncode

    def children(self):
        path = f"/proc/{self.program.pid}/task/{self.program.pid}/children"
        with open(path, encoding="ascii") as file:
            return [int(pid) for pid in file.read().split()]


def run(*arguments):
    done = subprocess.run([SOTTOD, *arguments], capture_output=True, text=True, timeout=20, check=False)
    return done.returncode, done.stdout, done.stderr


def command_of(pid):
    """Its command line; nothing of a process that has ended meanwhile."""
    try:
        with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


class Skip(Exception):
    """This machine cannot; the text says why."""


def check(condition, what):
    if not condition:
        raise AssertionError(what)


def arguments(state):
    for line in ([], ["--state"], ["--state", state], ["--listen", "127.0.0.1:0"], ["--bogus"],
                 ["--state", state, "--listen", "localhost:0"], ["--state", state, "--listen", "1.2.3.4"],
                 ["--state", state, "--listen", "127.0.0.1:0", "--public", "nowhere"],
                 ["--state", state, "--listen", "127.0.0.1:0", "--store", "tape"],
                 ["status", "--listen", "127.0.0.1:0"], ["status", "--bogus"]):
        code, out, error = run(*line)
        check(code == 2 and out == "" and "usage:" in error, f"{line}: {code} {error}")
    check(run("--help")[0] == 0, "--help")


def clear_errors(state):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        code, _, error = run("--state", state, "--listen", f"127.0.0.1:{taken.getsockname()[1]}")
        check(code == 1 and "port is in use" in error, error)
    code, _, error = run("--state", state, "--listen", "192.0.2.1:4433")
    check(code == 1 and "not an address of this machine" in error, error)
    with open(os.path.join(state, "file"), "w", encoding="ascii"):
        pass
    code, _, error = run("--state", os.path.join(state, "file"), "--listen", "127.0.0.1:0")
    check(code == 1 and "file" in error, error)
    os.chmod(state, 0o777)
    code, _, error = run("--state", state, "--listen", "127.0.0.1:0")
    check(code == 1 and state in error, error)
    os.chmod(state, 0o700)
    code, out, _ = run("status", "--state", state, "--json")
    check(code == 1 and json.loads(out)["error"] == "not_running", out)


def one_at_a_time(state):
    relay = Relay(state)
    code, _, error = run("--state", state, "--listen", "127.0.0.1:0")
    check(code == 1 and "another sottod runs there" in error, error)
    check(relay.end() == 0, "end")


def same_name_until_founded(state):
    first = Relay(state, "127.0.0.1:0", "--public", "relay.example.org:4433")
    check(re.match(r"^relay: relay\.example\.org:4433#[A-Z2-7]+$", first.line), first.line)
    check(first.end() == 0, "end")
    second = Relay(state)
    check(second.key == first.line.split("#")[1], "the key and claim stay")
    done = subprocess.run([LINKS, second.line[len("relay: "):], "--phones", "2", "--records", "4", "--seconds", "1"],
                          capture_output=True, text=True, timeout=60, check=False)
    check(done.returncode == 0, done.stdout + done.stderr)
    check(second.end() == 0, "end")
    third = Relay(state)
    check(third.key is not None and len(third.key) < len(second.key), "the claim is used up")
    status = json.loads(run("status", "--state", state, "--json")[1])
    check(status["key_number"] == 1 and status["records"] == 8, status)
    check(third.end() == 0, "end")


def modes(state):
    relay = Relay(state)
    check(relay.end() == 0, "end")
    for folder, _, names in os.walk(state):
        check(stat.S_IMODE(os.stat(folder).st_mode) == 0o700, folder)
        for name in names:
            check(stat.S_IMODE(os.stat(os.path.join(folder, name)).st_mode) == 0o600, name)


def locked_kib(pid):
    """By the kernel's word."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(re.search(r"^VmLck:\s+(\d+) kB$", file.read(), re.M).group(1))


def memory_keeps_one_file(state):
    relay = Relay(state, "127.0.0.1:0", "--store", "memory")
    done = subprocess.run([LINKS, relay.line[len("relay: "):], "--phones", "2", "--records", "4", "--seconds", "1"],
                          capture_output=True, text=True, timeout=60, check=False)
    check(done.returncode == 0, done.stdout + done.stderr)
    status = json.loads(run("status", "--state", state, "--json")[1])
    check(status["memory_only"] == 1 and status["records"] == 8, status)
    # A user may lock no more than his limit, and a sanitizer's memory is terabytes: status says that it is not.
    may_lock = os.geteuid() == 0 and not any("SANITIZER" in text for text in status["sandboxes"])
    if may_lock:
        check(status["memory_locked"] == 1, status)
        for pid in relay.children():
            check(locked_kib(pid) > 1000, f"{command_of(pid)}: {locked_kib(pid)} KiB are locked")
    else:
        print("# whether its memory is locked was not looked at: needs root, and a build without sanitizers")
    check(os.listdir(os.path.join(state, "store")) == ["relay.state"], "one file")
    check(relay.end() == 0, "end")
    relay = Relay(state, "127.0.0.1:0", "--store", "memory")
    status = json.loads(run("status", "--state", state, "--json")[1])
    check(status["records"] == 0 and status["key_number"] == 1, status)
    check(relay.end() == 0, "end")


def status_in_words(state):
    relay = Relay(state)
    code, out, _ = run("status", "--state", state)
    check(code == 0 and "links that are up" in out and "hours that a record lives" in out, out)
    names = [text.split(":")[0] for text in json.loads(run("status", "--state", state, "--json")[1])["sandboxes"]]
    check(names == ["relay-parent", "relay-store", "relay-net"], names)
    with socket.socket(socket.AF_UNIX) as client:  # what is not the question closes the connection
        client.connect(os.path.join(state, "status"))
        client.sendall(b"who\n")
        check(client.recv(100) == b"", "an answer to another question")
    check(run("status", "--state", state)[0] == 0, "status after that")
    check(relay.end() == 0, "end")


class Forwarder(threading.Thread):
    """Carries packets to one address and back; its connected sockets take answers from no other address."""

    def __init__(self, to):
        super().__init__(daemon=True)
        self.to, self.phones = to, {}
        self.front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.front.bind(("127.0.0.1", 0))
        self.ended = threading.Event()

    def run(self):
        while not self.ended.is_set():
            ready = select.select([self.front, *self.phones.values()], [], [], 0.05)[0]
            for sock in ready:
                if sock is self.front:
                    data, phone = sock.recvfrom(2048)
                    if phone not in self.phones:
                        self.phones[phone] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                        self.phones[phone].connect(self.to)
                    self.phones[phone].send(data)
                else:
                    phone = next(phone for phone, own in self.phones.items() if own is sock)
                    self.front.sendto(sock.recv(2048), phone)


def answers_come_from_the_address_that_was_called(state):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("0.0.0.0", 0))
        port = free.getsockname()[1]
    relay = Relay(state, f"0.0.0.0:{port}", "--public", "relay.example.org:4433")
    forwarder = Forwarder(("127.0.0.5", port))
    forwarder.start()
    done = subprocess.run([LINKS, relay.line[len("relay: "):], "--via", f"127.0.0.1:{forwarder.front.getsockname()[1]}",
                           "--phones", "2", "--records", "4", "--seconds", "1", "--limit", "10"],
                          capture_output=True, text=True, timeout=60, check=False)
    forwarder.ended.set()
    check(done.returncode == 0, done.stdout + done.stderr)
    check(relay.end() == 0, "end")


def over_ipv6(state):
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError as error:
            raise Skip(f"no IPv6 here: {error}") from error
    relay = Relay(state, "[::1]:0")
    check(re.match(r"\[::1\]:\d+$", relay.listen or ""), relay.line)
    done = subprocess.run([LINKS, relay.line[len("relay: "):], "--phones", "2", "--records", "4", "--seconds", "1"],
                          capture_output=True, text=True, timeout=60, check=False)
    check(done.returncode == 0, done.stdout + done.stderr)
    status = json.loads(run("status", "--state", state, "--json")[1])
    check(status["records"] == 8, status)
    check(relay.end() == 0, "end")


def half_a_relay_ends(state):
    for victim in range(2):
        relay = Relay(state)
        children = relay.children()
        check(len(children) == 2, children)
        os.kill(children[victim], signal.SIGKILL)
        error = relay.program.communicate(timeout=20)[1]
        check(relay.program.returncode == 1 and "process ended" in error, error)
    relay = Relay(state)
    children = relay.children()
    check(relay.end(signal.SIGKILL) == -signal.SIGKILL, "kill")
    time.sleep(0.5)
    for pid in children:  # they die with their parent
        check(not os.path.exists(f"/proc/{pid}") or "sottod" not in command_of(pid), f"process {pid} is left behind")


def an_older_state_is_not_served(state):
    relay = Relay(state)
    path = os.path.join(state, "store", "relay.state")
    with open(path, "rb") as file:
        before = file.read()
    done = subprocess.run([LINKS, relay.line[len("relay: "):], "--phones", "1", "--records", "2", "--seconds", "1"],
                          capture_output=True, text=True, timeout=60, check=False)
    check(done.returncode == 0, done.stdout + done.stderr)
    check(relay.end() == 0, "end")
    with open(path, "wb") as file:
        file.write(before)
    code, out, error = run("--state", state, "--listen", "127.0.0.1:0")
    check(code == 1 and out == "" and "older" in error, error)
    with open(path, "r+b") as file:
        file.seek(40)
        file.write(b"\0\0\0\0")
    code, out, error = run("--state", state, "--listen", "127.0.0.1:0")
    check(code == 1 and out == "" and "sealed file" in error, error)


def a_saved_state_is_kept(state):
    """A stop between "saved" and "kept" leaves a state that is newer than what the parent keeps."""
    relay = Relay(state)
    done = subprocess.run([LINKS, relay.line[len("relay: "):], "--phones", "1", "--records", "2", "--seconds", "1"],
                          capture_output=True, text=True, timeout=60, check=False)
    check(done.returncode == 0, done.stdout + done.stderr)
    check(relay.end() == 0, "end")
    path = os.path.join(state, "generation")
    with open(path, "rb") as file:
        newest = file.read()
    check(int.from_bytes(newest, "big") > 1, newest)
    with open(path, "wb") as file:
        file.write((int.from_bytes(newest, "big") - 1).to_bytes(8, "big"))
    relay = Relay(state)  # when it is ready what it serves is kept
    check(relay.key is not None, "it serves the newer one")
    with open(path, "rb") as file:
        seen = file.read()
    check(seen == newest, f"{seen} is kept, and {newest} is served")
    check(relay.end() == 0, "end")


def main():
    tests = [arguments, clear_errors, one_at_a_time, same_name_until_founded, modes, memory_keeps_one_file,
             status_in_words, answers_come_from_the_address_that_was_called, over_ipv6,
             half_a_relay_ends, a_saved_state_is_kept,
             an_older_state_is_not_served]
    print(f"1..{len(tests)}")
    for number, test in enumerate(tests, 1):
        state = tempfile.mkdtemp(prefix="sottod-test-")
        try:
            test(state)
            print("ok", number, "-", test.__name__, flush=True)
        except Skip as why:
            print("ok", number, "-", test.__name__, "# SKIP", why, flush=True)
        except Exception as error:  # pylint: disable=broad-except
            print("#", type(error).__name__, str(error).replace("\n", "\n# "))
            print("not ok", number, "-", test.__name__, flush=True)
        finally:
            for program in Relay.started:  # of a test that failed in the middle
                if program.poll() is None:
                    program.kill()
                    program.wait()
            Relay.started.clear()
            shutil.rmtree(state, ignore_errors=True)


main()
