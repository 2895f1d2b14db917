# SPDX-License-Identifier: Apache-2.0
"""What each check of the tree ends with, in TAP."""
import sys


def report(checks):
    """checks: pairs of a name and the faults found, any iterable; without one the check passed."""
    print(f"1..{len(checks)}")
    for number, (name, faults) in enumerate(checks, 1):
        faults = list(faults)
        for fault in faults:
            print("#", fault)
        print("not ok" if faults else "ok", number, "-", name)


if __name__ == "__main__":
    sys.exit("a module of the tests")
