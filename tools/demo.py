# SPDX-License-Identifier: Apache-2.0
"""make demo: a relay that knows nothing, three phones that hold the keys, messages, a group, a second device, and a call with
speech.

    demo.py BUILD          leaves build/demo/report.json and the recordings; exit 0 if everything held
"""
import json
import os
import shutil
import struct
import subprocess
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "rig"), os.path.join(HERE, "measure")]
from aims import ROUNDS  # noqa: E402
from debugger import stop_at  # noqa: E402
from frames import encoded_frames  # noqa: E402
from rig import Failed, Rig, free_port  # noqa: E402
from search import files, memory, search  # noqa: E402
import speech  # noqa: E402
import verdict  # noqa: E402

OUT = os.path.join("build", "demo")
WORDS = 40
SILENCE_S = 20
LOSS_PERCENT = 10
LOSS_S = 6
# Speech, silence and loss together: longer silence if the speech is short. At 50 packets a second, and some to spare.
WATCHED_S = 66
SHORT_CALL_S = 4
TIMES = ("setup_ms", "answer_ms", "mouth_to_ear_ms")
PEOPLE = [("100", "Ana Castellanos"), ("101", "Benedikt Oyelaran"), ("102", "Chiyo Marchetti")]
NETWORK = "Field Desk Nine"
# A report has each of these; one that passed has a figure for each.
GROUP = "Harbour watch"
FIGURES = ("group_messages_sent", "group_messages_received", "group_acknowledged", "group_notices", "search_hits",
           "exported", "handed_over", "device_received", "approvals", "shared_s", "word_error_rate", "stoi", "mouth_to_ear_ms", "setup_ms", "messages_sent", "messages_received",
           "offline_delivered", "relay_plaintext_hits", "control_hits", "udp_sizes", "recordings")


class Story:
    def __init__(self):
        self.began = time.monotonic()
        self.report = {"passed": False, **dict.fromkeys(FIGURES)}
        self.faults = []

    def say(self, text):
        print(f"  {time.monotonic() - self.began:6.1f} s  {text}", flush=True)

    def chapter(self, text):
        print(f"\n{text}", flush=True)

    def check(self, holds, text):
        self.say(("ok    " if holds else "FAULT ") + text)
        if not holds:
            self.faults.append(text)

    def judge(self, verdicts):
        for holds, text in verdicts:
            self.check(holds, text)

    def write(self, over):
        """Until it is over it has not passed: so a report says too if this program was killed."""
        faults = self.faults if over else [*self.faults, "did not come to its end"]
        self.report.update(passed=not faults, faults=faults,
                           seconds=round(time.monotonic() - self.began, 1))
        with open(os.path.join(OUT, "report.json"), "w", encoding="utf-8") as out:
            json.dump(self.report, out, indent=1, ensure_ascii=False)
            out.write("\n")

    def end(self):
        missing = [name for name in FIGURES if self.report[name] is None]
        if missing:
            self.faults.append("no figure for " + ", ".join(missing))
        self.write(over=True)
        print(f"\n{'Everything held.' if not self.faults else 'NOT everything held.'} "
              f"{os.path.join(OUT, 'report.json')} has the figures, {OUT}/*.wav the sound.")
        return 1 if self.faults else 0


def start_network(story, rig):
    story.chapter("A relay starts. It prints its name and a claim, and knows nobody.")
    port = free_port()
    proxy = rig.start_proxy(port)
    relay = rig.start_relay(f"127.0.0.1:{port}", proxy.address)
    story.say(f"relay: {relay.name[:46]}...  ({len(relay.pids())} processes)")
    phones = [rig.phone(name.split()[0].lower()) for _, name in PEOPLE]

    story.chapter(f"{PEOPLE[0][1]} founds “{NETWORK}” and invites two people.")
    began = time.monotonic()
    phones[0].run("found", NETWORK, "--relay", relay.name, "--as", PEOPLE[0][1])
    story.say(f"founded in {time.monotonic() - began:.1f} s; this phone is {PEOPLE[0][0]}")
    for phone, (extension, name) in list(zip(phones, PEOPLE))[1:]:
        began = time.monotonic()
        card = phones[0].run("invite", extension, name)[-1]
        phone.run("join", card["invitation"], timeout=120)
        story.say(f"{name} joined as {extension} in {time.monotonic() - began:.1f} s")
    for phone in phones:
        phone.wait_for("the roster", lambda p=phone: len(
            [m for m in p.run("members") if m["state"] == "active"]) == len(PEOPLE))
    heads = {phone.run("status")[-1]["ledger_head"] for phone in phones}
    story.check(len(heads) == 1, f"all three phones hold the same ledger, head {min(heads)[:16]}")
    return relay, phones


def texts_of(phone, extension):
    return [m for m in phone.run("read", extension) if m["state"] == "received"]


def write_messages(story, phones):
    """What was sent, by recipient."""
    story.chapter("They write to each other; one phone is off.")
    ana, ben, chiyo = phones
    sent = {"101": ["The convoy leaves at dawn, take the harbour road."],
            "100": ["Understood, harbour road. Thermal blankets are on board."],
            "102": ["Chiyo, when you are back: the bridge at Kilometre 9 is out.",
                    "Use the ferry; ask for Marguerite."]}
    ana.run("send", "101", sent["101"][0])
    ben.run("send", "100", sent["100"][0])
    chiyo.stop()
    story.say("Chiyo's phone is off")
    for text in sent["102"]:
        state = ana.run("send", "102", text)[-1]["state"]
        story.say(f"to 102, which is off: {state}")
    time.sleep(2)
    ben.wait_for("Ana's message", lambda: texts_of(ben, "100"))
    ana.wait_for("Ben's message", lambda: texts_of(ana, "101"))
    began = time.monotonic()
    chiyo.wait_for("what was sent while it was off",
                   lambda: len(texts_of(chiyo, "100")) >= len(sent["102"]))
    story.say(f"Chiyo's phone is on again and has both after {time.monotonic() - began:.1f} s")
    return sent


def count_messages(story, phones, sent):
    """Later, so that what comes twice has had its time."""
    ana, ben, chiyo = phones
    received = {"101": texts_of(ben, "100"), "100": texts_of(ana, "101"), "102": texts_of(chiyo, "100")}
    wanted = sum(len(found) for found in sent.values())
    count = sum(len(found) for found in received.values())
    right = all([m["text"] for m in received[to]] == sent[to] for to in sent)
    story.check(right and count == wanted, f"{wanted} messages sent, {count} received, each once, in order")
    story.report.update(messages_sent=wanted, messages_received=count,
                        offline_delivered=len(received["102"]))


def items_of(phone):
    return phone.run("read", GROUP)


def shown_of(phone):
    """What stands in the group and in which order: what is the same on every phone."""
    return [(item["from"], item["text"], item.get("reply_to"), item.get("edited", False),
             sorted((r["from"], r["reaction"]) for r in item.get("reactions", [])))
            for item in items_of(phone) if "notice" not in item]


def deeds_of(phone):
    return [(item["by"], item["notice"], item.get("subject") or item.get("name"))
            for item in items_of(phone) if "notice" in item]


def talk_in_group(story, phones):
    """What was said there, and what one phone shows of it."""
    story.chapter(f"They make a group, “{GROUP}”, and all write into it.")
    ana, ben, chiyo = phones
    began = time.monotonic()
    ana.run("group", "create", GROUP, "101")
    ben.run("group", "add", ben.wait_for("the group", lambda: ben.run("group", "list"))[0]["id"], "102")
    chiyo.wait_for("the group", lambda: chiyo.run("group", "list"))
    story.say(f"Ana made it with Ben, and Ben added Chiyo: {time.monotonic() - began:.1f} s")
    watch = chiyo.run("send", GROUP, "Who has the night watch at the pier?")[-1]["id"]
    ben.wait_for("the question", lambda: watch in [m["id"] for m in items_of(ben)])
    answer = ben.run("send", GROUP, "I have, until fuor.", "--reply", watch)[-1]["id"]
    ana.wait_for("the answer", lambda: answer in [m["id"] for m in items_of(ana)])
    ben.run("edit", GROUP, answer, "I have, until four.")
    ana.run("react", GROUP, answer, "\U0001f44d")
    ana.run("send", GROUP, "Then Marguerite takes over.")
    wanted = [("102", "Who has the night watch at the pier?", None, False, []),
              ("101", "I have, until four.", watch, True, [("100", "\U0001f44d")]),
              ("100", "Then Marguerite takes over.", None, False, [])]
    for phone in phones:
        phone.wait_for("all of it", lambda p=phone: shown_of(p) == wanted, seen=lambda p=phone: shown_of(p))
    story.check(True, "a question, a reply that was edited, a reaction: the same on three phones, in one order")
    judge_group(story, phones, wanted)
    return [text for _, text, *_ in wanted]


def judge_group(story, phones, wanted):
    """Once more, and counted: who got what, who is shown to have it, what is found and what is written out."""
    ana, ben, chiyo = phones
    own = {"100": ana, "101": ben, "102": chiyo}

    def reached(sender):
        return [p["extension"] for m in items_of(own[sender]) if m.get("from") == sender for p in m.get("reached", [])]

    for sender in own:
        own[sender].wait_for("word of the others", lambda s=sender: len(reached(s)) == len(own) - 1)
    received = sum(m["from"] != extension for extension, phone in own.items() for m in items_of(phone)
                   if "notice" not in m)
    acknowledged = sum(len(reached(sender)) for sender in own)
    story.check(received == acknowledged == len(wanted) * (len(own) - 1),
                f"{len(wanted)} messages sent to two others each, {received} received, {acknowledged} known to be")
    deeds = deeds_of(ana)
    story.check(deeds == [("100", "created", GROUP), ("100", "added", "101"), ("101", "added", "102")]
                and deeds_of(chiyo) == deeds[-1:], "who made it and who added whom is shown; Chiyo sees from herself on")
    hits = [m["text"] for m in chiyo.run("search", "UNTIL FOUR")]
    story.check(hits == [wanted[1][1]] and not chiyo.run("search", "fuor"),
                "search finds what the edited message says, and not what it said")
    path = os.path.join(OUT, "export.jsonl")
    chiyo.run("export", GROUP, "--out", path)
    with open(path, encoding="utf-8") as file:
        exported = [json.loads(line) for line in file]
    story.check(exported == items_of(chiyo), f"an export has all {len(exported)} lines of it")
    story.report.update(group_messages_sent=len(wanted), group_messages_received=received,
                        group_acknowledged=acknowledged, group_notices=len(deeds), search_hits=len(hits),
                        exported=len(exported))


def said_of(phone, conversation):
    """What was said in it and in which order, without who came and went."""
    return [(item["id"], item["from"], item["text"]) for item in phone.run("export", conversation) if "text" in item]


def add_device(story, rig, phones):
    """What was said to it."""
    story.chapter("Chiyo adds her laptop, and hands over to it what was said before.")
    ana, _, chiyo = phones
    laptop = rig.phone("laptop")
    text = "The laptop and the phone should both have this."
    began = time.monotonic()
    showing = chiyo.start("device", "add", "Laptop")
    joining = laptop.start("join", json.loads(showing.stdout.readline())["invitation"])
    code = json.loads(joining.stdout.readline())["code"]
    showing.communicate(timeout=60)
    chiyo.run("device", "approve", code)
    joining.communicate(timeout=60)
    for conversation in ("100", GROUP):
        laptop.wait_for("word that it is in " + conversation, lambda c=conversation: any(
            item.get("notice") == "device" for item in laptop.run("export", c, check=False)))
    story.say(f"it is in, by the code {code} that it showed and Chiyo typed: {time.monotonic() - began:.1f} s")
    story.check(not said_of(laptop, "100") and not said_of(laptop, GROUP), "it has nothing of before")
    ana.run("send", "102", text)
    for phone in (laptop, chiyo):
        phone.wait_for("Ana's message", lambda p=phone: text in [t for *_, t in said_of(p, "100")])
    received = len(said_of(laptop, "100"))
    began = time.monotonic()
    laptop.run("device", "ask")
    chiyo.wait_for("the request", lambda: chiyo.run("device", "history"))
    chiyo.run("device", "give", "2")
    laptop.wait_for("the end of it", lambda: laptop.run("device", "history")[-1]["state"] == "done")
    handed = sum(item.get("handed", False) for conversation in ("100", GROUP)
                 for item in laptop.run("export", conversation) if "text" in item)
    story.check(all(said_of(laptop, c) == said_of(chiyo, c) for c in ("100", GROUP)) and received == 1,
                f"both have the same: {received} message came by itself, {handed} were handed over in "
                f"{time.monotonic() - began:.1f} s")
    story.report.update(device_received=received, handed_over=handed)
    return [text]


def share_control(story, rig, phones):
    """Three admins, two of whom must sign: what one of them wants is proposed, and who comes is compared first."""
    ana, ben, chiyo = phones
    story.chapter("Ana shares control: three admins, two of whom must sign. Then Dana is to come.")
    ana.run("admin", "add", "101")
    story.check(sotto_refuses(ana, "--device", "admin", "add", "102", "--threshold", "2"),
                "Chiyo has two devices: which of them is to sign has to be said")
    ana.run("admin", "add", "102", "--device", "1", "--threshold", "2")
    for phone in phones:
        phone.wait_for("two of three", lambda p=phone: p.run("status")[-1]["threshold"] == 2)
    began = time.monotonic()
    proposal = ana.run("invite", "103", "Dana Okafor")[-1]["proposal"]
    story.check("invitation" not in proposal and proposal["needed"] == 1, "Ana alone brings nobody in: it is a proposal, and all see it")
    ben.wait_for("the proposal", lambda: [p["id"] for p in ben.run("pending")] == [proposal["id"]])
    words = ben.run("pending")[0]["acts"][0]["words"]
    ben.run("approve", proposal["id"], "--yes")
    story.say(f"Ben reads it and signs: {words}")
    ana.wait_for("the entry", lambda: ana.run("ledger")[-1]["action"] == "authorise")
    card = ana.run("invite", "103", "Dana Okafor")[-1]["invitation"]
    dana = rig.phone("dana")
    dana.run("join", card)
    story.report["shared_s"] = round(time.monotonic() - began, 1)
    code = dana.run("status")[-1]["confirm_code"]
    chiyo.wait_for("she came", lambda: chiyo.run("members", "103")[0]["state"] == "unconfirmed")
    story.check(sotto_refuses(chiyo, "not confirmed", "send", "103", "hello"), "Dana is in, unconfirmed: nobody can write to her yet")
    chiyo.run("confirm", "103", code)
    dana.wait_for("she is confirmed", lambda: "confirm_code" not in dana.run("status")[-1])
    chiyo.run("send", "103", "welcome")
    dana.wait_for("the text", lambda: "welcome" in [m.get("text") for m in dana.run("read", "102")])
    story.say(f"Chiyo compares the code {code} with her, and can")
    told = [(e["action"], sorted(e["signed"])) for e in ben.run("members", "103")[0]["story"]]
    story.check([told[0], told[2]] == [("authorise", ["100", "101"]), ("confirm", ["102"])] and told[1][0] == "enrol",
                f"on any phone: for her were 100 and 101, {told[1][1][0]} let her in, 102 confirmed her")
    story.report["approvals"] = len(told[0][1])


def sotto_refuses(phone, words, *arguments):
    try:
        phone.run(*arguments)
    except Failed as failed:
        return words in str(failed)
    return False


def make_speech(story):
    said = []
    for which, seed in enumerate((11, 23)):
        path = os.path.join(OUT, f"said-{PEOPLE[which][0]}.wav")
        subprocess.run(["/usr/bin/python3", os.path.join(HERE, "measure", "speech.py"), "make",
                        "--seed", str(seed), "--words", str(WORDS), "--out", path], check=True)
        said.append(path)
    story.say(f"two texts of {WORDS} words, spoken by espeak-ng")
    return said


def seconds_of(path):
    samples, rate = speech.read_wav(path)
    return len(samples) / rate


def call_begins(phones, said, heard, seconds):
    """Both commands, when the call has been answered."""
    answer = phones[1].start("answer", "--wait", "--mic", said[1], "--speaker", heard[1])
    time.sleep(0.5)
    call = phones[0].start("call", "101", "--mic", said[0], "--speaker", heard[0], "--for",
                           f"{seconds:.1f}")
    states = []
    for line in call.stdout:
        states.append(json.loads(line).get("state"))
        if states[-1] == "in a call":
            return call, answer
    raise Failed(f"the call did not come about: {call.communicate()[1].strip()}")


def call_ends(*commands):
    """What both printed last."""
    ends = []
    for command in commands:
        out, errors = command.communicate(timeout=60)
        lines = [json.loads(line) for line in out.splitlines() if line]
        if not lines or "reason" not in lines[-1]:
            raise Failed(f"the call gave no result: {errors.strip()}")
        ends.append(lines[-1])
    return ends


def hold_call(story, rig, phones, said, heard):
    """What both ends said of it, and what the proxy had counted before and after each part."""
    story.chapter("Ana calls Ben. Both speak at the same time; then silence, and a spell of loss.")
    # Only the call's packets are to be on the wire that is watched.
    phones[2].stop()
    spoken_s = max(seconds_of(path) for path in said)
    silence_s = max(SILENCE_S, WATCHED_S - spoken_s - LOSS_S)
    commands = call_begins(phones, said, heard, spoken_s + silence_s + LOSS_S + 2)
    time.sleep(1.0)
    rig.proxy.say("reset")
    story.say(f"answered; {spoken_s:.0f} s of speech both ways")
    time.sleep(spoken_s)
    wire = {"spoken": rig.proxy.report()}
    time.sleep(silence_s)
    wire["silent"] = rig.proxy.report()
    story.say(f"{silence_s:.0f} s of silence are over; now the network loses {LOSS_PERCENT} %")
    rig.proxy.say(f"loss {LOSS_PERCENT}")
    time.sleep(LOSS_S)
    rig.proxy.say("loss 0")
    wire["all"] = rig.proxy.report()
    return call_ends(*commands), wire, silence_s


def judge_speech(story, said, heard):
    worst = {"word_error_rate": 0.0, "stoi": 1.0}
    for which in range(2):
        result = speech.measure_files(said[which], heard[1 - which])
        story.say(f"{PEOPLE[which][0]} -> {PEOPLE[1 - which][0]}: "
                  f"{result['word_error_rate'] * 100:.1f} % of {result['words']} words wrong, "
                  f"STOI {result['stoi']:.3f}")
        worst["word_error_rate"] = max(worst["word_error_rate"], result["word_error_rate"])
        worst["stoi"] = min(worst["stoi"], result["stoi"])
    story.check(worst["word_error_rate"] <= speech.WORD_ERROR_RATE_MAX
                and worst["stoi"] >= speech.STOI_MIN, "the right words, and they sound as they were said")
    story.report.update(worst, recordings=heard)


def hold_and_judge_calls(story, rig, phones, said):
    heard = [os.path.join(OUT, f"heard-{extension}.wav") for extension, _ in PEOPLE[:2]]
    ends, wire, silence_s = hold_call(story, rig, phones, said, heard)
    story.chapter("What arrived is recognised and measured.")
    judge_speech(story, said, heard)
    story.judge(verdict.judge_wire(wire["all"]))
    story.judge(verdict.judge_silence(wire["spoken"], wire["silent"], silence_s))
    story.judge(verdict.judge_loss(wire["silent"], wire["all"], ends))
    story.judge(verdict.judge_ends(ends))
    sizes = verdict.sizes_of(wire["all"])
    story.report.update(udp_sizes=sorted(sizes), udp_packets=sum(sizes.values()),
                        packets_lost=[end["packets_lost"] for end in ends],
                        concealed_ms=[end["concealed_ms"] for end in ends])
    calls = [ends[0]]
    again = [os.path.join(rig.folder, f"heard-{extension}.wav") for extension, _ in PEOPLE[:2]]
    while len(calls) < ROUNDS:
        calls.append(call_ends(*call_begins(phones, said, again, SHORT_CALL_S))[0])
    verdicts, times = verdict.judge_times(calls, TIMES)
    story.judge(verdicts)
    best = min(calls, key=lambda call: call["mouth_to_ear_ms"])
    story.report.update(times, mouth_to_ear_parts=best["mouth_to_ear_parts"])
    story.say("mouth to ear is " + ", ".join(
        f"{name.replace('_', ' ')} {ms}" for name, ms in best["mouth_to_ear_parts"].items()))


def needles_of(texts):
    needles = {f"text {i}": text.encode() for i, text in enumerate(texts)}
    needles["network"] = NETWORK.encode()
    needles["group"] = GROUP.encode()
    for extension, name in PEOPLE:
        needles[f"name {extension}"] = name.encode()
        # As it stands in a ledger entry, and as it stands in a line of the control socket.
        needles[f"extension {extension} (wire)"] = struct.pack(
            ">IB", int(extension), len(name)) + name.encode()
        needles[f"extension {extension} (JSON)"] = f'"{extension}"'.encode()
    return needles


def agent_memory(rig, phone, messages):
    """The agent's memory as it is, and at each message that it hands out: a moment later the text is wiped."""
    followers = [phone.start("read", extension, "--follow") for extension, _ in PEOPLE]
    time.sleep(1)
    agent = phone.pids()["sotto-agent"]
    areas = list(memory(agent))
    for follower in followers:
        follower.terminate()
        follower.communicate(timeout=10)
    folder = os.path.join(rig.folder, "agent-memory")
    with ThreadPoolExecutor(max_workers=1) as pool:
        # The command asks twice how the phone stands before it asks for the messages.
        stops = pool.submit(stop_at, agent, "os_lines_send", 2 + messages, folder)
        time.sleep(3)
        phone.run("read", timeout=120)
        stops.result()
    return areas + list(files(folder))


def search_relay(story, rig, relay, phones, texts, said):
    story.chapter("The relay is searched: its disk, its write-ahead log, the memory of its processes.")
    needles = needles_of(texts)
    frames, voice_memory = encoded_frames(phones[0], phones[1], said[0])
    needles.update({f"voice frame {i}": frame for i, frame in enumerate(frames)})
    pids = relay.pids()
    on_disk, disk_size = search(files(os.path.join(rig.folder, "relay")), needles)
    in_memory, memory_size = search((area for pid in pids for area in memory(pid)), needles)
    hits = sum(len(forms) for found in (on_disk, in_memory) for forms in found.values())
    story.say(f"{len(needles)} things sought in every form, in {disk_size // 1024} KiB of disk and "
              f"{memory_size // (1 << 20)} MiB of memory of {len(pids)} processes")
    for found in (on_disk, in_memory):
        for name, forms in found.items():
            story.say(f"FOUND {name}: {', '.join(sorted(forms))}")
    story.check(hits == 0, "nothing found at the relay")
    # The same search must find each of them where it has to be.
    control, _ = search(agent_memory(rig, phones[0], len(phones[0].run("read"))), needles)
    spoken, _ = search(voice_memory, needles)
    control.update(spoken)
    missing = sorted(set(needles) - set(control))
    story.check(not missing, f"control: the phone itself has {len(control)} of {len(needles)}"
                + (f"; missing: {', '.join(missing)}" if missing else ""))
    story.report.update(relay_plaintext_hits=hits, control_hits=len(control),
                        control_wanted=len(needles))


def play(story, build):
    with Rig(build, os.path.join(OUT, "homes")) as rig:
        relay, phones = start_network(story, rig)
        sent = write_messages(story, phones)
        said_in_group = talk_in_group(story, phones)
        story.chapter("Speech is made.")
        said = make_speech(story)
        hold_and_judge_calls(story, rig, phones, said)
        count_messages(story, phones, sent)
        texts = [text for found in sent.values() for text in found] + said_in_group
        texts += add_device(story, rig, phones)
        share_control(story, rig, phones)
        search_relay(story, rig, relay, phones, texts, said)


def main():
    if len(sys.argv) != 2:
        print("usage: demo.py BUILD", file=sys.stderr)
        return 2
    shutil.rmtree(OUT, ignore_errors=True)
    os.makedirs(OUT)
    story = Story()
    story.write(over=False)
    try:
        play(story, sys.argv[1])
    except (Exception, KeyboardInterrupt) as fault:  # pylint: disable=broad-except
        # Whatever it was: it leaves a report that says so.
        if not isinstance(fault, Failed):
            traceback.print_exc()
        story.check(False, f"{type(fault).__name__}: {fault}")
    return story.end()


if __name__ == "__main__":
    sys.exit(main())
