# SPDX-License-Identifier: Apache-2.0
"""The sotto command as a person uses it: one relay, three homes, real processes."""
import base64
import hashlib
import json
import os
import signal
import subprocess
import sys
import time

from control import Control, ask
from network import Network
from tap import equal, run, true


OUTBOX_MAX = 4096  # TALK_OUTBOX_MAX of talk/talk.h


class State(Network):
    def __init__(self):
        # late presents the card that ben has used.
        super().__init__("ana", "ben", "eve", "late", "later")
        self.card = None
        self.waiting = {}


def sotto(phone, *arguments, **changes):
    """Exit code, objects, standard error, of a command that may fail."""
    environment = dict(phone.environment)
    for name, value in changes.items():
        if value is None:
            environment.pop(name, None)
        else:
            environment[name] = value
    done = subprocess.run(phone.command(*arguments), env=environment, timeout=90,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, start_new_session=True, check=False)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def fails(phone, code, word, *arguments, **changes):
    got, objects, errors = sotto(phone, *arguments, **changes)
    equal(got, code, f"exit of {arguments}, which said {errors!r}")
    true(errors.startswith(("sotto: ", "usage: ")), f"{arguments} said why: {errors!r}")
    if word:
        equal(objects[-1]["error"], word, f"{arguments}")
        true(len(objects[-1]["message"]) > 8, "a sentence")


def texts(phone, *arguments):
    return [m["text"] for m in phone.run("read", *arguments) if m["state"] == "received"]


def usage_is_2(state):
    """wrong command lines exit with 2 and say what is wrong, in words and as an object"""
    for words in ([], ["fly"], ["send", "101"], ["invite", "x", "hi"], ["--fly", "status"],
                  ["call", "101", "--for", "-1"], ["found", "N"], ["join"], ["status", "extra"],
                  ["read", "--relay", "x"], ["found", "N", "--relay", "r", "--digits", "9"]):
        fails(state.ana, 2, "usage", *words)
    # --json asks for an object wherever it stands; behind "--", or as a value, it is a word.
    program = state.ana.command()[0]
    for words, as_object in ((["fly", "--json"], True), (["status", "--fly", "--json"], True), (["status", "--fly"], False),
                             (["status", "--", "--json"], False), (["send", "--json"], True)):
        done = subprocess.run([program, *words], env=state.ana.environment, capture_output=True, text=True, check=False)
        equal((done.returncode, bool(done.stderr)), (2, True), f"{words}")
        equal([set(json.loads(line)) for line in done.stdout.splitlines()],
              [{"error", "message"}] if as_object else [], f"{words}")


def no_terminal_and_no_file_is_2(state):
    """without a terminal and a passphrase file nothing is made, and the exit is 2"""
    fails(state.ana, 2, "usage", "found", "Desk", "--relay", state.relay.name,
          SOTTO_PASSPHRASE_FILE=None)
    true(not os.path.exists(os.path.join(state.ana.home, "vault")), "no vault was made")


def no_phone_yet(state):
    """a home without a phone says so"""
    fails(state.ana, 1, "not_found", "status")
    fails(state.ana, 1, "not_found", "send", "101", "hi")


def wrong_relay(state):
    """a mistyped relay is refused, and founding can be tried again"""
    mistyped = state.relay.name[:-1] + ("A" if state.relay.name[-1] != "A" else "B")
    fails(state.ana, 1, "malformed", "found", "Desk", "--relay", mistyped, "--as", "Ana")


def card_content(card):
    """Its bytes, without the check of the text. The end of its time stands before the last one, an empty list."""
    text = card.split(":")[1]
    return base64.b32decode(text + "=" * (-len(text) % 8))[:-4]


def armoured(content):
    """As cards and relay names are written."""
    return base64.b32encode(content + hashlib.sha256(content).digest()[:4]).decode().rstrip("=")


def wrong_claim(state):
    """a founding that the relay never answers gives way to another, and its command is told so"""
    address, text = state.relay.name.split("#")
    key = base64.b32decode(text + "=" * (-len(text) % 8))[:32]
    process = state.ana.start("found", "Dsek", "--relay", f"{address}#{armoured(key + bytes(32))}", "--as", "Ana")
    state.ana.wait_for("founding", lambda: sotto(state.ana, "status")[1][-1].get("state") == "founding")
    equal(state.ana.run("found", "Desk", "--relay", state.relay.name, "--as", "Ana")[-1]["state"], "member")
    out, _ = process.communicate(timeout=60)
    equal((process.returncode, json.loads(out.splitlines()[-1])["error"]), (1, "state"))


def card_end(card):
    ends_ms = int.from_bytes(card_content(card)[-9:-1], "big")
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ends_ms // 1000)) + f".{ends_ms % 1000:03}Z"


def found_and_join(state):
    """a network was founded, and a second person joins by an invitation"""
    done = state.ana.run("status")[-1]
    equal((done["state"], done["network"], done["extension"]), ("member", "Desk", "100"))
    state.card = state.ana.run("invite", "101", "Ben")[-1]
    true(state.card["invitation"].startswith("sotto:"), "an invitation")
    time.sleep(1.1)
    equal(state.ana.run("invite", "101", "Ben")[-1], state.card, "asked again: the same card, with the same end")
    equal(card_end(state.card["invitation"]), state.card["expires"], "its end, in the card and beside it")
    done = state.ben.run("join", state.card["invitation"])[-1]
    equal((done["state"], done["network"], done["extension"]), ("member", "Desk", "101"))
    members = state.ana.wait_for("both", lambda: (
        lambda found: found if len(found) == 2 else None)(state.ana.run("members")))
    equal([(m["extension"], m["name"], m["state"]) for m in members],
          [("100", "Ana", "active"), ("101", "Ben", "active")])
    status = state.ben.run("status")[-1]
    equal(status["ledger_head"], state.ana.run("status")[-1]["ledger_head"], "heads")
    true(any("one person" in problem for problem in status["problems"]), "one person controls it")


def expiring(card, seconds):
    """The same card with another end of its time."""
    content = card_content(card)
    return "sotto:" + armoured(content[:-9] + int((time.time() + seconds) * 1000).to_bytes(8, "big") + content[-1:])


def invitation_is_valid_once(state):
    """an invitation that was used lets nobody else in, and nonsense is refused"""
    card = state.card["invitation"]
    fails(state.later, 1, "expired", "join", expiring(card, -1))
    state.waiting = {phone: phone.start("join", text) for phone, text in
                     ((state.late, card), (state.later, expiring(card, 3)))}
    for phone, process in state.waiting.items():
        told = [json.loads(process.stdout.readline())["waiting_for"] for _ in range(2)]
        true("link to the relay" in told[0] and "member" in told[1], f"what it waits for: {told}")
        equal(phone.run("status")[-1]["state"], "joining")
    fails(state.late, 1, "state", "send", "100", "hello")
    fails(state.eve, 1, "malformed", "join", "sotto:NONSENSE")
    fails(state.ben, 1, "denied", "invite", "102", "Eve")
    fails(state.ana, 1, "exists", "invite", "101", "Other")


def used_invitation_leads_nowhere(state):
    """who waits with a used invitation is told what may be wrong, and its home is free again"""
    enrolled = [entry["action"] for entry in state.ana.run("ledger")].count("enrol")
    equal(enrolled, len(state.ana.run("members")) - 1, "one enrol entry for each who joined")
    # The link came and went meanwhile, and each time it says so.
    told = ""
    while "used or withdrawn" not in told:
        line = state.waiting[state.late].stdout.readline()
        true(line, f"what may be wrong: it ended after {told!r}")
        told = json.loads(line)["waiting_for"]
    # A new invitation takes its place, and the command that waited ends.
    card = state.ana.run("invite", "105", "Late")[-1]["invitation"]
    equal(state.late.run("join", card)[-1]["extension"], "105")
    out, _ = state.waiting[state.late].communicate(timeout=60)
    equal((state.waiting[state.late].returncode, json.loads(out.splitlines()[-1])["error"]), (1, "state"))
    # The other one's time is over.
    out, errors = state.waiting[state.later].communicate(timeout=120)
    last = json.loads(out.splitlines()[-1])
    equal((state.waiting[state.later].returncode, last["error"]), (1, "expired"))
    true("used" in last["message"] and "used" in errors, f"in words: {last}")
    status = state.later.run("status")[-1]
    equal((status["state"], status["relay"], status["connected"]), ("empty", None, False))
    card = state.ana.run("invite", "106", "Later")[-1]["invitation"]
    equal(state.later.run("join", card, "--no-wait")[-1]["state"] in ("joining", "member"), True)
    equal(state.later.run("join", card)[-1]["extension"], "106")
    equal([entry["action"] for entry in state.ana.run("ledger")].count("enrol"), enrolled + 2)
    for phone in state.waiting:
        phone.stop()


def join_by_a_picture(state):
    """a picture of the code joins as the text does, and a picture of nothing does not"""
    card = state.ana.run("invite", "102", "Cleo")[-1]["invitation"]
    picture = os.path.join(state.folder.name, "card.png")
    subprocess.run(["qrencode", "-o", picture, card.upper()], check=True)
    cleo = state.cleo = state.rig.phone("cleo")
    fails(cleo, 1, "file", "join", "--image", state.rig.passphrase_file)
    fails(cleo, 1, "file", "join", "--image", picture + ".not")
    equal(cleo.run("join", "--image", picture)[-1]["extension"], "102")
    cleo.stop()


def messages_both_ways(state):
    """messages go both ways, in order, once; --new shows each once"""
    for text in ("one", "two\nlines", "drei ✓"):
        equal(state.ana.run("send", "101", text)[-1]["state"], "stored")
    state.ben.wait_for("three", lambda: len(texts(state.ben, "100")) == 3)
    equal(texts(state.ben, "100"), ["one", "two\nlines", "drei ✓"])
    equal(texts(state.ben, "100", "--new"), [])
    state.ben.run("send", "100", "back")
    state.ana.wait_for("the answer", lambda: texts(state.ana) == ["back"])
    fails(state.ana, 1, "not_found", "send", "199", "nobody")


def terminal_obeys_nobody(state):
    """what others wrote does not reach a terminal as anything but text"""
    evil = "\x1b]0;x\x07\r\x7f\u0085\u009b31m\u200f\u202e\u2028\u2066 abc\ndef \u00e9\u4e2d\u2026"
    equal(ask(state.ana.home, {"command": "send", "to": "101", "text": evil})["done"]["state"], "stored")
    state.ben.wait_for("it", lambda: evil in texts(state.ben, "100"))
    command = [word for word in state.ben.command("read", "100") if word != "--json"]
    shown = subprocess.run(command, env=state.ben.environment, stdout=subprocess.PIPE, timeout=60,
                           check=True).stdout.decode()
    true("]0;x" in shown and "abc\n    def \u00e9\u4e2d\u2026" in shown, "its text is shown")
    true(not any(character in shown for character in evil if not character.isprintable()
                 and character != "\n"), f"nothing else: {shown!r}")
    done = subprocess.run(state.ana.command("call", "101", "--for", "inf"),
                          env=state.ana.environment, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=60, check=False)
    equal(done.returncode, 2, "--for inf")


def follow_shows_what_comes(state):
    """read --follow prints a message as it comes"""
    reader = state.ben.start("read", "100", "--new", "--follow")
    time.sleep(1)
    state.ana.run("send", "101", "live")
    line = json.loads(reader.stdout.readline())
    reader.terminate()
    reader.communicate(timeout=10)
    equal((line["text"], line["from"], line["to"]), ("live", "100", "101"))


def off_and_back(state):
    """what is sent to a phone that is off is there when it is on again"""
    state.ben.stop()
    equal(state.ana.run("send", "101", "while you were off")[-1]["state"], "stored")
    state.ben.wait_for("it", lambda: "while you were off" in texts(state.ben, "100"))


def offline_is_queued(state):
    """without a relay a message is queued, and goes out when it is back"""
    state.relay.kill()
    state.ana.wait_for("no link", lambda: not state.ana.run("status")[-1]["connected"])
    equal(state.ana.run("send", "101", "queued")[-1]["state"], "queued")
    state.relay.start()
    state.ben.wait_for("it", lambda: texts(state.ben, "100").count("queued") == 1, 60)


def killed_agent_loses_nothing(state):
    """an agent that is killed with -9 comes back with everything"""
    before = state.ben.run("read")
    for pid in state.ben.pids().values():
        os.kill(pid, signal.SIGKILL)
    time.sleep(0.5)
    equal([m["id"] for m in state.ben.run("read")], [m["id"] for m in before])


def wrong_passphrase(state):
    """a wrong passphrase is denied, and the right one opens"""
    wrong = os.path.join(state.folder.name, "wrong")
    with open(wrong, "w", encoding="ascii") as out:
        out.write("not it\n")
    state.ben.stop()
    fails(state.ben, 1, "denied", "status", SOTTO_PASSPHRASE_FILE=wrong)
    equal(state.ben.run("status")[-1]["state"], "member")


def change_of_passphrase(state):
    """sotto passphrase changes it, and the old one is refused afterwards"""
    new = os.path.join(state.folder.name, "new")
    with open(new, "w", encoding="ascii") as out:
        out.write("another one\n")
    state.ben.run("passphrase", "--new-passphrase-file", new)
    state.ben.stop()
    fails(state.ben, 1, "denied", "status")
    state.ben.environment["SOTTO_PASSPHRASE_FILE"] = new
    equal(state.ben.run("status")[-1]["state"], "member")


def every_failure_has_words(state):
    """a command that fails for want of descriptors, at whatever point, says why"""
    codes = set()
    for limit in (*range(3, 16), 20, 28, 256):
        state.ben.stop()
        done = subprocess.run(["prlimit", f"--nofile={limit}", *state.ben.command("status")], env=state.ben.environment,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False)
        codes.add(done.returncode)
        if done.returncode != 0 and "error while loading shared libraries" not in done.stderr:
            true(done.stderr.startswith("sotto: ") and len(done.stderr) > 12, f"words with {limit}: {done}")
            true(len(json.loads(done.stdout.splitlines()[-1])["message"]) > 3, f"an object with {limit}: {done}")
    true({0, 1} <= codes, f"control: some failed and some did not: {codes}")
    state.ben.stop()
    state.ben.run("status")


def lock_and_unlock(state):
    """a locked phone shows nothing until it is unlocked"""
    equal(state.ben.run("lock")[-1]["vault"], "locked")
    fails(state.ben, 1, "state", "read")
    equal(state.ben.run("unlock")[-1]["vault"], "open")
    true(len(texts(state.ben, "100")) > 3, "messages are there again")


def home_belongs_to_its_user(state):
    """home, socket and vault are for their user alone"""
    equal(os.stat(state.ben.home).st_mode & 0o777, 0o700, "home")
    for name in ("control", "vault"):
        equal(os.stat(os.path.join(state.ben.home, name)).st_mode & 0o777, 0o600, name)


def long_history(state):
    """a history longer than what may wait for a client is read to its end, in order, by one that is slow"""
    state.ana.run("status")
    wanted = []
    for number in range(90):
        wanted.append(f"{number:03}" + "\x01" * 15000)  # six times as long in JSON
        answer = ask(state.ana.home, {"command": "send", "to": "101", "text": wanted[-1]})
        true("done" in answer, f"{number}: {answer}")
    with Control(state.ana.home) as control:
        control.say({"command": "read", "with": "101"})
        time.sleep(1)
        seen = []
        while True:
            line = control.line()
            if "item" not in line:
                break
            seen.append(line["item"]["text"])
    equal(line, {"done": {}}, "its end")
    equal([text[:3] for text in seen[-90:]], [text[:3] for text in wanted])
    equal(seen[-90:] == wanted, True, "whole")


def relay_counters(state):
    done = subprocess.run([state.rig.program("relay/sottod"), "status", "--json", "--state",
                           os.path.join(state.rig.folder, "relay")], check=True, timeout=30,
                          stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def next_access_key(state):
    """a revocation replaces the access key: links go on, who was off comes back, who is out learns that"""
    dan = state.rig.phone("dan")
    dan.run("join", state.ana.run("invite", "103", "Dan")[-1]["invitation"])
    state.ana.run("send", "103", "welcome")
    dan.wait_for("the welcome", lambda: texts(dan, "100") == ["welcome"])
    dan.stop()
    state.ben.wait_for("a link", lambda: state.ben.run("status")[-1]["connected"])
    # Links of phones that were killed have to be given up first.
    state.ana.wait_for("two links", lambda: relay_counters(state)["links"] == 2, 90)
    before = relay_counters(state)
    state.ana.run("revoke", "103")
    state.ana.wait_for("the key", lambda: relay_counters(state)["key_number"] == 2)
    state.ana.wait_for("the proofs", lambda: relay_counters(state)["links_unproven"] == 0)
    equal(relay_counters(state)["handshakes"], before["handshakes"], "no link was made anew")
    equal(relay_counters(state)["links"], 2, "links")
    state.ana.run("send", "101", "with the new key")
    state.ben.wait_for("it", lambda: "with the new key" in texts(state.ben, "100"))
    state.ana.run("send", "102", "while you were away")
    state.cleo.wait_for("it", lambda: texts(state.cleo, "100") == ["while you were away"], 60)
    equal(relay_counters(state)["links_unproven"], 0, "proven out of catch-up")
    state.cleo.run("send", "100", "back again")
    state.ana.wait_for("it", lambda: "back again" in texts(state.ana, "102"), 60)
    dan.wait_for("the revocation", lambda: dan.run("status")[-1]["state"] == "revoked", 60)
    fails(dan, 1, None, "send", "100", "am I still here?")
    equal(texts(dan, "100"), ["welcome"])
    fails(state.ana, 1, None, "revoke", "103")


def revoked(state):
    """a revoked phone learns it, and nobody sends to it any more"""
    state.ana.run("revoke", "101")
    state.ben.wait_for("the revocation", lambda: state.ben.run("status")[-1]["state"] == "revoked",
                       60)
    fails(state.ana, 1, None, "send", "101", "too late")


def full_outbox(state):
    """more messages than may wait are refused, in words of their own; what is too long has others"""
    state.relay.kill()
    state.ana.wait_for("no link", lambda: not state.ana.run("status")[-1]["connected"], 120)
    queued = state.ana.run("status")[-1]["unacknowledged"]
    with Control(state.ana.home, 300) as control:
        for _ in range(OUTBOX_MAX - queued):
            line = control.ask({"command": "send", "to": "105", "text": "?"})[1]
            true(line.get("done", {}).get("state") == "queued", f"queued: {line}")
    equal(state.ana.run("status")[-1]["unacknowledged"], OUTBOX_MAX, "what waits")
    got, objects, errors = sotto(state.ana, "send", "105", "one more")
    equal((got, objects[-1]["error"]), (1, "limit"))
    true(str(OUTBOX_MAX) in errors and "wait" in errors and "bytes" not in errors, f"a full outbox: {errors!r}")
    line = ask(state.ana.home, {"command": "send", "to": "105", "text": "x" * 65537})
    true(line["error"] == "limit" and "65536 bytes" in line["message"], f"too long: {line}")


CASES = [usage_is_2, no_terminal_and_no_file_is_2, no_phone_yet, wrong_relay, wrong_claim, found_and_join,
         invitation_is_valid_once, join_by_a_picture, messages_both_ways, terminal_obeys_nobody, follow_shows_what_comes, off_and_back,
         offline_is_queued, killed_agent_loses_nothing, wrong_passphrase, change_of_passphrase,
         every_failure_has_words, lock_and_unlock, home_belongs_to_its_user, used_invitation_leads_nowhere, next_access_key,
         long_history, revoked, full_outbox]

sys.exit(run(CASES, State))
