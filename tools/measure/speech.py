#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes speech with a known text, and says how much of it arrived.

    speech.py make --seed 1 --words 40 --out said.wav     also writes said.wav.json: the text and its times
    speech.py measure said.wav heard.wav [--json]         exit 0 if it passes the gate, else 1
    speech.py self-test                                   wrong text and noise must not pass

The gate is a word error rate of at most 2 % and STOI of at least 0.95: the first finds a dead, garbled or
wrong connection, the second one that loses sound.
"""
import argparse
import json
import os
import sys
import tempfile

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from align import align  # noqa: E402
from stoi import stoi  # noqa: E402
from words import make_speech, read_wav, recognise, to_rate, word_errors, write_wav  # noqa: E402

WORD_ERROR_RATE_MAX = 0.02
STOI_MIN = 0.95


def measure(said, said_rate, sentences, heard, heard_rate, words=True):
    """A dictionary of results, of samples in memory."""
    heard = to_rate(heard, heard_rate, said_rate)
    if len(heard) < said_rate:  # a recording that never began is silence, not a fault of this program
        heard = np.concatenate([heard, np.zeros(said_rate)])
    aligned, _, delays = align(said, heard, said_rate)
    result = {
        "stoi": round(stoi(said, aligned, said_rate), 4),
        "delay_ms": round(float(np.median(delays)) * 1000, 1),
        "delay_ms_min": round(float(np.min(delays)) * 1000, 1),
        "delay_ms_max": round(float(np.max(delays)) * 1000, 1),
    }
    if words:
        said_words = sum(len(sentence["words"]) for sentence in sentences)
        texts = recognise(aligned, said_rate, sentences)
        errors = sum(word_errors(s["words"], text) for s, text in zip(sentences, texts))
        result["words"] = said_words
        result["word_errors"] = errors
        result["word_error_rate"] = round(errors / said_words, 4)
        result["heard"] = [" ".join(text) for text in texts]
    result["passed"] = (result["stoi"] >= STOI_MIN
                        and result.get("word_error_rate", 0) <= WORD_ERROR_RATE_MAX)
    return result


def measure_files(said_path, heard_path, words=True):
    said, said_rate = read_wav(said_path)
    heard, heard_rate = read_wav(heard_path)
    with open(said_path + ".json", encoding="utf-8") as text:
        sentences = json.load(text)["sentences"]
    return measure(said, said_rate, sentences, heard, heard_rate, words)


def make(arguments):
    samples, sentences = make_speech(arguments.seed, arguments.words, arguments.rate)
    write_wav(arguments.out, samples, arguments.rate)
    with open(arguments.out + ".json", "w", encoding="utf-8") as out:
        json.dump({"seed": arguments.seed, "rate": arguments.rate, "sentences": sentences}, out)
    return 0


def report(arguments):
    result = measure_files(arguments.said, arguments.heard, not arguments.no_words)
    if arguments.json:
        print(json.dumps(result))
    else:
        print("\n".join(f"{name}: {value}" for name, value in result.items()))
    return 0 if result["passed"] else 1


def self_test(_):
    """Prints TAP: what must pass passes, what must not does not."""
    rate = 16000
    said, sentences = make_speech(1, 40, rate)
    other, _ = make_speech(2, 40, rate)
    generator = np.random.default_rng(3)
    shifted = np.concatenate([np.zeros(rate // 3), said])
    cases = [
        ("clean speech", said, True),
        ("the same a third of a second later", shifted, True),
        ("another text", other, False),
        ("noise as loud as speech", generator.standard_normal(len(said)) * 0.1, False),
        ("speech in noise", said + generator.standard_normal(len(said)) * 0.1, False),
        ("silence", np.zeros(len(said)), False),
        ("an empty recording", np.zeros(0), False),
        ("every fifth 100 ms missing", np.where(np.arange(len(said)) // 1600 % 5, said, 0), False),
    ]
    print(f"1..{len(cases)}")
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for i, (name, heard, wanted) in enumerate(cases, 1):
            path = f"{folder}/{i}.wav"
            write_wav(path, heard, rate)
            result = measure(said, rate, sentences, *read_wav(path))
            passed = result["passed"] == wanted
            failed += not passed
            print(f"{'ok' if passed else 'not ok'} {i} - {name}: word errors "
                  f"{result['word_error_rate']:.3f}, STOI {result['stoi']:.3f}")
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("make")
    command.add_argument("--seed", type=int, required=True)
    command.add_argument("--words", type=int, default=40)
    command.add_argument("--rate", type=int, default=48000)
    command.add_argument("--out", required=True)
    command.set_defaults(run=make)
    command = commands.add_parser("measure")
    command.add_argument("said")
    command.add_argument("heard")
    command.add_argument("--json", action="store_true")
    command.add_argument("--no-words", action="store_true")
    command.set_defaults(run=report)
    command = commands.add_parser("self-test")
    command.set_defaults(run=self_test)
    arguments = parser.parse_args()
    return arguments.run(arguments)


if __name__ == "__main__":
    sys.exit(main())
