// SPDX-License-Identifier: Apache-2.0
#include "config/config.hpp"
#include "schema/limits.hpp"
#include "tests/catch.hpp"
#include "tests/config/findings.hpp"

#include <algorithm>

using namespace drover;
using namespace drover::test;

namespace {

/// A builder with one step whose further keys are `keys`; they begin in line 4, column 31.
std::string with_step(const std::string& keys) {
  return "builders:\n  b:\n    steps:\n      - {name: test, run: make, " + keys + "}\n";
}

/// A builder with one step and a further line, the fourth, which is `line` from column 5 on.
std::string with_line(const std::string& line) {
  return "builders:\n  b:\n    steps: [{name: s, run: make}]\n    " + line + "\n";
}

} // namespace

TEST_CASE("mistakes: a key that is written wrongly") {
  CHECK(errors_of("builders:\n  b:\n    stpes:\n      - {name: a, run: b}\n")
        == "f:3:5: unknown key 'stpes' (did you mean 'steps'?)");
  CHECK(errors_of(with_step("timout: 5m"))
        == "f:4:33: unknown key 'timout' (did you mean 'timeout'?)");
  CHECK(errors_of("hosts: {h: {banana: 1}}\n")
        == "f:1:13: unknown key 'banana'; host 'h' has slots, labels, restart, "
           "start, stop, via, idle");
}

TEST_CASE("mistakes: a cache says its outputs, and names files below the workspace") {
  CHECK(errors_of(with_step("cache: {outputs: []}")).empty());
  CHECK(errors_of(with_step("cache: {facts: [cpu_model]}"))
        == "f:4:40: cache has no 'outputs'; write e.g. outputs: [\"build/**\"]");
  CHECK(errors_of(with_step("cache: {output: [x]}"))
        == "f:4:41: unknown key 'output' (did you mean 'outputs'?)");
  CHECK(errors_of(with_step("cache: yes"))
        == "f:4:40: cache: expected a mapping, e.g. {inputs: ...}, not a text");
  CHECK(errors_of(with_step("cache: {inputs: [/etc/passwd], outputs: [../x]}"))
        == "f:4:50: inputs: '/etc/passwd' begins with '/', it must lie below the workspace\n"
           "f:4:74: outputs: '../x' has '..', it must lie below the workspace");
}

TEST_CASE("mistakes: a wrong unit, and other wrong values") {
  CHECK(errors_of(with_step("timeout: 10x"))
        == "f:4:42: timeout: '10x' is no duration; write e.g. 30s, 10m, 2h, 1d");
  CHECK(errors_of(with_step("limits: {memory: 1KiB}"))
        == "f:4:50: memory: 1024 is out of range; 4194304 to 1125899906842624 are allowed");
  CHECK(errors_of(with_step("limits: {pids: many}"))
        == "f:4:48: pids: 'many' is no whole number; write e.g. 2");
  CHECK(errors_of(with_step("limits: {memroy: 1GiB}"))
        == "f:4:42: unknown key 'memroy' (did you mean 'memory'?)");
  CHECK(errors_of(with_step("silence: 0s"))
        == "f:4:42: silence: '0s' is out of range; more than 0 and at most 30d are allowed");
  CHECK(errors_of(with_step("always: maybe"))
        == "f:4:41: always: 'maybe' is neither true nor false");
  CHECK(errors_of("limits: {log_per_step: 1GB}\n")
        == "f:1:24: log_per_step: '1GB' is no size; write e.g. 64MiB, 1GiB");
  CHECK(errors_of("limits: {log_per_step: 1TiB}\n")
        == "f:1:24: log_per_step: at most 16GiB are allowed");
  CHECK(errors_of("hosts: {h: {slots: two}}\n")
        == "f:1:20: slots: 'two' is no whole number; write e.g. 2");
  CHECK(errors_of("hosts: {h: {slots: 0}, i: {slots: 1025}}\n")
        == "f:1:20: slots: 0 is out of range; 1 to 1024 are allowed\n"
           "f:1:35: slots: 1025 is out of range; 1 to 1024 are allowed");
}

TEST_CASE("mistakes: another kind of value than expected") {
  CHECK(errors_of("hosts: [h1]\n")
        == "f:1:8: hosts: expected a mapping, e.g. {NAME: ...}, not a list");
  CHECK(errors_of("just text\n")
        == "f:1:1: the farm: expected a mapping, e.g. {farm: ...}, not a text");
  CHECK(errors_of("builders: {b: {steps: make}}\n")
        == "f:1:23: steps: expected a list, e.g. - {name: test, run: \"make check\"}, not a text");
  CHECK(errors_of(with_step("env: [A]"))
        == "f:4:38: env: expected a mapping, e.g. {NAME: value}, not a list");
  CHECK(errors_of(with_step("timeout: [1m]")) == "f:4:42: timeout: expected a text, not a list");
  CHECK(errors_of(with_line("artifacts: out"))
        == "f:4:16: artifacts: expected a list, e.g. [\"out/**\"], not a text");
}

TEST_CASE("mistakes: something is missing") {
  CHECK(errors_of("builders:\n  b: {source: s}\nsources: {s: {git: /x}}\n")
        == "f:2:6: builder 'b' has no 'steps'; write e.g. - {name: test, run: \"make check\"}");
  CHECK(errors_of("builders: {b: {steps: []}}\n")
        == "f:1:23: steps: is empty; a builder has at least one step");
  CHECK(errors_of("builders: {b: {steps: [{run: make}]}}\n")
        == "f:1:24: step 1 has no 'name'; write e.g. name: test");
  CHECK(errors_of("builders: {b: {steps: [{name: s, run: \" \"}]}}\n")
        == "f:1:39: run: is empty; write what the shell shall do, e.g. \"make check\"");
  CHECK(errors_of("sources: {s: {every: 5s}}\n")
        == "f:1:14: source 's' needs one of tarballs, hg, git, cron");
  CHECK(errors_of("reporters: {r: {on: [finished]}}\n")
        == "f:1:16: reporter 'r' needs one of mail, irc, webhook");
}

TEST_CASE("mistakes: timers") {
  CHECK(errors_of("sources: {t: {cron: \"0 24 * * *\"}}\n")
        == "f:1:24: cron: hour '24' is out of range; 0 to 23 are allowed");
  CHECK(errors_of("sources: {t: {cron: 0 3 * * *, zone: Europe/Berln}}\n")
        == "f:1:38: zone: 'Europe/Berln' is no time zone that this system knows; write e.g. "
           "Europe/Berlin");
  CHECK(errors_of("sources: {t: {cron: 0 3 * * *, of: trnuk}, trunk: {git: x}}\n")
        == "f:1:36: source 'trnuk' is not known (did you mean 'trunk'?)");
  CHECK(errors_of("sources: {t: {cron: 0 3 * * *, of: t}}\n")
        == "f:1:36: of: 't' is a timer itself");
  CHECK(errors_of("sources: {t: {cron: 0 3 * * *, every: 5s}}\n")
        == "f:1:32: every: a timer has no such setting; it has cron, zone, of, only_changed");
  CHECK(errors_of("sources: {t: {cron: 0 3 * * *, only_changed: yes}}\n")
        == "f:1:32: only_changed: needs `of`, the source whose changes count");
  CHECK(errors_of("sources: {t: {git: x, zone: UTC}}\n")
        == "f:1:11: zone, of and only_changed: only timers have them; write cron as well");
}

TEST_CASE("mistakes: how long artifacts are kept") {
  CHECK(errors_of(with_line("keep: {age: 90d, budget: 10GiB, last: 3}")).empty());
  CHECK(errors_of("limits: {retire_after: 60d}").empty());
  CHECK(errors_of("limits: {retire_after: soon}")
        == "f:1:24: retire_after: 'soon' is no duration; write e.g. 30s, 10m, 2h, 1d");
  CHECK(errors_of("limits: {retire_after: 5m}")
        == "f:1:24: retire_after: '5m' is out of range; 1d to 3650d are allowed");
  CHECK(errors_of("limits: {retire_after: 4000d}")
        == "f:1:24: retire_after: '4000d' is out of range; 1d to 3650d are allowed");
  CHECK(errors_of(with_line("keep: {age: 9000d}"))
        == "f:4:17: age: '9000d' is out of range; more than 0 and at most 3650d are allowed");
  CHECK(errors_of(with_line("keep: {bugdet: 1GiB}"))
        == "f:4:12: unknown key 'bugdet' (did you mean 'budget'?)");
  CHECK(errors_of(with_line("second_opinion: maybe"))
        == "f:4:21: second_opinion: 'maybe' is neither true nor false");
}

TEST_CASE("mistakes: names") {
  CHECK(errors_of("hosts:\n  ../h: {}\n")
        == "f:2:3: host name '../h' must begin with a letter, a digit or '_'");
  CHECK(errors_of("builders:\n  \"a\\nb\": {steps: [{name: s, run: make}]}\n")
        == "f:2:3: builder name 'a\\x0Ab' has '\\x0A', use letters, digits, '.', '_' and '-'");
  CHECK(errors_of("farm: a b\n")
        == "f:1:7: farm name 'a b' has ' ', use letters, digits, '.', '_' and '-'");
  CHECK(errors_of("farm:\n") == "f:1:6: farm name is empty");
  CHECK(errors_of("builders: {b: {steps: [{name: \"\", run: make}]}}\n")
        == "f:1:31: step name is empty");
  CHECK(errors_of(with_step("env: {A-B: x, DROVER_STEP: y}"))
        == "f:4:39: env: 'A-B' is no name of a variable; use letters, digits and '_'\n"
           "f:4:47: env: 'DROVER_STEP' is set by the farm and can't be set here");
}

TEST_CASE("mistakes: something is there twice") {
  CHECK(errors_of("builders:\n  b:\n    steps:\n      - {name: s, run: a}\n"
                  "      - {name: s, run: b}\n")
        == "f:5:16: name: the builder has a step 's' already");
  CHECK(errors_of("hosts:\n  h: {}\n  i: {}\n  h: {}\n")
        == "f:4:3: key 'h' is there twice, first in line 2");
  CHECK(errors_of("sources: {s: {git: /x, hg: /y}}\n")
        == "f:1:24: source 's' has 'git' already; 'hg' can't be there as well");
}

TEST_CASE("mistakes: a source that is not configured") {
  CHECK(errors_of("sources: {trunk: {git: /x}}\n" + with_line("source: trnuk"))
        == "f:5:13: source 'trnuk' is not known (did you mean 'trunk'?)");
  CHECK(errors_of("sources: {trunk: {git: /x}}\n" + with_line("source: [trunk, trnuk]"))
        == "f:5:21: source 'trnuk' is not known (did you mean 'trunk'?)");
  CHECK(errors_of("sources: {trunk: {git: /x}}\n" + with_line("source: [trnuk, trunk]"))
        == "f:5:14: source 'trnuk' is not known (did you mean 'trunk'?)");
  CHECK(errors_of(with_line("source: trunk"))
        == "f:4:13: source 'trunk' is not known; there is none");
}

TEST_CASE("mistakes: sources") {
  CHECK(errors_of("sources: {s: {git: --upload-pack=x}}\n")
        == "f:1:20: git: '--upload-pack=x' is neither a folder nor a URL");
  CHECK(errors_of("sources: {s: {git: /x, branches: [\"-x\"], match: a}}\n")
        == "f:1:35: branches: '-x' is no name of a branch\n"
           "f:1:42: match: only sources of tarballs have names to match");
  CHECK(errors_of("sources: {s: {tarballs: in, branches: [main]}}\n")
        == "f:1:29: branches: only sources of hg and git have branches");
}

TEST_CASE("mistakes: in a requirement, at the character") {
  CHECK(errors_of(with_line("requires: \"os == linux\""))
        == "f:4:22: requires: put quotes around text: 'linux'");
  CHECK(errors_of(with_line("requires: os = 'linux'")) == "f:4:18: requires: write == to compare");
  CHECK(errors_of(with_line("requires: >\n      os =\n      'linux'"))
        == "f:4:15: requires: write == to compare (at character 4 of the text)");
}

TEST_CASE("mistakes: where a builder runs") {
  CHECK(errors_of(with_line("on: every host"))
        == "f:4:9: on: 'every host' is none of: any, each host, each(os, arch)");
  CHECK(errors_of(with_line("on: each()")) == "f:4:9: class key name is empty");
  CHECK(errors_of(with_line("on: each(os")).rfind("f:4:9: on: 'each(os' is none of", 0) == 0);
  CHECK(errors_of(with_line("on: \"\"")).rfind("f:4:9: on: '' is none of", 0) == 0);
}

TEST_CASE("mistakes: files outside of the workspace") {
  CHECK(errors_of(with_line("artifacts: [ok, ../x, /etc/passwd]"))
        == "f:4:21: artifacts: '../x' has '..', it must lie below the workspace\n"
           "f:4:27: artifacts: '/etc/passwd' begins with '/', it must lie below the workspace");
  CHECK(errors_of(with_step("tests: /x"))
        == "f:4:40: tests: '/x' begins with '/', it must lie below the workspace");
}

TEST_CASE("mistakes: reporters") {
  CHECK(errors_of("reporters: {r: {mail: mail.example.org, to: [a@b]}}\n")
        == "f:1:23: mail: 'mail.example.org' is no address; write e.g. smtp://mail.example.org:25");
  CHECK(errors_of("reporters: {r: {mail: \"smtp://m\", from: x, to: [y], on: [problme]}}\n")
        == "f:1:41: from: 'x' is no mail address\n"
           "f:1:49: to: 'y' is no mail address\n"
           "f:1:58: event 'problme' is not known (did you mean 'problem'?)");
  CHECK(errors_of("reporters: {r: {irc: \"irc://i\", nick: \"a b\", channels: [builds]}}\n")
        == "f:1:39: nick: 'a b' is no nick name\n"
           "f:1:57: channels: 'builds' is no channel; write e.g. \"#builds\"");
  CHECK(errors_of("reporters: {r: {webhook: \"ftp://x\", secret: hush}}\n")
        == "f:1:26: webhook: 'ftp://x' is no address; write e.g. https://example.org/hook\n"
           "f:1:45: secret: name the file that holds it, e.g. {file: hook.key}");
  CHECK(errors_of("reporters: {r: {irc: \"irc://i\", channels: [\"#b\"], user: d, ca: c.pem,\n"
                  "  password: {file: p}}}\n")
        == "f:1:60: ca: only ircs:// has certificates to be verified\n"
           "f:2:3: password: would cross the network in the clear; use ircs:// for the address");
  CHECK(errors_of("reporters: {r: {irc: \"ircs://i\", channels: [\"#b\"], nickserv: NickServ}}\n")
        == "f:1:52: nickserv: is of use with user and password only");
  CHECK(errors_of("reporters: {r: {webhook: \"http://x\", nick: a}}\n")
        == "f:1:38: nick: a reporter by webhook has no such setting; it has secret, ca");
  CHECK(errors_of("users: {u: {roles: [king]}}\n")
        == "f:1:21: role 'king' is not known; there are: view, force, admin");
  CHECK(errors_of("users: {anyone: {roles: [view, admin]}}\n")
        == "f:1:32: anyone: whoever has not signed in may view alone; give 'admin' to users");
  CHECK(errors_of("users: {anyone: {roles: [view], irc: a}}\n")
        == "f:1:33: irc: 'anyone' stands for people who have not signed in, it has roles alone");
  CHECK(errors_of("users: {u: {roles: [force], builders: [chek], mail: you, irc: \"a b\"}}\n")
        == "f:1:40: builder 'chek' is not known; there is none\n"
           "f:1:53: mail: 'you' is no mail address\n"
           "f:1:63: irc: 'a b' is no account on IRC");
}

TEST_CASE("mistakes: bytes that would spoil a command or a terminal") {
  CHECK(errors_of(with_step("env: {A: \"x\\0y\"}"))
        == "f:4:42: env 'A': has a NUL byte, which no program can be given");
  CHECK(errors_of("\"\\e[31mred\": 1\n").find('\x1B') == std::string::npos);
}

TEST_CASE("mistakes: a trait that nothing has is a warning, at the word") {
  CHECK(warnings_of("hosts: {h: {labels: {class: fast}}}\n"
                    + with_line("requires: os == 'linux' and clas == 'fast'"))
        == "f:5:33: 'clas' is neither a fact nor a label of a configured host "
           "(did you mean 'class'?)");
  CHECK(warnings_of(with_line("on: each(os, zzzzzz)"))
        == "f:4:9: 'zzzzzz' is neither a fact nor a label of a configured host");
  CHECK(warnings_of(with_line("requires: cores >= 2 and libc")).empty());
  CHECK(warnings_of(with_step("timeout: 1m, silence: 2m"))
        == "f:4:55: silence: is longer than the timeout, so it never comes to bear");
}

TEST_CASE("mistakes: all are told at once, in the order of the file") {
  CHECK(errors_of("frm: x\nhosts:\n  -h: {slots: 0}\n  i: {slots: x}\n  i: {}\n"
                  "builders:\n  b: {source: s, steps: [{name: a, run: b, timeout: 1}]}\n")
        == "f:1:1: unknown key 'frm' (did you mean 'farm'?)\n"
           "f:3:3: host name '-h' must begin with a letter, a digit or '_'\n"
           "f:3:15: slots: 0 is out of range; 1 to 1024 are allowed\n"
           "f:4:14: slots: 'x' is no whole number; write e.g. 2\n"
           "f:5:3: key 'i' is there twice, first in line 4\n"
           "f:7:15: source 's' is not known; there is none\n"
           "f:7:53: timeout: '1' is no duration; write e.g. 30s, 10m, 2h, 1d");
}

TEST_CASE("mistakes: their number is bounded, and each is one line") {
  std::string text;
  for (int i = 0; i < 500; ++i)
    text += "key" + std::to_string(i) + ": 1\n";
  CHECK(check_config(text).errors.size() == limits::config_errors_max);
  auto report = check_config("hosts: {? \"" + std::string(5000, 'a') + "\" : {}}\n");
  REQUIRE(report.errors.size() == 1);
  CHECK(report.errors[0].message.size() <= limits::reason_bytes_max);
}

TEST_CASE("mistakes: collections are bounded") {
  std::string steps, globs;
  for (int i = 0; i < 201; ++i) {
    steps += "{name: s" + std::to_string(i) + ", run: x}, ";
    globs += "g" + std::to_string(i) + ", ";
  }
  CHECK(errors_of("builders: {b: {steps: [" + steps + "]}}\n")
        == "f:1:23: 201 are too many, at most 200 are allowed");
  CHECK(errors_of(with_line("artifacts: [" + globs + globs + "]"))
        == "f:4:16: artifacts: has 402 entries, at most 256 are allowed");
  CHECK(errors_of(with_step("env: {A: " + std::string(5000, 'x') + "}"))
        == "f:4:42: env 'A': has 5000 bytes, at most 4096 are allowed");
}
