# SPDX-License-Identifier: Apache-2.0
"""During a call of a user without any rights, and while his phone rings: what each process of phones and relay may still do, tried from inside it,
and what that same user may do to it. (tests/os/live.py does the like before a network exists.)

The programs are copied to where that user may run them; root attaches, being the only one who can."""
import glob
import os
import shutil
import signal
import subprocess
import sys
import time

from proof import PEOPLE, SOURCE, Proof, run, true
from rig import name_of
from sound import Call
from tap import Skip, equal

sys.path.append(os.path.join(SOURCE, "tools", "measure"))
from sound_server import SoundServer  # noqa: E402

BUILD = os.environ["SOTTO_BUILD"]
INJECT = os.path.join(BUILD, "tools", "inject")
NOBODY = 65534
AS_NOBODY = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--inh-caps=-all"]
PROGRAMS = ["cli/sotto", "phone/sotto-launcher", "phone/sotto-agent", "phone/sotto-link",
            "phone/sotto-voice", "phone/sotto-ringer", "relay/sottod"]

# + works, - refused (EPERM, EACCES). What is tried must work in a process without a sandbox.
CALLS = {
    "openat /etc/passwd":       {"control": "+"},
    "openat {home}":            {"control": "+", "sotto-agent": "+"},
    "create {home}/probe":      {"control": "+", "sotto-agent": "+"},
    "create {elsewhere}/probe": {"control": "+"},
    "socket inet stream":       {"control": "+"},
    "socket inet dgram":        {"control": "+", "sotto-link": "+"},
    "socket unix stream":       {"control": "+"},
    "connect {listener}":       {"control": "+"},
    "execve /bin/true":         {"control": "+"},
}


class State(Proof):
    call = control = ring = server = None

    def prepare(self):
        programs = os.path.join(self.folder.name, "programs")
        for path in PROGRAMS:
            os.makedirs(os.path.join(programs, os.path.dirname(path)), exist_ok=True)
            shutil.copy(os.path.join(BUILD, path), os.path.join(programs, path))
        os.chmod(self.folder.name, 0o755)
        self.work = os.path.join(self.folder.name, "work")
        self.elsewhere = os.path.join(self.folder.name, "elsewhere")
        for folder in (self.work, self.elsewhere):
            os.mkdir(folder)
            os.chown(folder, NOBODY, NOBODY)
        self.rig.build = programs
        self.rig.folder = self.work
        self.rig.prefix = ["prlimit", "--core=unlimited", *AS_NOBODY]
        os.chown(self.rig.passphrase_file, NOBODY, NOBODY)
        os.chdir(self.work)
        self.start_relay()
        self.found_with(2)
        self.call = Call(self.work, *self.phones, PEOPLE[1][0], 100)
        # What a user of the same id may start: no sandbox, and dumpable.
        self.control = self.start_control()

    def start_control(self):
        process = subprocess.Popen([*AS_NOBODY, "prlimit", "--core=unlimited", "sleep", "300"], cwd=self.work)
        while name_of(process.pid) != "sleep":
            time.sleep(0.05)
        return process

    def close(self):
        if self.control:
            self.control.kill()
            self.control.wait()
        if self.call:
            self.call.end()
        if self.ring:
            self.ring.terminate()
            self.ring.communicate(timeout=30)
        os.chdir("/")
        super().close()
        if self.server:
            self.server.__exit__()

    def processes(self):
        """Name and id of every process of both phones and the relay that is in a sandbox of its own."""
        found = [(name, pid) for phone in self.phones for name, pid in phone.pids().items()
                 if name in ("sotto-agent", "sotto-link", "sotto-voice")]
        return found + [("sottod", pid) for pid in self.relay.pids()[1:]]

    def everything(self):
        launchers = [("sotto-launcher", phone.pids()["sotto-launcher"]) for phone in self.phones]
        return self.processes() + launchers + [("sottod parent", self.relay.process.pid)]


def home_of(state, pid):
    """Of its phone; for the relay's processes and the control a home that is not theirs."""
    for phone in state.phones:
        if pid in phone.pids().values():
            return phone.home
    return state.phones[0].home


def inject(pid, call):
    """+, - or the whole answer."""
    done = subprocess.run([INJECT, str(pid), *call.split()], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=30, check=False)
    return {0: "+", 1: "-"}.get(done.returncode, done.stdout.strip())


def try_calls(state, name, pid):
    wrong = []
    for call, expected in CALLS.items():
        words = call.format(home=home_of(state, pid), elsewhere=state.elsewhere,
                            listener=os.path.join(state.phones[0].home, "control"))
        seen = inject(pid, words)
        # Without a socket connect itself is tried on none: refused, or allowed and of no use.
        if call.startswith("connect") and "EBADF" in seen:
            seen = "-"
        if seen != expected.get(name, "-"):
            wrong.append(f"{words}: {seen}")
    return wrong


def control_may_do_all(state):
    """control: a process of the same user without a sandbox may do all that is tried"""
    true(not (wrong := try_calls(state, "control", state.control.pid)), f"control: {wrong}")
    state.control.wait()
    state.control = state.start_control()


def processes_may_not(state):
    """from inside agent, link, voice, the relay's store and network process: refused, but for what each needs"""
    seen = state.processes()
    equal(sorted(name for name, _ in seen),
          sorted(["sotto-agent", "sotto-link", "sotto-voice"] * 2 + ["sottod"] * 2), "processes")
    wrong = [f"{name}: {what}" for name, pid in seen for what in try_calls(state, name, pid)]
    true(not wrong, f"{wrong}")


def facts_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return dict(line.rstrip("\n").split(":\t", 1) for line in status if ":\t" in line)


def check_facts(name, pid):
    facts = facts_of(pid)
    with open(f"/proc/{pid}/limits", encoding="ascii") as limits:
        core = [line.split()[4:6] for line in limits if line.startswith("Max core file")][0]
    equal((facts["Seccomp"], facts["NoNewPrivs"], int(facts["CapEff"], 16), core),
          ("2", "1", 0, ["0", "0"]), name)
    equal(facts["Uid"].split(), [str(NOBODY)] * 4, f"{name} is the user's")
    equal(os.stat(f"/proc/{pid}/mem").st_uid, 0, f"owner of the memory of {name}")


def kernel_says_so(state):
    """by the kernel's word each has seccomp, no new privileges, no capability, no core, and is closed to its user"""
    for name, pid in state.everything():
        check_facts(name, pid)
    equal(os.stat(f"/proc/{state.control.pid}/mem").st_uid, NOBODY, "control: owner of its memory")


def as_nobody(*words):
    return subprocess.run([*AS_NOBODY, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=60, check=False)


def same_user_may_not_look(state):
    """the same user can neither attach a debugger, nor read memory, nor make a core; control: of his sleep he can"""
    shutil.copy(INJECT, os.path.join(state.folder.name, "programs", "inject"))
    tool = os.path.join(state.folder.name, "programs", "inject")
    for name, pid in [("control", state.control.pid), *state.everything()]:
        attach = as_nobody(tool, str(pid), "openat", "/")
        read = as_nobody("head", "-c", "1", f"/proc/{pid}/environ")
        maps = as_nobody("cat", f"/proc/{pid}/maps")
        worked = [attach.returncode == 0, read.returncode == 0, maps.returncode == 0]
        equal(worked, [name == "control"] * 3, f"{name}: attach, environment, map of memory")
    core = os.path.join(state.work, "gcore")
    for name, pid in (("control", state.control.pid), ("sotto-link", state.phones[0].pids()["sotto-link"])):
        as_nobody("gcore", "-o", core, str(pid))
        equal(os.path.exists(f"{core}.{pid}"), name == "control", f"gcore of {name}")


def cores():
    return sorted(glob.glob("core*"))


def crashes_leave_no_core(state):
    """a process that crashes leaves no core, and is started again; control: sleep leaves one"""
    with open("/proc/sys/kernel/core_pattern", encoding="ascii") as pattern:
        if pattern.read().strip() != "core":
            raise Skip("cores are not written to files here: only the limit was looked at")
    ben = state.phones[1]
    before = ben.pids()["sotto-link"]
    equal(os.readlink(f"/proc/{before}/cwd"), state.work, "where it would lie")
    os.kill(before, signal.SIGSEGV)
    ben.wait_for("another link", lambda: ben.pids().get("sotto-link") not in (None, before))
    equal(cores(), [], "cores")
    state.control.send_signal(signal.SIGSEGV)
    state.control.wait()
    true(cores(), "control: a core of sleep")


def ringer_may_not(state):
    """from inside the ringer, while the phone rings aloud: all is refused, and it goes on ringing"""
    state.call.end()
    state.call = None
    ana, ben = state.phones
    state.server = SoundServer(user=NOBODY)
    state.server.__enter__()
    # The launcher takes its environment from the command that starts it.
    ben.stop()
    ben.environment.update({name: value for name, value in state.server.environment.items()
                            if name in ("HOME", "XDG_RUNTIME_DIR", "PIPEWIRE_RUNTIME_DIR")})
    ben.wait_for("the link", lambda: ben.run("status")[-1]["connected"])
    says = os.path.join(state.work, "ana-says.wav")
    state.ring = ana.start("call", "101", "--mic", says, "--speaker", os.path.join(state.work, "ana-hears.wav"))
    ben.wait_for("a ring", lambda: state.server.streams("sotto") == ["Stream/Output/Audio"])
    ringer = ben.pids().get("sotto-ringer")
    true(ringer and "sotto-voice" not in ben.pids(), f"the ringer runs alone: {ben.pids()}")
    check_facts("sotto-ringer", ringer)
    true(not (wrong := try_calls(state, "sotto-ringer", ringer)), f"ringer: {wrong}")
    equal((ben.pids().get("sotto-ringer"), state.server.streams("sotto")), (ringer, ["Stream/Output/Audio"]),
          "it rings on")


if os.geteuid() != 0 or not os.path.exists(INJECT) or not shutil.which("setpriv"):
    print("1..0 # SKIP needs root, x86-64 and setpriv")
    sys.exit(0)
sys.exit(run([control_may_do_all, processes_may_not, kernel_says_so, same_user_may_not_look,
              crashes_leave_no_core, ringer_may_not], State))
