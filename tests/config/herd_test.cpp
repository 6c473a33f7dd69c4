// SPDX-License-Identifier: Apache-2.0
#include "config/herd.hpp"
#include "schema/limits.hpp"
#include "tests/catch.hpp"

using namespace drover;

namespace {

const std::string hosts = "hosts: {h1: {labels: {class: fast}}, h2: {labels: {class: slow}}}\n";

/// The warnings for a builder with this requirement, which begins in line 4, column 15.
std::string warnings_of(const std::string& requirement, const std::string& herd = hosts) {
  auto report = check_config(herd + "builders:\n  b:\n    requires: " + requirement
                             + "\n    steps: [{name: s, run: make}]\n");
  std::string text;
  for (const auto* list : {&report.errors, &report.warnings})
    for (const auto& error : *list)
      text += (text.empty() ? "" : "\n") + format(error, "f");
  return text;
}

} // namespace

TEST_CASE("labels: a builder that every host's labels exclude") {
  CHECK(warnings_of("class == 'fats'")
        == "f:4:15: no host of the config can serve: class == 'fats' is false for all of h1, h2");
  CHECK(warnings_of("os == 'linux' and class == 'fats' and ram >= 1GiB")
        == "f:4:15: no host of the config can serve: class == 'fats' is false for all of h1, h2");
  CHECK(warnings_of("not (class == 'fast' or class == 'slow')")
        == "f:4:15: no host of the config can serve: not (class == 'fast' or class == 'slow') is "
           "false for all of h1, h2");
  CHECK(
    warnings_of("class in ('a', 'b')")
    == "f:4:15: no host of the config can serve: class in ('a', 'b') is false for all of h1, h2");
}

TEST_CASE("labels: different conditions fail on different hosts") {
  CHECK(warnings_of("class == 'fast' and class != 'fast'")
        == "f:4:15: no host of the config can serve: class != 'fast' is false for h1; class == "
           "'fast' is false for h2");
}

TEST_CASE("labels: what depends on facts is not judged without them") {
  CHECK(warnings_of("os == 'plan9'").empty());
  CHECK(warnings_of("class == 'fats' or ram >= 1TiB").empty());
  CHECK(warnings_of("not (os == 'linux' and class == 'fast')").empty());
  CHECK(warnings_of("class == 'slow'").empty());
  CHECK(warnings_of("class != 'fast'").empty());
}

TEST_CASE("labels: a farm without hosts gets them later") {
  CHECK(warnings_of("class == 'fast'", "farm: x\n")
        == "f:4:15: 'class' is neither a fact nor a label of a configured host");
}

TEST_CASE("labels: of many hosts the first are named") {
  std::string many = "hosts: {";
  for (int i = 10; i < 20; ++i)
    many += "h" + std::to_string(i) + ": {labels: {class: fast}}, ";
  CHECK(warnings_of("class == 'slow'", many + "}\n")
        == "f:4:15: no host of the config can serve: class == 'slow' is false for all of h10, h11, "
           "h12, h13, h14 and 5 more");
}

TEST_CASE("labels: thousands of hopeless builders on hundreds of hosts are told of in time") {
  std::string text = "hosts:\n";
  for (int i = 0; i < 900; ++i)
    text += "  h" + std::to_string(i) + ": {labels: {n: " + std::to_string(i) + "}}\n";
  text += "builders:\n";
  for (int i = 0; i < 3000; ++i)
    text += "  b" + std::to_string(i) + ": {requires: n == 'x', steps: [{name: s, run: m}]}\n";
  auto report = check_config(text);
  CHECK(report.config);
  CHECK(report.warnings.size() == limits::config_errors_max);
}

TEST_CASE("herd: a builder is compared with what the hosts have told") {
  auto report = check_config(hosts
                             + "builders:\n"
                               "  small: {requires: ram >= 1GiB, steps: [{name: s, run: m}]}\n"
                               "  large: {requires: \"ram >= 1TiB and class == 'fast'\", steps: "
                               "[{name: s, run: m}]}\n"
                               "  boxed: {steps: [{name: s, run: m, sandbox: true}]}\n");
  REQUIRE(report.config);
  std::vector<known_host> herd{{"h1", {{"ram", "17179869184"}, {"sandbox", "none"}}, {}},
                               {"h2", {}, {}},
                               {"h9", {{"ram", "1073741824"}, {"sandbox", "none"}}, {}}};
  auto found = unserved(report, herd);
  REQUIRE(found.size() == 2);
  CHECK(format(found[0], "f")
        == "f:4:21: no host of the running farm can serve builder 'large'; the nearest is h1: ram "
           "is 16GiB, needs >= 1TiB");
  CHECK(format(found[1], "f")
        == "f:5:3: no host of the running farm can serve builder 'boxed'; the nearest is h1: "
           "sandbox is 'none', needs 'bubblewrap'");
}

TEST_CASE("herd: hosts that were never seen decide nothing") {
  auto report =
    check_config("builders: {b: {requires: ram >= 1TiB, steps: [{name: s, run: m}]}}\n");
  REQUIRE(report.config);
  CHECK(unserved(report, {}).empty());
  CHECK(unserved(report, {{"h1", {}, {}}}).empty());
}
