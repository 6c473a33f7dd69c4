#!/usr/bin/env python3
"""Style as a test: what a script can decide, nobody needs to argue about.

SPDX-License-Identifier: Apache-2.0

Usage: tools/tidy.py [FILE...]      without files: all of ours. Exit 1 if something is wrong.
"""

import os
import re
import subprocess
import sys

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
COLUMNS_MAX = 100
PARAMETERS_MAX = 5

SOURCES = (".cpp", ".hpp", ".py", ".capnp")

# (files, but not these, words in code, why)
BANNED = [
    (r"^actors/", r"^actors/edge/", r"\b(std::thread|std::jthread|std::mutex|std::async)\b",
     "actors have no threads and no locks: the farm must run in one thread in tests/sim"),
    (r"^actors/", r"^$", r"\b(sleep|usleep|nanosleep|sleep_for|sleep_until)\s*\(",
     "an actor that sleeps holds up its thread: use delayed_send"),
    (r"^actors/", r"^actors/edge/",
     r"\b(system_clock\b|steady_clock::now|random_device\b|s?rand\s*\(|getenv\b|time\s*\()",
     "time, chance and the outside come in as arguments"),
    (r"^actors/(?!edge/)", r"^$", r"\bself->(receive|await)\b",
     "an actor that waits can't be cancelled or described"),
    (r"^(schema|config|storage|actors/core)/", r"^$", r"\b(system_clock|random_device)\b",
     "time and chance come in as arguments"),
    (r"^tests/.*\.(cpp|hpp)$", r"^$", r"\b(sleep|usleep|nanosleep|sleep_for|sleep_until)\s*\(",
     "no test sleeps: wait for an event with a bound, or move the fake clock"),
    (r"\.(cpp|hpp)$", r"^$", r"\busing\s+namespace\s+(caf|std|kj|capnp|boost)\s*;",
     "names of libraries clash with ours: qualify them"),
    (r"\.(cpp|hpp)$", r"^$", r"\bcatch\s*\(\s*\.\.\.\s*\)\s*\{\s*\}",
     "swallowed errors"),
]

# Paths that exist on one machine only. Put together here so that this file passes its own check.
PRIVATE_PATH = re.compile("(?<![\\w.])/" + "(home|root|work|Users)/" + r"[\w.]")
TODO = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b(\((\w+)\))?")
TODO_CLASSES = ("perf", "security", "soon")


def our_files(endings=None):
    """Files of ours, those not yet in git too, by path from the top of the tree."""
    top = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    os.chdir(top)
    listing = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"],
                             capture_output=True, text=True, check=False)
    if listing.returncode == 0:
        paths = listing.stdout.splitlines()
    else:  # an unpacked archive without git
        paths = [os.path.relpath(os.path.join(folder, name), top)
                 for folder, _, names in os.walk(top) for name in names]
        paths = [p for p in paths if not re.match(r"(build|demo-farm|\.cache|\.git)/", p)]
    return sorted(p for p in set(paths)
                  if os.path.isfile(p) and (endings is None or p.endswith(endings)))


def read_lines(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read().splitlines()


def is_script(path, lines):
    return path.endswith(SOURCES) or bool(lines and lines[0].startswith("#!"))


def without_comments(text):
    """C++ text with comments, strings and character literals blanked; lines stay where they are."""
    token = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\((.*?)\)\1"|"(?:\\.|[^"\\\n])*"'
                       r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'", re.S)
    return token.sub(lambda m: re.sub(r"[^\n]", " ", m[0]) if m[0][0] == "/"
                     else '"' + re.sub(r"[^\n]", "_", m[0][1:-1]) + '"', text)


def count_parameters(head):
    """Parameters in the signature `head`, which ends where the body begins."""
    start = head.find("(")
    depth, angle, commas = 0, 0, 0
    for position in range(start, len(head)):
        sign = head[position]
        if sign in "([{":
            depth += 1
        elif sign in ")]}":
            depth -= 1
            if depth == 0:
                inside = head[start + 1:position].strip()
                return commas + 1 if inside and inside != "void" else 0
        elif sign == "<":
            angle += 1
        elif sign == ">" and head[position - 1] != "-":
            angle = max(0, angle - 1)
        elif sign == "," and depth == 1 and angle == 0:
            commas += 1
    return 0


def functions(text):
    """(first line, last line, head) of each function body that is not inside another one."""
    code = without_comments(text)
    code = re.sub(r"^[ \t]*#(?:[^\n\\]|\\\n|\\.)*", lambda m: re.sub(r"[^\n]", " ", m[0]), code,
                  flags=re.M)
    stack, begin, inside = [], 0, 0
    for match in re.finditer(r"[{};]", code):
        sign, at = match[0], match.start()
        if sign == "{":
            head = code[begin:at]
            # The format puts a blank before a body's brace, and none before an initialiser's.
            body = (inside == 0 and "(" in head and head[-1:].isspace()
                    and not re.match(r"\s*(namespace|enum)\b", head)
                    and not re.search(r"=\s*$", head))
            first = begin + len(head) - len(head.lstrip())
            stack.append((body, first, head))
            inside += body
            initialiser = not head[-1:].isspace() and inside == 0
            if not initialiser:
                begin = at + 1
            continue
        if sign == "}" and stack:
            body, first, head = stack.pop()
            inside -= body
            if body:
                yield code.count("\n", 0, first) + 1, code.count("\n", 0, at) + 1, head
            elif not head[-1:].isspace() and inside == 0:
                continue  # an initialiser's: the head goes on
        begin = at + 1


def check_cpp(path, lines, say):
    text = "\n".join(lines)
    for first, last, head in functions(text):
        if last - first + 1 > FUNCTION_LINES_MAX:
            say(first, f"a function of {last - first + 1} lines, at most {FUNCTION_LINES_MAX}")
        if count_parameters(head) > PARAMETERS_MAX:
            say(first, f"{count_parameters(head)} parameters, at most {PARAMETERS_MAX}")
    code = without_comments(text).splitlines()
    for files, but_not, words, why in BANNED:
        if not re.search(files, path) or re.search(but_not, path):
            continue
        for number, line in enumerate(code, start=1):
            match = re.search(words, line)
            if match:
                say(number, f"'{match[0].strip()}': {why}")
    if path.endswith(".hpp"):
        if not lines or lines[0] != "#pragma once":
            say(1, "a header begins with #pragma once")
        elif len(lines) < 2 or not re.match(r"//+ \S", lines[1]):
            say(2, "after #pragma once comes one sentence on what the header is")


def check_any(path, lines, say):
    if is_script(path, lines):
        if not any("SPDX-License-Identifier: Apache-2.0" in line for line in lines[:30]):
            say(1, "no SPDX-License-Identifier: Apache-2.0 near the top")
        if len(lines) > FILE_LINES_MAX:
            say(FILE_LINES_MAX + 1, f"{len(lines)} lines, at most {FILE_LINES_MAX}")
    for number, line in enumerate(lines, start=1):
        # Links and tables can't be broken into lines.
        if len(line) > COLUMNS_MAX and is_script(path, lines) and "://" not in line \
                and path != "tools/includes.py":
            say(number, f"{len(line)} columns, at most {COLUMNS_MAX}")
        # Tests in C++ make up paths as data; none is ever opened.
        if PRIVATE_PATH.search(line) and not re.match(r"tests/.*\.[ch]pp$", path):
            say(number, f"a path of one machine: {PRIVATE_PATH.search(line)[0]}...")
        match = TODO.search(line)
        if match and path != "tools/tidy.py" and match[3] not in TODO_CLASSES:
            say(number, f"{match[0]} without a class of {', '.join(TODO_CLASSES)}: do it, or say "
                "TODO(perf): ...")
        if line != line.rstrip() and is_script(path, lines):
            say(number, "blanks at the end of the line")


def check_used(paths, say):
    """Every .cpp is named by a CMakeLists.txt: at or above it, or by its path from the top."""
    named = {}
    for path in paths:
        if os.path.basename(path) == "CMakeLists.txt":
            named[os.path.dirname(path)] = "\n".join(read_lines(path))
    everywhere = "\n".join(named.values())
    for path in paths:
        if not path.endswith(".cpp") or f"/{path}" in everywhere:
            continue
        folder = os.path.dirname(path)
        while True:
            text = named.get(folder)
            short = os.path.relpath(path, folder or ".")
            name = r"(?<![\w.])" + re.escape(short) + r"(?![\w.])"
            if text is not None and (re.search(name, text) or "GLOB" in text):
                break
            if not folder:
                say(path, 1, "no CMakeLists.txt names this file: dead, or forgotten")
                break
            folder = os.path.dirname(folder)


def main(arguments):
    problems = []
    everything = our_files()
    paths = arguments or [p for p in everything if p != "LICENSE"]
    for path in paths:
        with open(path, "rb") as file:
            if b"\0" in file.read(4096):
                continue
        lines = read_lines(path)
        def say(number, what, path=path):
            problems.append(f"{path}:{number}: {what}")
        check_any(path, lines, say)
        if path.endswith((".cpp", ".hpp")):
            check_cpp(path, lines, say)
        if re.search(r"\s", path):
            say(1, "a blank in a file's name")
    if not arguments:
        check_used(everything, lambda *place: problems.append("{}:{}: {}".format(*place)))
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
