# SPDX-License-Identifier: Apache-2.0
"""What a broken client may send to the agent: each is answered or closed, and the agent goes on."""
import json
import os
import socket
import subprocess
import sys
import tempfile
import time

SOURCE = os.environ["SOTTO_SOURCE"]
sys.path[:0] = [os.path.join(SOURCE, "tools", "rig"), os.path.dirname(os.path.abspath(__file__))]
from control import Control, ask, pipe_with  # noqa: E402
from rig import PASSPHRASE, Rig, children_of, name_of  # noqa: E402
from tap import equal, run, true  # noqa: E402

LINE_MAX = 512 * 1024
CLIENTS_MAX = 64

WRONG_TYPES = [None, 0, 1, -1, 2 ** 62, 1.5, [], {}, [["101"]], {"a": "101"}, True, "", "x" * 70000,
               "101x", "é" * 40, "000", "-1", "1e3", "123456"]

# Every command with arguments that are right, and of which type each argument is.
COMMANDS = {
    "hello": {}, "lock": {}, "members": {}, "ledger": {}, "status": {}, "hangup": {},
    "create": {}, "open": {}, "unlock": {}, "passphrase": {},
    "found": {"name": "N", "relay": "R", "as": "A", "digits": 3},
    "addresses": {"relay": "h:1", "addresses": ["127.0.0.1:1"]},
    "invite": {"extension": "177", "name": "N"},
    "join": {"invitation": "sotto:x", "wait": False},
    "revoke": {"extension": "177"},
    "send": {"to": "177", "text": "t"},
    "read": {"with": "177", "new": True, "follow": False},
    "group_create": {"name": "N"}, "group_list": {}, "group_show": {"group": "G"},
    "group_rename": {"group": "G", "name": "N"}, "group_leave": {"group": "G"},
    "device_add": {}, "device_approve": {"code": "C"}, "device_list": {}, "device_remove": {"number": 1},
    "device_ask": {}, "device_give": {"number": 2}, "device_stop": {"number": 2}, "device_history": {},
    "group_add": {"group": "G", "members": ["177"]}, "group_remove": {"group": "G", "members": ["177"]},
    "call": {"to": "177", "for": 1, "mic": False, "speaker": False},
    "answer": {"wait": False, "for": 1, "mic": False, "speaker": False},
}


class State:
    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="sotto-control-")
        self.build = os.environ["SOTTO_BUILD"]
        self.home = os.path.join(self.folder.name, "phone")
        # Not by the command: nobody waits for its word, and descriptor 3 is not open.
        self.launcher = self.launch()
        until = time.monotonic() + 30
        # The socket is there before the agent is.
        while not (os.path.exists(os.path.join(self.home, "control")) and self.agent_pid()):
            true(time.monotonic() < until and self.launcher.poll() is None, "the launcher runs")
            time.sleep(0.05)
        self.agent = self.agent_pid()
        self.rig = None

    def launch(self):
        return subprocess.Popen([os.path.join(self.build, "phone/sotto-launcher"), "--home",
                                 self.home], stderr=subprocess.DEVNULL)

    def agent_pid(self):
        return [pid for pid in children_of(self.launcher.pid) if name_of(pid) == "sotto-agent"]

    def survived(self, what):
        answer = ask(self.home, {"command": "hello"})
        true(answer is not None and "done" in answer, f"an answer after {what}: {answer}")
        equal(self.agent_pid(), self.agent, f"the agent's pid after {what}")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.agent[0]}/fd"))

    def has_closed_all_but(self, count):
        """What a client left behind is closed soon after it."""
        until = time.monotonic() + 10
        while self.descriptors() > count:
            true(time.monotonic() < until, f"{self.descriptors()} descriptors, {count} before")
            time.sleep(0.1)

    def close(self):
        if self.rig is not None:
            self.rig.__exit__()
        self.launcher.terminate()
        self.launcher.wait(timeout=30)
        self.folder.cleanup()


def error_of(answer):
    return (answer or {}).get("error")


def last_line(control):
    """Of a command: behind whatever there was to show."""
    line = control.line()
    while line is not None and "item" in line:
        line = control.line()
    return line


def second_launcher(state):
    """a second launcher in the same home ends, whoever started the first"""
    state.survived("its start")
    equal(state.launch().wait(timeout=30), 1)
    state.survived("a second launcher")


def before_the_vault(state):
    """before there is a vault every command answers, and those that need one say so"""
    for name, arguments in COMMANDS.items():
        answer = ask(state.home, {"command": name, **arguments})
        if name in ("hello", "status"):
            equal(answer["done"]["vault"], "none")
        else:
            true(error_of(answer) in ("state", "usage"), f"{name}: {answer}")
    state.survived("commands without a vault")


def garbage_lines(state):
    """what is not one JSON object is refused, and the connection can go on"""
    lines = [b"", b"{", b"[]", b"0", b"null", b'"hello"', b"{}", b'{"command":1}', b'{"command":null}',
             b'{"command":{}}', b'{"command":"\\u0000"}', b'{"command":"hello"', b"\xff\xfe",
             b'{"command":"\xff"}', b'{"command":"hello","command":"hello"}', b"{'command':'hello'}",
             b'{"command":"hello"} {"command":"hello"}', b"NaN", b'{"a":1e999999}',
             b'{"a":-99999999999999999999}', b"[" * 100000, b'{"a":' * 50000, b" " * 100000,
             b'{"command":"' + "é".encode() * 200 + b'"}', b'{"command":"a' + "é".encode() * 200 + b'"}',
             b'"' + "é".encode() * 5000, b'{"command":"hello\xc3']
    with Control(state.home) as control:
        for line in lines:
            control.send(line + b"\n")
            answer = control.line()
            true(error_of(answer) in ("malformed", "unsupported"), f"{line[:40]!r}: {answer}")
    state.survived("garbage")


def zero_and_long_lines(state):
    """a line with a 0 byte or longer than the limit ends its connection"""
    for data in (b'{"command":"hel\0lo"}\n', b"\0", b"x" * (2 * LINE_MAX), b"{" * (LINE_MAX + 2) + b"\n"):
        with Control(state.home) as control:
            control.send(data + b"\n")
            equal(control.line(), None, repr(data[:20]))
    with Control(state.home) as control:
        text = b'{"command":"hello","x":"' + b"y" * (LINE_MAX - 60) + b'"}\n'
        control.send(text)
        equal(error_of(control.line()), "usage", "the longest line is read")
    state.survived("lines of every length")


def many_lines_at_once(state):
    """a thousand commands in one write are answered one by one"""
    with Control(state.home) as control:
        control.send(b'{"command":"hello"}\n' * 1000)
        for _ in range(1000):
            true("done" in control.line(), "each is answered")
    for cut in range(1, 20):
        with Control(state.home) as control:
            control.send(b'{"command":"hello"}\n'[:cut])
            time.sleep(0.002)
            control.send(b'{"command":"hello"}\n'[cut:])
            true("done" in control.line(), f"cut at {cut}")
    state.survived("pieces")


def wrong_types(state):
    """each argument of each command with each wrong type is an error, as is one that is unknown"""
    for name, arguments in COMMANDS.items():
        for argument, right in list(arguments.items()) + [("unknown", None)]:
            for wrong in WRONG_TYPES:
                if type(wrong) is type(right) and argument not in ("to", "with", "extension",
                                                                   "addresses", "members"):
                    continue
                if argument in ("addresses", "members") and wrong == []:
                    continue
                if argument == "for" and isinstance(wrong, (int, float)):
                    continue
                answer = ask(state.home, {"command": name, **arguments, argument: wrong})
                equal(error_of(answer), "usage", f"{name} with {argument} {str(wrong)[:20]!r}")
    for name, arguments in COMMANDS.items():
        for argument in arguments:
            if argument in ("digits", "wait", "with", "new", "follow", "for", "mic", "speaker"):
                continue
            rest = {key: value for key, value in arguments.items() if key != argument}
            equal(error_of(ask(state.home, {"command": name, **rest})), "usage",
                  f"{name} without {argument}")
    for name in ("send", "read"):
        answer = ask(state.home, {"command": name, **COMMANDS[name], "group": "G"})
        equal(error_of(answer), "usage", f"{name} with a person and a group")
    state.survived("wrong types")


def descriptors_missing_and_superfluous(state):
    """descriptors where none belong, of the wrong kind or too many are refused and closed"""
    null = os.open("/dev/null", os.O_RDWR)
    folder = os.open("/", os.O_RDONLY)
    ends = socket.socketpair()
    before = state.descriptors()
    for name, arguments in COMMANDS.items():
        for given in ([null], [null, folder], [null] * 3, [null] * 4, [folder], [ends[0].fileno()],
                      [ends[0].fileno()] * 2):
            answer = ask(state.home, {"command": name, **arguments}, given)
            true(error_of(answer) in ("usage", "state", "exists") or
                 (name == "open" and answer == {"done": {"vault": "open"}}),
                 f"{name} with {given}: {answer}")
    for given in ([null] * 5, [null] * 50):
        with Control(state.home) as control:
            control.say({"command": "hello"}, given)
            equal(control.line(), None, f"{len(given)} descriptors")
    with Control(state.home) as control:
        control.send(b'{"comm', [null])
        control.send(b'and":"hello"}\n', [null])
        control.line()
    for command in ("call", "answer"):
        for flags in ({"mic": True}, {"mic": True, "speaker": True}):
            answer = ask(state.home, {"command": command, "to": "101", **flags})
            true(error_of(answer) in ("usage", "state"), f"{command} without its files")
    state.has_closed_all_but(before)
    for descriptor in (null, folder):
        os.close(descriptor)
    state.survived("descriptors")


def passphrase_pipes(state):
    """a pipe that is not closed, empty, too long or not readable is refused at once"""
    reading, writing = os.pipe()
    os.write(writing, b"half")
    started = time.monotonic()
    for command in ("create", "open", "unlock"):
        for given in ([reading], [writing], [], [pipe_with(b"")], [pipe_with(b"x" * 60000)]):
            answer = ask(state.home, {"command": command}, given)
            equal(error_of(answer), "usage", f"{command} {given}")
    true(time.monotonic() - started < 20, "nothing waited")
    os.close(reading)
    os.close(writing)
    equal(os.path.exists(os.path.join(state.home, "vault")), False, "a vault")
    state.survived("pipes")


def many_connections(state):
    """a hundred connections at once are served or closed, and leave nothing behind"""
    before = state.descriptors()
    connections = []
    for _ in range(100):
        try:
            connections.append(Control(state.home, 10))
        except (BlockingIOError, ConnectionError, socket.timeout):
            time.sleep(0.05)
    answered = 0
    for control in connections:
        try:
            answered += bool(control.say({"command": "hello"}) and control.line())
        except BrokenPipeError:
            pass
    true(answered >= CLIENTS_MAX - 1, f"{answered} were answered")
    for control in connections:
        control.close()
    state.has_closed_all_but(before)
    state.survived("a hundred connections")


def make_and_open(state):
    """the vault is made once, opened with its passphrase, locked and unlocked"""
    equal(ask(state.home, {"command": "create"}, [pipe_with(PASSPHRASE.encode())])["done"],
          {"vault": "open"})
    equal(error_of(ask(state.home, {"command": "create"}, [pipe_with(b"other")])), "exists")
    equal(ask(state.home, {"command": "lock"})["done"], {"vault": "locked"})
    for name, arguments in COMMANDS.items():
        if name in ("hello", "status", "lock", "unlock", "open", "create", "passphrase"):
            continue
        equal(error_of(ask(state.home, {"command": name, **arguments})), "state", name)
    equal(error_of(ask(state.home, {"command": "unlock"})), "usage")
    equal(error_of(ask(state.home, {"command": "unlock"}, [pipe_with(b"wrong")])), "denied")
    equal(ask(state.home, {"command": "unlock"}, [pipe_with(PASSPHRASE.encode())])["done"],
          {"vault": "open"})
    equal(error_of(ask(state.home, {"command": "passphrase"}, [pipe_with(b"wrong")])), "usage")
    state.survived("a vault")


def open_but_no_network(state):
    """an open phone of no network answers every command"""
    for name, arguments in COMMANDS.items():
        if name in ("lock", "hello", "open", "unlock", "status", "create", "passphrase"):
            continue
        answer = ask(state.home, {"command": name, **arguments})
        true(answer is not None, f"{name}")
    wrong_types(state)
    descriptors_missing_and_superfluous(state)


def found_a_network(state):
    """the phone founds a network"""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    state.rig = Rig(state.build, os.path.join(state.folder.name, "rig"))
    relay = state.rig.start_relay(address, address)
    for digits in (0, 2, 6, 259, -1, 2 ** 40):
        answer = ask(state.home, {"command": "found", "name": "N", "relay": relay.name, "as": "A",
                                  "digits": digits})
        equal(error_of(answer), "invalid", f"{digits} digits")
    for name in ("", "x" * 5000):
        answer = ask(state.home, {"command": "found", "name": name, "relay": relay.name, "as": "A"})
        equal(error_of(answer), "invalid", f"a name of {len(name)}")
    answer = ask(state.home, {"command": "found", "name": "Desk", "relay": relay.name, "as": "Ana"})
    equal(answer["done"]["extension"], "100")
    state.survived("founding")


def member_with_nonsense(state):
    """a member's phone answers every command, right or wrong"""
    for name, arguments in COMMANDS.items():
        if name in ("lock", "answer", "found", "join", "device_add"):
            continue
        answer = ask(state.home, {"command": name, **arguments})
        true(answer is not None, f"{name}")
    for to in ("100", "199", "99999"):
        true(error_of(ask(state.home, {"command": "call", "to": to})) is not None, f"call {to}")
        true(error_of(ask(state.home, {"command": "send", "to": to, "text": "x"})) is not None,
             f"send {to}")
    wrong_types(state)
    descriptors_missing_and_superfluous(state)


def disconnects(state):
    """a client that leaves at any moment leaves nothing behind"""
    before = state.descriptors()
    waiting = [{"command": "read", "follow": True}, {"command": "answer", "wait": True},
               {"command": "invite", "extension": "150", "name": "Gone"},
               {"command": "members"}, {"command": "ledger"}, {"command": "status"},
               {"command": "send", "to": "150", "text": "x"}, {"command": "call", "to": "150"},
               {"command": "device_add", "name": "Gone"}, {"command": "revoke", "extension": "150"}]
    for command in waiting:
        data = json.dumps(command).encode() + b"\n"
        for cut in (1, len(data) // 2, len(data) - 1, len(data)):
            for wait in (0, 0.02):
                control = Control(state.home)
                control.send(data[:cut])
                time.sleep(wait)
                control.close()
    state.has_closed_all_but(before)
    state.survived("disconnects")


def lock_ends_what_waits(state):
    """a lock ends what waits for messages or a ring"""
    waiting = [Control(state.home) for _ in range(2)]
    waiting[0].say({"command": "answer", "wait": True})
    waiting[1].say({"command": "read", "follow": True})
    time.sleep(0.3)
    equal(ask(state.home, {"command": "lock"})["done"], {"vault": "locked"})
    for control in waiting:
        equal(error_of(last_line(control)), "state")
        control.close()
    ask(state.home, {"command": "unlock"}, [pipe_with(PASSPHRASE.encode())])
    state.survived("a lock")


def second_line_while_waiting(state):
    """a second line while a command is under way is refused and ends the connection"""
    for command in ({"command": "answer", "wait": True}, {"command": "read", "follow": True}):
        with Control(state.home) as control:
            control.say(command)
            control.say({"command": "hello"})
            equal(error_of(last_line(control)), "state")
            equal(control.line(), None)
    state.survived("a second line")


def does_not_read(state):
    """a client that asks and never reads is closed, and the agent's memory stays bounded"""
    with Control(state.home) as control:
        control.socket.settimeout(2)
        data = b'{"command":"status"}\n' * 1000
        try:
            for _ in range(100):
                if not control.send(data):
                    break
        except socket.timeout:
            pass
        state.survived("a client that does not read")
    with open(f"/proc/{state.agent[0]}/status", encoding="ascii") as status:
        resident = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
    if "asan" not in os.environ.get("SOTTO_TEST_BUILD", ""):
        true(resident < 400000, f"{resident} KiB resident")


CASES = [second_launcher, before_the_vault, garbage_lines, zero_and_long_lines, many_lines_at_once,
         wrong_types, descriptors_missing_and_superfluous, passphrase_pipes, many_connections,
         make_and_open, open_but_no_network, found_a_network, member_with_nonsense, disconnects,
         lock_ends_what_waits, second_line_while_waiting, does_not_read]

sys.exit(run(CASES, State))
