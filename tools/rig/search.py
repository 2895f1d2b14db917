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


def areas(pid):
    """Of a process' memory: begin, end, rights, inode and name."""
    with open(f"/proc/{pid}/maps", encoding="ascii", errors="replace") as maps:
        for line in maps:
            words = line.split()
            begin, end = (int(value, 16) for value in words[0].split("-"))
            yield begin, end, words[1], int(words[4]), words[5] if len(words) > 5 else ""


def read_areas(pid, chosen):
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as mem:
        for begin, end in chosen:
            try:
                mem.seek(begin)
                yield mem.read(end - begin)
            except (OSError, ValueError, OverflowError):
                continue


def memory(pid):
    """Readable memory of a process, area by area, stopped by nobody: it runs on."""
    return read_areas(pid, [(begin, end) for begin, end, rights, _, name in areas(pid)
                            if rights[0] == "r"
                            and name not in ("[vvar]", "[vsyscall]", "[vvar_vclock]")])


def own_memory(pid):
    """What a process may have written: all but programs' and libraries' text. Also what it has closed to itself."""
    return read_areas(pid, [(begin, end) for begin, end, rights, inode, name in areas(pid)
                            if (rights[1] == "w" or inode == 0) and not name.startswith("[v")
                            and (rights[0] == "r" or end - begin < 1 << 20)])


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
