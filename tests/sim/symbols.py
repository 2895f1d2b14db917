# SPDX-License-Identifier: Apache-2.0
"""Checks that the simulator runs what is released, and speaks TAP.

A program of the simulator links the archives of the pure folders: no source of theirs is compiled a second time
for it, and every function that it has from them has the size that it has in the archive.

    symbols.py BUILD PROGRAM OWN ARCHIVE...

OWN is the archive with what the simulator puts in place of something released: those functions may differ, and may
be those of link/quic.h only, or of link/link_server.h, where a link carries messages.
"""
import collections
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tree"))
from checks import report  # noqa: E402

# Where the simulator's programs, and those that run an engine under virtual time, are built.
STAND_IN = ("quic_", "link_server_", "link_drop_text")
SIMULATOR = ("sim/", "tests/sim/", "tests/vault/", "tests/talk/", "tests/relay/", "tests/call/", "tests/sframe/")


def functions(path, kinds):
    """Name -> sizes of the functions of these kinds."""
    found = collections.defaultdict(set)
    text = subprocess.run(["nm", "-S", "--defined-only", path], capture_output=True, text=True, check=True).stdout
    for line in text.splitlines():
        fields = line.split()
        if len(fields) == 4 and fields[2] in kinds:
            found[fields[3]].add(int(fields[1], 16))
    return found


def recompiled(commands):
    """Sources of what is released that are compiled into a program of the simulator's."""
    for command in commands:
        source = os.path.normpath(os.path.join(command["directory"], command["file"]))
        made = command["output"]
        if made.startswith(SIMULATOR) and not any(folder in source for folder in ("/sim/", "/tests/")):
            yield f"{source} is compiled into {made}"


def replaced(own, archives):
    """Functions of the simulator's that stand in for released ones, other than those of a connection."""
    for archive, released in archives.items():
        for name in sorted(set(own) & set(released)):
            if not name.startswith(STAND_IN):
                yield f"{name} of {archive} is replaced by the simulator's"


def differing(program, own, archives):
    """Functions that are in the program with another size; and archives of which it has nothing."""
    for archive, released in archives.items():
        shared = [name for name in released if name in program and name not in own]
        if not shared:
            yield f"nothing of {archive} is in the program"
        for name in shared:
            if not released[name] <= program[name]:
                yield f"{name} of {archive}: {sorted(released[name])}, in the program {sorted(program[name])}"


def check_checker():
    """A check that cannot fail is a defect."""
    commands = [{"directory": "/s/build/dev", "file": "../../base/hex.c", "output": "base/a.p/hex.c.o"},
                {"directory": "/s/build/dev", "file": "../../sim/vfs.c", "output": "sim/b.p/vfs.c.o"},
                {"directory": "/s/build/dev", "file": "../../base/hex.c", "output": "sim/b.p/hex.c.o"}]
    if len(list(recompiled(commands))) != 1:
        yield "a source that was compiled for the simulator was not found"
    if len(list(differing({"f": {8}}, {}, {"a": {"f": {9}}, "b": {"g": {1}}}))) != 2:
        yield "a function of another size was not found"
    if len(list(replaced({"quic_f": {1}, "g": {1}}, {"a": {"quic_f": {2}, "g": {2}}}))) != 1:
        yield "a function that is replaced was not found"


def main():
    build, program, stand_in, archives = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        commands = json.load(file)
    inside = functions(program, "tT")
    own = functions(stand_in, "T")
    released = {os.path.basename(path): functions(path, "T") for path in archives}
    checks = [
        ("the checker finds planted faults", check_checker()),
        ("no source of another folder is compiled for the simulator", recompiled(commands)),
        ("only the connection below links is replaced", replaced(own, released)),
        ("the program has the functions of the archives", differing(inside, own, released)),
    ]
    report(checks)
    return 0


sys.exit(main())
