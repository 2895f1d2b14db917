# SPDX-License-Identifier: Apache-2.0
"""Looks for what must not be there: in files, and in the memory of processes that run (as root)."""
import base64
import os


def forms(content):
    """Every form in which these bytes may lie about. Short ones get no base64: chance would find it."""
    found = {"raw": content, "hex": content.hex().encode(), "HEX": content.hex().upper().encode()}
    try:
        found["UTF-16LE"] = content.decode("utf-8").encode("utf-16-le")
        found["UTF-16BE"] = content.decode("utf-8").encode("utf-16-be")
    except UnicodeDecodeError:
        pass
    for shift in range(3):
        # What stands at another offset modulo 3 looks otherwise; the edges depend on neighbours.
        text = base64.b64encode(b"\0" * shift + content)
        middle = text[4 if shift else 0:len(text) - 4]
        if len(middle) >= 8:
            found[f"base64+{shift}"] = middle
            found[f"base64url+{shift}"] = middle.translate(bytes.maketrans(b"+/", b"-_"))
    return {name: form for name, form in found.items() if len(form) >= 5}


def memory(pid):
    """Readable memory of a process, area by area, stopped by nobody: it runs on."""
    with open(f"/proc/{pid}/maps", encoding="ascii", errors="replace") as maps:
        areas = [line.split() for line in maps]
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as mem:
        for area in areas:
            if not area[1].startswith("r") or area[-1] in ("[vvar]", "[vsyscall]", "[vvar_vclock]"):
                continue
            begin, end = (int(value, 16) for value in area[0].split("-"))
            try:
                mem.seek(begin)
                yield mem.read(end - begin)
            except (OSError, ValueError, OverflowError):
                continue


def files(folder):
    for path, _, names in os.walk(folder):
        for name in names:
            full = os.path.join(path, name)
            if os.path.isfile(full):
                with open(full, "rb") as content:
                    yield content.read()


def search(haystacks, needles):
    """needles: name -> bytes. Which of them were found, in which form, and how many bytes were searched."""
    wanted = [(name, form_name, form) for name, content in needles.items()
              for form_name, form in forms(content).items()]
    hits = {}
    size = 0
    for haystack in haystacks:
        size += len(haystack)
        for name, form_name, form in wanted:
            if form in haystack:
                hits.setdefault(name, set()).add(form_name)
    return hits, size
