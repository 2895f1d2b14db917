#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The same tree is the same release: tools/release.py in two folders, as two users, at two times, with two languages, zones, umasks
and sets of options in the environment. Ends with "N passed, N failed". By itself, since it builds twice: make check-release.

    reproducible.py [--jobs N] [--plant]      --plant: a time in one program, and a name in another one, which it must find
"""
import argparse
import os
import pwd
import shutil
import subprocess
import sys
import tempfile

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ROOT = os.geteuid() == 0
DAY_S = 86400
# What both builds have in common is the tree, and what is installed on this machine. At None it is now: a build before its
# sources is refused by meson.
BUILDS = [
    {"folder": "one", "user": "root", "at": None, "umask": 0o022, "days": 0,
     "environment": {"LC_ALL": "C", "TZ": "UTC", "USER": "root", "HOME": "/root"}},
    {"folder": "another/which.is/longer", "user": "nobody", "at": "2031-10-11 12:13:14", "umask": 0o077, "days": 900,
     "environment": {"LC_ALL": "C.UTF-8", "TZ": "Asia/Tokyo", "USER": "nobody", "HOME": "/tmp", "CC": "clang", "CFLAGS": "-O0 -g",
                     "LDFLAGS": "-Wl,--build-id=uuid", "SOURCE_DATE_EPOCH": "1"}},
]
PLANTED = [("cli/main.c", "SOTTO_VERSION);", 'SOTTO_VERSION " " __TIMESTAMP__);'),
           ("relay/meson.build", "install : true)", "install : true, c_args : '-DPLANTED_BY=\"' + run_command('id', '-un', check : true)"
            ".stdout().strip() + '\"')"),
           ("relay/sottod.c", "int main(", "__attribute__((used)) static const char by[] = PLANTED_BY;\n\nint main(")]
LEFT_OUT = shutil.ignore_patterns(".git", "build", "__pycache__")


class Fault(Exception):
    """A case that fails, in words."""


def as_builder(build, words, **more):
    """Runs it as that user, in that folder, with that environment."""
    user = ["setpriv", f"--reuid={build['user']}", f"--regid={pwd.getpwnam(build['user']).pw_gid}", "--clear-groups"] if ROOT else []
    environment = {"PATH": os.environ["PATH"], **build["environment"]}
    return subprocess.run([*user, *words], cwd=build["tree"], env=environment, umask=build["umask"], text=True, check=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, **more).stdout


def at(build):
    return ["faketime", build["at"]] if build["at"] else []


def change(tree, name, before, after):
    with open(os.path.join(tree, name), encoding="utf-8") as file:
        text = file.read()
    if before not in text:
        raise Fault(f"{name}: nowhere to plant")
    with open(os.path.join(tree, name), "w", encoding="utf-8") as file:
        file.write(text.replace(before, after, 1))


def copy_tree(top, build, plant):
    """The tree in a folder of its own, its files as old as the build has them."""
    build["tree"] = os.path.join(top, build["folder"])
    shutil.copytree(SOURCE, build["tree"], ignore=LEFT_OUT, symlinks=True)
    for words in PLANTED if plant else []:
        change(build["tree"], *words)
    for path, folders, names in os.walk(build["tree"]):
        for name in [".", *folders, *names]:
            one = os.path.join(path, name)
            when = os.stat(one).st_mtime - build["days"] * DAY_S
            os.utime(one, (when, when))
            if ROOT:
                os.chown(one, pwd.getpwnam(build["user"]).pw_uid, -1)


def conditions_differ():
    """who, where and when are not the same for both, nor the umask"""
    if not ROOT:
        print("# not root: both are built as this user")
    seen = []
    for build in BUILDS:
        source = os.path.join(build["tree"], "cli", "main.c")
        says = as_builder(build, ["sh", "-c", "id -un; pwd; umask; date +%Z"]).split()
        says.append(as_builder({**build, "environment": {}}, [*at(build), "sh", "-c", "echo __DATE__ | gcc -E -P -"]))
        says.append(str(os.stat(source).st_mtime))
        seen.append(says if ROOT else says[1:])
    for one, other in zip(*seen):
        if one == other:
            raise Fault(f"both have {one!r}")


def both_build(jobs):
    """both build"""
    for build in BUILDS:
        at_option = [f"--at={build['at']}"] if build["at"] else []
        try:
            print("#", as_builder(build, ["/usr/bin/python3", "tools/release.py", f"--jobs={jobs}", *at_option],
                                  stderr=subprocess.STDOUT).replace("\n", "\n# "), flush=True)
        except subprocess.CalledProcessError as why:
            raise Fault(f"{build['folder']}: {why.stdout[-3000:]}") from why


def contents(folder):
    """name -> bytes, of all files beneath, in their order"""
    found = {}
    for path, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(path, name), "rb") as file:
                found[os.path.relpath(os.path.join(path, name), folder)] = file.read()
    return dict(sorted(found.items()))


def compare(one, other):
    """The first file that differs ends it."""
    if not one:
        raise Fault("there are none")
    if list(one) != list(other):
        raise Fault(f"not in both: {sorted(set(one) ^ set(other))[0]}")
    for name, data in one.items():
        if data != other[name]:
            at = next((i for i, pair in enumerate(zip(data, other[name])) if pair[0] != pair[1]), min(len(data), len(other[name])))
            raise Fault(f"{name} differs from byte {at} on: {data[at - 16:at + 32]!r}, {other[name][at - 16:at + 32]!r}")


def a_difference_is_named():
    """one byte that is planted is named"""
    one = {"bin/a": bytes(100), "bin/b": bytes(100)}
    for other, words in (({**one, "bin/b": bytes(99) + b"x"}, "bin/b differs from byte 99"), ({"bin/a": bytes(100)}, "bin/b"),
                         ({**one, "bin/a": bytes(99)}, "bin/a differs from byte 99")):
        try:
            compare(one, other)
        except Fault as why:
            if words in str(why):
                continue
        raise Fault(f"not found: {words}")


def same_files():
    """what is installed is the same"""
    compare(*[contents(os.path.join(build["tree"], "build", "dist", "root")) for build in BUILDS])


def same_release():
    """manifest and tar are the same"""
    made = [contents(os.path.join(build["tree"], "build", "releases")) for build in BUILDS]
    if [name.rpartition(".")[2] for name in made[0]] != ["manifest", "tar"]:
        raise Fault(f"two files: {list(made[0])}")
    compare(*made)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--plant", action="store_true")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    failed = 0
    cases = [(conditions_differ,), (a_difference_is_named,), (both_build, options.jobs), (same_files,), (same_release,)]
    with tempfile.TemporaryDirectory(prefix="sotto-reproducible-") as top:
        os.chmod(top, 0o755)
        for build in BUILDS:
            copy_tree(top, build, options.plant)
        os.chmod(os.path.join(top, "another"), 0o755)
        os.chmod(os.path.join(top, "another", "which.is"), 0o755)
        for case, *arguments in cases:
            try:
                case(*arguments)
                print("ok -", case.__doc__, flush=True)
            except Fault as why:
                print(f"not ok - {case.__doc__}\nfailed: reproducible: {why}", flush=True)
                failed += 1
    print(f"{len(cases) - failed} passed, {failed} failed")
    return failed != 0


sys.exit(main())
