#!/usr/bin/env python3
"""Installs the library into an empty folder, builds the examples against it out of tree, and lets them talk.

installed_test.py BUILD_FOLDER COMPILER
"""

import pathlib
import shutil
import subprocess
import sys

SOURCE = pathlib.Path(__file__).resolve().parent
LINES_MAX = 40


def run(*words):
    ended = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=280)
    if ended.returncode != 0:
        sys.exit(f"{' '.join(map(str, words))}\n{ended.stdout}\n{ended.stderr}")
    return ended.stdout


def talk(folder):
    server = subprocess.Popen([folder / "echo_server"], stdout=subprocess.PIPE, text=True)
    try:
        address = server.stdout.readline().strip()
        said = run(folder / "echo_client", address, "what is said comes back").strip()
        if said != "what is said comes back":
            sys.exit(f"the answer was '{said}'")
    finally:
        server.terminate()
    if server.wait(timeout=10) != 0:
        sys.exit(f"the server ended with {server.returncode}")


def main(build, compiler):
    for name in ("echo_server.cpp", "echo_client.cpp", "shared_notes.cpp"):
        lines = len((SOURCE / name).read_text().splitlines())
        if lines >= LINES_MAX:
            sys.exit(f"{name} has {lines} lines")
    folder = pathlib.Path(build).resolve() / "installed"
    shutil.rmtree(folder, ignore_errors=True)
    run("cmake", "--install", build, "--prefix", folder / "prefix")
    run("cmake", "-S", SOURCE, "-B", folder / "examples", "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
        f"-DCMAKE_PREFIX_PATH={folder / 'prefix'}", f"-DCMAKE_CXX_COMPILER={compiler}")
    run("cmake", "--build", folder / "examples")
    talk(folder / "examples")
    merged = run(folder / "examples" / "shared_notes").strip()
    if merged != "Buy fresh milk. And bread.":
        sys.exit(f"the notes were '{merged}'")
    print("2 passed, 0 failed")


if __name__ == "__main__":
    main(*sys.argv[1:])
