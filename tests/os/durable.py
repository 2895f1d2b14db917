# SPDX-License-Identifier: Apache-2.0
"""What reaches the kernel when something must outlive a power cut: the calls of one SQLite commit through our VFS and
of one small file replaced and removed, by strace. The counters in os/vfs.c only say what was meant. TAP."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

PROGRAM = os.path.join(os.environ["SOTTO_BUILD"], "tests/os/test_os_durable")
TRACED = "openat,write,pwrite64,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat"

# Each step of the program, and the calls that must be seen in it in this order (others may lie between). SQLite may
# sync by fsync or fdatasync; a new or removed name is durable when its directory is.
WANTED = {
    ("commit", "WAL"): {
        "make": ["make vault", "sync .", "make vault-wal", "sync .", "write vault-wal", "sync vault-wal"],
        "commit": ["write vault-wal", "sync vault-wal"],
    },
    ("commit", "DELETE"): {
        "make": ["make vault", "sync .", "make vault-journal", "sync .", "write vault", "sync vault"],
        "commit": ["make vault-journal", "sync .", "write vault-journal", "sync vault-journal", "write vault",
                   "sync vault", "remove vault-journal", "sync ."],
    },
    ("replace",): {
        "replace": ["open .keys.new", "write .keys.new", "sync .keys.new", "rename .keys.new keys", "sync ."],
        "remove": ["remove keys", "sync ."],
    },
}
PATTERNS = [
    (r'write\(1<.*>, "(\w+)"', "= {}"),
    (r'openat\(.*"([^"]+)", .*O_CREAT\|O_EXCL', "make {}"),
    (r'openat\(.*"([^"]+)", .*O_CREAT', "open {}"),
    (r'p?write(?:64)?\(\d+<([^>]+)>', "write {}"),
    (r'f(?:data)?sync\(\d+<([^>]+)>', "sync {}"),
    (r'rename(?:at2?)?\((?:\S+, )?"([^"]+)", (?:\S+, )?"([^"]+)"', "rename {} {}"),
    (r'unlink(?:at)?\((?:\S+, )?"([^"]+)"', "remove {}"),
]


def calls_of(trace, folder):
    """The calls that succeeded on the files of the folder, a list for each step."""
    steps = {}
    calls = []
    for line in trace.splitlines():
        if re.search(r"= -\d+ ", line):
            continue
        for pattern, form in PATTERNS:
            found = re.search(pattern, line)
            if not found:
                continue
            names = [re.sub(rf"^{re.escape(folder)}/?", "", name) or "." for name in found.groups()]
            if form == "= {}":
                calls = steps.setdefault(names[0], [])
            elif not any(name.startswith("/") for name in names):
                calls.append(form.format(*names))
            break
    return steps


def missing(seen, wanted):
    """What is not in what was seen, in the order wanted; or what was written after the last sync of its file (but for the
    index of a write-ahead log, which is made anew after a stop)."""
    at = 0
    for call in wanted:
        if call not in seen[at:]:
            return f"no '{call}' (in this place)"
        at = seen.index(call, at) + 1
    for number, call in enumerate(seen):
        if call.startswith("write ") and call != "write vault-shm" and "sync " + call.split()[1] not in seen[number:]:
            return f"'{call}' and no sync after it"
    return None


def run(arguments, wanted, omit=None):
    """The faults that are found in one run of the program; OMIT is a call that is left out, as if stubbed."""
    folder = tempfile.mkdtemp(prefix="sotto-test-")
    log = folder + ".trace"
    try:
        inject = ["-e", f"inject={omit}:retval=0"] if omit else []
        result = subprocess.run(["strace", "-f", "-y", "-o", log, "-e", "trace=" + TRACED, *inject, PROGRAM, arguments[0],
                                 folder, *arguments[1:]], capture_output=True, text=True, check=False)
        if result.returncode != 0:
            return [f"exit {result.returncode}: {result.stderr.strip()}"], {}
        with open(log, encoding="utf-8", errors="replace") as file:
            steps = calls_of("".join(line for line in file if "(INJECTED)" not in line), folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if os.path.exists(log):
            os.unlink(log)
    faults = []
    for step, calls in wanted.items():
        fault = missing(steps.get(step, []), calls)
        if fault:
            faults.append(f"{step}: {fault}; seen: {', '.join(steps.get(step, []))}")
    return faults, steps


def main():
    if not shutil.which("strace"):
        print("1..0 # SKIP strace is not installed")
        return 0
    probe = subprocess.run(["strace", "-o", "/dev/null", "/bin/true"], capture_output=True, text=True, check=False)
    if probe.returncode != 0:
        print("1..0 # SKIP nothing may be traced here:", probe.stderr.strip().replace("\n", "; "))
        return 0
    print(f"1..{2 * len(WANTED)}")
    case = failed = 0
    for arguments, wanted in WANTED.items():
        faults, _ = run(arguments, wanted)
        for fault in faults:
            print("#", fault)
        case += 1
        failed += bool(faults)
        print("not ok" if faults else "ok", case, "-", " ".join(arguments), "reaches the disk in order")
    # A check that cannot fail is a defect: without the calls each must be found wanting.
    for arguments, wanted in WANTED.items():
        faults, _ = run(arguments, wanted, omit="fsync,fdatasync")
        good = len(faults) == len(wanted) and all("sync" in fault for fault in faults)
        for fault in faults:
            print("#", fault)
        case += 1
        failed += not good
        print("ok" if good else "not ok", case, "-", " ".join(arguments), "is found wanting when fsync is stubbed out")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
