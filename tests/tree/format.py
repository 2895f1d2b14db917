# SPDX-License-Identifier: Apache-2.0
"""Every C file is as .clang-format says. TAP. The formatter's versions differ: this is that of Debian 12."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

from checks import report

VERSION = 14
FOLDERS = ["base", "bench", "call", "cards", "cli", "crypto", "fuzz", "ledger", "link", "mls", "os", "phone", "relay", "release", "sframe",
           "sim", "talk", "tests", "tools", "vault", "voice", "wire"]
PLANTED = "int  planted(void)\n{\n    return 1;\n}\n"


def unformatted(files, root):
    """Where the formatter would change something, a line for each place."""
    done = subprocess.run(["clang-format", "--dry-run", "-Werror", *files], cwd=root, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    found = [line for line in done.stdout.splitlines() if "clang-format-violations" in line]
    return found or ([done.stdout or "it failed without a word"] if done.returncode else [])


def sources(root):
    for folder in FOLDERS:
        for path, _, names in os.walk(os.path.join(root, folder)):
            yield from (os.path.relpath(os.path.join(path, name), root) for name in names if name.endswith((".c", ".h")))


def main():
    root = sys.argv[1]
    if not shutil.which("clang-format"):
        print("1..0 # SKIP clang-format is not installed")
        return 0
    version = subprocess.run(["clang-format", "--version"], capture_output=True, text=True, check=True).stdout
    if re.search(r"version (\d+)", version).group(1) != str(VERSION):
        print(f"1..0 # SKIP clang-format {VERSION} is what the tree is formatted with, this is {version.strip()}")
        return 0
    files = sorted(sources(root))
    known = {entry for entry in os.listdir(root) if os.path.isdir(os.path.join(root, entry)) and
             any(name.endswith((".c", ".h")) for name in os.listdir(os.path.join(root, entry)))}
    with tempfile.TemporaryDirectory(prefix="sotto-test-") as folder:
        shutil.copy(os.path.join(root, ".clang-format"), folder)
        with open(os.path.join(folder, "planted.c"), "w", encoding="ascii") as out:
            out.write(PLANTED)
        control = unformatted(["planted.c"], folder)
    checks = [("a planted file is found", [] if control else ["it was not"]),
              ("no folder is left out", sorted(known - set(FOLDERS))),
              (f"{len(files)} files are formatted", unformatted(files, root) if len(files) > 300 else ["too few files"])]
    report(checks)
    return 0


sys.exit(main())
