#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A PipeWire of its own, without any hardware, for tests.

    with SoundServer() as server:
        subprocess.run([...], env=server.environment)

Everything of it is in a folder that is deleted afterwards: a session bus, pipewire, wireplumber, and a
cable: what is played on the default sink is what the default source records. It is ended by the ids of the
three processes.
"""
import os
import subprocess
import tempfile
import time

CABLE = """
context.modules = [
    {   name = libpipewire-module-loopback
        args = {
            node.description = "cable"
            audio.rate = 48000
            audio.channels = 1
            audio.position = [ MONO ]
            capture.props = { node.name = cable_in media.class = Audio/Sink }
            playback.props = { node.name = cable_out media.class = Audio/Source }
        }
    }
]
"""
START_S = 10


class SoundServer:
    def __init__(self):
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
            out.write(CABLE)
        try:
            self.start("dbus-daemon", "--session", "--nofork", "--nopidfile",
                       f"--address=unix:path={path}/bus")
            self.wait("the session bus", lambda: os.path.exists(f"{path}/bus"))
            self.start("pipewire")
            self.wait("PipeWire", lambda: os.path.exists(f"{path}/pipewire-0"))
            self.start("wireplumber")
            self.wait("the cable", self.cable_is_default)
        except BaseException:
            self.__exit__()
            raise
        return self

    def start(self, *command):
        log = open(f"{self.folder.name}/{command[0]}.log", "wb")
        self.processes.append(subprocess.Popen(command, env=self.environment, stdout=log, stderr=log))
        log.close()

    def wait(self, what, ready):
        until = time.monotonic() + START_S
        while not ready():
            ended = [p.args[0] for p in self.processes if p.poll() is not None]
            if ended or time.monotonic() > until:
                raise RuntimeError(f"{what} did not start ({', '.join(ended) or 'no answer'})\n{self.logs()}")
            time.sleep(0.05)

    def cable_is_default(self):
        """The session manager has made the cable's ends the default ones."""
        listing = subprocess.run(["pw-metadata"], env=self.environment, capture_output=True, text=True,
                                 timeout=5, check=False).stdout
        return "default.audio.sink" in listing and "default.audio.source" in listing

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
