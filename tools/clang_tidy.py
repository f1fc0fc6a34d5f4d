#!/usr/bin/env python3
"""clang-tidy 19 over the sources of a build tree, several at a time; findings are errors.

    tools/clang_tidy.py [--build build/release] [PATH PREFIX ...]

clang-analyzer-* is added for the sans-I/O folders only: it misreads the coroutine frames of Asio's awaitables.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
SANS_IO = ("base/", "codecs/", "protocol/")


def sans_io(name):
    return name.startswith(SANS_IO) or (name.startswith("replicator/") and not name.startswith("replicator/kafka/"))


def check(binary, build, name):
    command = [binary, "-p", str(build), "--quiet", name]
    if sans_io(name):
        command.insert(1, "--checks=clang-analyzer-*")
    begun = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return name, done.returncode, done.stdout, time.monotonic() - begun


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    parser.add_argument("prefixes", nargs="*", help="only files below these folders")
    options = parser.parse_args()
    binary = shutil.which("clang-tidy-19")
    if binary is None:
        print("clang_tidy: clang-tidy-19 is not installed: scripts/install-packages", file=sys.stderr)
        return 1
    entries = json.loads((options.build / "compile_commands.json").read_text())
    names = sorted({os.path.relpath(entry["file"], ROOT) for entry in entries})
    names = [name for name in names if not name.startswith(("build/", "..", "tests/", "fuzz/", "bench/"))
             and (not options.prefixes or name.startswith(tuple(options.prefixes)))]
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, code, output, seconds in pool.map(lambda name: check(binary, options.build, name), names):
            failed += code != 0
            print(f"{'FAILED' if code else 'ok':>6} {seconds:6.1f} s {name}", flush=True)
            if code:
                print(output, flush=True)
    print(f"clang_tidy: {len(names)} files, {failed} with findings")
    return 1 if failed or not names else 0


if __name__ == "__main__":
    sys.exit(main())
