# SPDX-License-Identifier: Apache-2.0
"""`sotto join --image`: by strace, that nothing reads the picture before it has entered its sandbox. TAP."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

SOTTO = os.path.join(os.environ["SOTTO_BUILD"], "cli/sotto")
PICTURE = os.path.join(os.environ["SOTTO_SOURCE"], "fuzz/seeds/picture/other.png")


def read_unconfined(trace):
    """(reads of the picture, those of them before seccomp) in a trace with process ids."""
    confined = set()
    reads, early = 0, []
    for line in trace.splitlines():
        pid, _, call = line.partition(" ")
        call = call.strip()
        if re.match(r"seccomp\(SECCOMP_SET_MODE_FILTER.*= 0", call):
            confined.add(pid)
        elif re.match(rf"(read|pread64|readv|mmap)\(.*<{re.escape(PICTURE)}>", call):
            reads += 1
            if pid not in confined:
                early.append(line)
    return reads, early


def main():
    probe = shutil.which("strace") and subprocess.run(["strace", "-o", "/dev/null", "/bin/true"], check=False,
                                                      capture_output=True)
    if not probe or probe.returncode != 0:
        print("1..0 # SKIP strace is not installed, or may trace nothing here")
        return 0
    with tempfile.TemporaryDirectory(prefix="sotto-test-") as folder:
        log = os.path.join(folder, "trace")
        done = subprocess.run(
            ["strace", "-f", "-y", "-o", log, "-e", "trace=read,pread64,readv,mmap,seccomp", SOTTO, "--json", "--home",
             os.path.join(folder, "home"), "join", "--image", PICTURE], capture_output=True, text=True, check=False)
        with open(log, encoding="utf-8", errors="replace") as file:
            trace = file.read()
    reads, early = read_unconfined(trace)
    good = done.returncode == 1 and '"not_found"' in done.stdout + done.stderr and reads > 0 and not early
    for line in early + ([] if good else [done.stdout, done.stderr, f"{reads} reads"]):
        print("#", line)
    # Control: a process that enters nothing would have been seen.
    seen = read_unconfined(f"7 read(3<{PICTURE}>, ...) = 9\n7 seccomp(SECCOMP_SET_MODE_FILTER, 0, x) = 0\n")
    noticed = seen[0] == 1 and len(seen[1]) == 1
    print("1..2")
    print("ok" if good else "not ok", f"1 - the picture is read {reads} times, inside the sandbox alone")
    print("ok" if noticed else "not ok", "2 - control: a read before the sandbox is noticed")
    return 0 if good and noticed else 1


if __name__ == "__main__":
    sys.exit(main())
