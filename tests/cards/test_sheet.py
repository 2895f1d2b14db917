# SPDX-License-Identifier: Apache-2.0
"""sotto-cards: cards in, a sheet out that a printer, scissors and a camera can do with. TAP."""
import json
import os
import random
import re
import shutil
import subprocess
import sys

SOURCE = os.environ["SOTTO_SOURCE"]
BUILD = os.environ["SOTTO_BUILD"]
sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)), os.path.join(SOURCE, "tests", "phone")]
from sheet import cut, letters, pages  # noqa: E402
from tap import Skip, equal, run, true  # noqa: E402

PROGRAM = os.path.join(BUILD, "cards/sotto-cards")
CARDS_MAX = 1000
NAMES = ["Benedikt Oyelaran", "محمد عبد الرحمن الهاشمي", "प्रियंका चतुर्वेदी", "Nguyễn Thị Minh Khai", "Александра Константинопольская",
         "יעל כהן-לוי", "สมชาย ใจดี", "Ἀριστοτέλης Παπαδόπουλος", "ጌታቸው ኃይሌ", "O", "\"Quo, ted\" & <b>Son</b>",
         "Maximiliane Freifrau von und zu Guttenberg-Schwarzenfels-Hof", "M" * 64, "Եղիշե Չարենց", "დავით აღმაშენებელი",
         "a%s\\n{}", "王小明"]
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


def card(number, length=448, **other):
    chance = random.Random(number)
    return {"network": "Field Desk Nine", "name": NAMES[number % len(NAMES)], "extension": str(101 + number),
            "invitation": "sotto:" + "".join(chance.choices(ALPHABET, k=length)),
            "expires": "2026-11-25T10:12:25.123Z", **other}


def make(lines, environment=None):
    """(exit code, sheet, words) of these lines; objects become JSON."""
    text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    done = subprocess.run([PROGRAM], input=text.encode(), capture_output=True, check=False, timeout=120, env=environment or {})
    return done.returncode, done.stdout, done.stderr.decode()


class State:
    def __init__(self):
        import tempfile  # pylint: disable=import-outside-toplevel
        self.folder = tempfile.TemporaryDirectory(prefix="sotto-test-")
        self.path = os.path.join(self.folder.name, "cards.pdf")
        self.cards = [card(number) for number in range(len(NAMES))]
        self.texts = []

    def make(self, lines):
        code, sheet, words = make(lines)
        equal(code, 0, f"exit, which said {words!r}")
        with open(self.path, "wb") as out:
            out.write(sheet)

    def close(self):
        self.folder.cleanup()


def prints(state):
    """17 cards are three pages of A4"""
    state.make(state.cards)
    equal(pages(state.path), 3, "pages")


def reads(state):
    """each card has its own code, extension, network and end of time in its place"""
    for number, wanted in enumerate(state.cards):
        text, code = cut(state.path, number)
        state.texts.append(text)
        equal(code, wanted["invitation"].upper(), f"code of card {number}")
        true(re.search(rf"^{wanted['extension']}$", text, re.M), f"{wanted['extension']} in {text!r}")
        true("until 2026-11-25 10:12 UTC" in text and wanted["network"] in text, f"network and time in {text!r}")
        true("sotto join --image" in text, f"what to do in {text!r}")


def names(state):
    """and its name, in any script; no text has the secret"""
    for text, wanted in zip(state.texts, state.cards):
        # What shapes letters of these scripts comes back in another order from a PDF.
        if not re.search("[\u0900-\u0fff\u0590-\u06ff]", wanted["name"]):
            true(letters(wanted["name"]) in letters(text), f"{wanted['name']!r} in {text!r}")
        else:
            true(set(letters(wanted["name"])) & set(text), f"letters of {wanted['name']!r} in {text!r}")
        true(wanted["invitation"][6:40] not in letters(text).upper(), "no invitation in the text")


def last_page(state):
    """the last page has no code but those of its cards"""
    equal(cut(state.path, len(state.cards))[1], None, "a code in an empty place")


def same(state):
    """the same cards are the same bytes, another day and elsewhere too"""
    first = make(state.cards)[1]
    equal(make(state.cards, {"TZ": "Asia/Tokyo", "LANG": "ar_EG.UTF-8", "HOME": state.folder.name})[1], first, "sheet")
    true(first != make(state.cards[1:])[1], "control: other cards are another sheet")


def long_invitations(state):
    """the longest invitation that there is can be read from paper"""
    state.make([card(0, 1530)])
    equal(cut(state.path, 0)[1], card(0, 1530)["invitation"].upper(), "code")


def strange(state):
    """a character that no font has is said, without the name"""
    code, _, words = make([card(0, name="Ana \U0001fbff")])
    equal(code, 0, "exit")
    true("1 of 1 cards" in words and "Ana" not in words, words)


def refuses(state):
    """what is no card makes no sheet, and is not quoted"""
    good = card(0)
    lacking = {name: value for name, value in good.items() if name != "name"}
    table = ["", "{", "[]", "null", json.dumps(good)[:-1], lacking, {**good, "more": "x"}, {**good, "name": ""}, {**good, "name": 7},
             {**good, "name": "N" * 65}, {**good, "extension": "123456"}, {**good, "invitation": "sotto:" + "A" * 1600},
             {**good, "expires": "tomorrow, perhaps"}, {**good, "name": "N" * 5000}, json.dumps(good) + json.dumps(good),
             json.dumps(good).replace("Field", "Fie\\u0000ld"), '{"name":"\\ud800"}']
    for line in table:
        code, sheet, words = make([good, line, good])
        equal(code, 1, f"exit for {line!r}, which said {words!r}")
        true("no card" in words and "%%EOF" not in sheet.decode("latin-1"), f"{words!r} for {line!r}")
        true("SECRET" not in words, "nothing is quoted")
    equal(make([good])[0], 0, "control: the good one alone")


def at_most(state):
    """1,000 cards are a sheet, 1,001 are refused"""
    code, _, words = make([card(number) for number in range(CARDS_MAX + 1)])
    equal(code, 1, "exit")
    true("too many" in words, words)
    state.make([card(number) for number in range(CARDS_MAX)])
    equal(pages(state.path), CARDS_MAX // 8, "pages")
    equal(cut(state.path, CARDS_MAX - 1)[1], card(CARDS_MAX - 1)["invitation"].upper(), "the last code")


def full_disk(state):
    """a sheet that cannot be written is a failure"""
    with open("/dev/full", "wb") as full:
        done = subprocess.run([PROGRAM], input=(json.dumps(card(0)) + "\n").encode(), stdout=full, stderr=subprocess.PIPE, check=False,
                              env={})
    equal(done.returncode, 1, "exit")


def confined(state):
    """no card is read before the sandbox is entered, and no file is made or socket opened"""
    strace = shutil.which("strace")
    if not strace or subprocess.run([strace, "-o", "/dev/null", "/bin/true"], check=False, capture_output=True).returncode != 0:
        raise Skip("strace is not installed, or may trace nothing here")
    if os.environ["SOTTO_SANITIZED"] == "1":
        raise Skip("a sanitizer's leak check cannot run beneath strace")
    log = os.path.join(state.folder.name, "trace")
    subprocess.run([strace, "-f", "-o", log, PROGRAM], input=(json.dumps(card(0)) + "\n").encode(), check=True, env={},
                   stdout=subprocess.DEVNULL)
    with open(log, encoding="utf-8", errors="replace") as file:
        calls = file.read().splitlines()
    entered = [at for at, call in enumerate(calls) if re.search(r"seccomp\(SECCOMP_SET_MODE_FILTER.*= 0", call)]
    read = [at for at, call in enumerate(calls) if re.search(r" read\(0, ", call)]
    equal(len(entered), 1, "sandboxes entered")
    true(read and read[0] > entered[0], "read later")
    made = [call for call in calls[entered[0]:] if re.search(r"O_CREAT|O_WRONLY|O_RDWR|socket\(|execve\(", call)]
    equal(made, [], "files written, sockets, programs")


sys.exit(run([prints, reads, names, last_page, same, long_invitations, strange, refuses, at_most, full_disk, confined], State))
