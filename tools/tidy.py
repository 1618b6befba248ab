#!/usr/bin/env python3
"""House rules that a compiler does not know: who may include whom, banned calls, sizes with ratchets.

Exceptions stand in tools/tidy.toml, and may only shrink: one that is no longer needed is an error too.
Run with --self-test to see every rule fire on a planted violation.
"""

import pathlib
import re
import subprocess
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent
FILE_LINES_MAX = 800
FUNCTION_LINES_MAX = 70
COLUMNS_MAX = 100
BLOB_BYTES_MAX = 1 << 20

# pattern, where it is allowed (path prefixes), what to use instead
BANNED = [
    (r"\bstd::rand\b|\bsrand\(|\brandom_device\b", ["vivim/rt/asio"], "rt::Rng, passed in"),
    (r"(system_clock|steady_clock|high_resolution_clock)::now", ["vivim/rt/asio", "bench", "interop"], "rt::Clock, passed in"),
    (r"\bsleep_for\(std|this_thread::sleep|\busleep\(|\bnanosleep\(", [], "rt::Timer, or an event"),
    (r"\bstd::j?thread\b|\bstd::async\b", ["vivim/rt/asio", "vivim/libp2p/quic/quic_bench.cpp"], "rt::Worker"),
    (r"\benable_shared_from_this\b|\bshared_from_this\b", [], "a parent that owns"),
    (r"<regex>|\bstd::regex\b", [], "a hand-written scan: std::regex recurses on input"),
    (r"<iostream>|\bstd::(cout|cerr)\b", ["apps", "interop", "bench", "sim", "stress"], "log::write, or the caller prints"),
    (r"(?<![\w.:>])(strcpy|strcat|sprintf|gets|atoi|atol|strtok)\(", [], "std::string, std::from_chars"),
    (r"(?<!static_)(?<!_)\bassert\(", [], "VIVIM_ASSERT, VIVIM_BUG, or a Result"),
    (r"\bTODO\b|\bFIXME\b|\bXXX\b", [], "an issue, or the work itself"),
    (r"\bstd::(multi)?(set|map)<[\w: ]+\*[,>]", ["vivim/libp2p/limits/limits_test.cpp"], "Roll, or a key that does not hang on addresses: runs must be repeatable"),
    (r"co_spawn\(|boost::asio::detached", ["vivim/rt"], "rt::TaskGroup"),
]
# header pattern, where it may be included
CONFINED = [
    (r"boost/asio", ["vivim/rt"], "rt interfaces"),
    (r"boost/beast", ["vivim/gateway/request_parser.cpp"], "vivim/gateway/http.hpp"),
    (r"openssl/|sodium\.h", ["vivim/crypto", "vivim/libp2p/tls"], "vivim/crypto, or vivim/libp2p/tls for what is TLS"),
    (r"sqlite3\.h", ["vivim/store"], "vivim/store"),
    (r"spdlog/|nlohmann/|gtest/", [], "base/log.hpp, Boost.JSON, doctest"),
]

problems: list[str] = []


def report(path, line, text):
    problems.append(f"{path}:{line}: {text}")


def modules():
    """Module path -> (dependencies, test dependencies), from vivim/CMakeLists.txt, in order."""
    text = (ROOT / "vivim/CMakeLists.txt").read_text()
    found = {}
    for body in re.findall(r"vivim_module\(([^)]*)\)", text):
        words = body.split()
        key, sections = None, {"DEPS": [], "TEST_DEPS": []}
        for word in words[1:]:
            if word.isupper():
                key = word
            elif key in sections:
                sections[key].append(word)
        found[words[0].replace("/", "_")] = (words[0], sections["DEPS"], sections["TEST_DEPS"])
    return found


def closure(names, known):
    seen, queue = set(), list(names)
    while queue:
        name = queue.pop()
        if name not in seen and name in known:
            seen.add(name)
            queue += known[name][1]
    return seen


def module_of(path, known):
    best = None
    for name, (folder, _, _) in known.items():
        if path.startswith(f"vivim/{folder}/") and (best is None or len(folder) > len(known[best][0])):
            best = name
    return best


def allowed(path, prefixes, exceptions):
    return any(path.startswith(p) for p in prefixes) or path in exceptions


def check_includes(path, lines, known, order, exceptions):
    own = module_of(path, known)
    if own is None:
        return
    may = closure([own], known)
    if re.search(r"_(test|fuzz|bench)(_detail\.hpp|\.cpp)$|/testing_detail\.hpp$", path):
        may |= closure(known[own][2], known)
    for number, line in enumerate(lines, 1):
        match = re.match(r'#include "(vivim/[^"]+)"', line)
        if not match:
            continue
        target = module_of(match[1], known)
        if target is None:
            report(path, number, f"includes {match[1]}, which belongs to no module of vivim/CMakeLists.txt")
        elif target not in may:
            report(path, number, f"{own} may not include {match[1]}: declare the dependency, or turn it around")
        elif match[1].endswith("_detail.hpp") and target != own:
            report(path, number, f"{match[1]} is private to {target}")


def check_words(path, lines, config):
    exceptions = config.get("words", {})
    used = set()
    for number, line in enumerate(lines, 1):
        code = re.sub(r'"(\\.|[^"\\])*"', '""', line) if not line.startswith("#include") else line
        code = re.sub(r"//.*", "", code) if "TODO" not in line and "FIXME" not in line else line
        for pattern, where, instead in BANNED:
            if re.search(pattern, code) and not any(path.startswith(p) for p in where):
                if path in exceptions:
                    used.add(path)
                else:
                    report(path, number, f"banned: {code.strip()[:60]} (use {instead})")
        if line.startswith("#include"):
            for pattern, where, instead in CONFINED:
                if re.search(pattern, line) and not any(path.startswith(p) for p in where):
                    if path in exceptions:
                        used.add(path)
                    else:
                        report(path, number, f"{line.strip()} is confined to {where or 'nowhere'} (use {instead})")
        if len(line) > COLUMNS_MAX and "http" not in line and 'R"' not in line:
            report(path, number, f"{len(line)} columns (at most {COLUMNS_MAX})")
    return used


def functions(lines):
    """(first line, length) of each function body, by indentation: the tree is clang-formatted."""
    head = re.compile(r"^( *)(?!.*\b(namespace|class|struct|enum|union|if|for|while|switch|do|else|case|extern)\b).*\)[^;=]*\{$")
    number = 0
    while number < len(lines):
        match = head.match(lines[number])
        if match and not lines[number].rstrip().endswith("[] {"):
            close = match[1] + "}"
            end = number + 1
            indent = len(match[1])
            while end < len(lines) and not lines[end].startswith(close):
                if lines[end].strip() and len(lines[end]) - len(lines[end].lstrip()) < indent:
                    end = number  # the last line of a statement that began further left
                    break
                end += 1
            yield number + 1, end - number + 1
            if len(match[1]) == 0:
                number = end
        number += 1


def check_sizes(path, lines, config):
    files, longs = config.get("file_lines", {}), config.get("function_lines", {})
    if path in files:
        if len(lines) > files[path]:
            report(path, 1, f"grew to {len(lines)} lines; tools/tidy.toml allows {files[path]}, and it may only shrink")
        elif len(lines) <= FILE_LINES_MAX:
            report(path, 1, "is short again: remove it from [file_lines] of tools/tidy.toml")
    elif len(lines) > FILE_LINES_MAX:
        report(path, 1, f"{len(lines)} lines (at most {FILE_LINES_MAX}): split it by what it does")
    longest = max((length for _, length in functions(lines)), default=0)
    for first, length in functions(lines):
        if length > max(FUNCTION_LINES_MAX, longs.get(path, 0)):
            report(path, first, f"a function of {length} lines (at most {max(FUNCTION_LINES_MAX, longs.get(path, 0))})")
    if path in longs and longest <= FUNCTION_LINES_MAX:
        report(path, 1, "has no long function any more: remove it from [function_lines] of tools/tidy.toml")


def check_shape(path, lines, text):
    if path.endswith(".hpp") and not text.startswith("#pragma once"):
        report(path, 1, "a header begins with #pragma once")
    if not text.endswith("\n"):
        report(path, len(lines), "no newline at the end")
    if not re.search(r"_(test|fuzz|bench)(_detail\.hpp|\.cpp)$", path):
        for number, line in enumerate(lines, 1):
            if re.match(r"\s*using namespace (?!std::(\w+::)*\w*literals;)", line):
                report(path, number, "using namespace outside a test")


def check_tree(files, known):
    for folder, *_ in known.values():
        if any(f.startswith(f"vivim/{folder}/") for f in files) and not (ROOT / f"vivim/{folder}/README.md").exists():
            report(f"vivim/{folder}", 0, "a module has a README.md: what it is for, key types, where to look, what not to do")
    for name in files:
        full = ROOT / name
        if full.is_file() and full.stat().st_size > BLOB_BYTES_MAX:
            report(name, 0, f"{full.stat().st_size} bytes: no large files in the history")


def check_order(known):
    """A module links only what stands above it: the file is the dependency graph, top to bottom."""
    seen = set()
    for name, (folder, deps, _) in known.items():
        for dep in deps:
            if dep not in seen:
                report("vivim/CMakeLists.txt", 0, f"{folder} depends on {dep}, which does not stand above it")
        seen.add(name)


def check_file(path, text, known, config):
    lines = text.splitlines()
    check_includes(path, lines, known, None, {})
    used = check_words(path, lines, config)
    check_sizes(path, lines, config)
    check_shape(path, lines, text)
    return used


def self_test():
    known = {"base": ("base", [], []), "rt": ("rt", ["base"], []), "crdt": ("crdt", ["base"], [])}
    planted = {
        "include": ("vivim/crdt/a.cpp", '#include "vivim/rt/co.hpp"\n'),
        "clock": ("vivim/crdt/a.cpp", "auto t = std::chrono::steady_clock::now();\n"),
        "thread": ("vivim/crdt/a.cpp", "std::thread t;\n"),
        "addresses": ("vivim/crdt/a.cpp", "std::set<const Item*> items;\n"),
        "confined": ("vivim/crdt/a.cpp", "#include <boost/asio/post.hpp>\n"),
        "columns": ("vivim/crdt/a.cpp", "x" * 200 + "\n"),
        "file": ("vivim/crdt/a.cpp", "int x;\n" * 801),
        "function": ("vivim/crdt/a.cpp", "void f() {\n" + "  x();\n" * 80 + "}\n"),
        "pragma": ("vivim/crdt/a.hpp", "int x;\n"),
        "using": ("vivim/crdt/a.hpp", "#pragma once\nusing namespace std;\n"),
        "promise": ("vivim/crdt/a.cpp", "// TO" "DO later\n"),
        "detail": ("vivim/rt/a.cpp", '#include "vivim/base/x_detail.hpp"\n'),
    }
    failed = []
    for name, (path, text) in planted.items():
        problems.clear()
        check_file(path, text, known, {})
        if not problems:
            failed.append(name)
    problems.clear()
    check_file("vivim/crdt/a.cpp", "void f() {\n  g();\n}\n", known, {})
    if problems:
        failed.append("clean file: " + problems[0])
    print("tidy self-test:", "failed: " + ", ".join(failed) if failed else f"{len(planted) + 1} rules fire")
    return 1 if failed else 0


def main():
    if "--self-test" in sys.argv:
        return self_test()
    config = tomllib.loads((ROOT / "tools/tidy.toml").read_text())
    known = modules()
    try:
        files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    except (subprocess.CalledProcessError, FileNotFoundError):
        files = [str(p.relative_to(ROOT)) for p in ROOT.glob("**/*") if "build" not in p.parts and "node_modules" not in p.parts]
    used = set()
    sources = [f for f in files if re.match(r"(vivim|apps|interop|bench|sim|stress)/.*\.(cpp|hpp)$", f) and (ROOT / f).exists()]
    for path in sources:
        used |= check_file(path, (ROOT / path).read_text(), known, config)
    for path in set(config.get("words", {})) - used:
        report(path, 0, "needs no exception any more: remove it from [words] of tools/tidy.toml")
    check_order(known)
    check_tree(files, known)
    for problem in problems:
        print(problem)
    if "--quiet" not in sys.argv or problems:
        print(f"tidy: {len(sources)} files, {len(problems)} problems")
    return 1 if problems else 0


sys.exit(main())
