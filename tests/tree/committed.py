# SPDX-License-Identifier: Apache-2.0
"""What is committed is what somebody wrote: no file is large, none is a program or the core of one. TAP."""
import os
import shutil
import subprocess
import sys
import tempfile

from checks import report

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
    if not shutil.which("git"):
        print("1..0 # SKIP git is not installed")
        return 0
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, check=False)
    if listed.returncode:
        print("1..0 # SKIP git does not say what is committed here:", os.fsdecode(listed.stderr).strip())
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
    report(checks)
    return 0


sys.exit(main())
