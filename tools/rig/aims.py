# SPDX-License-Identifier: Apache-2.0
"""How long a person may have to wait: aims for the best of three, over loopback on a machine of two cores.

`make demo` and `make bench` judge them, `make check` never does: what else a machine does is no fault of the program.
"""
ROUNDS = 3

AIMS_MS = {
    "invite_ms": 1000,
    "join_ms": 3000,
    "send_ms": 500,  # until it is durable at the relay
    "setup_ms": 500,  # from the key press here to ringing there
    "answer_ms": 250,  # from the answer to the first sound
    "mouth_to_ear_ms": 150,
}
# Without sound after a change of address; each change on its own.
ADDRESS_CHANGE_MS = 300
# From the start of a phone that was off until a thousand texts that were written to it are there.
BACK_MS = 2000



def best(rounds, name):
    """Of what was measured so often as it has to be."""
    found = [measured[name] for measured in rounds]
    if len(found) < ROUNDS:
        raise ValueError(f"{name}: {len(found)} rounds of {ROUNDS}")
    return min(found)


def missed(ms, aim_ms):
    """Is it not below the aim?"""
    return not ms < aim_ms
