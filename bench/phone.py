# SPDX-License-Identifier: Apache-2.0
"""What a person waits for: joining, a message, a ring, the first sound, mouth to ear. Best of three, over loopback.

    phone.py BUILD          prints a line each and leaves BUILD/bench/phone.json

Beside each time stands what one UDP packet there and back takes in the same run, by the same clock.
"""
import json
import math
import os
import socket
import struct
import sys
import tempfile
import time
import wave

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, os.pardir, "tools", "rig"))
from rig import Rig, free_port  # noqa: E402

ROUNDS = 3
CALL_S = 6


def timed(action):
    began = time.monotonic()
    result = action()
    return (time.monotonic() - began) * 1000, result


def packet_ms():
    """The median of a thousand packets there and back between two sockets of this process."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as near, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far:
        near.bind(("127.0.0.1", 0))
        far.bind(("127.0.0.1", 0))
        times = []
        for _ in range(1000):
            began = time.perf_counter()
            near.sendto(bytes(200), far.getsockname())
            far.recv(256)
            far.sendto(bytes(200), near.getsockname())
            near.recv(256)
            times.append((time.perf_counter() - began) * 1000)
    return sorted(times)[len(times) // 2]


def write_tone(path):
    with wave.open(path, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(48000)
        out.writeframes(b"".join(struct.pack("<h", int(8000 * math.sin(i * 0.05)))
                                 for i in range(48000 * CALL_S)))


def one_round(rig, ana, ben, tone, extension):
    guest = rig.phone(f"guest-{extension}")
    found = {}
    found["invite_ms"], card = timed(lambda: ana.run("invite", str(extension), "Guest")[-1])
    found["join_ms"], _ = timed(lambda: guest.run("join", card["invitation"]))
    guest.stop()
    found["send_ms"], _ = timed(lambda: ana.run("send", "101", "How long does this take?"))
    answer = ben.start("answer", "--wait", "--mic", tone, "--speaker", ben.home + ".wav")
    time.sleep(0.5)
    call = ana.run("call", "101", "--mic", tone, "--speaker", ana.home + ".wav", "--for",
                   str(CALL_S))[-1]
    answer.communicate(timeout=30)
    for name in ("setup_ms", "answer_ms", "mouth_to_ear_ms"):
        found[name] = call[name]
    return found


def main():
    build = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="sotto-bench-") as folder, Rig(build, folder) as rig:
        address = f"127.0.0.1:{free_port()}"
        relay = rig.start_relay(address, address)
        ana, ben = rig.phone("ana"), rig.phone("ben")
        tone = os.path.join(folder, "tone.wav")
        write_tone(tone)
        ana.run("found", "Bench", "--relay", relay.name, "--as", "Ana")
        ben.run("join", ana.run("invite", "101", "Ben")[-1]["invitation"])
        ana.run("send", "101", "A conversation is there before anything is timed.")
        rounds = [one_round(rig, ana, ben, tone, 200 + number) for number in range(ROUNDS)]
    packet = packet_ms()
    results = [{"op": name, "ms": round(min(found[name] for found in rounds), 1)} for name in rounds[0]]
    for result in results:
        result["packets"] = round(result["ms"] / packet)
        print(f"{result['op'][:-3]:14} {result['ms']:8.1f} ms  {result['packets']:8} packets there and back")
    os.makedirs(os.path.join(build, "bench"), exist_ok=True)
    with open(os.path.join(build, "bench", "phone.json"), "w", encoding="ascii") as out:
        json.dump({"results": results, "packet_ms": round(packet, 4), "rounds": ROUNDS}, out)


if len(sys.argv) != 2:
    sys.exit("usage: phone.py BUILD")
main()
