# SPDX-License-Identifier: Apache-2.0
"""What is committed is what somebody wrote: no file is large, none is a program or the core of one. TAP."""
import os
import subprocess
import sys
import tempfile

BYTES_MAX = 512 * 1024
ELF = b"\x7fELF"


def faults_of(root, name):
    path = os.path.join(root, name)
    size = os.path.getsize(path)
    if size > BYTES_MAX:
        yield f"{name} has {size} bytes, {BYTES_MAX} are the most"
    with open(path, "rb") as file:
        if file.read(len(ELF)) == ELF:
            yield f"{name} is a program, a library or a core"


def main():
    root = sys.argv[1]
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, check=False)
    if listed.returncode:
        print("1..0 # SKIP this is no clone")
        return 0
    names = [os.fsdecode(name) for name in listed.stdout.split(b"\0") if name]
    names = [name for name in names if os.path.isfile(os.path.join(root, name))]
    with tempfile.TemporaryDirectory(prefix="sotto-test-") as folder:
        with open(os.path.join(folder, "core"), "wb") as out:
            out.write(ELF + bytes(BYTES_MAX))
        control = list(faults_of(folder, "core"))
    checks = [("a planted core is found", [] if len(control) == 2 else ["it was not"]),
              (f"{len(names)} files are committed",
               [fault for name in names for fault in faults_of(root, name)] if len(names) > 300 else ["too few files"])]
    print(f"1..{len(checks)}")
    for number, (name, faults) in enumerate(checks, 1):
        for fault in faults:
            print("#", fault)
        print("not ok" if faults else "ok", number, "-", name)
    return 0


sys.exit(main())
