#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A PipeWire of its own, without any hardware, for tests.

    with SoundServer() as server:
        subprocess.run([...], env=server.environment)

Everything of it is in a folder that is deleted afterwards: a session bus, pipewire, wireplumber, and cables:
what is played on NAME_in is what NAME_out records. The microphone by default is the end of the cable "mouth",
the loudspeaker the beginning of "ear"; with one name for both, what is played is recorded. It is ended by the ids
of the three processes.
"""
import json
import os
import subprocess
import tempfile
import time

CABLE = """
    {{  name = libpipewire-module-loopback
        args = {{
            node.description = "{name}"
            audio.rate = 48000
            audio.channels = 1
            audio.position = [ MONO ]
            capture.props = {{ node.name = {name}_in media.class = Audio/Sink priority.session = {sink} }}
            playback.props = {{ node.name = {name}_out media.class = Audio/Source priority.session = {source} }}
        }}
    }}
"""
START_S = 60  # a bound for what never starts, on a machine that is busy


class SoundServer:
    def __init__(self, mouth="cable", ear="cable", user=None):
        """user: the id of whose it is, if not one's own."""
        self.user = user
        self.source = f"{mouth}_out"
        self.sink = f"{ear}_in"
        self.cables = "".join(
            CABLE.format(name=name, sink=2000 if name == ear else 100, source=2000 if name == mouth else 100)
            for name in sorted({mouth, ear}))
        self.folder = None
        self.processes = []
        self.environment = None

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="sotto-sound-")
        path = self.folder.name
        self.environment = {
            **os.environ, "HOME": path, "XDG_RUNTIME_DIR": path, "XDG_CONFIG_HOME": path,
            "XDG_STATE_HOME": path, "XDG_CACHE_HOME": path, "PIPEWIRE_RUNTIME_DIR": path,
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={path}/bus",
            "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={path}/bus",
        }
        for name in ("PIPEWIRE_REMOTE", "PULSE_SERVER", "DISPLAY"):
            self.environment.pop(name, None)
        os.makedirs(f"{path}/pipewire/pipewire.conf.d")
        with open(f"{path}/pipewire/pipewire.conf.d/cable.conf", "w", encoding="ascii") as out:
            out.write(f"context.modules = [{self.cables}]\n")
        if self.user is not None:
            for folder, _, files in os.walk(path):
                for entry in [folder, *(os.path.join(folder, name) for name in files)]:
                    os.chown(entry, self.user, self.user)
        try:
            self.start("dbus-daemon", "--session", "--nofork", "--nopidfile",
                       f"--address=unix:path={path}/bus")
            self.wait("the session bus", lambda: os.path.exists(f"{path}/bus"))
            self.start("pipewire")
            self.wait("PipeWire", lambda: os.path.exists(f"{path}/pipewire-0"))
            self.start("wireplumber")
            self.wait("the cables", self.cables_are_default)
        except BaseException:
            self.__exit__()
            raise
        return self

    def start(self, *command):
        log = open(f"{self.folder.name}/{command[0]}.log", "wb")
        whose = {"user": self.user, "group": self.user, "extra_groups": []} if self.user is not None else {}
        self.processes.append(subprocess.Popen(command, env=self.environment, stdout=log, stderr=log, **whose))
        log.close()

    def wait(self, what, ready):
        until = time.monotonic() + START_S
        while not ready():
            ended = [p.args[0] for p in self.processes if p.poll() is not None]
            if ended or time.monotonic() > until:
                raise RuntimeError(f"{what} did not start ({', '.join(ended) or 'no answer'})\n{self.logs()}")
            time.sleep(0.05)

    def cables_are_default(self):
        """The session manager has made the cables' ends the default ones."""
        listing = subprocess.run(["pw-metadata"], env=self.environment, capture_output=True, text=True,
                                 timeout=60, check=False).stdout
        return all(any(f"'{key}'" in line and f'"{name}"' in line for line in listing.splitlines())
                   for key, name in (("default.audio.sink", self.sink), ("default.audio.source", self.source)))

    def streams(self, application):
        """The kinds of stream that an application has open: "Stream/Input/Audio" is an open microphone."""
        listing = subprocess.run(["pw-dump"], env=self.environment, capture_output=True, text=True, timeout=60,
                                 check=True).stdout
        objects = json.loads(listing)
        properties = {item["id"]: (item.get("info") or {}).get("props") or {} for item in objects}
        return sorted(mine["media.class"] for mine in properties.values()
                      if mine.get("media.class", "").startswith("Stream/") and
                      properties.get(mine.get("client.id"), {}).get("application.name") == application)

    def play(self, path, sink=None):
        """Starts to play a file; the process ends with it."""
        return subprocess.Popen(["pw-play", "--target", sink or self.sink, path], env=self.environment)

    def record(self, path, source=None):
        """Starts to record; terminate it to have a whole file."""
        return subprocess.Popen(["pw-record", "--rate", "48000", "--channels", "1", "--target",
                                 source or self.source, path], env=self.environment)

    def end(self, name):
        """Ends one of the processes early."""
        for process in self.processes:
            if process.args[0] == name:
                process.terminate()
                process.wait(5)

    def logs(self):
        text = ""
        for process in self.processes:
            with open(f"{self.folder.name}/{process.args[0]}.log", encoding="utf-8", errors="replace") as log:
                text += "".join(f"{process.args[0]}: {line}" for line in log.readlines()[-10:])
        return text

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.folder.cleanup()
