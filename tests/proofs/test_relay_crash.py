# SPDX-License-Identifier: Apache-2.0
"""A relay that is killed with -9 again and again while two phones write to each other: nothing that was acknowledged
is lost, and nothing arrives twice. Its argument is how often (200; fewer where a sanitizer makes each start slow)."""
import collections
import subprocess
import sys
import threading
import time

from proof import Proof, run, true
from rig import Failed, words_of

KILLS = int(sys.argv[1]) if len(sys.argv) > 1 else 200
# All of the relay at once, and each of its processes alone.
WHO = ["all", "parent", "store", "network"]
# The kills are spread over so long, but each leaves the relay so much of a life before: a slow machine takes longer.
SPREAD_S = KILLS * 0.6
LIFE_S_MIN = 0.2
# A life goes on, so long at most, while fewer messages were acknowledged than one for four kills: then kills hit nothing.
LIFE_S_MAX = 60
WRITERS = 3  # of each phone
ARRIVE_S = 180


class Writer(threading.Thread):
    """Sends one message after the other, and keeps what the command said of each."""

    def __init__(self, phone, extension, name):
        super().__init__(daemon=True)
        self.phone, self.extension, self.name = phone, extension, name
        self.states = {}
        self.errors = []
        self.enough = False

    def run(self):
        while not self.enough:
            text = f"{self.name} {len(self.states)}"
            try:
                self.states[text] = self.phone.run("send", self.extension, text)[-1]["state"]
            except (Failed, subprocess.TimeoutExpired) as fault:
                self.errors.append(str(fault))
                return


class State(Proof):
    writers = {}

    def prepare(self):
        self.start_relay()
        self.found_with(2)
        self.writers = {phone: [] for phone in self.phones}
        self.killed = collections.Counter()
        # So that both conversations exist before the first kill.
        for phone, extension in zip(self.phones, ("101", "100")):
            phone.run("send", extension, "first")

    def close(self):
        for writers in self.writers.values():
            for writer in writers:
                writer.enough = True
        super().close()

    def relay_process(self, who):
        for pid in self.relay.pids()[1:]:
            if f"--internal-{who}" in words_of(pid):
                return pid
        raise Failed(f"the relay has no {who} process")

    def kill(self, who):
        """One kill, and the relay is up again afterwards, by itself or as systemd would have it."""
        if who == "all":
            self.relay.kill()
        elif who == "parent":
            self.relay.kill(self.relay.process.pid)
        else:
            self.relay.kill(self.relay_process(who))
        self.killed[who] += 1
        self.relay.start()


def sent(state, phone):
    return {text: how for writer in state.writers[phone] for text, how in list(writer.states.items())}


def hit(state, kills):
    """Enough of both phones' messages was acknowledged for so many kills."""
    return all(4 * list(sent(state, phone).values()).count("stored") >= kills for phone in state.phones)


def received(phone, extension):
    return [m["text"] for m in phone.run("read", extension) if m["state"] == "received"]


def compare(wanted, seen):
    """Each of the wanted exactly once."""
    count = collections.Counter(seen)
    missing = [text for text in wanted if count[text] == 0]
    twice = [text for text in count if count[text] > 1]
    true(not missing, f"{len(missing)} missing: {missing[:5]}")
    true(not twice, f"{len(twice)} twice: {twice[:5]}")


def relay_is_killed(state):
    """all of the relay, and each of its processes alone, are killed while both phones write"""
    for phone, extension in zip(state.phones, ("101", "100")):
        for i in range(WRITERS):
            writer = Writer(phone, extension, f"{phone.name}/{i}")
            state.writers[phone].append(writer)
            writer.start()
    start = time.monotonic()
    for i in range(KILLS):
        time.sleep(max(LIFE_S_MIN, start + (i + 1) * SPREAD_S / KILLS - time.monotonic()))
        until = time.monotonic() + LIFE_S_MAX
        while not hit(state, i + 1) and time.monotonic() < until:
            time.sleep(0.1)
        state.kill(WHO[i % len(WHO)])
    took = time.monotonic() - start
    for writers in state.writers.values():
        for writer in writers:
            writer.enough = True
    for writers in state.writers.values():
        for writer in writers:
            writer.join(60)
            true(not writer.is_alive() and not writer.errors, f"{writer.name}: {writer.errors}")
    print(f"# killed: {dict(state.killed)}, {sum(state.killed.values())} in {took:.0f} s", flush=True)
    true(sum(state.killed.values()) == KILLS, "every kill was made")


def everything_arrives_once(state):
    """every message that was acknowledged, and every one that was queued, arrives exactly once"""
    ana, ben = state.phones
    for writer, reader, extension in ((ana, ben, "100"), (ben, ana, "101")):
        wanted = sent(state, writer)
        until = time.monotonic() + ARRIVE_S
        while (set(wanted) - set(received(reader, extension))) and time.monotonic() < until:
            time.sleep(0.5)
        states = collections.Counter(wanted.values())
        print(f"# {writer.name} sent {len(wanted)}: {dict(states)}", flush=True)
        # With three writers each, so that most kills find something on its way.
        true(hit(state, KILLS), "enough was acknowledged to be hit")
        compare(wanted, received(reader, extension))


def nothing_doubles_later(state):
    """nor does anything come again once both phones have been off and on"""
    ana, ben = state.phones
    for phone in state.phones:
        phone.stop()
    for writer, reader, extension in ((ana, ben, "100"), (ben, ana, "101")):
        reader.wait_for("the link", lambda p=reader: p.run("status")[-1]["connected"])
        time.sleep(2)
        compare(sent(state, writer), received(reader, extension))


def comparison_notices(state):
    """control: one message less, or one twice, would have been noticed"""
    seen = received(state.phones[1], "100")
    wanted = sent(state, state.phones[0])
    for doctored in ([text for text in seen if text != next(iter(wanted))], seen + seen[-1:]):
        try:
            compare(wanted, doctored)
        except AssertionError:
            continue
        raise AssertionError("it was not noticed")


sys.exit(run([relay_is_killed, everything_arrives_once, nothing_doubles_later, comparison_notices],
             State))
