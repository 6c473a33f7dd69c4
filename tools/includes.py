#!/usr/bin/env python3
"""Checks that arrows of inclusion point one way: who may include what, as a table.

SPDX-License-Identifier: Apache-2.0

Usage: tools/includes.py [FILE...]      without files: all C++ of ours. Exit 1 on a wrong arrow.
"""

import fnmatch
import re
import sys

from tidy import our_files, read_lines

# The first row whose pattern fits a file decides. `own`: patterns of our files that it may include;
# `libs`: libraries (names of LIBRARIES below) that it may include besides the standard library.
ROWS = [
    # pattern                     own                                        libs
    # Values: no behaviour, nothing but std.
    ("schema/ids.hpp",            "",                                        ""),
    ("schema/limits.hpp",         "",                                        ""),
    ("schema/error.hpp",          "",                                        ""),
    ("schema/config_model.hpp",   "",                                        ""),
    ("schema/herd_model.hpp",     "schema/ids.hpp schema/config_model.hpp",  ""),
    ("schema/model.hpp",          "schema/ids.hpp schema/config_model.hpp schema/herd_model.hpp", ""),
    ("schema/messages.hpp",       "schema/model.hpp schema/ids.hpp",         ""),
    # The door: Cap'n Proto ends here, for the wire and for the store.
    ("schema/*codec*",            "schema/*",                                "fmt capnp kj"),
    ("schema/wire_*",             "schema/*",                                "fmt capnp kj"),
    ("schema/record_*",           "schema/*",                                "fmt capnp kj"),
    ("schema/*",                  "schema/*.hpp",                            "fmt"),
    ("config/*.hpp",              "schema/*.hpp config/*",                   ""),
    # Time zones have one door.
    ("config/zone.cpp",           "schema/*.hpp config/*",                   "cctz"),
    ("config/*",                  "schema/*.hpp config/*",                   "fmt yaml posix"),
    # RocksDB has one door.
    ("storage/rocks_store*.cpp",  "schema/*.hpp storage/*",                  "fmt spdlog rocksdb posix"),
    ("storage/rocks_options.*",   "schema/*.hpp storage/*",                  "rocksdb"),
    ("storage/rocks_chunks.*",    "schema/*.hpp storage/*",                  "rocksdb"),
    ("storage/rocks_failures.*",  "schema/*.hpp storage/*",                  "rocksdb"),
    ("storage/chunk_files.cpp",   "schema/*.hpp storage/*",                  "rocksdb"),
    ("storage/*.hpp",             "schema/*.hpp storage/*",                  ""),
    ("storage/*",                 "schema/*.hpp storage/*",                  "fmt spdlog openssl zstd posix"),
    # Decisions: values in, values out.
    ("actors/core/*",             "schema/*.hpp actors/core/*",              "fmt"),
    # Connections: the only folder that knows kj and RPC.
    ("actors/edge/*",             "schema/* actors/*.hpp actors/edge/*",     "fmt spdlog caf capnp kj openssl posix"),
    # Mailboxes, timers, supervision: no system calls, no sockets, no files.
    ("actors/*",                  "schema/*.hpp actors/*.hpp actors/core/* "
                                  "storage/store.hpp storage/tables.hpp "
                                  "storage/notices.hpp storage/log_tail.hpp storage/unsealed.hpp "
                                  "storage/identities.hpp storage/build_facts.hpp "
                                  "storage/cache_entries.hpp storage/known_builds.hpp", "fmt spdlog caf"),
    # The keeper is tiny: it outlives its agent and must not grow.
    ("nodes/keeper*",             "schema/*.hpp actors/ports.hpp nodes/*",   "fmt posix"),
    # People's traffic: one stream type, instantiated in one file.
    ("nodes/http/*.hpp",          "schema/* config/* storage/* actors/* nodes/*", "caf json_fwd boost"),
    ("nodes/http/*",              "schema/* config/* storage/* actors/* nodes/*",
                                  "fmt spdlog caf json json_fwd boost openssl sodium posix"),
    # Pages: HTML from the API's answers. They know neither the store nor the actors.
    ("nodes/pages/*.hpp",         "schema/* nodes/http/* nodes/pages/*",     "json json_fwd boost"),
    ("nodes/pages/*",             "schema/* actors/core/explain/* nodes/http/* nodes/pages/*",
                                  "fmt spdlog json json_fwd boost"),
    ("nodes/coordinator_web*",    "schema/* nodes/*",                        "boost posix"),
    # Strangers' XML has one door.
    ("nodes/junit_*",              "schema/*.hpp actors/core/dialects/* nodes/junit_*", "expat"),
    # Where changes come from: the network and other programs.
    ("nodes/sources/*",           "schema/*.hpp config/forms.hpp config/values.hpp "
                                  "actors/*.hpp nodes/*",                    "fmt curl archive posix"),
    # How notices leave.
    # The bot answers people from the store; mail and webhooks know notices alone.
    ("nodes/reporters/irc_*",     "schema/*.hpp storage/*.hpp actors/*.hpp actors/core/* nodes/*",
                                  "fmt openssl posix caf spdlog"),
    ("nodes/reporters/*",         "schema/*.hpp actors/*.hpp actors/core/* nodes/*",
                                  "fmt curl openssl posix caf spdlog"),
    # How notices leave.
    ("nodes/reporters/*",         "schema/*.hpp actors/*.hpp actors/core/* storage/*.hpp nodes/*", "fmt curl openssl posix caf spdlog"),
    ("nodes/*",                   "schema/* config/* storage/* actors/* nodes/*",
                                  "fmt spdlog caf cli archive openssl sodium posix"),
    ("tools/*",                   "schema/* config/* storage/* actors/* nodes/* tools/*",
                                  "fmt spdlog cli json json_fwd boost curl utf8proc openssl posix"),
    ("tests/*",                   "*",                                       "*"),
    ("bench/*",                   "*",                                       "*"),
]

# Beyond the table: not even who may include a folder's files may include these.
FORBIDDEN = [
    # Wire readers end at the codecs and the edge.
    ("*.capnp.h", ["schema/*codec*", "schema/wire_*", "schema/record_*", "actors/edge/*",
                   "tests/*", "bench/*"]),
    # The store itself is opened by the coordinator alone.
    ("storage/rocks_store.hpp", ["storage/*", "nodes/coordinator*", "nodes/runtime*", "tests/*", "bench/*"]),
    # Nobody below the edge knows it.
    ("actors/edge/*", ["actors/edge/*", "nodes/*", "tools/*", "tests/*", "bench/*"]),
]

GENERATED = {"commit.hpp", "tools/drover_version.hpp"}  # by CMake, into the build folder

# Library by the beginning of an include path; the first that fits.
LIBRARIES = [
    ("caf/", "caf"), ("capnp/", "capnp"), ("kj/", "kj"), ("rocksdb/", "rocksdb"),
    ("boost/", "boost"), ("nlohmann/json_fwd.hpp", "json_fwd"), ("nlohmann/", "json"),
    ("spdlog/", "spdlog"), ("fmt/", "fmt"), ("CLI/", "cli"), ("openssl/", "openssl"),
    ("sodium", "sodium"), ("zstd", "zstd"), ("archive", "archive"), ("yaml.h", "yaml"),
    ("curl/", "curl"), ("expat.h", "expat"), ("cctz/", "cctz"), ("utf8proc.h", "utf8proc"), ("catch2/", "catch"), ("rapidcheck", "rapidcheck"),
]

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def fits(path, patterns):
    return any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns)


def library_of(path):
    """The library that a <...> include belongs to; "" for the standard library."""
    for prefix, name in LIBRARIES:
        if path.startswith(prefix):
            return name
    if "/" not in path and not path.endswith((".h", ".hpp")):
        return ""
    return "posix" if path.endswith(".h") else path.split("/")[0]


def problem_of(path, bracket, target):
    """Why the file at `path` may not include `target`, or nothing."""
    row = next((row for row in ROWS if fnmatch.fnmatchcase(path, row[0])), None)
    if row is None:
        return "this folder is not in the table of tools/includes.py"
    pattern, own, libs = row
    if target in GENERATED:
        return None
    if bracket == '"':
        if "/" not in target:
            return f'"{target}" must be named from the top of the tree'
        for forbidden, friends in FORBIDDEN:
            if fnmatch.fnmatchcase(target, forbidden) and not fits(path, friends):
                return f'"{target}" is only for {", ".join(friends)}'
        if not fits(target, own.split()):
            return f'"{target}" is not for {pattern}, which may include: {own or "nothing of ours"}'
        return None
    library = library_of(target)
    if library and libs != "*" and library not in libs.split():
        return f"<{target}> ({library}) is not for {pattern}, which may include: {libs or 'only std'}"
    return None


def main(arguments):
    wrong = 0
    for path in arguments or our_files((".cpp", ".hpp")):
        for number, line in enumerate(read_lines(path), start=1):
            match = INCLUDE.match(line)
            problem = match and problem_of(path, match[1], match[2])
            if problem:
                wrong += 1
                print(f"{path}:{number}: {problem}")
    if wrong:
        print(f"includes: {wrong} wrong arrows; the table is in tools/includes.py, its reasons in "
              "docs/ARCHITECTURE.md")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
