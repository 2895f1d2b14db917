# SPDX-License-Identifier: Apache-2.0
"""A call whose relay dies and comes back, and one whose address changes again and again. Sound has to return, both
ways; how long it was away is printed, and judged by bench/phone.py."""
import sys
import time

from proof import Proof, run, true
from rig import Failed
from sound import Call
from tap import equal

CALL_S = 45
DOWN_S = 3
REBINDS = 3
# Of a phone in each direction in the second after a change of its address, of 50: an old address gets none.
FLOW_MIN = 20
RETURN_S = 15


class State(Proof):
    """One long call through a proxy; times are those of the events in it."""

    call = None

    def prepare(self):
        self.start_relay(["--delay", "20"])
        self.found_with(2)
        self.call = Call(self.folder.name, *self.phones, "101", CALL_S)
        self.began = time.monotonic()

    def close(self):
        if self.call:
            self.call.end()
        super().close()


def wait_until(holds, seconds):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if holds():
            return True
        time.sleep(0.1)
    return False


def sound_returns(state, since, what):
    true(wait_until(state.call.both_hear, RETURN_S), f"sound came back both ways after {what}")
    time.sleep(0.5)
    gaps = state.call.gaps_ms(time.monotonic() - since)
    print(f"# {what}: gaps of " + ", ".join(f"{gap} ms at {name}" for name, gap in gaps.items()),
          flush=True)
    return gaps


def both_are_heard(state):
    """both hear each other"""
    true(wait_until(state.call.both_hear, 10), "sound both ways")


def silence_is_noticed(state):
    """control: while the network is cut nobody hears anything, and the gap is seen in the recording"""
    since = time.monotonic()
    state.proxy.say("cut 1500")
    true(wait_until(lambda: not any(map(state.call.is_heard, state.phones)), 1.4), "it is silent")
    gaps = sound_returns(state, since, "a cut of 1500 ms")
    true(all(gap > 500 for gap in gaps.values()), f"the gap is measured: {gaps}")


def addresses_of(wire):
    return [source["address"] for source in wire["sources"]]


def addresses_change(state):
    """three times both phones' addresses change, packets go both ways between the new ones, and the call goes on"""
    for i in range(REBINDS):
        before = state.proxy.report()
        since = time.monotonic()
        state.proxy.say("rebind")
        state.proxy.say("reset")
        time.sleep(1)
        gaps = sound_returns(state, since, f"change of address {i + 1}")
        after = state.proxy.report()
        equal(after["rebinds"], i + 1, "changes that the proxy made")
        true(not set(addresses_of(before)) & set(addresses_of(after)), f"new addresses: {after}")
        flow = [way["packets"] for source in after["sources"]
                for way in (source["to_relay"], source["to_phones"])]
        true(len(flow) == 2 * len(state.phones) and min(flow) >= FLOW_MIN,
             f"both phones send and get packets at their new addresses: {after}")
        true(len(gaps) == len(state.phones), "the gap was measured at both ends")
    equal(state.proxy.report()["rebinds"], REBINDS, "changes in all")


def relay_dies(state):
    """the relay is killed with -9 and started again after 3 s, and the call goes on by itself"""
    since = time.monotonic()
    state.relay.kill()
    time.sleep(DOWN_S)
    true(not any(map(state.call.is_heard, state.phones)), "it was silent while the relay was away")
    state.relay.start()
    sound_returns(state, since, f"a relay that was away for {DOWN_S} s")


def call_ends_as_it_should(state):
    """sound goes on to the end that the caller had set, with the same keys"""
    left = CALL_S - (time.monotonic() - state.began)
    if left > 4:
        time.sleep(min(left - 3, 5))
        true(wait_until(state.call.both_hear, 3), "sound both ways, still")
    reports = state.call.finish()
    state.call = None
    for report in reports:
        print(f"# {report}", flush=True)
        equal((report["reason"], report["verified"]), ("hung_up", True))
        if report["duration_s"] < CALL_S - 2:
            raise Failed(f"it ended after {report['duration_s']} s")


sys.exit(run([both_are_heard, silence_is_noticed, addresses_change, relay_dies,
              call_ends_as_it_should], State))
