# SPDX-License-Identifier: Apache-2.0
"""The text-only phone, for hardware whose microphone was taken out: what is in it, and what it says to callers.

It is built here, in a folder of its own inside this build's.
"""
import os
import re
import subprocess
import sys

SOURCE = os.environ["SOTTO_SOURCE"]
BUILD = os.environ["SOTTO_BUILD"]
sys.path[:0] = [os.path.join(SOURCE, "tests", "proofs"), os.path.dirname(os.path.abspath(__file__))]
from proof import Proof  # noqa: E402
from sound import write_tone  # noqa: E402
from symbols import defined, defined_for_others, needed, undefined  # noqa: E402
from tap import equal, run, true  # noqa: E402

TEXT_BUILD = os.path.join(BUILD, "text-only")
PROGRAMS = ["cli/sotto", "phone/sotto-agent", "phone/sotto-link", "phone/sotto-launcher"]
SOUND_PROGRAMS = ["phone/sotto-voice", "phone/sotto-ringer"]
SOUND_ARCHIVES = ["voice/libsotto-voice.a", "os/libsotto-audio.a", "os/libsotto-audio-playback.a"]
SOUND_LIBRARY = re.compile(r"lib(opus|pipewire|asound|speexdsp|pulse|jack|sndfile)\b")
SOUND_CALL = re.compile(r"(opus|speex|pw|snd|spa)_")


class State(Proof):
    def __init__(self):
        super().__init__()
        self.text = None

    def network(self):
        self.start_relay()
        self.found()
        self.text = self.rig.phone("ben", build=TEXT_BUILD)
        card = self.phones[0].run("invite", "101", "Ben")[-1]
        self.text.run("join", card["invitation"], timeout=120)


def sound_symbols():
    """Whatever our own sound libraries give to others."""
    return set().union(*(defined_for_others(os.path.join(BUILD, path)) for path in SOUND_ARCHIVES))


def sound_in(build, program, ours):
    """Why this program is not free of sound."""
    path = os.path.join(build, program)
    return (sorted(library for library in needed(path) if SOUND_LIBRARY.match(library)) +
            sorted(defined(path) & ours) +
            sorted(name for name in defined(path) | undefined(path) if SOUND_CALL.match(name)))


def is_built(_):
    """-Dvoice=disabled builds"""
    if not os.path.exists(os.path.join(TEXT_BUILD, "build.ninja")):
        subprocess.run(["meson", "setup", TEXT_BUILD, SOURCE, "-Dvoice=disabled"], check=True,
                       stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "-C", TEXT_BUILD, *PROGRAMS], check=True, stdout=subprocess.DEVNULL)


def has_no_sound(_):
    """none of its programs has sound code or needs a sound library"""
    ours = sound_symbols()
    true(len(ours) > 40, f"the sound libraries have symbols: {len(ours)}")
    for program in PROGRAMS:
        equal(sound_in(TEXT_BUILD, program, ours), [], program)
    targets = subprocess.run(["ninja", "-C", TEXT_BUILD, "-t", "targets", "all"], check=True,
                             capture_output=True, text=True).stdout
    for program in SOUND_PROGRAMS + SOUND_ARCHIVES:
        true(f"\n{program}:" not in targets, f"{program} is not among what it builds")


def control(_):
    """control: the same search finds both in the ordinary build's voice process and ringer"""
    ours = sound_symbols()
    for program in SOUND_PROGRAMS:
        found = sound_in(BUILD, program, ours)
        true(any(SOUND_LIBRARY.match(name) for name in found), f"{program} needs libraries: {found}")
        true(any(name in ours for name in found), f"{program} has our code: {found}")
        true(any(SOUND_CALL.match(name) for name in found), f"{program} calls libraries: {found}")


def writes(state):
    """it joins, writes and reads"""
    state.network()
    state.phones[0].run("send", "101", "can you hear me?")
    state.text.wait_for("the message", lambda: [m["text"] for m in state.text.run("read", "100")] ==
                        ["can you hear me?"])
    state.text.run("send", "100", "no, but I can read")
    state.phones[0].wait_for("the answer", lambda: "no, but I can read" in
                             [m["text"] for m in state.phones[0].run("read", "101")])


def says_so_to_callers(state):
    """who calls it is told at once that it has no voice"""
    said = os.path.join(state.folder.name, "said.wav")
    write_tone(said, 1, 440)
    call = state.phones[0].start("call", "101", "--mic", said, "--speaker", said + ".heard")
    out, errors = call.communicate(timeout=60)
    equal(call.returncode, 1, f"exit of the call, which said {errors!r} {out!r}")
    true('"no_voice"' in out, f"the reason: {out}")
    equal(sorted(state.text.pids()), ["sotto-agent", "sotto-launcher", "sotto-link"])


def cannot_call(state):
    """it refuses to call or to answer, in words"""
    for words in (["call", "100"], ["answer"], ["answer", "--wait"]):
        done = subprocess.run(state.text.command(*words), env=state.text.environment, timeout=60,
                              capture_output=True, text=True, check=False)
        equal(done.returncode, 1, f"exit of {words}")
        true("text-only" in done.stderr and '"unsupported"' in done.stdout,
             f"{words} said {done.stderr!r} {done.stdout!r}")


CASES = [is_built, has_no_sound, control, writes, says_so_to_callers, cannot_call]

sys.exit(run(CASES, State))
