# SPDX-License-Identifier: Apache-2.0
"""System calls from inside the live processes of this build, the real programs, by tools/inject: each must be refused
or work as the architecture says. The control is a process in no sandbox, in which every one of them works. TAP."""
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

BUILD = os.environ["SOTTO_BUILD"]
INJECT = f"{BUILD}/tools/inject"

# What is tried, and for each process: + works, - refused (EPERM, EACCES), b allowed but without a socket (EBADF).
CALLS = [
    "openat /etc/passwd", "openat {own}", "create {own}/probe", "create {elsewhere}/probe",
    "socket inet dgram", "socket inet stream", "socket unix stream", "socket packet raw",
    "connect 127.0.0.1:9", "connect {elsewhere}/listener", "fork", "mmap", "kill", "ptrace", "execve /bin/true",
]
EXPECTED = {
    "sottod":           "++++" "+-+-" "++" "++--" "-",
    "--internal-store": "-++-" "----" "--" "----" "-",
    "--internal-network": "----" "----" "--" "----" "-",
    "sotto-launcher":   "++++" "+-+-" "++" "++--" "-",
    "sotto-agent":      "-++-" "----" "--" "----" "-",
    "sotto-link":       "----" "+---" "+b" "----" "-",
    "control":          "++++" "++++" "++" "++++" "+",
}

case = 0
failed = 0


def say(good, text):
    global case, failed
    case += 1
    failed += not good
    print(("ok" if good else "not ok"), case, "-", text, flush=True)


def descendants(pid):
    """pid and everything that it started, by /proc."""
    parents = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat") as stat:
                    parents[int(entry)] = int(stat.read().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError):
                pass  # it has ended
    found = [pid]
    for known in found:
        found += [child for child, parent in parents.items() if parent == known]
    return found


def role(pid):
    """The name under which a process is in EXPECTED; "" if it has ended, or is just doing so."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read().decode(errors="replace").rstrip("\0").split("\0")
    except OSError:
        return ""
    return words[1] if words[1:] and words[1] in EXPECTED else os.path.basename(words[0])


def facts(pid):
    with open(f"/proc/{pid}/status") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def wait_for(what, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(0.05)
    return False


def inject(pid, call):
    run = subprocess.run([INJECT, str(pid), *call.split()], capture_output=True, text=True)
    if run.returncode == 0:
        return "+", run.stdout
    if run.returncode == 1:
        return "-", run.stdout
    return ("b" if "EBADF" in run.stdout else "?"), run.stdout + run.stderr


def check_calls(name, pid, places):
    wrong = []
    for call, expected in zip(CALLS, EXPECTED[name], strict=True):
        seen, text = inject(pid, call.format(**places))
        if seen != expected:
            wrong.append(f"{text.strip()} (expected {expected})")
    say(not wrong, f"{name}: {len(CALLS)} calls" + "".join("\n#   " + line for line in wrong))


def check_facts(name, pid):
    """What is in force, by the kernel's word; and that a process of the same user cannot attach."""
    known = facts(pid)
    with open(f"/proc/{pid}/limits") as limits:
        core = [line.split()[4:6] for line in limits if line.startswith("Max core file size")][0]
    lock_only = 1 << 14  # CAP_IPC_LOCK
    good = (known["Seccomp"] == "2" and known["NoNewPrivs"] == "1" and core == ["0", "0"]
            and int(known["CapEff"], 16) & ~lock_only == 0 and int(known["CapPrm"], 16) & ~lock_only == 0)
    say(good, f"{name}: seccomp, no new privileges, no capabilities, no core")
    attach = subprocess.run(["setpriv", "--bounding-set=-sys_ptrace", INJECT, str(pid), "openat", "/"],
                            capture_output=True, text=True)
    say(attach.returncode == 3 and "attach" in attach.stderr, f"{name}: the same user may not attach")


def check_roles():
    """A process that has ended and that nobody has waited for has a number and no name."""
    ended = subprocess.Popen(["/bin/true"])
    gone = wait_for(lambda: "Z" in facts(ended.pid)["State"])
    seen = role(ended.pid)
    ended.wait()
    say(gone and seen == "" and role(ended.pid) == "" and role(os.getpid()).startswith("python"),
        "a process that has just ended is no other")


def check_family(name, pid, wanted, own):
    """Waits for the processes of a program, and checks each."""
    family = {}

    def all_there():
        """Each of them once: one that has just been forked still has the name of its parent."""
        family.clear()
        family.update((p, role(p)) for p in descendants(pid))
        try:
            return sorted(family.values()) == sorted(wanted) and all(facts(p)["Seccomp"] == "2" for p in family)
        except (OSError, KeyError):
            return False
    if not wait_for(all_there):
        say(False, f"{name}: not {wanted} came up but {list(family.values())}")
        return
    for process, kind in family.items():
        check_facts(kind, process)
        with Elsewhere(own["root"]) as elsewhere:
            # Those that have no folder of their own are tried with their parent's.
            check_calls(kind, process, {"own": own.get(kind, own["default"]), "elsewhere": elsewhere})


class Elsewhere:
    """A folder that is nobody's, with a listener in it."""

    def __init__(self, root):
        self.path = tempfile.mkdtemp(dir=root)
        self.socket = socket.socket(socket.AF_UNIX)

    def __enter__(self):
        self.socket.bind(self.path + "/listener")
        self.socket.listen()
        return self.path

    def __exit__(self, *_):
        self.socket.close()


def end(process):
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def main():
    if os.geteuid() != 0 or not os.path.exists(INJECT) or not shutil.which("setpriv"):
        print("1..0 # SKIP needs root, x86-64 and setpriv")
        return 0
    root = tempfile.mkdtemp(prefix="sotto-test-")
    try:
        check_roles()
        control = subprocess.Popen(["/bin/sleep", "60"])
        with Elsewhere(root) as elsewhere:
            check_calls("control", control.pid, {"own": root, "elsewhere": elsewhere})
        end(control)

        relay = subprocess.Popen([f"{BUILD}/relay/sottod", "--state", root + "/relay", "--listen", "127.0.0.1:0"],
                                 stdout=subprocess.DEVNULL)
        check_family("sottod", relay.pid, ["sottod", "--internal-store", "--internal-network"],
                     {"root": root, "default": root + "/relay", "--internal-store": root + "/relay/store"})
        end(relay)

        if os.path.exists(f"{BUILD}/phone/sotto-agent"):
            # It says on descriptor 3 that it is up.
            launcher = subprocess.Popen(["/bin/sh", "-c", 'exec "$0" --home "$1" 3>/dev/null',
                                         f"{BUILD}/phone/sotto-launcher", root + "/phone"])
            check_family("sotto", launcher.pid, ["sotto-launcher", "sotto-agent", "sotto-link"],
                         {"root": root, "default": root + "/phone"})
            end(launcher)
        print(f"1..{case}")
    finally:
        shutil.rmtree(root, ignore_errors=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
