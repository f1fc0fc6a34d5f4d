#!/usr/bin/env python3
"""Style and include-direction checks over the files that git tracks; run by ctest (label tidy).

    tools/tidy.py            everything; one line per finding (file:line: rule: what), exit code 1 when there is one
    tools/tidy.py --list     the rules
    tools/tidy.py --self-test   proves that each rule can fail

Uncommitted changes of tracked files are checked as they are on disk; untracked files are not looked at.
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]

# What a folder may include of the others. The longest matching path decides; a tuple names single headers.
INCLUDES = {
    "base": set(),
    "codecs": {"base"},
    # compression.h is the enum of Kafka's codec numbers and includes nothing of ours.
    "protocol": {"base", "codecs/crc32c.h", "codecs/crc32.h", "codecs/compression.h"},
    "net": {"base"},
    "client": {"base", "net", "protocol"},
    "replicator": {"base", "protocol", "codecs", "net/async.h", "net/task_group.h"},
    "replicator/kafka": {"base", "protocol", "codecs", "net", "client", "replicator"},
    "sandbox": {"base", "protocol", "codecs"},
    "sandbox/socket": {"base", "protocol", "codecs", "net", "sandbox"},
    "gateway": {"base", "client", "net", "protocol", "replicator"},
    "admin": {"base", "net", "replicator"},
    "app": {"base", "codecs", "protocol", "net", "client", "replicator", "sandbox", "gateway", "admin"},
}
CODE_FOLDERS = sorted({path.split("/")[0] for path in INCLUDES})

# Third-party headers that only some folders may know; the sans-I/O folders stay free of sockets and loggers.
RESTRICTED_HEADERS = [
    (re.compile(r"boost/(asio|beast)"), {"net", "client", "replicator", "sandbox", "admin", "gateway", "app"}),
    (re.compile(r"openssl/|sasl/"), {"net", "app"}),
    (re.compile(r"spdlog/"), {"base", "app"}),
    (re.compile(r"CLI/|CLI11"), {"app"}),
    (re.compile(r"nlohmann/"), {"app", "replicator", "admin"}),
    (re.compile(r"zlib\.h|zstd|lz4|snappy"), {"codecs"}),
    (re.compile(r"sys/socket\.h|netinet/|arpa/"), {"net"}),
]

MAX_LINES = 420
# Tables that would not become clearer in two files.
LONG_FILES = {
    "tools/tidy.py",
}

PYTHON_ENTRY_POINTS = re.compile(r"(^|/)(test_\w+|tidy|clang_tidy|__init__)\.py$")

FORBIDDEN = [
    # The word is split, so that this file does not find itself.
    (re.compile(r"(?<![\w.$}/-])/(?:" + "work|root|home)/" + r"\w"), "path", "absolute path of one machine"),
    (re.compile("asio::" + "detached"), "detached", "every coroutine belongs to a TaskGroup"),
    (re.compile(r"\b(?:TODO|FIXME|XXX)\b(?!\(#\d+\))"), "todo", "write TODO(#issue): or do it"),
    (re.compile(r"\.\./" + "shared"), "shared", "cite a KIP, Kafka's protocol guide or docs/"),
    (re.compile(r"<(?:format|print)>"), "std-format", "libstdc++ 12 has neither <format> nor <print>: use fmt"),
]
FORBIDDEN_IN = re.compile(
    r"\.(h|cc|py|sh|md|cmake|txt|java|go|properties|json|yml|xml)$|^(quickstart|check|scripts/[\w-]+)$|^\.ci/")
TEXT_EXCEPTIONS = {("tools/tidy.py", "todo"), ("tools/tidy.py", "std-format")}

RULES = """include   a folder includes only the folders that the architecture allows
external  third-party headers stay in the folders that may know them
own       the first include of x.cc is x.h where that exists
pragma    a header begins with #pragma once
format    clang-format-19 changes nothing
length    files stay under %d lines
words     no machine paths, detached coroutines, TODO without issue, <format>, <print>
dead      every header is included, every Python module imported, every .cc belongs to a module,
          every conformance class is a ctest test""" % MAX_LINES


class Tree:
    """The tracked files below `root`, with their text."""

    def __init__(self, root, names):
        self.root = root
        self.names = sorted(name for name in names if (root / name).is_file())
        self._text = {}

    @classmethod
    def tracked(cls, root):
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, check=True).stdout
        return cls(root, listed.decode().split("\0")[:-1])

    def text(self, name):
        if name not in self._text:
            self._text[name] = (self.root / name).read_text(errors="replace")
        return self._text[name]

    def sources(self):
        return [name for name in self.names if name.endswith((".h", ".cc"))]


def includes(text):
    """(line number, quote or bracket, header) of each #include."""
    for number, line in enumerate(text.splitlines(), 1):
        found = re.match(r'\s*#\s*include\s+(["<])([^">]+)[">]', line)
        if found:
            yield number, found[1], found[2]


def allowed_for(name):
    best = ""
    for folder in INCLUDES:
        if name.startswith(folder + "/") and len(folder) > len(best):
            best = folder
    return INCLUDES.get(best)


def check_include_directions(tree):
    for name in tree.sources():
        allowed = allowed_for(name)
        folder = name.split("/")[0]
        for number, quote, header in includes(tree.text(name)):
            target = header.split("/")[0]
            if quote == '"' and "/" in header and not header.startswith("..") and target in CODE_FOLDERS:
                if allowed is not None and target != folder and target not in allowed and header not in allowed:
                    yield name, number, "include", f"{folder}/ must not include {header}"
                if allowed is not None and folder == "replicator" and not name.startswith("replicator/kafka/") \
                        and header.startswith("replicator/kafka/"):
                    yield name, number, "include", "the sans-I/O replicator must not know replicator/kafka/"
            if quote == '"' and (header.startswith("..") or "/" not in header):
                yield name, number, "include", f'"{header}" is not relative to the root'


def check_external_headers(tree):
    for name in tree.sources():
        folder = name.split("/")[0]
        if folder not in CODE_FOLDERS:
            continue
        for number, _, header in includes(tree.text(name)):
            for pattern, folders in RESTRICTED_HEADERS:
                if pattern.match(header) and folder not in folders:
                    yield name, number, "external", f"{folder}/ must not include {header}"


def check_own_header_first(tree):
    names = set(tree.names)
    for name in tree.sources():
        if name.endswith(".h"):
            if "#pragma once" not in tree.text(name):
                yield name, 1, "pragma", "no #pragma once"
            continue
        own = name[:-3] + ".h"
        first = next(includes(tree.text(name)), (1, "", ""))
        if own in names and first[2] != own:
            yield name, first[0], "own", f"the first include is {first[2]!r}, not {own!r}"


def check_length(tree):
    for name in tree.names:
        if not name.endswith((".h", ".cc", ".py", ".java", ".go")) or name in LONG_FILES:
            continue
        lines = tree.text(name).count("\n")
        if lines > MAX_LINES:
            yield name, lines, "length", f"{lines} lines, at most {MAX_LINES}"


def check_words(tree):
    for name in tree.names:
        if not FORBIDDEN_IN.search(name):
            continue
        for number, line in enumerate(tree.text(name).splitlines(), 1):
            for pattern, rule, why in FORBIDDEN:
                if pattern.search(line) and (name, rule) not in TEXT_EXCEPTIONS:
                    yield name, number, "words", f"{pattern.search(line)[0]!r}: {why}"


def check_dead_files(tree):
    included, imported = set(), set()
    for name in tree.names:
        if name.endswith((".h", ".cc")):
            included.update(header for _, _, header in includes(tree.text(name)))
        if name.endswith(".py") or (name.startswith(("scripts/", "bench/", "tests/", "quickstart")) and "." not in name):
            for line in re.findall(r"(?m)^\s*(?:from|import)\s+([\w.]+(?:\s+import\s+[\w, ()]+)?)", tree.text(name)):
                imported.update(re.findall(r"\w+", line))
    cmake_files = [name for name in tree.names if name.endswith("CMakeLists.txt")]
    cmake_folders = {str(pathlib.PurePath(name).parent) for name in cmake_files}
    # longhaul_module(x) and longhaul_unit_tests(x) pick up tests/unit/x.
    tested = set(re.findall(r"longhaul_(?:module|unit_tests)\((\w+)", "".join(map(tree.text, cmake_files))))
    for name in tree.names:
        if name.endswith(".h") and name not in included:
            yield name, 1, "dead", "no file includes this header"
        if name.endswith(".py") and not PYTHON_ENTRY_POINTS.search(name) \
                and pathlib.PurePath(name).stem not in imported and not os.access(tree.root / name, os.X_OK):
            yield name, 1, "dead", "no file imports this module"
        if name.endswith(".cc"):
            parents = {str(parent) for parent in pathlib.PurePath(name).parents}
            of_unit_test = name.startswith("tests/unit/") and name.split("/")[2] in tested
            if not of_unit_test and not (parents - {"."}) & cmake_folders:
                yield name, 1, "dead", "no CMakeLists.txt builds this file"
            if name.startswith("tests/unit/") and not name.endswith("_test.cc"):
                yield name, 1, "dead", "unit tests are picked up by the name *_test.cc"


def check_registered_tests(tree):
    registered = tree.text("tests/CMakeLists.txt") if "tests/CMakeLists.txt" in tree.names else ""
    for name in tree.names:
        module = re.match(r"tests/conformance/test_(\w+)\.py$", name)
        if not module:
            continue
        for number, text in enumerate(re.split(r"(?m)^(?=class )", tree.text(name))):
            test_class = re.match(r"class (\w+)", text)
            if test_class and "    def test_" in text and f"({module[1]}.{test_class[1]} " not in registered:
                yield name, number, "dead", f"tests/CMakeLists.txt does not run {module[1]}.{test_class[1]}"


def check_format(tree):
    binary = shutil.which("clang-format-19")
    if binary is None:
        yield ".clang-format", 1, "format", "clang-format-19 is not installed: scripts/install-packages"
        return
    names = tree.sources()
    chunks = [names[at:at + 12] for at in range(0, len(names), 12)]

    def run(chunk):
        return subprocess.run([binary, "--dry-run", "--ferror-limit=1", *chunk], cwd=tree.root, capture_output=True,
                              text=True).stderr

    seen = set()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for output in pool.map(run, chunks):
            for name, line in re.findall(r"(?m)^(\S+?):(\d+):\d+: (?:warning|error): code should be", output):
                if name not in seen:
                    seen.add(name)
                    yield name, int(line), "format", "run clang-format-19 -i on it"


CHECKS = [check_include_directions, check_external_headers, check_own_header_first, check_length, check_words,
          check_dead_files, check_registered_tests, check_format]


def findings(tree):
    return [finding for check in CHECKS for finding in check(tree)]


# --- proof that each rule can fail ------------------------------------------------------------------------------

GOOD = {
    "base/CMakeLists.txt": "longhaul_module(base)", "codecs/CMakeLists.txt": "longhaul_module(codecs)",
    "base/a.h": "#pragma once\n\nint a();\n",
    "base/a.cc": '#include "base/a.h"\n\nint a() {\n  return 1;\n}\n',
    "codecs/b.cc": '#include "base/a.h"\n\nint b() {\n  return a();\n}\n',
    "tests/unit/base/a_test.cc": '#include "base/a.h"\n\nint c() {\n  return a();\n}\n',
}
BAD = [
    ("include", "base/a.cc", '#include "base/a.h"\n\n#include "net/x.h"\n\nint a() {\n  return 1;\n}\n'),
    ("include", "codecs/b.cc", '#include "../base/a.h"\n\nint b() {\n  return a();\n}\n'),
    ("external", "codecs/b.cc", '#include <boost/asio.hpp>\n\n#include "base/a.h"\n\nint b() {\n  return a();\n}\n'),
    ("own", "base/a.cc", '#include <vector>\n\n#include "base/a.h"\n\nint a() {\n  return 1;\n}\n'),
    ("pragma", "base/a.h", "int a();\n"),
    ("length", "base/a.cc", '#include "base/a.h"\n' + "\n// line" * 500 + "\n"),
    ("words", "codecs/b.cc", '#include "base/a.h"\n\n// TO' + "DO later\nint b() { return a(); }\n"),
    ("words", "codecs/b.cc", '#include "base/a.h"\n\nconst char* b() { return "' + "/wo" + 'rk/main"; }\n'),
    ("dead", "base/unused.h", "#pragma once\n"),
    ("dead", "lonely/x.cc", "int x() { return 1; }\n"),
    ("dead", "tests/unit/lonely/x_test.cc", "int x();\n"),
    ("dead", "tests/unit/base/x.cc", "int x();\n"),
    ("dead", "tests/conformance/unused.py", "A = 1\n"),
    ("dead", "tests/conformance/test_x.py", "class XTest:\n    def test_x(self):\n        pass\n"),
    ("format", "codecs/b.cc", '#include "base/a.h"\n\nint   b(){return a();}\n'),
]


def self_test():
    def lay_down(files):
        root = pathlib.Path(tempfile.mkdtemp(prefix="tidy-"))
        shutil.copy(ROOT / ".clang-format", root / ".clang-format")
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        try:
            return findings(Tree(root, list(files)))
        finally:
            shutil.rmtree(root)

    failures = [f"a clean tree gives {lay_down(GOOD)}"] if lay_down(GOOD) else []
    for rule, name, text in BAD:
        found = lay_down({**GOOD, name: text})
        if not any(rule == finding[2] and name == finding[0] for finding in found):
            failures.append(f"rule {rule} does not notice {name} with {text[:60]!r}: {found}")
    for failure in failures:
        print(f"tidy self-test: {failure}")
    print(f"tidy self-test: {len(BAD) + 1} cases, {len(failures)} failed")
    return 1 if failures else 0


def main():
    parser = argparse.ArgumentParser(description="style and include-direction checks")
    parser.add_argument("--list", action="store_true", help="print the rules")
    parser.add_argument("--self-test", action="store_true", help="prove that each rule can fail")
    arguments = parser.parse_args()
    if arguments.list:
        print(RULES)
        return 0
    if arguments.self_test:
        return self_test()
    tree = Tree.tracked(ROOT)
    found = findings(tree)
    for name, line, rule, what in sorted(found):
        print(f"{name}:{line}: {rule}: {what}")
    print(f"tidy: {len(tree.names)} files, {len(found)} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
