# SPDX-License-Identifier: Apache-2.0
"""Cases in order, one story: each prints a TAP line, and a case that fails ends those that need it."""
import sys
import traceback


class Skip(Exception):
    """A case that cannot run on this machine; the text says why."""


def run(cases, make_state):
    """cases: functions of one state object; their docstrings are their names. Exit code for sys.exit."""
    print(f"1..{len(cases)}", flush=True)
    failed = False
    state = None
    try:
        state = make_state()
        for number, case in enumerate(cases, 1):
            name = case.__doc__.strip().splitlines()[0]
            if failed:
                print(f"not ok {number} - {name} (not reached)", flush=True)
                continue
            try:
                case(state)
                print(f"ok {number} - {name}", flush=True)
            except Skip as why:
                print(f"ok {number} - {name} # SKIP {why}", flush=True)
            except Exception:  # pylint: disable=broad-except
                failed = True
                for line in traceback.format_exc().splitlines():
                    print("#", line)
                print(f"not ok {number} - {name}", flush=True)
    finally:
        if state is not None:
            state.close()
    return 1 if failed else 0


def equal(seen, wanted, what=""):
    if seen != wanted:
        raise AssertionError(f"{what}: wanted {wanted!r}, saw {seen!r}")


def true(holds, what):
    if not holds:
        raise AssertionError(what)


if __name__ == "__main__":
    sys.exit("a module of the tests")
