# SPDX-License-Identifier: Apache-2.0
"""The bots of examples/, as processes beside a phone of their own: members whom everybody sees, asked in a group."""
import os
import re
import signal
import subprocess
import sys

from network import SOURCE, Network
from tap import equal, run, true

BOTS = os.path.join(SOURCE, "examples", "bots")


class State(Network):
    def __init__(self):
        self.bots = []
        super().__init__("ana", "ben", "bot")
        self.join()
        self.group = self.ana.run("group", "create", "Harbour", "101", "102")[-1]["id"]
        for phone in (self.ben, self.bot):
            phone.wait_for("the group", lambda p=phone: p.run("group", "list"))

    def start_bot(self, *command):
        path = os.path.join(self.rig.build, "cli") + os.pathsep + os.environ["PATH"]
        self.bots.append(subprocess.Popen(command, env={**self.bot.environment, "PATH": path}, start_new_session=True,
                                          stdin=subprocess.DEVNULL))
        return self.bots[-1]

    def close(self):
        for bot in self.bots:
            end(bot)
        super().close()


def end(bot):
    """It and what it has started, and nobody else."""
    if bot.poll() is None:
        os.killpg(bot.pid, signal.SIGTERM)
    bot.wait(timeout=30)


def answers(phone, question):
    """What was said in reply to it."""
    return [m["text"] for m in phone.run("read") if m.get("reply_to") == question]


def answered(state, phone, text):
    question = phone.run("send", "Harbour", text)[-1]["id"]
    phone.wait_for(f"an answer to {text}", lambda: answers(phone, question), seen=lambda: phone.run("read")[-3:])
    state.ana.wait_for("the same", lambda: answers(state.ana, question) == answers(phone, question))
    return answers(phone, question)


def roster(state):
    """the one in Python answers with who is in the group, once, to whoever asks"""
    bot = state.start_bot(sys.executable, os.path.join(BOTS, "roster.py"), state.bot.home)
    everybody = "100 Ana\n101 Ben\n102 Bot"
    equal(answered(state, state.ana, "!roster"), [everybody])
    equal(answered(state, state.ben, "!roster"), [everybody])
    # Neither what it is told alone, nor what is edited into a question, nor another text, nor its own one.
    silent = [state.ana.run("send", to, text)[-1]["id"]
              for to, text in (("102", "!roster"), ("Harbour", "roster"), ("Harbour", "!roster?"))]
    state.ana.run("edit", "Harbour", silent[1], "!roster")
    state.bot.run("send", "Harbour", "!roster")
    equal(answered(state, state.ben, "!roster"), [everybody])
    for question in silent:
        equal(answers(state.ana, question), [], "unasked")
    true(bot.poll() is None, "it goes on")
    end(bot)


def clock(state):
    """the one in shell answers with the time, and no text of others is anything to the shell"""
    bot = state.start_bot(os.path.join(BOTS, "clock.sh"), "Harbour")
    times = answered(state, state.ben, "!time")
    equal(len(times), 1)
    true(re.fullmatch(r"20\d\d-\d\d-\d\d \d\d:\d\d UTC", times[0]), times[0])
    touched = state.path("touched")
    silent = [state.ana.run("send", "Harbour", text)[-1]["id"]
              for text in ('","text":"!time","state":"received"', f"$(touch {touched})", f"`touch {touched}` !time",
                           "\\\"text\\\":\\\"!time\\\"", "* ; !time")]
    equal(len(answered(state, state.ana, "!time")), 1)
    for question in silent:
        equal(answers(state.ana, question), [], "unasked")
    true(not os.path.exists(touched), "nothing was run")
    true(bot.poll() is None, "it goes on")


def taken_out(state):
    """who takes it out of the group takes it the reading: it answers nothing more"""
    equal([m["name"] for m in state.ana.run("members") if m["extension"] == "102"], ["Bot"])
    equal([m["extension"] for m in state.ben.run("group", "show", "Harbour")[-1]["members"]], ["100", "101", "102"])
    state.ben.run("group", "remove", "Harbour", "102")
    question = state.ben.run("send", "Harbour", "!time")[-1]["id"]
    state.ana.wait_for("the question", lambda: question in [m["id"] for m in state.ana.run("read")])
    state.bot.wait_for("its end", lambda: state.bot.run("group", "list")[0]["state"] == "out")
    true(question not in [m["id"] for m in state.bot.run("read")], "it has not got it")
    equal(answers(state.ben, question), [])


if __name__ == "__main__":
    sys.exit(run([roster, clock, taken_out], State))
