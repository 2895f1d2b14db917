# SPDX-License-Identifier: Apache-2.0
"""The control socket, spoken to byte by byte: what a broken or hostile client of the same user can say."""
import array
import json
import os
import socket
import time


class Control:
    """One connection. Descriptors go beside the line they are given with."""

    def __init__(self, home, timeout=60):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        # More may wait at the door than the kernel lets in at once.
        for attempt in range(200):
            try:
                self.socket.connect(os.path.join(home, "control"))
                break
            except BlockingIOError:
                if attempt == 199:
                    raise
                time.sleep(0.05)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data, descriptors=()):
        """Bytes as they are. False if the agent has closed the connection meanwhile."""
        beside = []
        if descriptors:
            beside = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))]
        try:
            sent = self.socket.sendmsg([data], beside)
            self.socket.sendall(data[sent:])
            return True
        except (BrokenPipeError, ConnectionResetError):
            return False

    def say(self, value, descriptors=()):
        return self.send(json.dumps(value).encode() + b"\n", descriptors)

    def line(self):
        """The next object; None at the end of the connection."""
        while b"\n" not in self.buffer:
            try:
                piece = self.socket.recv(65536)
            except ConnectionResetError:
                return None
            if not piece:
                return None
            self.buffer += piece
        line, self.buffer = self.buffer.split(b"\n", 1)
        return json.loads(line)

    def ask(self, value, descriptors=()):
        """Items and the last line of a command; None if the connection ended without one."""
        items = []
        self.say(value, descriptors)
        while True:
            line = self.line()
            if line is None or "item" not in line:
                return items, line
            items.append(line["item"])


def ask(home, value, descriptors=()):
    with Control(home) as control:
        return control.ask(value, descriptors)[1]


def pipe_with(data):
    """The reading end of a pipe that holds this and is closed behind it."""
    reading, writing = os.pipe()
    os.write(writing, data)
    os.close(writing)
    return reading
