# SPDX-License-Identifier: Apache-2.0
"""mls-vectors: what it says and its exit code for a file that passes, fails, or is skipped as a whole. TAP."""
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


def run(*cases):
    with tempfile.TemporaryDirectory(prefix="sotto-test-") as folder:
        path = os.path.join(folder, "cases.txt")
        with open(path, "w", encoding="ascii") as out:
            out.write("\n\n".join("\n".join(f"{name} = {value}" for name, value in case.items()) for case in cases) + "\n")
        done = subprocess.run([PROGRAM, path], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.splitlines()[-1]


def main():
    good = first_case()
    # Of a suite that nobody knows: the Welcome's third field.
    assert good["welcome"].startswith("000100030001")
    unknown = {**good, "welcome": "00010003f00d" + good["welcome"][12:]}
    authenticator = good["initial_epoch_authenticator"]
    wrong = {**good, "initial_epoch_authenticator": authenticator[:-1] + ("1" if authenticator[-1] == "0" else "0")}
    table = [
        ("one that passes", [good], (0, "1 passed, 0 failed")),
        ("one that is wrong", [wrong], (1, "0 passed, 1 failed")),
        ("one that passes and one that is skipped", [good, unknown], (0, "1 passed, 0 failed")),
        ("nothing but skipped ones", [unknown], (1, "0 passed, 1 failed")),
    ]
    print(f"1..{len(table)}")
    for number, (name, cases, wanted) in enumerate(table, 1):
        seen = run(*cases)
        if seen != wanted:
            print(f"# wanted {wanted}, saw {seen}")
        print("ok" if seen == wanted else "not ok", number, "-", name)


main()
