#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Builds a release: two files whose bytes follow from the tree and from what the machine builds with, and from nothing else.

    release.py [--out FOLDER] [--jobs N] [--at TIME]

FOLDER (build/releases) gets sotto-VERSION.manifest and sotto-VERSION.tar; docs/releases.md says what is in them. It is built
in build/dist, which is made anew. TIME is what the compiler takes for now (faketime): for the test that it does not matter.
"""
import argparse
import email.utils
import hashlib
import json
import os
import re
import shutil
import stat
import subprocess
import sys

SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join("build", "dist")
PREFIX = "/usr"
MANIFEST = "share/sotto/manifest"
# As release/manifest.h has them: what is more is no release.
FILES_MAX = 256
PATH_MAX = 100
# Nothing of who builds: not his language, his compiler's options, his search path, his cache.
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC", "HOME": "/nonexistent", "CC": "gcc", "PYTHONHASHSEED": "0",
               "PYTHONDONTWRITEBYTECODE": "1"}
OPTIONS = [f"--prefix={PREFIX}", "--bindir=bin", "--libdir=lib", "--libexecdir=libexec", "--includedir=include",
           "--mandir=share/man", "-Doptimization=2", "-Ddebug=false", "-Dstrip=true"]


def paths_beneath(root):
    """All but folders, in the order of their bytes."""
    found = []
    for path, folders, names in os.walk(root):
        names += [name for name in folders if os.path.islink(os.path.join(path, name))]
        found += [os.path.relpath(os.path.join(path, name), root) for name in names]
    found.sort(key=os.fsencode)
    if len(found) > FILES_MAX or any(len(os.fsencode(name)) > PATH_MAX for name in found):
        raise ValueError(f"more than {FILES_MAX} files, or a name longer than {PATH_MAX} bytes")
    return found


def described(root, name):
    """(mode as the manifest has it, bytes): of a link, where it leads."""
    path = os.path.join(root, name)
    status = os.lstat(path)
    if stat.S_ISLNK(status.st_mode):
        return "link", os.fsencode(os.readlink(path))
    with open(path, "rb") as file:
        return "0755" if status.st_mode & stat.S_IXUSR else "0644", file.read()


def manifest_of(root, version, architecture):
    lines = [f"sotto-release 1 {version} {architecture}"]
    for name in paths_beneath(root):
        if name != MANIFEST:
            mode, data = described(root, name)
            lines.append(f"{hashlib.sha256(data).hexdigest()} {mode} {name}")
    return "".join(line + "\n" for line in lines).encode()


def put_manifest(root, text):
    path = os.path.join(root, MANIFEST)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(text)
    os.chmod(path, 0o644)


def tar_header(name, mode, data, mtime):
    """ustar, field by field: Python's own differs between its versions."""
    link = mode == "link"
    header = b"".join([
        name.encode().ljust(100, b"\0"), b"%07o\0" % (0o777 if link else int(mode, 8)), b"%07o\0" % 0, b"%07o\0" % 0,
        b"%011o\0" % (0 if link else len(data)), b"%011o\0" % mtime, b" " * 8, b"2" if link else b"0",
        (data if link else b"").ljust(100, b"\0"), b"ustar\00000"]).ljust(512, b"\0")
    return header[:148] + b"%06o\0 " % sum(header) + header[156:]


def tar_of(root, mtime):
    """Everything beneath root, in the order of the manifest: nothing of owners, of folders, of when it was made."""
    parts = []
    for name in paths_beneath(root):
        mode, data = described(root, name)
        parts.append(tar_header(name, mode, data, mtime))
        if mode != "link":
            parts += [data, bytes(-len(data) % 512)]
    return b"".join(parts) + bytes(1024)


def version_and_time():
    """Of debian/changelog, whose version is also meson's."""
    with open(os.path.join(SOURCE, "debian", "changelog"), encoding="utf-8") as file:
        text = file.read()
    version = re.match(r"sotto \((\S+)\)", text).group(1)
    when = re.search(r"^ -- .*>  (.*)$", text, re.M).group(1)
    return version, int(email.utils.parsedate_to_datetime(when).timestamp())


def run(words, environment, time=None):
    """What it says, at that time, if one is given."""
    faked = ["faketime", time] if time is not None else []
    done = subprocess.run([*faked, *words], cwd=SOURCE, env=environment, text=True, check=False, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        sys.exit(f"{done.stdout}\nsotto: {words[0]} failed")
    return done.stdout


def build(version, environment, jobs, time):
    """Builds what is installed, and nothing else of the tree; the folder that it is installed beneath."""
    shutil.rmtree(os.path.join(SOURCE, BUILD), ignore_errors=True)
    run(["meson", "setup", BUILD, *OPTIONS], environment, time)
    project = json.loads(run(["meson", "introspect", "--projectinfo", BUILD], environment))
    if project["version"] != version:
        sys.exit(f"sotto: debian/changelog is of {version}, and meson.build of {project['version']}")
    told = run(["meson", "introspect", "--targets", BUILD], environment)
    top = os.path.join(SOURCE, BUILD)
    targets = [os.path.relpath(name, top) for target in json.loads(told) if target["installed"] for name in target["filename"]]
    run(["ninja", "-C", BUILD, f"-j{jobs}", "--quiet", *targets], environment, time)
    root = os.path.join(top, "root")
    run(["meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--strip", "--destdir", root], environment, time)
    return root + PREFIX


def main():
    parser = argparse.ArgumentParser(description="Builds a release, the same bytes each time.")
    parser.add_argument("--out", default=os.path.join(SOURCE, "build", "releases"))
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--at", metavar="TIME")
    options = parser.parse_args()
    os.umask(0o022)
    version, mtime = version_and_time()
    environment = {**ENVIRONMENT, "SOURCE_DATE_EPOCH": str(mtime)}
    root = build(version, environment, options.jobs, options.at)
    manifest = manifest_of(root, version, run(["gcc", "-dumpmachine"], environment).strip())
    put_manifest(root, manifest)
    os.makedirs(options.out, exist_ok=True)
    for kind, data in (("manifest", manifest), ("tar", tar_of(root, mtime))):
        path = os.path.join(options.out, f"sotto-{version}.{kind}")
        with open(path, "wb") as file:
            file.write(data)
        print(f"{hashlib.sha256(data).hexdigest()}  {os.path.relpath(path)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
