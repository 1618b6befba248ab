#!/usr/bin/env python3
"""Holds the documents against the tree: links, paths, make targets, limits, test names, protocol ids, commands.

    tools/check_docs.py [--program build/bin/vivim]   checks the tree
    tools/check_docs.py --self-test                   shows that each rule finds a planted false claim
"""

import fnmatch
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = "vivim|apps|docs|scripts|tools|web|cmake|interop|proto|corpus|sim|stress|bench"
UNITS = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}

problems: list[str] = []


def report(path, line, text):
    problems.append(f"{path}:{line}: {text}")


class Tree:
    """What the claims are held against."""

    def __init__(self, files, read):
        self.files = set(files)
        self.folders = {str(parent) for f in files for parent in pathlib.PurePosixPath(f).parents}
        self.read = read
        sources = [f for f in files if re.search(r"\.(cpp|hpp)$", f)]
        self.code = {f: read(f) for f in sources}
        self.tests = set()
        for path, text in self.code.items():
            if "_test" in path:
                self.tests |= {join_literals(m[1]) for m in re.finditer(r'TEST_CASE(?:_FIXTURE)?\((?:\w+,)?\s*((?:"(?:\\.|[^"\\])*"\s*)+)', text)}

    def has(self, path):
        path = path.rstrip("/")
        return path in self.files or path in self.folders


def join_literals(text):
    return "".join(re.findall(r'"((?:\\.|[^"\\])*)"', text)).replace('\\"', '"')


def slug(heading):
    """The anchor of a heading, as renderers of Markdown make it."""
    text = re.sub(r"[`*]|\[([^]]*)\]\([^)]*\)", r"\1", heading.strip().lower())
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def without_code(text):
    blank = lambda match: re.sub(r"[^\n]", " ", match[0])
    return re.sub(r"`[^`\n]*`", blank, re.sub(r"^```.*?^```", blank, text, flags=re.S | re.M))


def anchors(text):
    return {slug(m[1]) for m in re.finditer(r"^#+ +(.*)$", re.sub(r"^```.*?^```", "", text, flags=re.S | re.M), re.M)}


def check_links(path, text, tree):
    here = pathlib.PurePosixPath(path).parent
    for number, line in enumerate(without_code(text).split("\n"), 1):
        for target in re.findall(r"\]\(([^)\s]+)\)", line):
            if re.match(r"[a-z]+:", target):
                continue
            name, _, anchor = target.partition("#")
            full = path if not name else normal(here / name)
            if not tree.has(full) and full != ".":
                report(path, number, f"links to {target}, which does not exist")
            elif anchor and full.endswith(".md") and anchor not in anchors(tree.read(full)):
                report(path, number, f"links to {target}, but {full} has no such heading")


def normal(path):
    parts = []
    for part in path.parts:
        if part == ".." and parts:
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts) or "."


def check_paths(path, text, tree):
    for number, line in enumerate(text.split("\n"), 1):
        for quoted in re.findall(r"`([^`]+)`", line):
            match = re.match(rf"(?:{FOLDERS})/[\w./-]*$", quoted)
            if match and not tree.has(quoted) and not tree.has(str(pathlib.PurePosixPath(path).parent / quoted)):
                report(path, number, f"names {quoted}, which does not exist")


def check_make(path, text, targets):
    for number, line in enumerate(text.split("\n"), 1):
        for target in re.findall(r"(?:`|^\s*\$? ?)make ([a-z][a-z0-9-]*)", line):
            if target not in targets:
                report(path, number, f"says `make {target}`, which the Makefile does not know")


def numbers(text):
    """Every quantity of a cell: "64 KiB", "8,000,000", "64 MiB + 64 KiB"."""
    found = set()
    for match in re.finditer(r"(\d[\d,]*(?:\.\d+)?)(?: (KiB|MiB|GiB))?", text):
        found.add(float(match[1].replace(",", "")) * UNITS.get(match[2], 1))
    for match in re.finditer(r"(\d+) (KiB|MiB|GiB) \+ (\d+) (KiB|MiB|GiB)", text):
        found.add(float(int(match[1]) * UNITS[match[2]] + int(match[3]) * UNITS[match[4]]))
    return found


def constant(name, text):
    """The number that `name` is initialised with, when it is written with numbers only; else None."""
    match = re.search(rf"\b{name}\b(?:\s*=\s*|\s*\{{)([^;}}]*)[;}}]", text)
    if not match:
        return None
    expression = re.sub(r"(?<=\d)'(?=\d)", "", match[1])
    expression = re.sub(r"std::chrono::\w+|std::size_t|std::uint\d+_t|(?<=\d)[uUlLzZ]+\b|(?<=\d)(?:ms|s|min|h)\b", "", expression)
    if not re.fullmatch(r"[\d\s*+<().{}-]+", expression) or not re.search(r"\d", expression):
        return None
    try:
        return float(eval(expression.replace("{", "(").replace("}", ")"), {"__builtins__": {}}))
    except (SyntaxError, TypeError):
        return None


def check_limits(path, text, tree):
    for number, line in enumerate(text.split("\n"), 1):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|") or len(cells) != 4 or cells[0] in ("limit", "---"):
            continue
        _, value, where, test = cells
        check_where(path, number, value, where, tree)
        check_test(path, number, test, tree)


def check_where(path, number, value, where, tree):
    quoted = re.findall(r"`([^`]+)`", where)
    files = [q for q in quoted if "/" in q]
    if not files:
        report(path, number, "does not say in which file the limit is")
    for file in files:
        if not fnmatch.filter(tree.files, file):
            report(path, number, f"names {file}, which does not exist")
    body = "\n".join(tree.code.get(f, "") for pattern in files for f in fnmatch.filter(tree.files, pattern))
    stated = numbers(value)
    for name in (q.split("::")[-1] for q in quoted if "/" not in q):
        if not re.search(rf"\b{re.escape(name)}\b", body):
            report(path, number, f"{name} is not in {', '.join(files)}")
            continue
        actual = constant(name, body)
        if actual is not None and actual not in stated:
            report(path, number, f"{name} is {actual:,.0f} in the code, not {value}")


def check_test(path, number, test, tree):
    names = re.findall(r'"([^"]+)"', test) or [q for q in re.findall(r"`([^`]+)`", test)]
    if not names and not re.search(r"\b\w+_bench\b", test):
        report(path, number, "names no test that reaches the limit")
    for name in names:
        start = name.removesuffix("...").strip()
        if not any(t.endswith(start) or (name.endswith("...") and start in t) for t in tree.tests):
            report(path, number, f'no test is called "{name}"')


def check_advisories(path, text, tree):
    """Each advisory has a test that exists and is named after it, or says why there is none."""
    for number, line in enumerate(text.split("\n"), 1):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|") or len(cells) != 3 or cells[0] in ("advisory", "---"):
            continue
        ids, _, here = cells
        names = re.findall(r'"([^"]+)"', here)
        if not names and not here.startswith("not here:"):
            report(path, number, f"{ids}: no test, and no reason")
        for name in names:
            if name not in tree.tests:
                report(path, number, f'no test is called "{name}"')
        if names and not any(ids.split(", ")[0] in name for name in names):
            report(path, number, f"no test is named after {ids.split(', ')[0]}")


def check_quoted_tests(path, text, tree):
    """What the last cell of a row quotes is the name of a test."""
    for number, line in enumerate(text.split("\n"), 1):
        for name in re.findall(r'"([^"]+)"', line.strip().strip("|").split("|")[-1]) if line.startswith("|") else []:
            if name not in tree.tests:
                report(path, number, f'no test is called "{name}"')


def check_protocols(path, text, code):
    for number, line in enumerate(text.split("\n"), 1):
        for protocol in re.findall(r"`(/[a-z][a-z0-9-]*(?:/[a-z0-9-]+)*/\d+\.\d+\.\d+)`", line):
            if protocol not in code:
                report(path, number, f"lists {protocol}, which the code does not know")


def check_commands(path, text, program):
    """Every `vivim COMMAND` of a code block is a command of the program."""
    known = {}
    for number, line in enumerate(text.split("\n"), 1):
        match = re.match(r"\s*(?:\$ )?(?:build/bin/)?vivim ([a-z]+)\b", line)
        if match and match[1] not in known:
            known[match[1]] = subprocess.run([program, match[1], "--help"], capture_output=True).returncode == 0
        if match and not known[match[1]]:
            report(path, number, f"says `vivim {match[1]}`, which the program does not know")


def check_page(path, tree, targets, code, program):
    text = tree.read(path)
    check_links(path, text, tree)
    check_paths(path, text, tree)
    check_make(path, text, targets)
    if path == "docs/limits.md":
        check_limits(path, text, tree)
    if path == "docs/protocol/libp2p.md":
        check_quoted_tests(path, text, tree)
    if path == "docs/security/advisories.md":
        check_advisories(path, text, tree)
    if path.startswith("docs/") or path == "README.md":
        check_protocols(path, text, code)
    if program:
        check_commands(path, text, program)


def check_index(tree):
    """Each record and each protocol page is in the index of its folder."""
    for folder in ("docs/adr", "docs/protocol"):
        index = tree.read(f"{folder}/README.md") if f"{folder}/README.md" in tree.files else ""
        for file in sorted(tree.files):
            name = file.removeprefix(folder + "/")
            if file.startswith(folder + "/") and name.endswith(".md") and name != "README.md" and f"({name})" not in index:
                report(f"{folder}/README.md", 1, f"does not list {name}")


def check_tree(tree, program=None):
    targets = set(re.findall(r"^([a-z][a-z0-9-]*):", tree.read("Makefile"), re.M))
    code = "\n".join(text for path, text in tree.code.items() if "_test" not in path)
    for path in sorted(f for f in tree.files if f.endswith(".md")):
        check_page(path, tree, targets, code, program)
    check_index(tree)


def self_test():
    advisory = '| CVE-1 | x | "CVE-1: y" |\n| CVE-2 | x | not here: z |\n'
    row = "| a | 64 KiB | `vivim/a.hpp` `k_a_max` | a_test \"reaches it\" |\n"
    good = {
        "Makefile": "run: build\n",
        "vivim/a.hpp": 'constexpr std::size_t k_a_max = 64 * 1024;\nauto p = "/vivim/a/1.0.0";\n',
        "vivim/a_test.cpp": 'TEST_CASE("reaches it") {}\nTEST_CASE("CVE-1: y") {}\n',
        "docs/security/advisories.md": advisory,
        "docs/limits.md": row,
        "docs/adr/README.md": "[1](0001-x.md)\n",
        "docs/adr/0001-x.md": "# One thing\n",
        "README.md": "[x](docs/limits.md) [y](docs/adr/0001-x.md#one-thing) `make run` `/vivim/a/1.0.0` `vivim/a.hpp`\n",
    }
    planted = {
        "link": {"README.md": "[x](docs/nothing.md)"},
        "anchor": {"README.md": "[y](docs/adr/0001-x.md#another-thing)"},
        "path": {"README.md": "`vivim/b.hpp`"},
        "make": {"README.md": "`make sense`"},
        "protocol": {"README.md": "`/vivim/b/1.0.0`"},
        "index": {"docs/adr/README.md": ""},
        "limit value": {"docs/limits.md": row.replace("64", "32")},
        "limit name": {"docs/limits.md": row.replace("k_a_max", "k_b_max")},
        "limit file": {"docs/limits.md": row.replace("a.hpp", "b.hpp")},
        "advisory without": {"docs/security/advisories.md": "| CVE-1 | x | y |\n"},
        "advisory test": {"docs/security/advisories.md": advisory.replace("y", "z")},
        "advisory name": {"docs/security/advisories.md": advisory.replace('"CVE-1: y"', '"reaches it"')},
        "quoted test": {"docs/protocol/libp2p.md": '| a | "nothing" |\n', "docs/protocol/README.md": "[x](libp2p.md)"},
        "limit test": {"docs/limits.md": row.replace("reaches", "misses")},
    }
    failed = []
    for name, change in {"clean": {}, **planted}.items():
        problems.clear()
        files = {**good, **change}
        check_tree(Tree(files, files.get))
        if bool(problems) == (name == "clean"):
            failed.append(name + "".join(f" ({p})" for p in problems))
    print("docs self-test:", "failed: " + ", ".join(failed) if failed else f"{len(planted) + 1} rules fire")
    return 1 if failed else 0


def main():
    if "--self-test" in sys.argv:
        return self_test()
    program = sys.argv[sys.argv.index("--program") + 1] if "--program" in sys.argv else None
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    files = [f for f in listed if (ROOT / f).is_file()]
    check_tree(Tree(files, lambda path: (ROOT / path).read_text()), program)
    for problem in problems:
        print(problem)
    print(f"docs: {sum(f.endswith('.md') for f in files)} pages, {len(problems)} problems")
    return 1 if problems else 0


sys.exit(main())
