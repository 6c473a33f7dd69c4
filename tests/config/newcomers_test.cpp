// What people get wrong in their first half hour, and what they are told.
// SPDX-License-Identifier: Apache-2.0
#include "config/config.hpp"
#include "tests/catch.hpp"
#include "tests/config/findings.hpp"

using namespace drover;
using namespace drover::test;

namespace {

/// A farm of two hosts and a builder with a further line, the fifth, from column 5 on.
std::string with_line(const std::string& line) {
  return "hosts: {h1: {labels: {class: fast}}, h2: {labels: {class: slow, rack: 3}}}\n"
         "builders:\n  b:\n    steps: [{name: s, run: make}]\n    "
         + line + "\n";
}

} // namespace

TEST_CASE("newcomers: a colon that is missing") {
  CHECK(errors_of("farm example\nhosts:\n  h1: {}\n")
        == "f:1:1: 'farm example' has no ':' behind it; write 'key: value'");
  CHECK(errors_of("hosts:\n  h1\nbuilders: {}\n")
        == "f:2:3: hosts: expected a mapping, e.g. {NAME: ...}, not a text");
  CHECK(errors_of("builders:\n  b:\n    on: any\n    steps\n")
        == "f:4:5: 'steps' has no ':' behind it; write 'key: value'");
  CHECK(errors_of("farm:example\n")
        == "f:1:1: the farm: expected a mapping, e.g. {farm: ...}, not a text");
}

TEST_CASE("newcomers: a line that is not indented as its neighbours") {
  CHECK(errors_of("hosts:\n  h1: {}\n   h2: {}\n").rfind("f:3:", 0) == 0);
  CHECK(errors_of("hosts:\n    h1: {}\n  h2: {}\n")
        == "f:3:3: expected a key as those of the mapping begun in line 1; is the line indented as "
           "they are?");
  CHECK(errors_of("hosts:\n\th1: {}\n")
        == "f:2:1: a tab can't indent or separate here; use blanks");
}

TEST_CASE("newcomers: a command with a colon, and one that begins with a sign") {
  CHECK(errors_of("builders:\n  b:\n    steps:\n      - name: s\n        run: echo a: b\n")
        == "f:5:20: a ':' can't be here; put quotes around a text that has ': ' in it, or begin a "
           "line for each key");
  CHECK(errors_of("builders:\n  b:\n    steps:\n      - name: s\n        run: @make\n")
        == "f:5:14: '@make': a text that begins with '@' needs quotes around it");
  CHECK(errors_of("builders:\n  b:\n    artifacts: [*.log]\n")
        == "f:3:17: '*.log]': a text that begins with '*' needs quotes around it");
}

TEST_CASE("newcomers: a list where names are wanted, and the other way round") {
  CHECK(errors_of("hosts:\n  - h1\n  - h2\n")
        == "f:2:3: hosts: expected a mapping, e.g. {NAME: ...}, not a list");
  CHECK(
    errors_of("builders: {b: {steps: {name: s, run: make}}}\n")
    == "f:1:23: steps: expected a list, e.g. - {name: test, run: \"make check\"}, not a mapping");
}

TEST_CASE("newcomers: units that others use") {
  CHECK(errors_of("limits: {log_per_step: 1G}\n")
        == "f:1:24: log_per_step: '1G' is no size; write e.g. 64MiB, 1GiB");
  CHECK(errors_of(with_line("steps: []")).find("there twice") != std::string::npos);
  CHECK(errors_of("builders: {b: {steps: [{name: s, run: m, timeout: 10 min}]}}\n")
        == "f:1:51: timeout: '10 min' is no duration; write e.g. 30s, 10m, 2h, 1d");
  CHECK(errors_of("builders: {b: {steps: [{name: s, run: m, timeout: 600}]}}\n")
        == "f:1:51: timeout: '600' is no duration; write e.g. 30s, 10m, 2h, 1d");
}

TEST_CASE("newcomers: each hosts") {
  CHECK(errors_of(with_line("on: each hosts"))
        == "f:5:9: on: 'each hosts' is none of: any, each host, each(os, arch) (did you mean 'each "
           "host'?)");
  CHECK(errors_of(with_line("on: all")).rfind("f:5:9: on: 'all' is none of: any, each host", 0)
        == 0);
  CHECK(warnings_of(with_line("on: each(os, archs)"))
        == "f:5:9: 'archs' is neither a fact nor a label of a configured host (did you mean "
           "'arch'?)");
}

TEST_CASE("newcomers: steps without a script, or with one name twice") {
  CHECK(errors_of("builders: {b: {steps: [{name: s}]}}\n")
        == "f:1:24: step 1 has no 'run'; write e.g. run: \"make check\"");
  CHECK(errors_of("builders: {b: {steps: [make]}}\n")
        == "f:1:24: step 1: expected a mapping, e.g. {name: ...}, not a text");
  CHECK(errors_of("builders: {b: {steps: [{name: s, run: a}, {name: s, run: b}]}}\n")
        == "f:1:50: name: the builder has a step 's' already");
}

TEST_CASE("newcomers: numbers, no and 1.10 are texts where texts are wanted") {
  auto report = check_config("farm: 1\nhosts: {1: {labels: {gpu: no, version: 1.10, on: 007}}}\n"
                             "builders: {2: {steps: [{name: 3, run: no}]}}\n");
  CHECK(lines(report.errors).empty());
  REQUIRE(report.config);
  CHECK(report.config->farm == "1");
  CHECK(report.config->hosts[0]
        == host_spec{"1", 1, {{"gpu", "no"}, {"version", "1.10"}, {"on", "007"}}});
  CHECK(report.config->builders[0].name == "2");
  CHECK(report.config->builders[0].steps[0].name == "3");
}

TEST_CASE("newcomers: files that are no text, or other text") {
  CHECK(errors_of("").rfind("f:1:1: the file is empty; write e.g. builders: ", 0) == 0);
  CHECK(errors_of("\xFF\xFE"
                  "f\0a\0")
        == "f:1:1: the file is UTF-16; save it as UTF-8");
  CHECK(errors_of("farm: caf\xE9\n")
        == "f:1:10: byte 0xE9 is not text; the file must be UTF-8 without control characters");
  auto windows = check_config("\xEF\xBB\xBF"
                              "farm: x\r\nhosts:\r\n  h: {slots: 2}\r\n");
  CHECK(lines(windows.errors).empty());
}

TEST_CASE("newcomers: a fact is compared with what it never is") {
  CHECK(errors_of(with_line("requires: os == 5"))
        == "f:5:21: requires: 'os' is a text, not a number; put quotes around 5: '5'");
  CHECK(errors_of(with_line("requires: os == 'linux' and kernel >= 6.1"))
        == "f:5:43: requires: 'kernel' is a text, not a number; put quotes around 6.1: '6.1'");
  CHECK(errors_of(with_line("requires: \"cores >= '4'\""))
        == "f:5:25: requires: 'cores' is a number; write e.g. cores >= 4");
  CHECK(errors_of(with_line("requires: cores >= 4GiB"))
        == "f:5:24: requires: 'cores' is a number; write e.g. cores >= 4");
  CHECK(errors_of(with_line("requires: ram >= 4"))
        == "f:5:22: requires: 'ram' is a size; write it with a unit (KiB, MiB, GiB, TiB), e.g. ram "
           ">= 4GiB");
  CHECK(errors_of(with_line("requires: disk in (1GiB, 'big')"))
        == "f:5:30: requires: 'disk' is a size; write it with a unit (KiB, MiB, GiB, TiB), e.g. "
           "disk == 4GiB");
  CHECK(errors_of(with_line("requires: swap > 0")).empty());
  CHECK(errors_of(with_line("requires: rack >= 2")).empty());
  CHECK(errors_of(with_line("requires: gcc >= '12'")).empty());
}

TEST_CASE("newcomers: a label hides the fact of its name, whatever it holds") {
  CHECK(errors_of("hosts: {h: {labels: {os: 5}}}\n"
                  "builders: {b: {requires: os == 5, steps: [{name: s, run: m}]}}\n")
          .empty());
}

TEST_CASE("newcomers: facts and labels with a letter wrong") {
  CHECK(warnings_of(with_line("requires: oss == 'linux'"))
        == "f:5:15: 'oss' is neither a fact nor a label of a configured host (did you mean 'os'?)");
  CHECK(
    warnings_of(with_line("requires: rma >= 1GiB or clas == 'fast'"))
    == "f:5:15: 'rma' is neither a fact nor a label of a configured host (did you mean 'ram'?)\n"
       "f:5:30: 'clas' is neither a fact nor a label of a configured host (did you mean "
       "'class'?)");
}

TEST_CASE("newcomers: how hosts are restarted") {
  auto report =
    check_config("hosts: {h: {restart: {agent: \"ssh h systemctl restart drover-host\", "
                 "reboot: \"ssh h reboot\", power: \"ipmitool -H h power cycle\"}}}\n");
  REQUIRE(report.config);
  CHECK(report.config->hosts[0].restart
        == restart_commands{"ssh h systemctl restart drover-host", "ssh h reboot",
                            "ipmitool -H h power cycle"});
  auto budget = check_config("hosts: {h: {restart: {agent: x, times: 3, within: 2h}}}\n");
  REQUIRE(budget.config);
  CHECK(budget.config->hosts[0].restart.times == 3);
  CHECK(budget.config->hosts[0].restart.within == std::chrono::hours{2});
  CHECK(errors_of("hosts: {h: {restart: {times: 0}}}\n")
        == "f:1:30: times: 0 is out of range; 1 to 100 are allowed");
  CHECK(errors_of("hosts: {h: {restart: {within: 40d}}}\n")
        == "f:1:31: within: '40d' is out of range; more than 0 and at most 30d are allowed");
  CHECK(errors_of("hosts: {h: {restart: {agnet: x}}}\n")
        == "f:1:23: unknown key 'agnet' (did you mean 'agent'?)");
  CHECK(errors_of("hosts: {h: {restart: \"ssh h reboot\"}}\n")
        == "f:1:22: restart: expected a mapping, e.g. {agent: ...}, not a text");
  CHECK(
    errors_of("hosts: {h: {restart: {power: \" \"}}}\n")
    == "f:1:30: power: is empty; write a command, e.g. \"ssh h systemctl restart drover-host\", "
       "or leave it out");
}

TEST_CASE("newcomers: a step that wants a terminal") {
  auto report = check_config("builders: {b: {steps: [{name: s, run: m, pty: true}]}}\n");
  REQUIRE(report.config);
  CHECK(report.config->builders[0].steps[0].pty);
}

TEST_CASE("newcomers: hosts that are started when they are needed, and canaries") {
  auto report = check_config("hosts: {h: {start: \"vm start h\", stop: \"vm stop h\", idle: 20m}}\n"
                             "builders: {c: {canary: true, steps: [{name: a, run: b}]}}\n");
  REQUIRE(report.config);
  CHECK(report.config->hosts[0].start_command == "vm start h");
  CHECK(report.config->hosts[0].stop_command == "vm stop h");
  CHECK(report.config->hosts[0].idle == std::chrono::minutes{20});
  CHECK(report.config->builders[0].canary);
  CHECK(errors_of("builders: {drover-canary: {steps: [{name: a, run: b}]}}\n")
          .find("the name 'drover-canary' is the farm's own")
        != std::string::npos);
  CHECK(errors_of("hosts: {h: {stop: x}}\n")
        == "f:1:19: stop: the host has no start; a host that is stopped must be started");
  CHECK(errors_of("hosts: {h: {start: \"\"}}\n").find("start: is empty") != std::string::npos);
}
