# SPDX-License-Identifier: Apache-2.0
"""Every manual page passes mandoc's lint, and names every option and command that its program knows. TAP."""
import os
import re
import subprocess
import sys

from checks import report

OWN = {"sotto", "sottod", "mls-peer", "mls-vectors", "sotto-launcher", "libsotto-mls"}


def lint(path):
    """What mandoc finds, but for pages of our own that are not installed here."""
    found = subprocess.run(["mandoc", "-T", "lint", path], stdout=subprocess.PIPE, text=True,
                           stderr=subprocess.STDOUT, check=False).stdout.splitlines()
    for line in found:
        missing = re.search(r"referenced manual not found: Xr (\S+) \d", line)
        # What this machine has indexed is no fault of the page.
        if "mandoc.db" not in line and (not missing or missing.group(1) not in OWN):
            yield line


def words_of_command(root):
    with open(os.path.join(root, "cli", "commands.c"), encoding="utf-8") as text:
        commands = re.findall(r'^\t\{"([a-z-]+)", ', text.read(), re.M)
    with open(os.path.join(root, "cli", "options.c"), encoding="utf-8") as text:
        options = re.findall(r'(?:VALUE|SWITCH)\("--([a-z-]+)"', text.read())
    return commands, options


def undocumented(root):
    with open(os.path.join(root, "man", "sotto.1"), encoding="utf-8") as text:
        page = text.read()
    commands, options = words_of_command(root)
    if len(commands) < 10 or len(options) < 10:
        yield "the tables of the command were not found where this test looks"
    for command in commands:
        if not re.search(rf"Cm {command}\b", page):
            yield f"sotto.1 does not name the command {command}"
    for option in options:
        if f"Fl -{option}" not in page:
            yield f"sotto.1 does not name the option --{option}"


def unlisted(root):
    """Functions of the MLS library's headers that its page does not name."""
    with open(os.path.join(root, "man", "libsotto-mls.3"), encoding="utf-8") as text:
        page = text.read()
    functions = set()
    for folder in ("mls/include/sotto", "base/include/sotto"):
        for name in os.listdir(os.path.join(root, folder)):
            with open(os.path.join(root, folder, name), encoding="utf-8") as text:
                functions |= set(re.findall(r"\b((?:mls|sotto)_[a-z_0-9]+)\(", text.read()))
    if len(functions) < 40:
        yield "the functions of the MLS library were not found where this test looks"
    for function in sorted(functions):
        if not re.search(rf"^\.Fn {function}\b", page, re.M):
            yield f"libsotto-mls.3 does not name {function}"
    for function in re.findall(r"^\.Fn (\w+)", page, re.M):
        if function not in functions:
            yield f"libsotto-mls.3 names {function}, which is in no header"


def requests_of_peer(root):
    """Requests of mls-peer that its page does not name."""
    with open(os.path.join(root, "man", "mls-peer.1"), encoding="utf-8") as text:
        named = re.findall(r"^\.It Cm (\w+)", text.read(), re.M)
    with open(os.path.join(root, "tools", "mls-peer", "command.c"), encoding="utf-8") as text:
        known = re.findall(r'^\t\{"(\w+)", ', text.read(), re.M)
    if len(known) < 20:
        yield "the requests of mls-peer were not found where this test looks"
    if sorted(named) != sorted(known):
        yield f"mls-peer.1 and its program differ in {sorted(set(named) ^ set(known))}"


def main():
    root = sys.argv[1]
    pages = sorted(name for name in os.listdir(os.path.join(root, "man")) if name[-1].isdigit())
    checks = [(f"{name} lints", list(lint(os.path.join(root, "man", name)))) for name in pages]
    checks.append(("the command's manual is complete", list(undocumented(root))))
    checks.append(("the MLS library's manual is complete", list(unlisted(root))))
    checks.append(("mls-peer's manual is complete", list(requests_of_peer(root))))
    report(checks)


main()
