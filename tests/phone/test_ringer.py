# SPDX-License-Identifier: Apache-2.0
"""An arriving call may start the ringer, so it must not be able to listen: what it is linked from."""
import os
import sys

BUILD = os.environ["SOTTO_BUILD"]
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from symbols import defined, defined_for_others, needed, undefined  # noqa: E402
from tap import equal, run, true  # noqa: E402

RINGER = os.path.join(BUILD, "phone/sotto-ringer")
VOICE = os.path.join(BUILD, "phone/sotto-voice")

# ALSA's ways to read samples; the last one starts a PCM, which one that plays does not need.
ALSA_CAPTURE = {"snd_pcm_readi", "snd_pcm_readn", "snd_pcm_mmap_readi", "snd_pcm_mmap_readn", "snd_pcm_start"}
# What PipeWire runs for each period of the microphone: nothing else in the tree makes a capture stream.
PIPEWIRE_CAPTURE = {"process_capture", "os_audio_pipewire_add_capture"}


class State:
    def __init__(self):
        self.capture = defined_for_others(os.path.join(BUILD, "os/libsotto-audio.a"))
        self.speech = defined_for_others(os.path.join(BUILD, "voice/libsotto-voice.a"))

    def close(self):
        pass


def listening_in(state, program):
    return {"ours": defined(program) & state.capture,
            "ALSA": undefined(program) & ALSA_CAPTURE,
            "PipeWire": defined(program) & PIPEWIRE_CAPTURE,
            "speech": defined(program) & state.speech,
            "Opus": {library for library in needed(program) if library.startswith("libopus")}}


def ringer_cannot_listen(state):
    """nothing in the ringer records, encodes or reads sound"""
    for kind, found in listening_in(state, RINGER).items():
        equal(sorted(found), [], kind)


def voice_can(state):
    """control: the same search finds each kind in the voice process"""
    for kind, found in listening_in(state, VOICE).items():
        true(found, f"{kind} is found in sotto-voice")
    true({"os_audio_prepare", "os_audio_get"} <= listening_in(state, VOICE)["ours"], "the capture library's doors")


def both_can_play(_):
    """control: what both share is found in both, so the search sees the ringer's symbols"""
    for program in (RINGER, VOICE):
        true({"process_playback", "os_audio_put", "os_audio_start"} <= defined(program), program)
        true({"pw_stream_connect", "snd_pcm_writei"} <= undefined(program), program)


sys.exit(run([ringer_cannot_listen, voice_can, both_can_play], State))
