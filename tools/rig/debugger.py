# SPDX-License-Identifier: Apache-2.0
"""What a process holds at a moment that is over in a moment: gdb, as root, stops it there and keeps its memory.

The product has no hook for this, wipes what it is done with, and forbids its own user to look.
"""
import os
import subprocess


def stop_at(pid, function, times, folder, show=None):
    """Stops the process at each of so many calls of the function and writes its memory to files in folder. show: a gdb
    command whose output at each stop is returned, one text a stop."""
    os.makedirs(folder, exist_ok=True)
    commands = ["set pagination off", f"break {function}"]
    for number in range(times):
        commands += ["continue", "echo STOPPED\\n"] + ([show] if show else [])
        commands += ["echo SHOWN\\n", f"generate-core-file {os.path.join(folder, str(number))}"]
    arguments = ["gdb", "-q", "-batch", "-p", str(pid)]
    for command in commands:
        arguments += ["-ex", command]
    output = subprocess.run(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            timeout=120, check=False).stdout
    return [part.split("SHOWN")[0] for part in output.split("STOPPED")[1:]]
