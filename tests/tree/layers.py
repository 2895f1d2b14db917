# SPDX-License-Identifier: Apache-2.0
"""Checks what the source tree promises of itself, and speaks TAP.

A folder includes only itself and folders above it; only crypto/ sees the cryptographic libraries, only os/ (and
link/ for QUIC) the system; a file has at most 800 lines; every C file names its licence; every fuzz target has seeds.
"""
import os
import re
import sys

from checks import report

ORDER = ["base", "crypto", "mls", "sframe", "wire", "ledger", "talk", "call", "voice", "os", "release", "vault", "link",
         "relay", "phone", "cards", "cli", "tui", "gtk"]
# sim/ stands in for os/ and link/ and joins whole networks, so it may include all but the programs.
SIM_MAY = set(ORDER[:ORDER.index("phone") + 1]) | {"sim"}
LINES_MAX = 800
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.M)

# Library headers: who may see them. The longest prefix of the header's path decides. (auxv: has this processor AES?)
LIBRARIES = {
    "nettle/": {"crypto"}, "gmp.h": {"crypto"}, "sodium": {"crypto"},
    "gnutls/": {"link"}, "ngtcp2/": {"link"},
    "sqlite3.h": {"os", "vault", "relay", "sim"},
    "opus": {"voice"}, "speex": {"voice"}, "pipewire/": {"os"}, "spa/": {"os"}, "alsa/": {"os"},
    "seccomp.h": {"os"}, "utf8proc.h": {"talk", "tui"}, "sys/": {"os"}, "sys/auxv.h": {"crypto"}, "netinet/": {"os", "link"}, "linux/": {"os"}, "pthread.h": {"os"},
    "fcntl.h": {"os"}, "unistd.h": {"os"}, "poll.h": {"os"}, "signal.h": {"os"}, "time.h": {"os"},
    "dirent.h": {"os"}, "termios.h": {"os"}, "netdb.h": {"os"}, "ifaddrs.h": {"os"},
    "cairo": {"cards", "gtk"}, "pango/": {"cards", "gtk"}, "fontconfig/": {"cards"}, "qrencode.h": {"cards", "cli", "tui", "gtk"},
    "jansson.h": {"relay", "phone", "cards", "cli", "tui", "gtk"},
    "stdio.h": {"base", "os", "relay", "phone", "cards", "cli", "tui", "gtk", "sim"},
}
# stdio in base/ is assert.c's one line, and sim/ says what broke; anywhere else in an engine it is a mistake. Programs may use unistd and fcntl
# for descriptors that they were given, never to open a thing that os/ opens.
PROGRAMS = {"relay", "phone", "cards", "cli", "tui", "gtk"}
PROGRAM_HEADERS = {"unistd.h", "signal.h", "sys/stat.h", "sys/types.h", "sys/socket.h", "fcntl.h"}


def sources(root, folder):
    for path, _, names in sorted(os.walk(os.path.join(root, folder))):
        for name in sorted(names):
            if name.endswith((".c", ".h")):
                yield os.path.join(path, name)


def may_include(folder, target):
    if folder == "sim":
        return target in SIM_MAY
    return target in ORDER and ORDER.index(target) <= ORDER.index(folder)


def check_includes(root, folder, path, text):
    for kind, header in INCLUDE.findall(text):
        top = header.split("/")[0]
        if kind == '"' and not header.startswith("sotto/"):
            if "/" not in header:
                yield f"{path}: include {header} from the root, as {folder}/{header}"
            elif not may_include(folder, top):
                yield f"{path}: {folder}/ may not include {header}"
        elif header.startswith("sotto/"):
            if not may_include(folder, "mls" if header.startswith("sotto/mls") else "base"):
                yield f"{path}: {folder}/ may not include {header}"
        else:
            prefixes = [prefix for prefix in LIBRARIES if header.startswith(prefix)]
            if not prefixes or folder in LIBRARIES[max(prefixes, key=len)]:
                continue
            if folder not in PROGRAMS or header not in PROGRAM_HEADERS:
                yield f"{path}: {folder}/ may not see <{header}>"


def check_tree(root, order):
    for folder in order:
        for path in sources(root, folder):
            with open(path, encoding="utf-8") as file:
                text = file.read()
            name = os.path.relpath(path, root)
            yield from check_includes(root, folder, name, text)
            if text.count("\n") > LINES_MAX:
                yield f"{name}: {text.count(chr(10))} lines, at most {LINES_MAX}"
            if "SPDX-License-Identifier: Apache-2.0" not in text[:200]:
                yield f"{name}: no licence line"


def check_fuzz(root):
    for path in sources(root, "fuzz"):
        name = os.path.basename(path)[:-2]
        if name == "driver" or path.endswith(".h"):
            continue
        seeds = os.path.join(root, "fuzz", "seeds", name)
        if not os.path.isdir(seeds) or not os.listdir(seeds):
            yield f"fuzz/{name}.c: no seeds in fuzz/seeds/{name}/"


def check_checker(root):
    """A check that cannot fail is a defect: planted faults must be found."""
    planted = [
        ("base", '#include "crypto/hash.h"\n', "may not include crypto/hash.h"),
        ("crypto", '#include "mls/tree.h"\n', "may not include mls/tree.h"),
        ("crypto", "#include <sotto/mls.h>\n", "may not include sotto/mls.h"),
        ("mls", "#include <nettle/sha2.h>\n", "may not see <nettle/sha2.h>"),
        ("talk", "#include <time.h>\n", "may not see <time.h>"),
        ("vault", "#include <unistd.h>\n", "may not see <unistd.h>"),
        ("link", '#include "local.h"\n', "from the root"),
    ]
    for folder, text, wanted in planted:
        found = list(check_includes(root, folder, "planted.c", text))
        if len(found) != 1 or wanted not in found[0]:
            yield f"planted fault in {folder}/ not found: {text.strip()}"


def main():
    root = sys.argv[1]
    checks = [
        ("the checker finds planted faults", check_checker(root)),
        ("folders include only what is above them", check_tree(root, ORDER + ["sim"])),
        ("every fuzz target has seeds", check_fuzz(root)),
    ]
    report(checks)
    return 0


sys.exit(main())
