# SPDX-License-Identifier: Apache-2.0
"""What make demo holds against a call, as (holds, text): from what the proxy counted and what both phones said of it.

Figures come in, verdicts go out, so that tests can show that each of them can fail.
"""
import collections

from aims import AIMS_MS, ROUNDS, best, missed

# Of each phone, in each direction, as captured on the wire.
PACKETS_MIN = 3000
# One voice packet each 20 ms, whoever speaks. Acknowledgements come on top.
VOICE_PER_S = 50
SILENCE_SHARE = 0.9
WAYS = ("to_relay", "to_phones")


def in_call(wire):
    """Its sources that sent or got anything."""
    return [source for source in wire["sources"] if any(source[way]["packets"] for way in WAYS)]


def counts(wire, what):
    """One number for each phone and direction."""
    return [source[way][what] for source in in_call(wire) for way in WAYS]


def difference(later, earlier, what):
    return [a - b for a, b in zip(counts(later, what), counts(earlier, what))]


def sizes_of(wire):
    """By size: packets in both directions."""
    sizes = collections.Counter()
    for way in WAYS:
        sizes.update({int(size): count for size, count in wire[way]["sizes"].items()})
    return sizes


def judge_wire(wire, phones=2):
    sizes = sizes_of(wire)
    packets = counts(wire, "packets")
    return [
        (len(sizes) == 1, f"every packet of the call has one size: {dict(sizes)}"),
        (len(packets) == phones * len(WAYS) and min(packets) >= PACKETS_MIN,
         f"packets from and to each phone, at least {PACKETS_MIN}: {packets}"),
    ]


def judge_silence(before, after, seconds):
    """In silence as much leaves as in speech."""
    packets = difference(after, before, "packets")
    wanted = round(seconds * VOICE_PER_S * SILENCE_SHARE)
    return [(len(packets) > 0 and min(packets) >= wanted,
             f"in {seconds:.0f} s of silence as many, at least {wanted}: {packets}")]


def judge_loss(before, after, ends):
    """The spell of loss was on the wire, and both ends felt it."""
    lost = difference(after, before, "lost")
    return [
        (len(lost) > 0 and min(lost) > 0, f"packets lost in the spell, from and to each phone: {lost}"),
        (all(end["packets_lost"] > 0 and end["concealed_ms"] > 0 for end in ends),
         "both ends missed packets and concealed it: " + ", ".join(
             f"{end['packets_lost']} in {end['concealed_ms']} ms" for end in ends)),
    ]


def judge_ends(ends):
    return [
        ([end["reason"] for end in ends] == ["hung_up"] * 2, "both ends say that it was hung up"),
        (all(end["verified"] is True for end in ends),
         "both ends compared keys and ledger inside the call: the same"),
    ]


def judge_times(calls, names):
    """Best of three; also what these were."""
    times = {name: best(calls, name) for name in names}
    shown = ", ".join(f"{name[:-3].replace('_', ' ')} {ms} of {AIMS_MS[name]} ms"
                      for name, ms in times.items())
    late = any(missed(ms, AIMS_MS[name]) for name, ms in times.items())
    return [(not late, f"best of {ROUNDS} calls: {shown}")], times
