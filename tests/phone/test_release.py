# SPDX-License-Identifier: Apache-2.0
"""sotto verify-release, and what a phone says of what it runs. Releases are packed by tools/release.py's own functions: a small one
to bend, and what this build installs, with a manifest, for a phone that lives in it.

usage: test_release.py PREFIX
"""
import hashlib
import json
import os
import shutil
import subprocess
import sys

SOURCE = os.environ["SOTTO_SOURCE"]
BUILD = os.environ["SOTTO_BUILD"]
sys.path[:0] = [os.path.join(SOURCE, "tools"), os.path.dirname(os.path.abspath(__file__))]
import release  # noqa: E402
from network import Network, fails, sotto  # noqa: E402
from rig import Phone  # noqa: E402
from tap import equal, run, true  # noqa: E402

PREFIX = sys.argv[1]
VERSION = "7.8.9"
MACHINE = "x86_64-linux-gnu"
NOBODY_NAMES = "the ledger names no release at all"
UNNAMED = "runs something that no entry of the ledger names"
FILES = {"bin/sotto": (b"#!/bin/sh\nexit 0\n", 0o755), "share/doc/word": (b"harbour\n", 0o644), "share/doc/none": (b"", 0o644)}


class InstalledPhone(Phone):
    """The command of an installation, and so the launcher and the agent there."""

    def command(self, *arguments):
        return [self.build + "/bin/sotto", "--json", *arguments]


class State(Network):
    def __init__(self):
        super().__init__("ana")
        self.join()
        self.root = self.path("root") + PREFIX
        self.installed = InstalledPhone(self.rig, "ben", None, self.root)
        self.rig.phones.append(self.installed)

    def pack(self, name, change=None):
        """A release of FILES; change(folder) is done to it after its manifest was made. Its path, and its hash."""
        folder = self.path(name)
        for path, (data, mode) in FILES.items():
            os.makedirs(os.path.dirname(os.path.join(folder, path)), exist_ok=True)
            with open(os.path.join(folder, path), "wb") as file:
                file.write(data)
            os.chmod(os.path.join(folder, path), mode)
        os.symlink("word", os.path.join(folder, "share/doc/link"))
        text = release.manifest_of(folder, VERSION, MACHINE)
        release.put_manifest(folder, text)
        if change is not None:
            change(folder)
        with open(folder + ".tar", "wb") as out:
            out.write(release.tar_of(folder, 1))
        return folder + ".tar", hashlib.sha256(text).hexdigest()

    def bent(self, name, old, new):
        """The same, with other bytes in the tar."""
        path, _ = self.pack(name)
        with open(path, "rb") as file:
            data = file.read()
        true(old in data, f"{old} is there")
        with open(path, "wb") as file:
            file.write(data.replace(old, new, 1))
        return path


def append(name, data):
    def change(folder):
        with open(os.path.join(folder, name), "ab") as file:
            file.write(data)
    return change


def good(state):
    """a good tar, and its manifest alone, are what they say; and no entry of the ledger names them"""
    tar, digest = state.pack("good")
    for path, checked in ((tar, True), (state.path("good/" + release.MANIFEST), False)):
        code, out, errors = sotto(state.ana, "verify-release", path)
        equal(code, 1, "exit")
        facts, failure = map(json.loads, out.splitlines())
        equal(facts, {"version": VERSION, "architecture": MACHINE, "files": 4, "files_checked": checked, "hash": digest}, path)
        equal(failure["error"], "not_found", "the error")
        true(NOBODY_NAMES in errors, errors)
    code, out, errors = sotto(state.ana, "verify-release", tar, as_json=False)
    true(code == 1 and f"sotto {VERSION} for {MACHINE}: 4 files, each as the manifest says" in out and digest in out, out)
    true(NOBODY_NAMES in errors, errors)


def system_tar_reads_it(state):
    """tar(1) unpacks it to the same files, modes and links"""
    tar, _ = state.pack("system")
    out = state.path("unpacked")
    os.mkdir(out)
    subprocess.run(["tar", "-xpf", tar, "-C", out], check=True)
    equal(release.manifest_of(out, VERSION, MACHINE), release.manifest_of(state.path("system"), VERSION, MACHINE), "manifest")


def other_bytes(state):
    """one byte changed, in a file or of its mode: the file is named"""
    path = state.bent("byte", b"harbour", b"harbous")
    fails(state.ana, 1, "forged", f"share/doc/word in {path} is not what its manifest says", "verify-release", path)
    tar, _ = state.pack("longer", append("bin/sotto", b"\n"))
    fails(state.ana, 1, "forged", "bin/sotto in", "verify-release", tar)
    tar, _ = state.pack("mode", lambda folder: os.chmod(os.path.join(folder, "bin/sotto"), 0o644))
    fails(state.ana, 1, "forged", "has another mode", "verify-release", tar)


def missing(state):
    """a file is missing; so is the manifest"""
    tar, _ = state.pack("missing", lambda folder: os.remove(os.path.join(folder, "share/doc/word")))
    fails(state.ana, 1, "forged", "share/doc/word is missing", "verify-release", tar)
    tar, _ = state.pack("bare", lambda folder: os.remove(os.path.join(folder, release.MANIFEST)))
    fails(state.ana, 1, "malformed", f"has no {release.MANIFEST}", "verify-release", tar)


def too_much(state):
    """a file too much"""
    tar, _ = state.pack("more", append("libexec", b"x"))
    fails(state.ana, 1, "forged", "its manifest does not name it", "verify-release", tar)


def escapes(state):
    """a path that leads out of the prefix; a link that does"""
    for name, old, new in (("up", b"share/doc/word", b"../../../aword"), ("root", b"share/doc/word", b"/etc/shadow-xx")):
        path = state.bent(name, old, new)
        fails(state.ana, 1, "malformed", "neither a release nor", "verify-release", path)

    def link(folder):
        os.remove(os.path.join(folder, "share/doc/link"))
        os.symlink("/etc/passwd", os.path.join(folder, "share/doc/link"))
    tar, _ = state.pack("link", link)
    fails(state.ana, 1, "malformed", "neither a release nor", "verify-release", tar)


def no_release(state):
    """what is no release, no file, or too large a one"""
    with open(state.path("empty"), "wb"):
        pass
    fails(state.ana, 1, "malformed", "neither a release nor", "verify-release", state.path("empty"))
    fails(state.ana, 1, "malformed", "neither a release nor", "verify-release", sys.executable)
    fails(state.ana, 1, "file", "not found", "verify-release", state.path("nothing"))
    fails(state.ana, 1, "file", "", "verify-release", "/dev/zero")
    with open(state.path("large"), "wb") as file:
        file.truncate(64 * 1024 * 1024 + 1)
    fails(state.ana, 1, "file", "limit", "verify-release", state.path("large"))
    fails(state.ana, 2, "usage", "verify-release", "verify-release")
    with open(state.path("later"), "wb") as file:
        file.write(b"sotto-release 2 0.1.0 x86_64\n")
    fails(state.ana, 1, "version", "later form", "verify-release", state.path("later"))


def running_a_build(state):
    """a phone of a build folder runs what has no manifest: said, and no problem where the ledger names no release"""
    status = state.ana.run("status")[-1]
    equal(status["release"], {"state": "unknown"}, "release")
    equal([words for words in status["problems"] if "release" in words or "runs" in words], [], "problems")
    code, out, _ = sotto(state.ana, "status", as_json=False)
    true(code == 0 and UNNAMED.removeprefix("runs ") in out, out)


def running_a_release(state):
    """a phone of an installation with a manifest says which hash it runs"""
    subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", state.path("root")], check=True,
                   stdout=subprocess.DEVNULL)
    text = release.manifest_of(state.root, VERSION, MACHINE)
    release.put_manifest(state.root, text)
    card = state.ana.run("invite", "101", "Ben")[-1]["invitation"]
    state.installed.run("join", card)
    equal(state.installed.run("status")[-1]["release"], {"state": "unnamed", "hash": hashlib.sha256(text).hexdigest()}, "release")
    fails(state.installed, 1, "not_found", NOBODY_NAMES, "verify-release", os.path.join(state.root, release.MANIFEST))


def problems(phone):
    return [words for words in phone.run("status")[-1]["problems"] if "runs" in words]


def named(state):
    """an admin names it: the entry, who signed it, and that this phone runs it; what runs and is not named is a problem now"""
    manifest = os.path.join(state.root, release.MANIFEST)
    fails(state.installed, 1, "denied", "only an admin", "name-release", manifest)
    said = state.ana.run("name-release", manifest)[-1]
    equal((said["number"], said["version"], said["signers"], said["newest"], said["below_minimum"], said["running"]),
          (1, VERSION, [{"extension": "100", "name": "Ana"}], True, False, False), "the entry")
    fails(state.ana, 1, "exists", "names this release already", "name-release", manifest)
    state.installed.wait_for("it is named", lambda: state.installed.run("status")[-1]["release"]["state"] == "newest")
    code, out, _ = sotto(state.installed, "verify-release", manifest)
    equal((code, json.loads(out.splitlines()[-1])), (0, {**said, "running": True}), "asked by another phone")
    equal(problems(state.installed), [], "of a phone that runs it")
    equal(problems(state.ana), ["this phone " + UNNAMED], "of a phone that does not")
    equal([entry["action"] for entry in state.ana.run("ledger")].count("release"), 1, "entries")


def another_is_named(state):
    """a second one: the first is older, and no problem; a third one, which nobody named, is none of them"""
    tar, digest = state.pack("second")
    said = state.ana.run("name-release", tar)[-1]
    equal((said["number"], said["hash"]), (2, digest), "the entry")
    state.installed.wait_for("it is older", lambda: state.installed.run("status")[-1]["release"]["state"] == "older")
    equal(problems(state.installed), [], "problems")
    words = [sotto(phone, "verify-release", path) for phone, path in
             ((state.installed, tar), (state.ana, os.path.join(state.root, release.MANIFEST)))]
    equal([(code, json.loads(out.splitlines()[-1])["newest"]) for code, out, _ in words], [(0, True), (0, False)], "newest")
    code, out, _ = sotto(state.ana, "verify-release", tar, as_json=False)
    true(code == 0 and f'release 2, "{VERSION}"' in out and "by 100 Ana" in out and "the newest one" in out, out)
    code, out, _ = sotto(state.installed, "status", as_json=False)
    true("runs       release 1" in out, out)
    with open(state.path("second/bin/sotto"), "ab") as file:
        file.write(b"exit 1\n")
    text = release.manifest_of(state.path("second"), VERSION, MACHINE)
    release.put_manifest(state.path("second"), text)
    with open(state.path("third.tar"), "wb") as out:
        out.write(release.tar_of(state.path("second"), 1))
    fails(state.ana, 1, "not_found", "no entry of the ledger names this release", "verify-release", state.path("third.tar"))


def restarted(state):
    state.installed.stop()
    return state.installed.run("status")[-1]["release"]["state"]


def running_what_was_changed(state):
    """one byte of it changed, a file gone, a link elsewhere, a manifest that is none: noticed at the next start"""
    manual = os.path.join(state.root, "share/man/man1/sotto.1")
    shutil.copy2(manual, state.path("manual"))
    with open(manual, "r+b") as file:
        file.write(b"X")
    equal(state.installed.run("status")[-1]["release"]["state"], "older", "before the next start")
    equal(restarted(state), "changed", "one byte")
    true("not what their manifest says" in str(problems(state.installed)), "a problem")
    os.remove(manual)
    equal(restarted(state), "changed", "gone")
    shutil.copy2(state.path("manual"), manual)
    equal(restarted(state), "older", "as it was")
    link = next(path for path in release.paths_beneath(state.root) if os.path.islink(os.path.join(state.root, path)))
    target = os.readlink(os.path.join(state.root, link))
    os.remove(os.path.join(state.root, link))
    shutil.copy2(os.path.join(state.root, os.path.dirname(link), target), os.path.join(state.root, link))
    equal(restarted(state), "changed", "a file for a link")
    with open(os.path.join(state.root, release.MANIFEST), "ab") as file:
        file.write(b"and more")
    equal(restarted(state), "changed", "a manifest that is none")
    os.remove(os.path.join(state.root, release.MANIFEST))
    equal(restarted(state), "unknown", "no manifest")


if __name__ == "__main__":
    sys.exit(run([good, system_tar_reads_it, other_bytes, missing, too_much, escapes, no_release, running_a_build, running_a_release,
                  named, another_is_named, running_what_was_changed], State))
