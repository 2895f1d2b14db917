# SPDX-License-Identifier: Apache-2.0
"""Many people from a list, and their cards on paper: all are invited or nobody is, a file is whole or not there. TAP."""
import json
import os
import stat
import subprocess
import sys

SOURCE = os.environ["SOTTO_SOURCE"]
sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)), os.path.join(SOURCE, "tests", "cards")]
from control import Control, ask  # noqa: E402
from network import Network, fails, sotto  # noqa: E402
from sheet import cut, letters, pages  # noqa: E402
from tap import equal, run, true  # noqa: E402

PEOPLE = [("201", "Benedikt Oyelaran"), ("202", "Castellanos, Ana \"Nan\""), ("203", "محمد عبد الرحمن"), ("210", "Nguyễn Thị Minh Khai"),
          ("204", "Александра Константинопольская"), ("205", "O"), ("206", "Maximiliane Freifrau von und zu Guttenberg-Schwarzenfels-Hof"),
          ("207", "प्रियंका चतुर्वेदी"), ("208", "Ἀριστοτέλης"), ("209", "Chiyo")]


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def csv(people, heading="extension,name\r\n"):
    return "\ufeff" + heading + "".join(f"{extension},{quoted(name)}\r\n" for extension, name in people)


class State(Network):
    def __init__(self):
        super().__init__("ana", "ben", "dee")
        self.ana.run("found", "Field Desk", "--relay", self.relay.name, "--as", "Ana")
        self.ben.run("join", self.ana.run("invite", "101", "Ben")[-1]["invitation"])
        self.ana.wait_for("the roster", lambda: len(self.ana.run("members")) == 2)
        self.list = self.write("people.csv", csv(PEOPLE))
        self.sheet = self.path("cards.pdf")
        self.text = self.path("cards.txt")
        self.cards = {}

    def write(self, name, data):
        with open(self.path(name), "wb") as out:
            out.write(data.encode() if isinstance(data, str) else data)
        return self.path(name)

    def nobody(self):
        """Nothing was invited and no file is there."""
        equal(ask(self.ana.home, {"command": "invitations"}), {"done": {}}, "invitations")
        with Control(self.ana.home) as control:
            equal(control.ask({"command": "invitations"})[0], list(self.cards.values()), "cards that are out")
        left = [name for name in os.listdir(self.folder.name) if name.startswith("cards.")]
        equal(left, [], "files")


def nothing_open(state):
    """without a card that is out there is no sheet"""
    fails(state.ana, 1, "not_found", "no card", "invite", "--sheet", state.sheet)
    state.nobody()


def bad_lines(state):
    """each bad line is named with its file and what is wrong, and nobody is invited"""
    bad = state.write("bad.csv", "extension,name,devices\n201,Ben\n12,Ana\n202,\n203,Zoe,7\n201,Bo\n204\n".encode() + b"205,M\xfcller\n")
    code, out, errors = sotto(state.ana, "invite", "--csv", bad, "--sheet", state.sheet, "--text", state.text)
    equal(code, 1, f"exit, which said {errors!r}")
    wanted = [(3, "3 to 5 digits"), (4, "no name"), (5, "1 to 4"), (6, "stands in line 2 already"), (7, "is wanted"), (8, "not UTF-8")]
    lines = errors.splitlines()
    equal(len(lines), len(wanted), f"lines of {errors!r}")
    for (number, words), line, said in zip(wanted, lines, out.splitlines()):
        true(line.startswith(f"sotto: {bad}, line {number}: ") and words in line, line)
        equal(json.loads(said), {"error": "invalid", "message": line.removeprefix("sotto: ")}, "as JSON")
    state.nobody()


def taken(state):
    """so is each whom the network does not let in: before anybody else is"""
    bad = state.write("taken.csv", csv([("201", "Good"), ("101", "Ben"), ("100", "Ana"), ("2001", "Four"), ("202", "A\u202eB")]))
    code, _, errors = sotto(state.ana, "invite", "--csv", bad, "--sheet", state.sheet)
    equal(code, 1, "exit")
    for number, words in ((3, "extension 101 is taken"), (4, "extension 100 is taken"), (5, "have 3 digits"), (6, "not seen")):
        true(f"sotto: {bad}, line {number}: " in errors and words in errors, f"line {number}: {words} in {errors!r}")
    true("4 of 5 cannot be invited: nobody was" in errors, errors)
    state.nobody()


def wrong_words(state):
    """what cannot be done with these words, these files or by this phone is said before anything is done"""
    for words in (["--csv", state.list, "201", "Ben"], ["201"], [], ["--devices", "2"], ["--csv", state.list, "--devices", "5"],
                  ["--csv", state.list, "--sheet", state.sheet, "--text", state.sheet]):
        equal(sotto(state.ana, "invite", *words)[0], 2, f"exit of invite {words}")
    fails(state.ana, 1, "file", "nowhere.csv", "invite", "--csv", state.path("nowhere.csv"))
    fails(state.ana, 1, "file", "/nowhere/", "invite", "--csv", state.list, "--sheet", "/nowhere/cards.pdf")
    fails(state.ana, 1, "file", "/nowhere/", "invite", "--csv", state.list, "--text", "/nowhere/x", "--sheet", state.sheet)
    fails(state.ben, 1, "denied", "admin", "invite", "--csv", state.list, "--sheet", state.sheet)
    state.nobody()


def invites(state):
    """ten people are invited by one command, and each card is a result"""
    code, out, errors = sotto(state.ana, "invite", "--csv", state.list, "--sheet", state.sheet, "--text", state.text, "--devices", "2")
    equal(code, 0, f"exit, which said {errors!r}")
    *cards, done = map(json.loads, out.splitlines())
    equal(done, {"invited": len(PEOPLE)}, "done")
    equal(sorted((card["extension"], card["name"]) for card in cards), sorted(PEOPLE), "cards")
    equal({card["network"] for card in cards}, {"Field Desk"}, "network")
    equal(len({card["invitation"] for card in cards}), len(PEOPLE), "each its own")
    state.cards = dict(sorted((card["extension"], card) for card in cards))


def sheet(state):
    """the sheet has each card in the order of the list, on two pages, for its user alone"""
    for path in (state.sheet, state.text):
        equal(stat.S_IMODE(os.stat(path).st_mode), 0o600, path)
        true(not os.path.exists(path + ".part"), "nothing beside it")
    equal(pages(state.sheet), 2, "pages")
    for number, (extension, name) in enumerate(PEOPLE):
        text, code = cut(state.sheet, number)
        card = state.cards[extension]
        equal(code, card["invitation"].upper(), f"code of {extension}")
        true(extension in text.split(), f"{extension} in {text!r}")
        until = card["expires"][:16].replace("T", " ")
        true(f"until {until} UTC" in text and "Field Desk" in text, f"{until} in {text!r}")
        if not {"م", "प"} & set(name):
            true(letters(name) in letters(text), f"{name!r} in {text!r}")


def text(state):
    """and so has the text"""
    with open(state.text, encoding="utf-8") as file:
        cards = file.read().split("\n- - ")
    equal(len(cards), len(PEOPLE), "cards")
    for card, (extension, name) in zip(cards, PEOPLE):
        true(f"{extension}  {name}\n" in card, f"{extension} {name} in {card!r}")
        true(f"sotto join {state.cards[extension]['invitation']}\n" in card, f"invitation in {card!r}")


def again(state):
    """asked again, and for all that are out, the cards are the same; of another name there is none"""
    before = open(state.sheet, "rb").read()
    sotto(state.ana, "invite", "--csv", state.list, "--sheet", state.sheet)
    equal(open(state.sheet, "rb").read(), before, "sheet")
    code, out, _ = sotto(state.ana, "invite", "--text", state.text, "--sheet", state.path("cards-again.pdf"))
    equal(code, 0, "exit")
    equal([json.loads(line) for line in out.splitlines()], list(state.cards.values()), "all of them, by extension")
    equal(cut(state.path("cards-again.pdf"), 0)[1], state.cards["201"]["invitation"].upper(), "the first of them")
    other = state.write("other.csv", csv([("220", "New"), ("201", "Somebody Else")]))
    code, _, errors = sotto(state.ana, "invite", "--csv", other)
    equal(code, 1, "exit")
    true("line 3: extension 201 has a card already, for Benedikt Oyelaran" in errors, errors)
    with Control(state.ana.home) as control:
        equal(control.ask({"command": "invitations"})[0], list(state.cards.values()), "nobody more is invited")


def one(state):
    """one person's card can be printed, too"""
    path = state.path("cards-one.pdf")
    card = state.ana.run("invite", "221", "Élodie", "--sheet", path)[-1]
    equal((card["name"], card["network"]), ("Élodie", "Field Desk"), "card")
    said, code = cut(path, 0)
    equal(code, card["invitation"].upper(), "code")
    true("Élodie" in said and "221" in said, said)


def joins(state):
    """a card that was cut out of the sheet and photographed lets its person in, and is not out any more"""
    picture = state.path("photo")
    subprocess.run(["pdftoppm", "-r", "200", "-f", "2", "-l", "2", "-x", "80", "-y", "80", "-W", "745", "-H", "540", "-png",
                    "-singlefile", state.sheet, picture], check=True)
    state.dee.run("join", "--image", picture + ".png")
    equal(state.dee.run("status")[-1]["extension"], PEOPLE[8][0], "extension")
    state.ana.wait_for("the roster", lambda: len(state.ana.run("members")) == 3)
    state.ana.run("invite", "--sheet", state.path("cards-left.pdf"))
    equal(pages(state.path("cards-left.pdf")), 2, "pages")
    equal(cut(state.path("cards-left.pdf"), 9)[1], state.ana.run("invite", "221", "Élodie")[-1]["invitation"].upper(), "ten are left")
    equal(cut(state.path("cards-left.pdf"), 10)[1], None, "and no more")


def for_people(state):
    """people see who is invited, not the secrets that the file has"""
    code, out, errors = sotto(state.ana, "invite", "--sheet", state.path("cards-seen.pdf"), as_json=False)
    equal(code, 0, errors)
    true("Benedikt Oyelaran" in out and "10 cards in " in out and "sotto:" not in out, out)
    code, out, errors = sotto(state.ana, "invite", "--csv", state.write("more.csv", "222,Eve\n"), as_json=False)
    equal(code, 0, errors)
    true("222   Eve\nsotto:" in out, out)


def no_helper(state):
    """without a word from sotto-cards there is no sheet, and the one before stays"""
    before = open(state.sheet, "rb").read()
    with open(state.path("limits.sh"), "w", encoding="ascii") as out:
        out.write("ulimit -f 8\nexec \"$@\"\n")
    done = subprocess.run(["bash", out.name, *state.ana.command("invite", "--sheet", state.sheet)], env=state.ana.environment,
                          capture_output=True, text=True, check=False)
    equal(done.returncode, 1, f"exit, which said {done.stderr!r}")
    true("made no sheet" in done.stderr, done.stderr)
    equal(open(state.sheet, "rb").read(), before, "sheet")
    true(not os.path.exists(state.sheet + ".part"), "nothing beside it")


def control_limits(state):
    """the socket takes 1 to 1,000 people, each of the right form"""
    person = {"extension": "300", "name": "P"}
    for people, error in (([], "limit"), ([person] * 1001, "limit"), ([person, person], "invalid"), ([{"extension": "300"}], "usage"),
                          ([{**person, "more": 1}], "usage"), ([{**person, "devices": "2"}], "usage"), (["300"], "usage"), ({}, "usage")):
        equal(ask(state.ana.home, {"command": "invite_many", "people": people})["error"], error, str(people)[:60])


def unreachable(state):
    """who was on his way when the relay and the client went is invited once, and the same command says so"""
    state.relay.end()
    with Control(state.ana.home) as control:
        control.say({"command": "invite_many", "people": [{"extension": "230", "name": "Fay"}, {"extension": "231", "name": "Gus"}]})
    # That client has left. Another one, once the relay is there again:
    state.relay.start()
    state.ana.wait_for("a link", lambda: state.ana.run("status")[-1]["connected"])
    path = state.write("late.csv", "230,Fay\n231,Gus\n")
    code, out, errors = sotto(state.ana, "invite", "--csv", path)
    equal(code, 0, errors)
    *cards, done = map(json.loads, out.splitlines())
    equal(done, {"invited": 2}, "done")
    with Control(state.ana.home) as control:
        out = [card for card in control.ask({"command": "invitations"})[0] if card["extension"] in ("230", "231")]
    equal(out, sorted(cards, key=lambda card: card["extension"]), "cards that are out")


def by_two(state):
    """where two admins must sign, the list is one proposal, and when it is signed the same command has the cards"""
    state.ana.run("admin", "add", "101")
    state.ana.run("admin", "add", PEOPLE[8][0], "--threshold", "2")
    path = state.write("two.csv", "241,Ivo\n240,Hana\n")
    sheet_path = state.path("cards-two.pdf")
    done = state.ana.run("invite", "--csv", path, "--sheet", sheet_path)[-1]
    equal((done["invited"], done["waiting"], len(done["proposals"])), (0, 2, 1), "done")
    proposal = done["proposals"][0]
    equal([act["words"].split(",")[0] for act in proposal["acts"]], ['invite 241 "Ivo"', 'invite 240 "Hana"'], "what is proposed")
    true(not os.path.exists(sheet_path) and not os.path.exists(sheet_path + ".part"), "no sheet yet")
    code, out, errors = sotto(state.ana, "invite", "--csv", path, as_json=False)
    equal(code, 0, errors)
    true("2 of 2 wait until enough admins have signed" in out, out)
    equal(len(state.ana.run("pending")), 1, "proposals, though it was asked twice")
    state.ben.wait_for("the proposal", lambda: len(state.ben.run("pending")) == 1)
    state.ben.run("approve", proposal["id"], "--yes")
    state.ana.wait_for("it stands", lambda: not state.ana.run("pending"))
    more = state.write("three.csv", "241,Ivo\n242,Jo\n240,Hana\n")
    *cards, done = state.ana.run("invite", "--csv", more, "--sheet", sheet_path)
    equal(sorted(card["extension"] for card in cards), ["240", "241"], "who has a card already")
    equal((done["invited"], done["waiting"]), (2, 1), "done")
    true(not os.path.exists(sheet_path), "no sheet of some of them")
    equal(state.ana.run("invite", "--csv", path, "--sheet", sheet_path)[-1], {"invited": 2}, "done")
    true("Ivo" in cut(sheet_path, 0)[0] and "Hana" in cut(sheet_path, 1)[0], "in the order of the list")


sys.exit(run([nothing_open, bad_lines, taken, wrong_words, invites, sheet, text, again, one, joins, for_people, no_helper, control_limits,
              unreachable, by_two], State))
