# SPDX-License-Identifier: Apache-2.0
"""What admins do together, between real processes: three of them, two of whom must sign."""
import datetime
import hashlib
import os
import re
import subprocess
import sys

from network import SOURCE, Network, fails, sotto
from tap import equal, run, true


class State(Network):
    def __init__(self):
        super().__init__("ana", "ben", "cem", "dora")
        self.join()
        self.eva = self.rig.phone("eva")


def actions(phone):
    return [e["action"] for e in phone.run("ledger")]


def pending(phone):
    return phone.run("pending")


def wait_pending(phone, count):
    phone.wait_for(f"{count} proposals", lambda: len(pending(phone)) == count)
    return pending(phone)


def said(phone, *arguments):
    """What people read."""
    code, out, errors = sotto(phone, *arguments, as_json=False)
    equal(code, 0, errors)
    return out


def admins(state):
    """one admin makes others, and until two must sign every phone says that one person controls the network"""
    for phone in state.phones:
        true("one person controls this network" in str(phone.run("status")[-1]["problems"]), "until then")
    fails(state.ben, 1, "denied", "only an admin", "admin", "add", "102")
    fails(state.ana, 1, "not_found", "nobody with extension 150", "admin", "add", "150")
    fails(state.ana, 2, "usage", "a number from 1 to 99", "admin", "threshold", "two")
    fails(state.ana, 1, "invalid", "at least one may be missing", "admin", "threshold", "2")
    equal(state.ana.run("admin", "add", "101")[-1], {"admins": 2, "threshold": 1})
    state.ben.wait_for("the list", lambda: len(state.ben.run("admin", "list")) == 3)
    equal(state.ben.run("admin", "add", "102", "--threshold", "2")[-1], {"admins": 3, "threshold": 2})
    for phone in state.phones:
        phone.wait_for("two of three", lambda p=phone: p.run("status")[-1]["threshold"] == 2)
        true("one person" not in str(phone.run("status")[-1]["problems"]), "two of three")
    equal([a["extension"] for a in state.dora.run("admin", "list")[:-1]].count("100"), 1)


def nothing_by_one(state):
    """one of them alone changes nothing; what he wants is shown to all, in words, and the second one reads it first"""
    proposal = state.ana.run("revoke", "103")[-1]["proposal"]
    true(re.fullmatch(r"[A-Z2-7]{4}-[A-Z2-7]{4}-[A-Z2-7]{4}", proposal["id"]), proposal["id"])
    equal((proposal["by"], proposal["signed"], proposal["needed"]), ("100", ["100"], 1))
    equal(proposal["acts"], [{"action": "revoke", "words": 'take 103 "Dora" out, with all devices, for good'}])
    for phone in state.phones:
        equal([p["id"] for p in wait_pending(phone, 1)], [proposal["id"]])
    true('take 103 "Dora" out' in said(state.dora, "pending"), "she sees it")
    fails(state.dora, 1, "denied", "only an admin", "approve", proposal["id"], "--yes")
    fails(state.ana, 1, "exists", "has said so already", "approve", proposal["id"], "--yes")
    fails(state.ben, 1, "not_found", "no such proposal", "approve", "AAAA-AAAA-AAAA", "--yes")
    # What is signed is read first: where nobody can be asked it is said that it was.
    fails(state.ben, 2, "usage", "is read first", "approve", proposal["id"])
    true("revoke" not in actions(state.ben), "nobody is out")
    equal(state.cem.run("refuse", proposal["id"])[-1]["needed"], 1)
    state.ana.wait_for("who is against it", lambda: pending(state.ana)[0]["refused"] == ["102"])
    equal(state.ben.run("refuse", proposal["id"].lower().replace("-", " "))[-1]["needed"], 0)
    for phone in state.phones:
        wait_pending(phone, 0)


def typed(state):
    """on a terminal it is shown, and yes is typed; anything else signs nothing"""
    proposal = state.ana.run("admin", "remove", "102", "--threshold", "1")[-1]["proposal"]
    wait_pending(state.ben, 1)
    for answer, words in (("y\n", "nothing was signed"), ("no\n", "nothing was signed")):
        out = subprocess.run(["script", "-qec", " ".join(word for word in state.ben.command("approve", proposal["id"])
                                                         if word != "--json"), "/dev/null"],
                             env=state.ben.environment, input=answer.encode(), stdout=subprocess.PIPE, timeout=60,
                             check=False).stdout.decode()
        true(words in out and "102 \"Cem\" is no admin any more" in out, out)
    equal(len(pending(state.ben)), 1)
    # Who proposed it withdraws it.
    state.ana.run("refuse", proposal["id"])
    wait_pending(state.ben, 0)


def one_comes(state):
    """an invitation by two; who has come is unconfirmed until somebody else has compared the code"""
    proposal = state.ana.run("invite", "104", "Eva")[-1]["proposal"]
    true(proposal["acts"][0]["words"].startswith('invite 104 "Eva", with up to 3 devices, by 20'), proposal["acts"])
    # Asked again it is the same one, and nothing more is proposed.
    wait_pending(state.cem, 1)
    equal(state.cem.run("approve", proposal["id"], "--yes")[-1]["needed"], 0)
    state.ana.wait_for("the entry", lambda: "authorise" in actions(state.ana)[-1:])
    card = state.ana.run("invite", "104", "Eva")[-1]["invitation"]
    state.eva.run("join", card)
    code = state.eva.run("status")[-1]["confirm_code"]
    state.dora.wait_for("she came", lambda: ("104", "unconfirmed") in
                        [(m["extension"], m["state"]) for m in state.dora.run("members")])
    fails(state.dora, 1, "denied", "revoked or not confirmed", "send", "104", "hello")
    wrong = code[:-1] + ("A" if code[-1] != "A" else "B")
    fails(state.dora, 1, "forged", "not the code of the phone that came in as 104", "confirm", "104", wrong)
    fails(state.ana, 1, "denied", "its person signed the invitation", "confirm", "104", code)
    fails(state.dora, 1, "not_found", "nobody with extension 102 waits", "confirm", "102", code)
    equal(state.dora.run("confirm", "104", *code.split("-"))[-1], {"extension": "104", "state": "confirmed"})
    state.eva.wait_for("it is confirmed", lambda: "confirm_code" not in state.eva.run("status")[-1])
    state.dora.run("send", "104", "hello")
    state.eva.wait_for("the text", lambda: "hello" in [m.get("text") for m in state.eva.run("read", "103")])


def who_let_him_in(state):
    """from any phone's own words: who was for it, who let her in, when, and who confirmed her"""
    story = state.ben.run("members", "104")[0]["story"]
    equal([(e["action"], e["signed"]) for e in story][0], ("authorise", ["100", "102"]) if
          story[0]["signed"] == ["100", "102"] else ("authorise", ["102", "100"]))
    equal([e["action"] for e in story], ["authorise", "enrol", "confirm"])
    equal(story[2]["signed"], ["103"])
    words = said(state.ben, "members", "104")
    true('104 "Eva" came in' in words and 'is confirmed: the words were compared  [103]' in words, words)
    fails(state.ben, 1, "not_found", "nobody has extension 199", "members", "199")


def kept_quiet(state):
    """one admin alone keeps a member quiet for a day, and not an admin"""
    equal(state.cem.run("suspend", "103")[-1], {"extension": "103", "state": "suspended"})
    state.ben.wait_for("it is shown", lambda: ("103", "suspended") in
                       [(m["extension"], m["state"]) for m in state.ben.run("members")])
    fails(state.cem, 1, "invalid", "an admin cannot be suspended", "suspend", "101")
    equal(state.ben.run("send", "103", "waits")[-1]["held"], True)
    true("103 is suspended until 20" in str(state.ben.run("status")[-1]["problems"]), "until when")
    true(state.cem.run("send", "101", "goes")[-1]["state"] != "queued", "to others as before")
    # Not twice without the second one.
    true("proposal" in state.cem.run("suspend", "103")[-1], "the second time is a proposal")
    state.cem.run("refuse", pending(state.cem)[0]["id"])


def an_end(state):
    """a membership gets an end by two, and it is said two weeks before"""
    fails(state.ana, 2, "usage", "a day to come, YYYY-MM-DD, or none", "term", "103", "2027-02-30")
    fails(state.ana, 2, "usage", "a day to come", "term", "103", "2020-01-31")
    fails(state.ana, 1, "invalid", "the membership of an admin has no end", "term", "101", "2099-01-31")
    day = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=3)).strftime("%Y-%m-%d")
    proposal = state.ana.run("term", "103", day)[-1]["proposal"]
    true('103 "Dora" is a member until ' in proposal["acts"][0]["words"], proposal)
    wait_pending(state.ben, 1)
    state.ben.run("approve", proposal["id"], "--yes")
    state.dora.wait_for("the warning", lambda: "103 is a member until" in str(state.dora.run("status")[-1]["problems"]))
    true("until" in [m for m in state.eva.run("members") if m["extension"] == "103"][0], "all see it")


def one_policy(state):
    """a policy is every phone's, by two admins, and what it switches off is off"""
    fails(state.ana, 2, "usage", "a setting is", "policy", "retention=soon")
    fails(state.ana, 1, "invalid", "records are kept for 1 to 365 days", "policy", "retention=1h")
    fails(state.dora, 1, "denied", "only an admin", "policy", "off=export")
    equal(state.dora.run("policy")[-1]["entry"], None)
    proposal = state.ana.run("policy", "off=export,calls", "retention=30d", "beat=6h")[-1]["proposal"]
    true("records are kept for 30 days" in proposal["acts"][0]["words"] and "off: calls, export" in
         proposal["acts"][0]["words"], proposal["acts"])
    wait_pending(state.cem, 1)
    state.cem.run("approve", proposal["id"], "--yes")
    for phone in (*state.phones, state.eva):
        phone.wait_for("the policy", lambda p=phone: p.run("policy")[-1]["off"] == ["calls", "export"])
    fails(state.dora, 1, "unsupported", "policy switches export off", "export")
    fails(state.dora, 1, "unsupported", "policy switches calls off", "call", "100")
    true("switched off      calls, export" in said(state.eva, "policy"), "as people read it")
    proposal = state.cem.run("policy", "off=none")[-1]["proposal"]
    wait_pending(state.ben, 1)
    state.ben.run("approve", proposal["id"], "--yes")
    state.dora.wait_for("nothing is off", lambda: state.dora.run("policy")[-1]["off"] == [])
    equal(state.dora.run("policy")[-1]["retention_s"], 30 * 86400)
    state.dora.run("export")


def two_take_out(state):
    """two admins take a member out; her phone says so, and the access key is another one"""
    fails(state.ana, 1, "invalid", "is an admin: first", "revoke", "102")
    proposal = state.ben.run("revoke", "104")[-1]["proposal"]
    wait_pending(state.ana, 1)
    state.ana.run("approve", proposal["id"], "--yes")
    state.eva.wait_for("she is out", lambda: state.eva.run("status")[-1]["state"] == "revoked")
    state.dora.run("send", "100", "still here")
    state.ana.wait_for("others go on", lambda: "still here" in [m.get("text") for m in state.ana.run("read", "103")])


def two_name_a_release(state):
    """a release is named by two: the second one reads version and hash; then every phone says that it runs another one"""
    manifest = os.path.join(SOURCE, "fuzz", "seeds", "release", "manifest")
    with open(manifest, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    proposal = state.ana.run("name-release", manifest)[-1]["proposal"]
    equal(proposal["acts"], [{"action": "release", "words": f'release 1 "0.1.0" has the hash {digest}'}])
    wait_pending(state.cem, 1)
    fails(state.ben, 1, "not_found", "names no release at all", "verify-release", manifest)
    state.cem.run("approve", proposal["id"], "--yes")
    state.ben.wait_for("the entry", lambda: "release" in actions(state.ben)[-1:])
    said = state.ben.run("verify-release", manifest)[-1]
    equal((said["number"], sorted(who["extension"] for who in said["signers"])), (1, ["100", "102"]))
    true("something that no entry of the ledger names" in str(state.ben.run("status")[-1]["problems"]), "of a build folder")


if __name__ == "__main__":
    sys.exit(run([admins, nothing_by_one, typed, one_comes, who_let_him_in, kept_quiet, an_end, one_policy, two_take_out,
                  two_name_a_release], State))
