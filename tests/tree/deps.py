# SPDX-License-Identifier: Apache-2.0
"""tools/deps with a dpkg and an apt of the test's own: silent and without root when nothing is missing, a clear word
when something is, and what is installed then; and that every make asks it before it builds. TAP."""
import os
import subprocess
import sys
import tempfile

from checks import report

ROOT = sys.argv[1]


def run(installed, root):
    """(exit code, output, what apt-get was called with) where these packages are installed, None being all."""
    with tempfile.TemporaryDirectory(prefix="sotto-test-") as folder:
        def program(name, text):
            path = os.path.join(folder, name)
            with open(path, "w", encoding="ascii") as out:
                out.write("#!/bin/sh\n" + text)
            os.chmod(path, 0o700)
        known = "*) true" if installed is None else "|".join(installed) + ") true"
        program("dpkg-query", f"""shift 3
code=0
for package; do
	if case $package in {known} ;; *) false ;; esac; then printf '%s installed ' "$package"; else code=1; fi
done
exit $code
""")
        program("id", f"echo {0 if root else 1000}\n")
        program("apt-get", f'echo "$*" >>{folder}/apt\n')
        done = subprocess.run([os.path.join(ROOT, "tools/deps")], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              env={"PATH": folder + ":/usr/bin:/bin"}, check=False)
        apt = []
        if os.path.exists(folder + "/apt"):
            with open(folder + "/apt", encoding="ascii") as log:
                apt = log.read().splitlines()
        return done.returncode, done.stdout, apt


def wanted():
    """All packages, by what it says where none is installed."""
    return run(["none"], False)[1].splitlines()[0].split(":", 2)[2].split()


def nothing_missing():
    if run(None, False) != (0, "", []):
        yield f"without root: {run(None, False)}"
    # Nothing of Debian's control syntax was taken for a name.
    for name in wanted():
        if not name[0].isalpha() or set(name) - set("abcdefghijklmnopqrstuvwxyz0123456789+-."):
            yield f"no name of a package: {name}"
    if len(wanted()) < 20:
        yield f"too few: {wanted()}"


def something_missing():
    lacking = "valgrind"
    others = [name for name in wanted() if name != lacking]
    code, text, apt = run(others, False)
    if code != 1 or lacking not in text or others[0] in text or apt:
        yield f"without root: {code}, {text!r}, {apt}"
    code, text, apt = run(others, True)
    installs = [line for line in apt if "install" in line.split()]
    if code != 0 or len(installs) != 1 or installs[0].split()[-1] != lacking or others[0] in installs[0]:
        yield f"as root: {code}, {text!r}, {apt}"


def every_make_asks():
    with tempfile.TemporaryDirectory(prefix="sotto-test-") as folder:
        build = os.path.join(folder, "build")
        os.mkdir(build)
        with open(os.path.join(build, "build.ninja"), "w", encoding="ascii"):
            pass
        for target in ("all", "check", "demo"):
            done = subprocess.run(["make", "-n", "-C", ROOT, target, f"BUILD={build}"], stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, check=False)
            if done.returncode != 0 or "tools/deps" not in done.stdout.partition("ninja -C")[0]:
                yield f"make {target}: {done.stdout}"


def main():
    checks = [("nothing is missing: silent, without root", list(nothing_missing())),
              ("something is missing: it alone is named or installed", list(something_missing())),
              ("every make asks before it builds", list(every_make_asks()))]
    report(checks)


main()
