# SPDX-License-Identifier: Apache-2.0
"""What `make install` puts where, and that programs find each other there.

usage: test_installed.py PREFIX
"""
import os
import re
import subprocess
import sys
import tempfile

SOURCE = os.environ["SOTTO_SOURCE"]
BUILD = os.environ["SOTTO_BUILD"]
sys.path[:0] = [os.path.join(SOURCE, "tools", "rig"), os.path.dirname(os.path.abspath(__file__))]
from rig import children_of, name_of, words_of  # noqa: E402
from tap import equal, run, true  # noqa: E402

PREFIX = sys.argv[1]
UNITS = {"lib/systemd/user/sotto.service": "libexec/sotto/sotto-launcher",
         "lib/systemd/system/sottod.service": "bin/sottod"}
MANUALS = ["man1/sotto.1", "man1/mls-peer.1", "man1/mls-vectors.1", "man3/libsotto-mls.3", "man8/sottod.8", "man8/sotto-launcher.8"]


class State:
    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="sotto-installed-")
        self.root = self.folder.name + "/root"
        self.home = self.folder.name + "/home"
        passphrase = self.folder.name + "/passphrase"
        with open(passphrase, "w", encoding="ascii") as out:
            out.write("correct horse battery staple\n")
        # PATH leads to none of our programs.
        self.environment = {"PATH": "/usr/bin:/bin", "SOTTO_HOME": self.home,
                            "SOTTO_PASSPHRASE_FILE": passphrase}

    def close(self):
        if os.path.exists(self.path("bin/sotto")):
            self.sotto("stop")
        self.folder.cleanup()

    def path(self, name):
        return os.path.join(self.root + PREFIX, name)

    def sotto(self, *words):
        return subprocess.run([self.path("bin/sotto"), *words], env=self.environment, timeout=60, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, check=False)


def installs(state):
    """meson install fills a folder"""
    subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", state.root], check=True,
                   stdout=subprocess.DEVNULL)
    for name in ("sotto", "sottod", "mls-peer", "mls-vectors"):
        true(os.access(state.path("bin/" + name), os.X_OK), f"{name} is in bin")
    installed = sorted(os.listdir(state.path("libexec/sotto")))
    built = sorted(name for folder in ("phone", "cards") for name in os.listdir(os.path.join(BUILD, folder))
                   if name.startswith("sotto-") and "." not in name)
    equal(installed, built, "programs of the phone")


def manuals(state):
    """every manual is there"""
    for name in MANUALS:
        true(os.path.exists(state.path("share/man/" + name)), name)
    equal(len(MANUALS), len([name for name in os.listdir(os.path.join(SOURCE, "man")) if name[-1].isdigit()]),
          "manuals")


def units(state):
    """the units start what is installed"""
    for unit, program in UNITS.items():
        with open(state.path(unit), encoding="utf-8") as text:
            started = re.findall(r"^ExecStart=(?:/bin/sh -c 'exec )?(\S+)", text.read(), re.M)
        equal(started, [os.path.join(PREFIX, program)], unit)
        true(os.access(state.root + started[0], os.X_OK), f"{started[0]} is there")


def home_of_the_unit(state):
    """the user unit's phone lives where sotto looks for it"""
    with open(state.path("lib/systemd/user/sotto.service"), encoding="utf-8") as text:
        command = re.search(r"^ExecStart=/bin/sh -c '(.*)'$", text.read(), re.M).group(1)
    # As systemd reads it; the launcher's place is taken by one that says what it was given.
    shell = re.sub(r"^exec \S+", "printf '%s\\\\n'", command.replace("$$", "$"))
    true(shell != command, "control: the program was replaced")
    given = state.folder.name + "/elsewhere"
    for environment, home in (({}, f"{given}/.local/share/sotto"), ({"XDG_DATA_HOME": f"{given}/data"}, f"{given}/data/sotto"),
                              ({"XDG_DATA_HOME": f"{given}/data", "SOTTO_HOME": f"{given}/a b"}, f"{given}/a b")):
        environment = {"PATH": "/usr/bin:/bin", "HOME": given, **environment}
        started = subprocess.run(["/bin/sh", "-c", shell], env=environment, check=True, text=True, capture_output=True)
        equal(started.stdout.splitlines(), ["--home", home], "what the unit starts")
        done = subprocess.run([state.path("bin/sotto"), "status"], env=environment, text=True, check=False,
                              stdin=subprocess.DEVNULL, capture_output=True)
        true(f"there is no phone in {home} yet" in done.stderr, f"where sotto looks: {done.stderr!r}")
        subprocess.run([state.path("bin/sotto"), "stop"], env=environment, check=False, capture_output=True)


def version(state):
    """sotto --version"""
    done = state.sotto("--version")
    equal(done.returncode, 0, f"exit, which said {done.stderr!r}")
    true(re.search(r"\d+\.\d+\.\d+", done.stdout), f"a version: {done.stdout!r}")


def no_phone_yet(state):
    """sotto status says in words that there is no phone yet"""
    done = state.sotto("status")
    equal(done.returncode, 1, "exit")
    true(done.stderr.startswith("sotto: ") and len(done.stderr) > 20, f"words: {done.stderr!r}")


def processes(state):
    """the processes of a phone that is made there are the installed ones"""
    relay = subprocess.Popen([state.path("bin/sottod"), "--state", state.folder.name + "/relay", "--listen",
                              "127.0.0.1:0"], stdout=subprocess.PIPE, text=True, env=state.environment)
    try:
        name = relay.stdout.readline().strip().removeprefix("relay: ")
        done = state.sotto("found", "Desk", "--relay", name, "--as", "Ana")
        equal(done.returncode, 0, f"exit of found, which said {done.stderr!r}")
        for pid in phone_processes(state):
            true(os.readlink(f"/proc/{pid}/exe").startswith(state.path("libexec/sotto/")), f"process {pid}")
    finally:
        state.sotto("stop")
        relay.terminate()
        relay.communicate(timeout=20)


def phone_processes(state):
    """Launcher, agent and link. A process that is not dumpable shows its program to root alone."""
    for entry in filter(str.isdigit, os.listdir("/proc")):
        if name_of(entry) != "sotto-launcher":
            continue
        if state.home not in words_of(entry):
            continue
        found = children_of(int(entry))
        equal(sorted(map(name_of, found)), ["sotto-agent", "sotto-launcher", "sotto-link"])
        return found if os.geteuid() == 0 else []
    raise AssertionError("a phone runs")


sys.exit(run([installs, manuals, units, home_of_the_unit, version, no_phone_yet, processes], State))
