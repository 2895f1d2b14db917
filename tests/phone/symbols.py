# SPDX-License-Identifier: Apache-2.0
"""What a program or library is made of: its symbols and the libraries it needs, as binutils show them."""
import re
import subprocess

NEEDED = re.compile(r"\(NEEDED\).*\[(.*)\]")


def needed(program):
    listing = subprocess.run(["readelf", "--dynamic", program], capture_output=True, text=True, check=True)
    return set(NEEDED.findall(listing.stdout))


def nm(path, *options):
    listing = subprocess.run(["nm", *options, path], capture_output=True, text=True, check=True).stdout
    # "address type name", without an address if it is undefined; archives have lines of other kinds between.
    return {words[-1].split("@")[0] for words in map(str.split, listing.splitlines()) if len(words) in (2, 3)}


def defined(path):
    """Static ones too: the programs are searched before they are stripped."""
    return nm(path, "--defined-only")


def defined_for_others(path):
    return nm(path, "--defined-only", "--extern-only")


def undefined(path):
    """What it asks of others."""
    return nm(path, "--undefined-only")
