# SPDX-License-Identifier: Apache-2.0
"""The state of most stories: a relay and phones by their names, real processes in a folder of their own."""
import json
import os
import subprocess
import sys
import tempfile
import wave

SOURCE = os.environ["SOTTO_SOURCE"]
sys.path.insert(0, os.path.join(SOURCE, "tools", "rig"))
from rig import Rig, free_port  # noqa: E402
from tap import equal, true  # noqa: E402


class Network:
    """Network("ana", "ben"): state.relay, state.ana and state.ben, who belong to no network yet."""

    def __init__(self, *names):
        self.folder = tempfile.TemporaryDirectory(prefix="sotto-test-")
        self.rig = Rig(os.environ["SOTTO_BUILD"], self.folder.name)
        self.address = f"127.0.0.1:{free_port()}"
        self.relay = self.rig.start_relay(self.address, self.address)
        self.phones = []
        for name in names:
            setattr(self, name, self.rig.phone(name))
            self.phones.append(getattr(self, name))

    def join(self):
        """The first one founds, as 100, and lets the others in, as 101 and so on."""
        self.phones[0].run("found", "Desk", "--relay", self.relay.name, "--as", self.phones[0].name.capitalize())
        for number, phone in enumerate(self.phones[1:], 101):
            card = self.phones[0].run("invite", str(number), phone.name.capitalize())[-1]["invitation"]
            phone.run("join", card)
        for phone in self.phones:
            phone.wait_for("the roster", lambda p=phone: len(p.run("members")) == len(self.phones))

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def make_silence(self, seconds, rate=48000):
        """A WAV file for a microphone."""
        path = self.path("silence.wav")
        with wave.open(path, "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(2)
            out.setframerate(rate)
            out.writeframes(bytes(2 * rate * seconds))
        return path

    def close(self):
        self.rig.__exit__()
        self.folder.cleanup()


def sotto(phone, *arguments, stdin=None, as_json=True):
    """Exit code, standard output, standard error."""
    command = [word for word in phone.command(*arguments) if as_json or word != "--json"]
    done = subprocess.run(command, env=phone.environment, timeout=90, input=stdin or b"", stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, start_new_session=True, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def fails(phone, code, word, words, *arguments, **more):
    """The command ends with this code, and says this word to programs and these words to people."""
    got, out, errors = sotto(phone, *arguments, **more)
    equal(got, code, f"exit of {arguments}, which said {errors!r}")
    equal(json.loads(out.splitlines()[-1])["error"], word, f"{arguments}")
    true(words in errors, f"{words!r} in {errors!r}")


if __name__ == "__main__":
    sys.exit("a module of the tests")
