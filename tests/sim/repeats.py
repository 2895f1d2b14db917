# SPDX-License-Identifier: Apache-2.0
"""The same seed is the same run, to the byte; another one is another; and a plan with entries left out is still told. TAP."""
import subprocess
import sys


def run(program, *options):
    done = subprocess.run([program, "--phones", "10", "--days", "1", *options], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def trace(output):
    return next(word for line in output.splitlines() if line.startswith("seed=") for word in line.split()
                if word.startswith("trace="))


def main():
    program = sys.argv[1]
    code, first = run(program, "--seed", "7")
    again_code, again = run(program, "--seed", "7")
    _, other = run(program, "--seed", "8")
    _, skipped = run(program, "--seed", "7", "--skip", "0-20")
    _, all_skipped = run(program, "--seed", "7", "--skip", "0-100000")
    _, several = run(program, "--seed", "7", "--devices", "4")
    _, several_again = run(program, "--seed", "7", "--devices", "4")
    _, several_none = run(program, "--seed", "7", "--devices", "0")
    _, traced = run(program, "--seed", "7", "--trace")
    checks = [
        ("a seed runs", code == 0 and again_code == 0),
        ("twice the same", first == again),
        ("printing it changes nothing", trace(traced) == trace(first) and len(traced) > 10 * len(first)),
        ("another seed is another run", trace(other) != trace(first)),
        ("entries of a plan can be left out", trace(skipped) != trace(first) and "faults=" in skipped),
        ("also all of them", " faults=0 " in all_skipped and "texts=0 " in all_skipped),
        ("with several devices of one person it is another run", trace(several) != trace(first)
         and " devices=0 " not in several and " histories=0 " not in several),
        ("which is twice the same, too", several == several_again),
        ("without any it is the one of before", trace(several_none) == trace(first) and " devices=0 " in first),
    ]
    print(f"1..{len(checks)}")
    for number, (name, held) in enumerate(checks, 1):
        print("ok" if held else "not ok", number, "-", name)


main()
