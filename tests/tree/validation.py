# SPDX-License-Identifier: Apache-2.0
"""docs/mls-validation.md says what mls/ checks and where it is broken: each function is in its file, each case in its
test; and every public function of the MLS library that can fail is among those whose faults are tried. TAP."""
import os
import re
import sys

from checks import report

PAGE = "docs/mls-validation.md"
CHECKED = re.compile(r"`(\w+)` (\w+\.c)$")
BROKEN = re.compile(r"(\w+) `([^`]+)`$")
# Takes no allocator and no random source, or takes them only to give back.
NO_FAULTS = {
    "mls_init", "mls_identity_from_private", "mls_extension_find", "mls_key_package_ref", "mls_welcome_find",
    "mls_group_member", "mls_group_find_member", "mls_group_welcomer", "mls_external_sender_find", "mls_group_reinit",
    "mls_group_apply_pending", "mls_group_export", "mls_message_read",
}


def read(root, *path):
    with open(os.path.join(root, *path), encoding="utf-8") as file:
        return file.read()


def rows(text):
    """The cells of every table row, with the headings of its table; the rule between is left out."""
    head = None
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")] if line.startswith("|") else None
        if cells is None:
            head = None
        elif head is None:
            head = cells
        elif not set(line) <= set("|-"):
            yield dict(zip(head, cells))


def defines(source, function):
    """A definition: at a line's start, with a body."""
    return re.search(rf"^[a-z][^\n;]*\b{function}\([^;{{]*\)\s*{{", source, re.M) is not None


def has_case(source, case):
    return defines(source, case) if re.fullmatch(r"\w+", case) else f'"{case}"' in source


def faults_of_row(root, row):
    for cell, pattern, folder, found in (("function", CHECKED, "mls", defines), ("test", BROKEN, "tests/mls", has_case)):
        if cell not in row:
            continue
        for entry in row[cell].split("; "):
            match = pattern.match(entry)
            if not match:
                yield f"not understood: {entry}"
                continue
            name, where = match.groups() if cell == "function" else (match[2], f"test_{match[1]}.c")
            path = os.path.join(folder, where)
            if not os.path.exists(os.path.join(root, path)):
                yield f"{path} is not there"
            elif not found(read(root, path), name):
                yield f"{path} has no {name}"


def check_page(root, text):
    count = 0
    for row in rows(text):
        count += "test" in row
        yield from faults_of_row(root, row)
    if count < 100:
        yield f"{count} rules, which are too few to be all"


def check_faults(root):
    """Functions of the headers that return an error are called where allocations and random calls fail in turn."""
    tried = read(root, "tests", "mls", "test_faults.c") + read(root, "tests", "mls", "test_faults_calls.c")
    functions = set()
    for name in os.listdir(os.path.join(root, "mls", "include", "sotto")):
        text = read(root, "mls", "include", "sotto", name)
        functions |= set(re.findall(r"^MUST_USE enum sotto_err (mls_\w+)\(", text, re.M))
    if len(functions) < 40:
        yield "the functions of the MLS library were not found where this test looks"
    for function in sorted(functions - NO_FAULTS):
        if f"{function}(" not in tried:
            yield f"no fault is tried in {function}"
    for function in sorted(NO_FAULTS - functions):
        yield f"{function} is in no header"


def check_checker(root):
    """A check that cannot fail is a defect: planted faults must be found."""
    head = "| section | rule | function | test |\n|---|---|---|---|\n"
    planted = [
        ("| 6 | r | `no_such_function` frame.c | invalid `12.4: empty without path` |", "has no no_such_function"),
        ("| 6 | r | `frame_verify` nowhere.c | invalid `12.4: empty without path` |", "nowhere.c is not there"),
        ("| 6 | r | `frame_verify` frame.c | invalid `12.4: no such case` |", "has no 12.4: no such case"),
        ("| 6 | r | `frame_verify` frame.c | invalid `test_no_such` |", "has no test_no_such"),
        ("| 6 | r | `frame_verify` frame.c | somewhere |", "not understood: somewhere"),
        # Called there, defined elsewhere.
        ("| 6 | r | `suite_verify` frame.c | invalid `test_invalid_commits` |", "has no suite_verify"),
    ]
    for line, wanted in planted:
        found = [fault for row in rows(head + line) for fault in faults_of_row(root, row)]
        if len(found) != 1 or wanted not in found[0]:
            yield f"planted fault not found: {line}: {found}"


def main():
    root = sys.argv[1]
    checks = [
        ("the checker finds planted faults", check_checker(root)),
        ("what is said to be validated is, and is broken in tests", check_page(root, read(root, PAGE))),
        ("faults are tried in every function of the MLS library", check_faults(root)),
    ]
    report(checks)
    return 0


sys.exit(main())
