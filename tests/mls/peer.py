# SPDX-License-Identifier: Apache-2.0
"""mls-peer against itself: several processes in one group, through every command, by every suite. TAP.

Arguments: mls-peer, and the program that makes a key package full of GREASE.
"""
import itertools
import random
import subprocess
import sys
import traceback

PEER, GREASE = sys.argv[1:3]
SUITES = [1, 2, 3, 4, 5, 6, 7, 0xF001, 0xF002]
GROUP = b"a group".hex()
PSK, PSK_SECRET = b"an id".hex(), "ab" * 32
VIEWS = ("epoch", "authenticator", "context", "roster")


def need(condition, what=""):
    if not condition:
        raise AssertionError(what)


class Peer:
    def __init__(self, suite=None, name="", tree=True):
        # Two pipes and no thread: a request is written whole before its reply is read.
        self.process = subprocess.Popen([PEER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=1 << 20)
        self.name = name
        self.tree = tree
        if suite is not None:
            self.ok("client", suite, name.encode().hex() or "-")
            self.ok("inline_tree", int(tree))

    def raw(self, line):
        """One line in, one line out."""
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()
        reply = self.process.stdout.readline()
        need(reply.endswith(b"\n"), f"no reply to {line[:200]!r}, exit code {self.process.poll()}")
        text = reply[:-1].decode("ascii")
        need(text == "ok" or text.startswith(("ok ", "err ")), text[:200])
        need("  " not in text and text == text.strip(), f"not separated by one space: {text[:200]}")
        return text

    def request(self, *words):
        return self.raw(" ".join(str(word) for word in words).encode())

    def ok(self, *words):
        """The words of the reply: one by itself, several as a list."""
        reply = self.request(*words)
        need(reply.startswith("ok"), f"{self.name}: {' '.join(map(str, words))[:200]}: {reply[:200]}")
        answer = reply.split(" ")[1:]
        return answer[0] if len(answer) == 1 else answer

    def view(self):
        return [self.request(name) for name in VIEWS + ("leaf", "ratchet_tree")]

    def err(self, *words):
        """Refused, and nothing that shows has changed."""
        before = self.view()
        reply = self.request(*words)
        need(reply.startswith("err "), f"{self.name}: {' '.join(map(str, words))[:200]}: {reply[:200]}")
        need(self.view() == before, f"{self.name}: changed by {' '.join(map(str, words))[:200]}")
        return reply

    def roster(self):
        words = self.ok("roster")
        return dict(word.split(":") for word in ([words] if isinstance(words, str) else words))

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


class Peers:
    """A set of processes that end with it."""

    def __init__(self):
        self.all = []

    def new(self, *arguments, **options):
        self.all.append(Peer(*arguments, **options))
        return self.all[-1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for peer in self.all:
            peer.close()


def agree(*members):
    for what in VIEWS:
        seen = {member.request(what) for member in members}
        need(len(seen) == 1 and seen.pop().startswith("ok "), f"no agreement on {what}")
    need(len({member.ok("export", "label", "0102", 40) for member in members}) == 1, "exports differ")
    need(len({member.ok("ratchet_tree") for member in members}) == 1, "trees differ")


def handle(message, *members, reply=None):
    for member in members:
        answer = member.ok("handle", message)
        wanted = reply or ["commit", member.ok("epoch")]
        need(answer == wanted, f"{member.name}: {answer}")


def join(member, welcome, committer):
    """Before the committer goes on: without inline tree a newcomer takes that of the new epoch."""
    tree = [] if committer.tree else [committer.ok("ratchet_tree")]
    if tree:
        need(member.request("join", welcome).startswith("err "), "joined without a tree")
    need(member.ok("join", welcome, *tree) == committer.ok("epoch"))


def settle(committer, reply, followers=(), newcomers=(), echo=False):
    """A commit is accepted: by apply or by its own echo; the others follow, newcomers join."""
    commit, welcome = reply
    need((welcome != "-") == bool(newcomers), f"welcome: {welcome[:20]}")
    handle(commit, *followers)
    if echo:
        handle(commit, committer)
    else:
        need(committer.ok("apply") == committer.ok("epoch"))
    for newcomer in newcomers:
        join(newcomer, welcome, committer)
    agree(committer, *followers, *newcomers)


def talk(*members):
    for sender, text in itertools.product(members, ("-", b"hello".hex())):
        message = sender.ok("protect", "0badcafe", text)
        for receiver in members:
            if receiver is not sender:
                need(receiver.ok("unprotect", message) == [sender.ok("leaf"), "0badcafe", text])
                receiver.err("unprotect", message)


def start(peers, suite, shape, names):
    """A group of all of these, made by one commit. shape: format and inline tree."""
    form, tree = shape
    members = [peers.new(suite, name, tree) for name in names]
    for member in members:
        member.ok("format", *form)
        member.ok("psk", PSK, PSK_SECRET)
    first, *others = members
    need(first.ok("create", GROUP) == [])
    packages = [other.ok("key_package") for other in others]
    settle(first, first.ok("add", *packages), newcomers=others)
    need(first.ok("epoch") == "1" and first.roster() == {str(i): name.encode().hex() for i, name in enumerate(names)})
    return members


SHAPES = list(itertools.product((("public",), ("private", 100)), (True, False)))


# ---- By each suite and shape ----

def commits(suite, shape):
    """by value: update, remove, add again, psk, resume, all at once"""
    with Peers() as peers:
        a, b, c = start(peers, suite, shape, "abc")
        talk(a, b, c)
        settle(b, b.ok("update"), (a, c))
        settle(c, c.ok("commit"), (a, b), echo=True)
        commit, welcome = a.ok("remove", c.ok("leaf"))
        need(welcome == "-")
        handle(commit, b)
        handle(commit, c, reply="removed")
        a.ok("apply")
        agree(a, b)
        need(c.request("epoch").startswith("err "), "a removed member has an epoch")
        epoch = int(a.ok("epoch"))
        settle(b, b.ok("commit", f"add:{c.ok('key_package')}", f"psk:{PSK}"), (a,), (c,))
        settle(a, a.ok("commit", f"resume:{epoch + 1}", f"psk:{PSK}"), (b, c))
        d = peers.new(suite, "d", shape[1])
        d.ok("psk", PSK, PSK_SECRET)
        added = d.ok("key_package")
        commit, welcome = a.ok("commit", "path", f"remove:{b.ok('leaf')}", f"add:{added}", f"psk:{PSK}")
        handle(commit, c)
        handle(commit, b, reply="removed")
        a.ok("apply")
        join(d, welcome, a)
        agree(a, c, d)
        talk(a, c, d)


def proposals(suite, shape):
    """by reference: every kind, echoes, one that waits stops messages"""
    with Peers() as peers:
        a, b, c = start(peers, suite, shape, "abc")
        d = peers.new(suite, "d", shape[1])
        d.ok("psk", PSK, PSK_SECRET)
        for member, words in ((c, ("add", d.ok("key_package"))), (a, ("update",)), (b, ("psk", PSK))):
            proposal = member.ok("propose", *words)
            handle(proposal, a, b, c, reply="proposal")
        c.err("protect", "-", "00")
        settle(b, b.ok("commit"), (a, c), (d,))
        for member, words in ((a, ("remove", d.ok("leaf"))), (b, ("resume", 2)), (b, ("update",))):
            handle(member.ok("propose", *words), *{a, b, c, d} - {member}, reply="proposal")
        commit, welcome = c.ok("commit")
        need(welcome == "-")
        handle(commit, a, b)
        handle(commit, d, reply="removed")
        c.ok("apply")
        agree(a, b, c)
        # `add` takes along what waits.
        d.ok("client", suite, "64")
        d.ok("psk", PSK, PSK_SECRET)
        d.tree = True
        handle(b.ok("propose", "psk", PSK), a, c, reply="proposal")
        settle(a, a.ok("add", d.ok("key_package")), (b, c), (d,))
        talk(a, b, c, d)


def external(suite, shape):
    """external commits: by a stranger, by a removed one, by a member; apply, echo, drop"""
    with Peers() as peers:
        a, b = start(peers, suite, shape, "ab")
        d = peers.new(suite, "d", shape[1])

        def come(newcomer, others):
            info = a.ok("group_info")
            tree = [] if a.tree else [a.ok("ratchet_tree")]
            if tree:
                need(newcomer.request("external_join", info).startswith("err "), "came in without a tree")
            before = a.ok("epoch")
            commit = newcomer.ok("external_join", info, *tree)
            need(int(newcomer.ok("epoch")) == int(before) + 1)
            handle(commit, *others)
            agree(newcomer, *others)
            return commit

        come(d, (a, b))
        need(d.ok("apply") == d.ok("epoch"))
        need(d.ok("leaf") == "2" and a.roster()["2"] == "64")
        talk(a, b, d)
        commit, _ = a.ok("remove", d.ok("leaf"))
        handle(commit, b)
        handle(commit, d, reply="removed")
        a.ok("apply")
        handle(come(d, (a, b)), d)
        # A member that is still there takes its own place.
        come(b, (a, d))
        b.ok("apply")
        need(len(a.roster()) == 3, a.roster())
        settle(b, b.ok("update"), (a, d))
        talk(a, b, d)
        e = peers.new(suite, "e", shape[1])
        e.ok("external_join", a.ok("group_info"), a.ok("ratchet_tree"))
        need(e.ok("drop") == [] and e.request("epoch").startswith("err "), "dropped, and still in the group")
        e.err("apply")
        come(e, (a, b, d))
        need(e.ok("drop") == [])
        # The tree of a welcome may be given although it is inline.
        f = peers.new(suite, "f", shape[1])
        commit, welcome = a.ok("add", f.ok("key_package"))
        handle(commit, b, d)
        a.ok("apply")
        f.ok("join", welcome, a.ok("ratchet_tree"))
        agree(a, b, d, f)


# ---- By one suite ----

def pending():
    """a commit waits until apply or drop, another one takes its place"""
    with Peers() as peers:
        a, b, c = start(peers, 1, SHAPES[2], "abc")
        a.err("apply")
        before = a.view()
        first, _ = a.ok("update")
        need(a.view() == before, "a commit changes what is shown before it is applied")
        a.err("update")
        a.err("add", c.ok("key_package"))
        need(a.ok("drop") == [] and a.view() == before)
        a.err("apply")
        second, _ = a.ok("update")
        winner = b.ok("update")
        handle(winner[0], a, c)
        b.ok("apply")
        agree(a, b, c)
        a.err("apply")
        for late in (first, second):
            c.err("handle", late)
        # It came back before apply, and once is enough.
        commit, _ = a.ok("update")
        handle(commit, a, b, c)
        a.err("handle", commit)
        a.err("apply")
        agree(a, b, c)


def late():
    """messages of past epochs open, in any order, also after a removal"""
    with Peers() as peers:
        a, b, c = start(peers, 1, SHAPES[3], "abc")
        messages = []
        for _ in range(4):
            messages += [(a.ok("protect", "-", f"{number:02x}"), f"{number:02x}") for number in range(8)]
            settle(a, a.ok("update"), (b, c))
        commit, _ = a.ok("remove", c.ok("leaf"))
        handle(commit, b)
        handle(commit, c, reply="removed")
        a.ok("apply")
        random.Random(1).shuffle(messages)
        for message, text in messages:
            for receiver in (b, c):
                need(receiver.ok("unprotect", message) == ["0", "-", text])
                need(receiver.request("unprotect", message).startswith("err "), "opened twice")
        need(c.request("unprotect", a.ok("protect", "-", "00")).startswith("err "), "opened after the end")
        for words in (("update",), ("protect", "-", "00"), ("group_info",), ("authenticator",), ("apply",)):
            c.err(*words)


def errors():
    """refused requests change nothing, whatever waits"""
    with Peers() as peers:
        a, b, c = start(peers, 1, SHAPES[3], "abc")
        other = peers.new(2, "other")
        stranger = peers.new(1, "stranger")
        stranger.ok("create", b"elsewhere".hex())
        foreign = stranger.ok("update")[0]
        message = a.ok("protect", "-", "00")
        old = b.ok("update")
        settle(b, old, (a, c))
        proposal = b.ok("propose", "update")
        handle(proposal, a, c, reply="proposal")
        commit = b.ok("commit", "path")
        welcome = stranger.ok("drop") or stranger.ok("add", c.ok("key_package"))[1]
        wrong = [
            ("add", "00"), ("add", other.ok("key_package")), ("add", a.ok("key_package"), "-"), ("remove", 0),
            ("remove", 17), ("remove", 2**32), ("commit", "pith"), ("commit", "add:"), ("commit", "remove:0"),
            ("commit", "psk:00"), ("commit", "resume:99"), ("commit", "add:xyz"), ("propose", "remove", 9),
            ("propose", "add", "00"), ("propose", "psk", "00"), ("propose", "resume", 99), ("propose", "update", 1),
            ("propose", "reinit"), ("propose", "add"), ("handle", "-"), ("handle", foreign), ("handle", old[0]),
            ("handle", message), ("handle", welcome), ("join", welcome), ("join", "00"), ("join", old[0]),
            ("external_join", "00"), ("external_join", other.ok("key_package")), ("protect", "-", "00"),
            ("unprotect", foreign), ("unprotect", "-"), ("export", "label", "-", 255 * 32 + 1),
            ("export", "label", "-", -1), ("client", 99, "00"), ("client", 1, "0"), ("client", 70000, "00"),
            ("format", "secret"), ("format", "private", 2**40), ("inline_tree", 2), ("psk", "0g", "00"),
            ("create", "123"), ("apply",),
        ]
        for words in wrong:
            a.err(*words)
        for at in random.Random(2).sample(range(8, len(commit[0])), 40):
            a.err("handle", commit[0][:at] + "%x" % (int(commit[0][at], 16) ^ 1) + commit[0][at + 1:])
            a.err("handle", commit[0][:at])
        settle(b, commit, (a, c))
        # What `create` or `join` did not take, it did not take away.
        need(a.ok("create", "ff") == [] and a.ok("epoch") == "0")


def lines():
    """malformed lines: one reply each"""
    with Peers() as peers:
        a = peers.new()
        need(a.raw(b"epoch") == "err no client yet")
        a.ok("client", 1, "-")
        a.ok("create", "-")
        need(a.roster() == {"0": "-"} and a.ok("export", "x", "-", 0) == "-")
        for line in (b"", b" ", b"epoch ", b" epoch", b"epoch  ", b"protect  - -", b"epoch\t", b"epoch\r", b"EPOCH", b"epo",
                     b"epoch 1", b"client", b"client 1", b"client 1 00 00", b"client +1 00", b"client -1 00",
                     b"client 0x1 00", b"client 18446744073709551617 00", b"protect -", b"protect - 0",
                     b"protect - 0g", b"protect -- -", b"add", b"psk 00", b"e\0poch", b"epoch\0", b"\xff\xfe",
                     b"quit now", b"export \xc3\xa4 00", b"remove 1 x", b"join - - -"):
            reply = a.raw(line)
            need(reply.startswith("err "), f"{line!r}: {reply}")
        need(a.raw(b"protect ABcd aB").startswith("ok "), "upper case")
        need(a.raw(b"export " + b"l" * 100000 + b" - 32").startswith("ok "), "a long label")
        big = "5a" * (3 << 20)
        a.ok("psk", "01", big)
        a.err("handle", big)
        need(a.ok("protect", "-", big[:1 << 21]).startswith("0001"))
        need(a.raw(b"quit") == "ok" and a.process.wait(60) == 0)
        done = subprocess.run([PEER], input=b"client 1 00\nepoch", stdout=subprocess.PIPE, check=True)
        need(done.stdout.startswith(b"ok\nerr ") and done.stdout.count(b"\n") == 2, "a last line without its end")


def fresh():
    """client begins anew: no group, no keys, no format"""
    with Peers() as peers:
        a, b = start(peers, 1, SHAPES[3], "ab")
        package = b.ok("key_package")
        b.ok("client", 1, "62")
        b.err("update")
        b.err("unprotect", a.ok("protect", "-", "00"))
        commit, welcome = a.ok("commit", f"remove:{1}", f"add:{package}")
        a.ok("apply")
        b.err("join", welcome, a.ok("ratchet_tree"))
        b.ok("create", "00")
        need(b.ok("update")[0].startswith("00010002"), "private messages are the default")
        b.ok("apply")
        b.err("propose", "psk", PSK)
        need(commit.startswith("00010002"))
        b.ok("format", "public")
        need(b.ok("update")[0].startswith("00010001"))


def padding():
    """padding makes private messages longer, and is not seen"""
    with Peers() as peers:
        a, b = start(peers, 1, SHAPES[2], "ab")
        lengths = []
        for size in (0, 500):
            a.ok("format", "private", size)
            message = a.ok("protect", "-", "07")
            need(b.ok("unprotect", message) == ["0", "-", "07"])
            commit = a.ok("update")
            lengths.append((len(message), len(commit[0])))
            settle(a, commit, (b,))
        for small, large in zip(*lengths):
            need(large >= small + 1000, lengths)


def grease():
    """a key package with GREASE everywhere and no end is added, kept and shown"""
    for suite in SUITES:
        with Peers() as peers:
            a, b = start(peers, suite, SHAPES[0], "ab")
            package = subprocess.run([GREASE, str(suite)], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
            commit, _ = a.ok("add", package)
            handle(commit, b)
            a.ok("apply")
            agree(a, b)
            need(a.roster()["2"] == b"grease".hex() and "1a1a" in a.ok("ratchet_tree"))
            settle(b, b.ok("update"), (a,))
            c = peers.new(suite, "c")
            settle(a, a.ok("add", c.ok("key_package")), (b,), (c,))


def many():
    """three hundred members in one line, and out again"""
    with Peers() as peers:
        a, b = start(peers, 1, SHAPES[0], "ab")
        maker = peers.new()
        packages = []
        for number in range(300):
            maker.ok("client", 1, f"{number:04x}")
            packages.append(maker.ok("key_package"))
        c = peers.new(1, "c")
        settle(a, a.ok("add", *packages, c.ok("key_package")), (b,), (c,))
        need(len(c.roster()) == 303)
        settle(c, c.ok("update"), (a, b))
        settle(b, b.ok("remove", *range(2, 302)), (a, c))
        need(len(c.roster()) == 3)


def mutated(rng, known):
    """A line near the truth, or far from it."""
    kind = rng.randrange(4)
    if kind == 0:
        return bytes(rng.randrange(256) for _ in range(rng.randrange(60)))
    words = rng.choice(known).split(" ")
    if kind == 1:
        rng.shuffle(words)
    if kind == 2:
        words[rng.randrange(len(words))] = rng.choice(["", "-", "0", "00", "18446744073709551615", "add:", "path", "x" * 40])
    line = bytearray(" ".join(words).encode())
    if kind == 3:
        for _ in range(rng.randrange(1, 4)):
            line[rng.randrange(len(line))] = rng.choice(b"0123456789abcdef -:\t\0")
    return bytes(line)


def noise():
    """thousands of random lines: always one reply, and life goes on"""
    rng = random.Random(3)
    with Peers() as peers:
        a, b = start(peers, 1, SHAPES[2], "ab")
        c = peers.new(1, "c")
        commit, _ = b.ok("update")
        known = ["client 1 00", "format private 100", "inline_tree 1", "psk 00 00", "key_package", "create 00", "update",
                 "add " + c.ok("key_package"), "remove 0", "commit path psk:00 remove:1", "apply", "drop", "epoch",
                 "propose update", "propose resume 0", "handle " + commit, "join " + commit, "group_info", "roster",
                 "external_join " + b.ok("group_info"), "protect 00 00", "unprotect " + b.ok("protect", "-", "00"),
                 "export x 00 32", "authenticator", "context", "leaf", "ratchet_tree"]
        for number in range(3000):
            line = mutated(rng, known).replace(b"\n", b"")
            if line != b"quit":
                a.raw(line)
            if number % 500 == 0:
                a.ok("client", 1, "61")
                a.ok("create", "00")
        a.ok("client", 1, "61")
        b.ok("drop")
        settle(b, b.ok("add", a.ok("key_package")), (), (a,))
        talk(a, b)


def main():
    cases = []
    for suite in SUITES:
        for story in (commits, proposals, external):
            cases.append((f"suite {suite}, {story.__doc__}", [(story, suite, shape) for shape in SHAPES]))
    for story in (pending, late, errors, lines, fresh, padding, grease, many, noise):
        cases.append((story.__doc__, [(story,)]))
    print(f"1..{len(cases)}", flush=True)
    for number, (name, runs) in enumerate(cases, 1):
        result = "ok"
        for function, *arguments in runs:
            try:
                function(*arguments)
            except Exception:  # pylint: disable=broad-except
                result = "not ok"
                for line in [f"{arguments}", *traceback.format_exc().splitlines()]:
                    print("#", line)
        print(f"{result} {number} - {name}", flush=True)


main()
