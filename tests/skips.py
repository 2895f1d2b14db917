# SPDX-License-Identifier: Apache-2.0
"""Runs a cmocka program whose cases may call skip(), and makes TAP of it: cmocka says "not ok" of such a case, which
every reader takes for a failure. A line "# not run: REASON" before it becomes the reason.

    skips.py PROGRAM [ARGUMENT...]
"""
import re
import subprocess
import sys

CONTROL = ["# not run: no root", "not ok 1 # SKIP test_a", "ok 2 - test_b", "not ok 3 - test_c", "not ok 4 # SKIP d"]
WANTED = ["# not run: no root", "ok 1 - test_a # SKIP no root", "ok 2 - test_b", "not ok 3 - test_c",
          "ok 4 - d # SKIP"]


def tap(lines):
    reason = ""
    for line in lines:
        skipped = re.fullmatch(r"not ok (\d+) # SKIP (\S+)", line)
        said = re.fullmatch(r"# not run: (.*)", line)
        if said:
            reason = said.group(1)
        if skipped:
            line = f"ok {skipped.group(1)} - {skipped.group(2)} # SKIP {reason}".rstrip()
            reason = ""
        yield line


def main():
    if list(tap(CONTROL)) != WANTED:
        sys.exit("skips.py does not do what it says")
    with subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, text=True) as program:
        for line in tap(line.rstrip("\n") for line in program.stdout):
            print(line, flush=True)
    return program.returncode if program.returncode >= 0 else 1


sys.exit(main())
