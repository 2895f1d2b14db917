# SPDX-License-Identifier: Apache-2.0
"""Runs constant_time under valgrind and judges its reports. Speaks TAP, one line an operation.

usage: constant_time.py VALGRIND PROGRAM [LIBRARY]

LIBRARY is an archive in which no instruction may divide: valgrind does not report a division, whose time depends on
what is divided, and a compiler makes one where a source says nothing of it.

A report is a branch or an address that depends on a secret. What is accepted, and nothing else:
- In hogweed, a branch one way of which leads straight to __assert_fail: its arithmetic asserts that a carry is
  zero, which always holds, so the branch goes the same way for every secret. Each is looked up in the
  disassembly; a list of function names would hide a real branch beside it.
- In libsodium's openers, the branch on whether the tag is right, which is what they answer.
"""
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

PLANTED = {"planted branch", "planted load"}
TAG_CHECKS = {f"crypto_aead_{cipher}_ietf_decrypt_detached" for cipher in ("chacha20poly1305", "xchacha20poly1305")}
STRAIGHT_LINE_MAX = 16
DIVISION = re.compile(r"(i?div[bwlq]?|[us]div|v?div[ps][sd])\b")
INSTRUCTIONS_LEAST = 1000


class Disassembly:
    """The instructions of a library, in order, with the function that each is in."""

    def __init__(self, path):
        text = subprocess.run(["objdump", "-d", "--no-show-raw-insn", path], check=True, capture_output=True,
                              text=True).stdout
        self.instructions = []
        self.index = {}
        function = None
        for line in text.splitlines():
            if match := re.match(r"[0-9a-f]+ <([^@>]*)", line):
                function = match[1]
            elif match := re.match(r"\s*([0-9a-f]+):\s+(.*)", line):
                self.index[int(match[1], 16)] = len(self.instructions)
                self.instructions.append((int(match[1], 16), function, match[2]))

    def fails_assertion(self, start):
        """Does the code from here run into __assert_fail before any branch or return?"""
        for _, _, text in self.instructions[start:start + STRAIGHT_LINE_MAX]:
            if "__assert_fail" in text:
                return True
            if re.match(r"(j|ret|b\b|b\.|cb|tb|call)", text):
                return False
        return False

    def is_assertion(self, function, address):
        """Libraries are mapped by pages, so the last 12 bits of an address name it within a function."""
        found = [i for i, (at, name, _) in enumerate(self.instructions)
                 if name == function and at & 0xfff == address & 0xfff]
        if len(found) != 1:
            return False
        target = re.search(r"\b([0-9a-f]+) <", self.instructions[found[0]][2])
        taken = self.index.get(int(target[1], 16)) if target else None
        return taken is not None and (self.fails_assertion(taken) or self.fails_assertion(found[0] + 1))


def accepted(error, disassemblies):
    """None, or why this report is no leak."""
    frame = error.find("stack/frame")
    library, function = frame.findtext("obj", ""), frame.findtext("fn", "")
    if error.findtext("kind") != "UninitCondition":
        return None
    if "/libsodium.so" in library and function in TAG_CHECKS:
        return "the answer of libsodium's tag check"
    if "/libhogweed.so" in library:
        if library not in disassemblies:
            disassemblies[library] = Disassembly(library)
        if disassemblies[library].is_assertion(function, int(frame.findtext("ip"), 16)):
            return "assertions in hogweed that always hold"
    return None


def describe(error):
    frames = [frame.findtext("fn", "?") for frame in error.findall("stack/frame")]
    return f"{error.findtext('kind')} in {' < '.join(frames[:6])}"


def divisions(library):
    """Functions of an archive that divide."""
    instructions = Disassembly(library).instructions
    if len(instructions) < INSTRUCTIONS_LEAST:
        sys.exit(f"{library}: nothing to look through")
    return sorted({function for _, function, text in instructions if DIVISION.match(text)})


def main(valgrind, program, library=None):
    with tempfile.NamedTemporaryFile(suffix=".xml") as report:
        subprocess.run([valgrind, "-q", "--xml=yes", f"--xml-file={report.name}", program], check=True)
        output = ElementTree.parse(report.name).getroot()

    leaks = {}
    harmless = {}
    disassemblies = {}
    for element in output:
        if element.tag == "clientmsg":
            operation = element.findtext("text").strip()
            leaks[operation] = []
        elif element.tag == "error":
            why = accepted(element, disassemblies)
            if why is None:
                leaks[operation].append(describe(element))
            else:
                harmless[why] = harmless.get(why, 0) + 1

    if library is not None:
        leaks["no division in loops over secrets"] = [f"a division in {name}" for name in divisions(library)]
    print(f"1..{len(leaks)}")
    failed = False
    for number, (operation, found) in enumerate(leaks.items(), 1):
        good = bool(found) == (operation in PLANTED)
        failed |= not good
        print(f"{'ok' if good else 'not ok'} {number} - {operation}")
        for leak in found if operation not in PLANTED else []:
            print(f"# {leak}")
    for why, count in harmless.items():
        print(f"# accepted: {count} reports: {why}")
    if not PLANTED <= leaks.keys():
        sys.exit("the planted faults were not run")
    sys.exit(failed)


main(*sys.argv[1:])
