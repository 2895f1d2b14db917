# SPDX-License-Identifier: Apache-2.0
"""The secret keys of a live process, read by a debugger as root: the product has no hook for it.

    with Keys(pid, "agent") as keys:     the process stands still in here
        keys.found                       name -> bytes
"""
import json
import os
import subprocess

from rig import Failed

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "keys_in_gdb.py")


class Keys:
    def __init__(self, pid, role):
        self.pid = pid
        self.role = role
        self.gdb = None
        self.found = {}

    def __enter__(self):
        self.gdb = subprocess.Popen(
            ["gdb", "-q", "-nx", "-batch", "-p", str(self.pid), "-ex", "set debuginfod enabled off",
             "-ex", f'set $role = "{self.role}"', "-x", SCRIPT],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        said = []
        for line in self.gdb.stdout:
            if line.startswith("KEYS "):
                self.found = {name: bytes.fromhex(key)
                              for name, key in json.loads(line[5:]).items()}
                return self
            said.append(line)
        self.__exit__()
        raise Failed(f"gdb found no keys in process {self.pid} ({self.role}):\n" + "".join(said[-12:]))

    def __exit__(self, *_):
        try:
            self.gdb.communicate("\n", timeout=30)
        except (subprocess.TimeoutExpired, BrokenPipeError):
            self.gdb.kill()
            self.gdb.communicate()
