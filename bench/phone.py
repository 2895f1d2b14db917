# SPDX-License-Identifier: Apache-2.0
"""What a person waits for: joining, a message, a ring, the first sound, mouth to ear, sound after a change of address.

    phone.py BUILD          prints a line each and leaves BUILD/bench/phone.json

Best of three, over loopback and through a proxy that changes addresses. Exit 1 where it misses its aim
(tools/rig/aims.py). Beside each time stands what one UDP packet there and back takes in the same run, by the same clock.
"""
import json
import os
import socket
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, os.pardir, "tools", "rig"))
from aims import ADDRESS_CHANGE_MS, AIMS_MS, ROUNDS, best, missed  # noqa: E402
from rig import Failed, Rig, free_port  # noqa: E402
from sound import Call  # noqa: E402

CALL_S = 14
CHANGES = 3
# What both phones played for so long after a change is looked at: sound that is not back by then is a gap of all of it.
RETURN_S = 2


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


def change_address(rig, call):
    """The longest gap in what either phone played."""
    before = rig.proxy.report()
    since = time.monotonic()
    rig.proxy.say("rebind")
    time.sleep(RETURN_S)
    after = rig.proxy.report()
    if after["rebinds"] != before["rebinds"] + 1 or \
            {source["address"] for source in before["sources"]} & \
            {source["address"] for source in after["sources"]}:
        raise Failed("the proxy changed no address")
    return max(call.gaps_ms(time.monotonic() - since).values())


def call_round(rig, ana, ben):
    call = Call(rig.folder, ana, ben, "101", CALL_S)
    try:
        # Before the first change there is sound: a gap is not what a call begins with.
        ana.wait_for("sound both ways", call.both_hear, 5)
        found = {f"address_change_{i + 1}_ms": change_address(rig, call) for i in range(CHANGES)}
        report = call.finish()[0]
    except BaseException:
        call.end()
        raise
    for name in ("setup_ms", "answer_ms", "mouth_to_ear_ms"):
        found[name] = report[name]
    return found


def one_round(rig, ana, ben, extension):
    guest = rig.phone(f"guest-{extension}")
    found = {}
    found["invite_ms"], card = timed(lambda: ana.run("invite", str(extension), "Guest")[-1])
    found["join_ms"], _ = timed(lambda: guest.run("join", card["invitation"]))
    guest.stop()
    found["send_ms"], _ = timed(lambda: ana.run("send", "101", "How long does this take?"))
    found.update(call_round(rig, ana, ben))
    return found


def measure(build):
    with tempfile.TemporaryDirectory(prefix="sotto-bench-") as folder, Rig(build, folder) as rig:
        port = free_port()
        proxy = rig.start_proxy(port)
        relay = rig.start_relay(f"127.0.0.1:{port}", proxy.address)
        ana, ben = rig.phone("ana"), rig.phone("ben")
        ana.run("found", "Bench", "--relay", relay.name, "--as", "Ana")
        ben.run("join", ana.run("invite", "101", "Ben")[-1]["invitation"])
        ana.run("send", "101", "A conversation is there before anything is timed.")
        return [one_round(rig, ana, ben, 200 + number) for number in range(ROUNDS)]


def judge(rounds, packet):
    """Prints a line for each time; the same as a list."""
    results = []
    for name in rounds[0]:
        ms = best(rounds, name)
        aim_ms = AIMS_MS.get(name, ADDRESS_CHANGE_MS)
        results.append({"op": name, "ms": round(ms, 1), "aim_ms": aim_ms,
                        "missed": missed(ms, aim_ms), "packets": round(ms / packet)})
    for result in results:
        print(f"{result['op'][:-3]:17} {result['ms']:8.1f} ms of {result['aim_ms']:5}"
              f"  {result['packets']:8} packets there and back"
              + ("  MISSED" if result["missed"] else ""))
    return results


def main():
    build = os.path.abspath(sys.argv[1])
    rounds = measure(build)
    packet = packet_ms()
    results = judge(rounds, packet)
    os.makedirs(os.path.join(build, "bench"), exist_ok=True)
    with open(os.path.join(build, "bench", "phone.json"), "w", encoding="ascii") as out:
        json.dump({"results": results, "packet_ms": round(packet, 4), "rounds": ROUNDS}, out)
    return 1 if any(result["missed"] for result in results) else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: phone.py BUILD")
    sys.exit(main())
