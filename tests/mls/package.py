# SPDX-License-Identifier: Apache-2.0
"""libsotto-mls as its users meet it: built alone, installed, its headers, symbols and examples. TAP.

Arguments: the source tree, the build folder, "all" or "mls" (what that folder builds), the compiler.
From a folder that builds everything, the library is built alone in a folder below, and its own tests run there but for
those of the suite `long`, which run in the whole build. This test is one of them, and there looks at what that folder
installs.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

SOURCE, BUILD, PARTS = sys.argv[1:4]
CC = sys.argv[4:]
PREFIX = "/usr/local"
FLAGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]
# What the library may need, and what its tools and tests may need besides.
LIBRARIES = {"libnettle", "libhogweed", "libgmp", "libsodium", "libc", "ld-linux-x86-64", "ld-linux-aarch64"}
DEPENDENCIES = {"nettle", "hogweed", "gmp", "libsodium", "jansson", "cmocka"}
# What the compiler puts into every shared library that asks which instructions the processor has: written once, before
# any code of ours runs.
NOT_OURS = {"__cpu_model", "__cpu_features2", "completed.0", "__dso_handle", "__TMC_END__"}
EXAMPLES = {"two_members": "epoch 2: both agree", "durable": "message 17, generation 21"}


def run(*command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                          errors="replace", **options)
    if done.returncode != 0:
        raise AssertionError(" ".join(command) + f": exit code {done.returncode}\n" + done.stdout[-4000:])
    return done.stdout


def symbols(path, *options):
    """What is defined and seen from outside: names of functions, and of anything else."""
    lines = run("nm", "-P", "--defined-only", "--extern-only", *options, path).splitlines()
    found = [line.split() for line in lines if len(line.split()) > 2]
    functions = {words[0].split("@")[0] for words in found if words[1] == "T"}
    return functions, {words[0].split("@")[0] for words in found} - functions


def writable(path):
    """Objects in a shared library that stay writable once it is loaded."""
    table = run("objdump", "-t", path)
    found = re.findall(r"^[0-9a-f]+ (.{7}) \.t?(?:data|bss)\t[0-9a-f]+ +(?:\.hidden )?(\S+)$", table, re.M)
    return {name for flags, name in found if "d" not in flags}


def claimed(text):
    """Every name that a header takes from who includes it: tags, macros, types, enumerators, functions, objects."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    # What a macro pushes, defines and pops again is nobody's loss: header_compiles looks.
    macros = set(re.findall(r"^#\s*define (\w+)", text, re.M)) - {"MUST_USE"}
    text = re.sub(r"^#.*\n", "", text, flags=re.M)
    tags = set(re.findall(r"\b(?:struct|enum|union) (\w+)", text))
    flat, left = text, 1
    while left:
        flat, left = re.subn(r"\([^()]*\)", "@", flat)
    enumerators = {name for body in re.findall(r"\benum \w* ?{(.*?)}", flat, re.S)
                   for name in re.findall(r"(\w+)(?: = [^,]*)?(?:,|\s*$)", body)}
    types = set(re.findall(r"^typedef .*?(\w+)(?:\[\w*\])?;", flat, re.M))
    functions = set(re.findall(r"^(?!typedef)[A-Za-z][\w *]*?(\w+)@(?:;|\n{)", flat, re.M))
    objects = set(re.findall(r"^(?!typedef)[a-z][\w *]* \**(\w+)(?:\[\w*\])?(?: =.*)?;$", flat, re.M))
    return macros | tags | enumerators | types | functions | objects


def declared(text):
    """The functions that a header declares, but for those that it defines itself, and the objects."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    text = re.sub(r"static inline .*?\n}", "", text, flags=re.S)
    functions = re.findall(r"\b((?:mls|sotto)_\w+)\(", text)
    objects = re.findall(r"^extern [^;(]*\b(\w+)(?:\[\w*\])?;", text, re.M)
    return set(functions), set(objects)


class Package:
    def __init__(self, folder):
        self.root = folder
        self.alone = BUILD if PARTS == "mls" else os.path.join(BUILD, "alone")
        self.prefix = self.root + PREFIX

    def path(self, *names):
        return os.path.join(self.prefix, *names)

    def library(self, name):
        for folder, _, names in os.walk(self.path("lib")):
            if name in names:
                return os.path.join(folder, name)
        raise AssertionError(f"{name} is not installed")

    def pkg_config(self, *options):
        environment = dict(os.environ, PKG_CONFIG_PATH=os.path.dirname(self.library("sotto-mls.pc")))
        return run("pkg-config", f"--define-variable=prefix={self.prefix}", *options, "sotto-mls",
                   env=environment).split()

    def plant(self, name, text):
        """A shared library of this C."""
        source = os.path.join(self.root, name + ".c")
        with open(source, "w", encoding="utf-8") as file:
            file.write(text)
        library = os.path.join(self.root, name + ".so")
        run(*CC, "-shared", "-fPIC", source, "-o", library)
        return library

    # ---- the checks, in order ----

    def builds_alone(self):
        flags = ["--reconfigure"] if os.path.exists(os.path.join(self.alone, "build.ninja")) else []
        run("meson", "setup", *flags, self.alone, SOURCE, "-Dparts=mls", f"-Dprefix={PREFIX}",
            env=dict(os.environ, CC=" ".join(CC)))
        run("ninja", "-C", self.alone)

    def passes_its_tests_alone(self):
        out = run("meson", "test", "-C", self.alone, "--no-rebuild", "--print-errorlogs",
                  "--no-suite", "long")
        passed = re.search(r"^Ok: +(\d+)", out, re.M)
        assert passed and int(passed.group(1)) > 10 and "mls package" in out, out

    def asks_for_nothing_else(self):
        found = json.loads(run("meson", "introspect", "--dependencies", self.alone))
        names = {dependency["name"] for dependency in found}
        assert "nettle" in names and names <= DEPENDENCIES, f"asks for {sorted(names)}"

    def installs(self):
        run("meson", "install", "-C", self.alone, "--no-rebuild", "--destdir", self.root)
        for name in ("libsotto-mls.so", "libsotto-mls.so.0", "libsotto-mls.a", "sotto-mls.pc"):
            self.library(name)
        for name in ("bin/mls-vectors", "bin/mls-peer", "share/man/man1/mls-vectors.1", "share/man/man1/mls-peer.1",
                     "share/man/man3/libsotto-mls.3",
                     "include/sotto/mls.h"):
            assert os.path.exists(self.path(name)), f"{name} is not installed"

    def needs_nothing_else(self):
        shared = run("readelf", "-d", self.library("libsotto-mls.so"))
        needed = {name.split(".so")[0] for name in re.findall(r"NEEDED\).*\[(.*)\]", shared)}
        assert "libnettle" in needed and needed <= LIBRARIES, f"needs {sorted(needed)}"
        assert "[libsotto-mls.so.0]" in shared, "no soname"

    def shows_what_the_headers_declare(self):
        """Functions, all of them and no other. No object: a program would copy it, and so fix its size for ever."""
        wanted = set()
        for name in os.listdir(self.path("include/sotto")):
            with open(self.path("include/sotto", name), encoding="utf-8") as header:
                functions, objects = declared(header.read())
            assert not objects, f"{name} declares objects: {objects}"
            wanted |= functions
        assert "mls_group_commit" in wanted and "mls_buffer_bytes" not in wanted, sorted(wanted)
        shared = symbols(self.library("libsotto-mls.so"), "-D")
        archive = symbols(self.library("libsotto-mls.a"))
        for name, (found, others) in (("so", shared), ("a", archive)):
            assert found == wanted, f"libsotto-mls.{name}: not declared {found - wanted}, missing {wanted - found}"
            assert others <= {"SOTTO_MLS_0"}, f"libsotto-mls.{name} shows what is no function: {others}"
        versions = run("readelf", "--dyn-syms", "-W", self.library("libsotto-mls.so"))
        bare = [line for line in versions.splitlines() if re.search(r" mls_\w+$", line)]
        assert not bare and "mls_group_commit@@SOTTO_MLS_0" in versions, f"without a version: {bare}"

    def finds_a_planted_name(self):
        """The check above can fail."""
        plain = declared("int mls_planted(int a);\nextern const int mls_object;\nextern int mls_array[4];\n"
                         "static inline int mls_inline(void)\n{\n\treturn mls_inner();\n}\n/* mls_comment() */")
        assert plain == ({"mls_planted"}, {"mls_object", "mls_array"}), plain
        library = self.plant("symbols", "int mls_function(void);\nint mls_function(void) { return 1; }\n"
                             "extern const int mls_object;\nconst int mls_object = 2;\nextern int mls_writable;\n"
                             "int mls_writable;\n")
        assert symbols(library, "-D") == ({"mls_function"}, {"mls_object", "mls_writable"}), symbols(library, "-D")

    def claims_the_names_it_says(self):
        names = set()
        for name in os.listdir(self.path("include/sotto")):
            with open(self.path("include/sotto", name), encoding="utf-8") as header:
                names |= claimed(header.read())
        assert {"SOTTO_ERR_CLOSED", "MLS_PRIVATE_MESSAGE", "mls_group_commit", "mls_buffer_bytes", "mls_limits",
                "SOTTO_MLS_H"} <= names, sorted(names)
        bare = {name for name in names if not re.match(r"(mls|sotto|MLS|SOTTO)_", name)}
        with open(os.path.join(SOURCE, "man/libsotto-mls.3"), encoding="utf-8") as page:
            manual = page.read().split("these four tags:")[1].split("A program")[0]
        with open(os.path.join(SOURCE, "docs/mls.md"), encoding="utf-8") as page:
            document = page.read().split("but for the tags")[1].split("(the test")[0]
        for where, text in (("man/libsotto-mls.3", manual), ("docs/mls.md", document)):
            said = set(re.findall(r"struct (\w+)", text))
            assert said == bare, f"{where} says {sorted(said)}, the headers have {sorted(bare)}"

    def finds_claimed_names(self):
        """The check above can fail."""
        found = claimed("#define MACRO 1\nenum tag {\n\tFIRST = 1, /* no */\n\tLAST\n};\ntypedef unsigned number;\n"
                        "extern const int object;\nstruct one *function(struct two *parameter,\n\tint (*call)(int));\n"
                        "static inline int inner(void)\n{\n\tint local = 0;\n\n\treturn called(local);\n}\n"
                        "MUST_USE int must(int a);\n")
        assert found == {"MACRO", "tag", "FIRST", "LAST", "number", "object", "one", "two", "function", "inner", "must"}, found

    def lives_in_a_namespace(self):
        """C++ that has the four tags itself."""
        source = os.path.join(self.root, "namespace.cc")
        with open(source, "w", encoding="utf-8") as file:
            file.write("#include <stdbool.h>\n#include <stddef.h>\n#include <stdint.h>\n"
                       "struct bytes { int a; };\nstruct secret { int a; };\nstruct allocator { int a; };\n"
                       "struct random_source { int a; };\nnamespace lib {\n#include <sotto/mls.h>\n}\n"
                       "int main() { bytes mine = {32}; return (int)lib::mls_suite_hash_len(1) - mine.a; }\n")
        program = os.path.join(self.root, "namespace")
        compilers = [compiler for compiler in ("g++", "clang++") if shutil.which(compiler)]
        assert compilers, "no C++ compiler to try the header with"
        for compiler in compilers:
            run(compiler, "-std=c++11", *FLAGS, source, "-o", program, *self.pkg_config("--cflags", "--libs"))
            run(program, env=self.loader())

    def has_no_state(self):
        sections = run("size", "-A", self.library("libsotto-mls.a"))
        assert ".text" in sections, sections
        # A compiler may leave an empty section out.
        sizes = dict(re.findall(r"^(\.(?:t?data|t?bss)) +(\d+)", sections, re.M))
        assert not any(int(size) for size in sizes.values()), f"writable data: {sizes}"
        found = writable(self.library("libsotto-mls.so"))
        assert found <= NOT_OURS, f"writable objects: {sorted(found - NOT_OURS)}"

    def finds_planted_state(self):
        """The check above can fail."""
        library = self.plant("state", "static int planted;\nint touch(int by);\n"
                             "int touch(int by) { return planted += by; }\n"
                             "int full = 1;\n_Thread_local int each;\nconst int constant = 2;\n")
        found = writable(library) - NOT_OURS
        assert found == {"planted", "full", "each"}, found

    def compiles(self, compiler, standard, suffix):
        for name in sorted(os.listdir(self.path("include/sotto"))):
            if name in ("begin.h", "end.h"):
                continue
            text = (f"#include <sotto/{name}>\n#include <sotto/{name}>\n#ifdef MUST_USE\n#error leaks\n#endif\n"
                    "int main(void);\nint main(void) { return 0; }\n")
            if name == "mls.h":
                text = text.replace("return 0;", "struct mls_buffer b = {}; mls_buffer_release(&b);"
                                    " return (int)mls_buffer_bytes(&b).len + (int)mls_suite_hash_len(1) - 32;"
                                    if suffix == "cc" else "return (int)mls_suite_hash_len(1) - 32;")
            source = os.path.join(self.root, "header." + suffix)
            with open(source, "w", encoding="utf-8") as file:
                file.write(text)
            program = os.path.join(self.root, "header")
            run(*compiler, f"-std={standard}", *FLAGS, source, "-o", program, *self.pkg_config("--cflags", "--libs"))
            run(program, env=self.loader())

    def header_compiles(self):
        for standard in ("c11", "c17"):
            self.compiles(CC, standard, "c")
        found = [compiler for compiler in ("g++", "clang++") if shutil.which(compiler)]
        assert found, "no C++ compiler to try the header with"
        for compiler in found:
            for standard in ("c++11", "c++17"):
                self.compiles([compiler], standard, "cc")

    def loader(self):
        return dict(os.environ, LD_LIBRARY_PATH=os.path.dirname(self.library("libsotto-mls.so")))

    def example(self, name, link, environment):
        source = os.path.join(SOURCE, "examples/mls", name + ".c")
        program = os.path.join(self.root, name)
        run(*CC, "-std=c17", *FLAGS, source, "-o", program, *link)
        arguments = []
        if name == "durable":
            arguments = [tempfile.mkdtemp(dir=self.root)]
        out = run(program, *arguments, env=environment)
        assert EXAMPLES[name] in out, out

    def examples_run_shared(self):
        for name in EXAMPLES:
            self.example(name, self.pkg_config("--cflags", "--libs"), self.loader())
            assert "libsotto-mls.so.0" in run("readelf", "-d", os.path.join(self.root, name))

    def examples_run_static(self):
        """The archive, and the libraries below it as shared ones."""
        flags = self.pkg_config("--static", "--cflags", "--libs")
        archive = [self.library("libsotto-mls.a") if flag == "-lsotto-mls" else flag for flag in flags]
        for name in EXAMPLES:
            self.example(name, archive, os.environ)
            assert "libsotto-mls" not in run("readelf", "-d", os.path.join(self.root, name))

    def names_do_not_meet(self):
        """A program may have functions by names that are internal to the library."""
        source = os.path.join(self.root, "clash.c")
        with open(source, "w", encoding="utf-8") as file:
            file.write("#include <sotto/mls.h>\nint bytes_equal(void);\nint bytes_equal(void) { return 7; }\n"
                       "int hash_digest(void);\nint hash_digest(void) { return 8; }\n"
                       "int main(void) { return mls_init() + bytes_equal() + hash_digest() - 15; }\n")
        flags = self.pkg_config("--static", "--cflags", "--libs")
        program = os.path.join(self.root, "clash")
        run(*CC, *FLAGS, source, "-o", program,
            *[self.library("libsotto-mls.a") if flag == "-lsotto-mls" else flag for flag in flags])
        run(program)


def main():
    checks = ["builds_alone", "passes_its_tests_alone"]
    if PARTS == "mls":
        checks = ["asks_for_nothing_else", "installs", "needs_nothing_else", "shows_what_the_headers_declare",
                  "finds_a_planted_name", "claims_the_names_it_says", "finds_claimed_names", "lives_in_a_namespace",
                  "has_no_state", "finds_planted_state", "header_compiles", "examples_run_shared", "examples_run_static",
                  "names_do_not_meet"]
    print(f"1..{len(checks)}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        package = Package(folder)
        for number, name in enumerate(checks, 1):
            words = "libsotto-mls " + name.replace("_", " ")
            try:
                getattr(package, name)()
            except AssertionError as error:
                print("\n".join("# " + line for line in str(error).splitlines()))
                print("not ok", number, "-", words, flush=True)
            else:
                print("ok", number, "-", words, flush=True)


main()
