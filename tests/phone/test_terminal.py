# SPDX-License-Identifier: Apache-2.0
"""The sotto command at a terminal of its own: passphrases that are asked for, the code of an invitation, and logs."""
import codecs
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
import zlib

from network import Network
from rig import PASSPHRASE
from tap import equal, run, true

LONGEST_S = 120  # a bound for what never comes, on a machine that is busy
TEXT = "The ferry leaves at a quarter past four"
# Two modules a character: is the upper one dark, is the lower one.
MODULES = {" ": (0, 0), "\u2580": (1, 0), "\u2584": (0, 1), "\u2588": (1, 1)}
PIXELS = 6  # a module, in the picture


class Terminal:
    """A command with a terminal that it controls, as in a window; nothing but the terminal for all three streams."""

    def __init__(self, phone, *words):
        environment = {name: value for name, value in phone.environment.items() if name != "SOTTO_PASSPHRASE_FILE"}
        program, *options = [word for word in phone.command(*words) if word != "--json"]
        self.shown = ""
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")  # a read may end within a character
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.execve(program, [program, *options], environment)

    def look(self, seconds):
        """Reads what is there. False when there will be no more."""
        if not select.select([self.master], [], [], seconds)[0]:
            return True
        try:
            piece = os.read(self.master, 65536)
        except OSError:  # nobody has the other end any more
            return False
        self.shown += self.decoder.decode(piece)
        return bool(piece)

    def wait_for(self, words):
        until = time.monotonic() + LONGEST_S
        while words not in self.shown:
            if not self.look(0.2) or time.monotonic() > until:
                raise AssertionError(f"{words!r} was not shown: {self.shown!r}")

    def answer(self, question, line):
        """Types a line once the question is there and the terminal shows nothing of what is typed."""
        self.wait_for(question)
        until = time.monotonic() + LONGEST_S
        while termios.tcgetattr(self.master)[3] & termios.ECHO:
            true(time.monotonic() < until, "the terminal shows what is typed")
            time.sleep(0.01)
        os.write(self.master, line.encode() + b"\n")

    def end(self):
        """Exit code, and everything that was shown. What the command started may keep the terminal."""
        until = time.monotonic() + LONGEST_S
        code = None
        while code is None:
            self.look(0.1)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid != 0:
                code = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > until:
                raise AssertionError(f"it did not end: {self.shown!r}")
        while select.select([self.master], [], [], 0)[0] and self.look(0):
            pass
        return code, self.shown

    def close(self):
        os.close(self.master)


class State(Network):
    def __init__(self):
        super().__init__("ana", "ben")
        self.card = None


def at_terminal(phone, *words, answers=()):
    """Runs a command to its end; answers: what is typed at which question. Exit code and what was shown."""
    terminal = Terminal(phone, *words)
    try:
        for question, line in answers:
            terminal.answer(question, line)
        return terminal.end()
    finally:
        terminal.close()


def asked_twice(state):
    """a new passphrase is asked for twice, and not shown; two that differ make nothing"""
    found = ["found", "Desk", "--relay", state.relay.name, "--as", "Ana"]
    code, shown = at_terminal(state.ana, *found, answers=[("New passphrase", PASSPHRASE), ("Once more", PASSPHRASE + "!")])
    equal(code, 1, shown)
    true("the two passphrases differ" in shown, f"in words: {shown!r}")
    true(not os.path.exists(os.path.join(state.ana.home, "vault")), "no vault was made")
    code, shown = at_terminal(state.ana, *found, answers=[("New passphrase", PASSPHRASE), ("Once more", PASSPHRASE)])
    equal(code, 0, shown)
    equal((shown.count("assphrase"), shown.count("Once more")), (1, 1), f"questions: {shown!r}")
    true(PASSPHRASE not in shown, f"it is not shown: {shown!r}")
    true("This phone is 100 in Desk." in shown, shown)


def asked_once(state):
    """the passphrase is asked for once when an agent starts, and not while it runs; a wrong one is refused"""
    state.ana.stop()
    code, shown = at_terminal(state.ana, "status", answers=[("Passphrase: ", "not it")])
    equal(code, 1, shown)
    state.ana.stop()
    code, shown = at_terminal(state.ana, "status", answers=[("Passphrase: ", PASSPHRASE)])
    equal((code, shown.count("assphrase"), shown.count("Once more")), (0, 1, 0), f"questions: {shown!r}")
    true("extension  100 (member)" in shown, shown)
    code, shown = at_terminal(state.ana, "status")
    equal((code, shown.count("assphrase")), (0, 0), f"no question: {shown!r}")


def write_png(path, rows):
    """Rows of 0 (light) and 1 (dark) modules, as a grey picture."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    lines = b"".join((b"\0" + b"".join((b"\0" if dark else b"\xff") * PIXELS for dark in row)) * PIXELS for row in rows)
    with open(path, "wb") as out:
        out.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", len(rows[0]) * PIXELS,
                                                                     len(rows) * PIXELS, 8, 0, 0, 0, 0)) +
                  chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b""))


def code_on_the_terminal(state):
    """an invitation's code is shown on a terminal, black on white, and a picture of it joins; a file gets none"""
    code, shown = at_terminal(state.ana, "invite", "101", "Ben")
    equal(code, 0, shown)
    state.card = state.ana.run("invite", "101", "Ben")[-1]["invitation"]
    true(state.card in shown and "For 101, valid until " in shown, shown)
    lines = re.findall("\x1b\\[30;107m(.*?)\x1b\\[0m\r\n", shown)
    true(len(lines) > 20 and len(set(map(len, lines))) == 1, f"a square: {[len(line) for line in lines]}")
    rows = []
    for line in lines:
        rows.append([MODULES[character][0] for character in line])
        rows.append([MODULES[character][1] for character in line])
    picture = os.path.join(state.folder.name, "screen.png")
    write_png(picture, rows)
    equal(state.ben.run("join", "--image", picture)[-1]["extension"], "101", "joined by what the screen showed")
    card = subprocess.run([word for word in state.ana.command("invite", "102", "Cleo") if word != "--json"],
                          env=state.ana.environment, stdout=subprocess.PIPE, text=True, timeout=LONGEST_S, check=True)
    true(re.fullmatch(r"sotto:[A-Z2-7]+\n", card.stdout), f"the text alone: {card.stdout!r}")


def verbose(state):
    """-v shows the log on the terminal, and it names no address, person or extension"""
    terminals = []
    try:
        for phone in (state.ana, state.ben):
            phone.stop()
            terminal = Terminal(phone, "-v", "status")
            terminal.answer("Passphrase: ", PASSPHRASE)
            terminals.append(terminal)
        for terminal in terminals:
            terminal.wait_for("sotto-agent: link up")
        live(state)
        state.relay.kill()
        for terminal in terminals:
            terminal.wait_for("sotto-agent: link down: ")
        # What the command itself answers is no log.
        logs = [line for terminal in terminals for line in terminal.shown.splitlines()
                if re.match("sotto-[a-z]+: ", line)]
        print("# " + "\n# ".join(logs), flush=True)
        true(len(logs) >= 4, "a log of both")
        names = ["Ana", "Ben", "Desk", TEXT, state.card, state.address, *state.address.split(":")]
        for name in names:
            true(not any(name in line for line in logs), f"{name!r} in the log: {logs}")
        true(not any(re.search(r"\b10[01]\b", line) for line in logs), f"an extension in the log: {logs}")
        true(all("sandbox" in terminal.shown or "seccomp" in terminal.shown for terminal in terminals),
             f"what the sandboxes enforce: {[terminal.shown for terminal in terminals]}")
    finally:
        for terminal in terminals:
            terminal.end()
            terminal.close()


def live(state):
    """Something to log: messages, and a call where this build has a voice."""
    state.ana.run("send", "101", TEXT)
    state.ben.wait_for("it", lambda: [m["text"] for m in state.ben.run("read", "100")] == [TEXT])
    if os.path.exists(os.path.join(state.rig.build, "phone/sotto-voice")):
        call = state.ana.start("call", "101")
        state.ben.wait_for("a call", lambda: call.poll() is not None or not state.ben.run("hangup", check=False))
        call.communicate(timeout=LONGEST_S)


sys.exit(run([asked_twice, asked_once, code_on_the_terminal, verbose], State))
