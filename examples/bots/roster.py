#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A bot over the control socket: answers "!roster" in a group with who is in it.

    roster.py HOME          the home of a phone whose agent runs and is open; until it is interrupted

A bot is a member like any other: it has an extension of its own, it was invited, and everybody sees it in the list of
members. It reads what its groups read and nothing else, and whoever takes it out of a group takes that from it.
docs/control.md describes what is said on the socket.
"""
import json
import os
import socket
import sys

WORD = "!roster"


class Refused(Exception):
    """The agent's word and its reason."""


def ask(home, **command):
    """One command: its items, and what it ended with as the last of them. One connection each."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(os.path.join(home, "control"))
        connection.sendall(json.dumps(command).encode() + b"\n")
        with connection.makefile("rb") as lines:
            for line in lines:
                answer = json.loads(line)
                if "error" in answer:
                    raise Refused(f"{answer['error']}: {answer['message']}")
                yield answer.get("item", answer.get("done"))
                if "done" in answer:
                    return
    raise Refused("closed: the agent went away")


def roster_of(home, group):
    for shown in ask(home, command="group_show", group=group):
        return "\n".join(f"{member['extension']} {member['name']}" for member in shown["members"]
                         if member["state"] != "coming")
    return ""


def is_question(item):
    """A new text of somebody else, in a group. A notice has no text, and what changed was answered when it came."""
    return (item.get("text", "").strip() == WORD and item["state"] == "received" and "group" in item
            and "changed" not in item)


def main():
    if len(sys.argv) != 2:
        print("usage: roster.py HOME", file=sys.stderr)
        return 2
    home = sys.argv[1]
    for item in ask(home, command="read", new=True, follow=True):
        if not is_question(item):
            continue
        group = item["group"]["id"]  # a name may be another group's tomorrow
        try:
            for _ in ask(home, command="send", group=group, text=roster_of(home, group), reply_to=item["id"]):
                pass
        except Refused as why:
            # Taken out meanwhile, or the text does not fit: no reason to end.
            print(f"not answered: {why}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Refused, OSError) as fault:
        sys.exit(f"roster.py: {fault}")
    except KeyboardInterrupt:
        sys.exit(0)
