# SPDX-License-Identifier: Apache-2.0
"""mls-vectors: what it says and its exit code for a file that passes, fails, or is skipped, in part or as a whole. TAP."""
import os
import subprocess
import sys
import tempfile

PROGRAM, VECTORS = sys.argv[1], sys.argv[2]


def first_case():
    """Of the vectors for a client that joins: name to value."""
    with open(VECTORS, encoding="ascii") as file:
        blocks = file.read().split("\n\n")
    block = next(block for block in blocks if block.startswith("cipher_suite"))
    return dict(line.split(" = ", 1) for line in block.splitlines())


def run(options, cases):
    """The exit code, the last line, and what was said of cases that were skipped."""
    with tempfile.TemporaryDirectory(prefix="sotto-test-") as folder:
        path = os.path.join(folder, "cases.txt")
        with open(path, "w", encoding="ascii") as out:
            out.write("\n\n".join("\n".join(f"{name} = {value}" for name, value in case.items()) for case in cases) + "\n")
        done = subprocess.run([PROGRAM, *options, path], capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    skipped = [line.removeprefix(path + ": ") for line in lines if ": skipped: " in line]
    return done.returncode, lines[-1], skipped


def main():
    good = first_case()
    # Of a suite that nobody knows: the Welcome's third field.
    assert good["welcome"].startswith("000100030001")
    unknown = {**good, "welcome": "00010003f00d" + good["welcome"][12:]}
    authenticator = good["initial_epoch_authenticator"]
    wrong = {**good, "initial_epoch_authenticator": authenticator[:-1] + ("1" if authenticator[-1] == "0" else "0")}
    reason = "(passive-client): skipped: the welcome needs what the library does not have"
    table = [
        ("one that passes", [], [good], (0, "1 passed, 0 failed", [])),
        ("one that is wrong", [], [wrong], (1, "0 passed, 1 failed", [])),
        ("one that passes and one that is skipped", [], [good, unknown], (0, "1 passed, 0 failed", ["case 1 " + reason])),
        ("nothing but skipped ones", [], [unknown, unknown],
         (1, "0 passed, 1 failed", ["case 0 " + reason, "case 1 " + reason])),
        ("all must run, and one passes", ["-a"], [good], (0, "1 passed, 0 failed", [])),
        ("all must run, and one is skipped", ["-a"], [good, unknown], (1, "1 passed, 1 failed", ["case 1 " + reason])),
    ]
    print(f"1..{len(table)}")
    for number, (name, options, cases, wanted) in enumerate(table, 1):
        seen = run(options, cases)
        if seen != wanted:
            print(f"# wanted {wanted}, saw {seen}")
        print("ok" if seen == wanted else "not ok", number, "-", name)


main()
