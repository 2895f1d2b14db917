# SPDX-License-Identifier: Apache-2.0
"""Prints what test_parts.c expects of key derivation and tokens, from docs/protocol.md alone."""
import hashlib
import hmac


def mac(key, message):
    return hmac.new(key, message, hashlib.sha256).digest()


def expand(prk, info, length):
    out, block, count = b"", b"", 1
    while len(out) < length:
        block = mac(prk, block + info + bytes([count]))
        out, count = out + block, count + 1
    return out[:length]


PRK = mac(b"sotto/1 link key", bytes(range(32)))


def key(name, length=32):
    return expand(PRK, b"sotto/1 " + name + bytes([3]) + (7).to_bytes(8, "big"), length)


dcid = bytes(range(1, 9))
random = bytes(range(16))
mask = mac(key(b"token mask"), random + dcid)[:8]
masked = bytes(a ^ b for a, b in zip((1800000000000).to_bytes(8, "big"), mask))
token = random + masked + mac(key(b"token mac"), dcid + random + masked)[:16]
for name, value in (
    ("KNOWN_PSK_ID", key(b"psk identity", 16)),
    ("KNOWN_PSK", key(b"psk")),
    ("KNOWN_INITIAL", key(b"initial")),
    ("KNOWN_ENVELOPE", key(b"envelope")),
    ("KNOWN_POSSESSION", mac(key(b"possession"), bytes(range(0x40, 0x60)))),
    ("KNOWN_TOKEN", token),
):
    print(f'#define {name} "{value.hex()}"')
