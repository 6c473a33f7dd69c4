// SPDX-License-Identifier: Apache-2.0
#include "config/config.hpp"
#include "schema/limits.hpp"
#include "schema/requirement.hpp"
#include "tests/catch.hpp"

#include <filesystem>
#include <fstream>
#include <random>

using namespace drover;
using namespace std::chrono_literals;

namespace {

farm_config example() {
  auto report = load_config(DROVER_EXAMPLE);
  for (const auto& error : report.errors)
    UNSCOPED_INFO(format(error, "farm.example.yaml"));
  REQUIRE(report.config);
  CHECK(report.warnings.empty());
  return *report.config;
}

farm_config config_of(std::string_view text) {
  auto report = check_config(text);
  for (const auto& error : report.errors)
    UNSCOPED_INFO(format(error, "t"));
  REQUIRE(report.config);
  return *report.config;
}

} // namespace

TEST_CASE("config: the example's hosts, users and limits") {
  auto farm = example();
  CHECK(farm.farm == "example");
  REQUIRE(farm.hosts.size() == 4);
  CHECK(farm.hosts[0] == host_spec{"h1", 2, {{"class", "fast"}}});
  CHECK(farm.hosts[2] == host_spec{"h3", 1, {}});
  CHECK(farm.hosts[3].restart
        == restart_commands{"ssh h4 sudo systemctl restart drover-host", "ssh h4 sudo reboot",
                            "ipmitool -H h4-ipmi chassis power cycle"});
  REQUIRE(farm.users.size() == 3);
  CHECK(farm.users[0] == user_spec{"anyone", {"view"}});
  CHECK(farm.users[2] == user_spec{"bob", {"force"}, {"check*"}, "bob@example.org", "bob"});
  CHECK(farm.limits.log_per_step == uint64_t{1} << 30);
  CHECK(farm.limits.artifacts_per_build == uint64_t{2} << 30);
  CHECK(farm.limits.retire_after == std::chrono::hours{60 * 24});
}

TEST_CASE("config: the example's sources") {
  auto farm = example();
  REQUIRE(farm.sources.size() == 4);
  CHECK(farm.sources[0]
        == source_spec{"candidates", source_kind::tarball, "./incoming", "*.tar.*", {}, 5s});
  CHECK(farm.sources[1].kind == source_kind::hg);
  CHECK(farm.sources[2]
        == source_spec{
          "lib", source_kind::git, "https://git.example.org/lib", "", {"main", "release/*"}, 1min});
  const auto& nightly = farm.sources[3];
  CHECK(nightly.kind == source_kind::timer);
  CHECK(nightly.cron == "0 3 * * 1-5");
  CHECK(nightly.zone == "Europe/Berlin");
  CHECK(nightly.of == "trunk");
  CHECK(nightly.only_changed);
}

TEST_CASE("config: the example's builders") {
  auto farm = example();
  REQUIRE(farm.builders.size() == 3);
  const auto& check = farm.builders[0];
  CHECK(check.source == "trunk");
  CHECK(check.on == placement_spec{});
  CHECK(check.requirement == "os == 'linux' and ram >= 1GiB and class == 'fast'");
  CHECK(check.artifacts == std::vector<std::string>{"out/**"});
  CHECK(check.params
        == std::vector<param_spec>{
          {"docs", param_kind::yes_no, "no", false, {}, {}},
          {"flavour", param_kind::choice, "debug", false, {"debug", "release"}, "how to compile"},
          {"jobs", param_kind::number, "4", false, {}, {}},
          {"note", param_kind::text, "none", false, {}, {}},
          {"ticket", param_kind::text, "", true, {}, {}}});
  CHECK(farm.builders[1].steps[1].pty);
  REQUIRE(check.steps.size() == 3);
  CHECK(check.steps[0].timeout == 2h);
  CHECK(check.steps[0].silence == 10min);
  CHECK(check.steps[1].env == string_map{{"LC_ALL", "C"}});
  CHECK(check.steps[1].tests == std::vector<std::string>{"auto"});
  CHECK_FALSE(check.steps[1].exclusive);
  CHECK(check.steps[2].always);
  CHECK(check.steps[2].warn_only);
  CHECK(farm.builders[1].on.kind == placement_kind::each_host);
  CHECK(farm.builders[1].steps[0].run
        == "./configure --prefix=\"$DROVER_OUT\"\nmake -j\"$DROVER_CORES\"\n");
  CHECK(farm.builders[2].on == placement_spec{placement_kind::each_class, {"os", "arch"}});
}

TEST_CASE("config: the example's reporters keep the names of secrets' files") {
  auto farm = example();
  REQUIRE(farm.reporters.size() == 3);
  CHECK(farm.reporters[0]
        == reporter_spec{"people",
                         "mail",
                         "smtp://127.0.0.1:2525",
                         {{"from", "drover@example.org"}},
                         {"dev@example.org"},
                         {"problem", "recovery"}});
  CHECK(farm.reporters[1].to == std::vector<std::string>{"#builds"});
  CHECK(farm.reporters[2].settings == string_map{{"secret_file", "hook.key"}});
}

TEST_CASE("config: a step's limits are read, and a sandbox is required of the host") {
  auto test = example().builders[1].steps[1];
  CHECK(test.limits == step_limits{4ull << 30, 500, 2, 1ull << 30, 10ull << 30, 1024});
  CHECK_FALSE(test.sandbox);
  auto farm = config_of("builders: {b: {requires: \"cores > 2 or ram > 1GiB\", steps: "
                        "[{name: s, run: make, sandbox: true}, {name: t, run: make}]}, "
                        "c: {steps: [{name: s, run: make, sandbox: true}]}}\n");
  CHECK(farm.builders[0].requirement == "(cores > 2 or ram > 1GiB) and sandbox == 'bubblewrap'");
  CHECK(farm.builders[1].requirement == "sandbox == 'bubblewrap'");
}

TEST_CASE("config: what is left out has its default") {
  auto farm = config_of("builders: {b: {steps: [{name: s, run: make}]}}\n");
  CHECK(farm.farm == "farm");
  CHECK(farm.hosts.empty());
  CHECK(farm.builders[0].source.empty());
  CHECK(farm.builders[0].steps[0] == step_spec{"s", "make", {}, 0ms, 0ms, {}, false, false, false});
}

TEST_CASE("config: sections without content are empty") {
  auto farm = config_of("farm: x\nhosts:\nsources: ~\nbuilders: {}\nreporters:\n  # later\n");
  CHECK(farm.hosts.empty());
  CHECK(farm.reporters.empty());
}

TEST_CASE("config: words are typed by where they stand") {
  auto farm = config_of("hosts: {h: {labels: {gpu: no, version: 1.10}}}\n"
                        "builders:\n  b:\n    steps:\n"
                        "      - {name: on, run: yes, always: yes, exclusive: off, tests: no}\n");
  CHECK(farm.hosts[0].labels == string_map{{"gpu", "no"}, {"version", "1.10"}});
  const auto& step = farm.builders[0].steps[0];
  CHECK(step.name == "on");
  CHECK(step.run == "yes");
  CHECK(step.always);
  CHECK_FALSE(step.exclusive);
  CHECK(step.tests.empty());
}

TEST_CASE("config: carriage returns and a byte order mark make no difference") {
  std::string text = "farm: x\nhosts:\n  h: {slots: 2}\n";
  std::string windows = "\xEF\xBB\xBF";
  for (char c : text)
    windows += c == '\n' ? std::string{"\r\n"} : std::string{c};
  CHECK(config_of(windows) == config_of(text));
}

TEST_CASE("config: anchors save repetition") {
  auto farm = config_of("builders:\n"
                        "  a: {steps: &s [{name: x, run: make}]}\n"
                        "  b: {steps: *s}\n");
  CHECK(farm.builders[0].steps == farm.builders[1].steps);
}

TEST_CASE("config: parse_config gives a config or the errors") {
  CHECK(std::get<farm_config>(parse_config("farm: x\n")).farm == "x");
  auto errors = std::get<std::vector<config_error>>(parse_config("frm: x\n"));
  REQUIRE(errors.size() == 1);
  CHECK(errors[0] == config_error{1, 1, "unknown key 'frm' (did you mean 'farm'?)"});
}

TEST_CASE("config: a file that can't be read says why") {
  auto missing = load_config("/nonexistent/farm.yaml");
  REQUIRE(missing.errors.size() == 1);
  CHECK(format(missing.errors[0], "farm.yaml")
        == "farm.yaml: can't be opened: No such file or directory");
  auto folder = load_config(std::filesystem::temp_directory_path().string());
  REQUIRE(folder.errors.size() == 1);
  CHECK(format(folder.errors[0], "d") == "d: is a folder; name the file in it, e.g. farm.yaml");
}

TEST_CASE("config: a file of two MiB is refused without reading all of it") {
  auto path = std::filesystem::temp_directory_path()
              / ("drover-config-test-" + std::to_string(std::random_device{}()));
  std::ofstream{path} << std::string(2 * limits::config_bytes_max, '#');
  auto report = load_config(path.string());
  std::filesystem::remove(path);
  REQUIRE(report.errors.size() == 1);
  CHECK(report.errors[0].message == "the file is larger than 1048576 bytes");
}

TEST_CASE("config: a builder of several sources is built from the first where none is named") {
  auto report = check_config("sources: {a: {git: /a}, b: {git: /b}}\n"
                             "builders:\n"
                             "  x: {source: [a, b], steps: [{name: s, run: x}]}\n"
                             "  y: {source: b, steps: [{name: s, run: x}]}\n");
  REQUIRE(report.config);
  const auto& builders = report.config->builders;
  CHECK(builders[0].source == "a");
  CHECK(builders[0].more_sources == std::vector<std::string>{"b"});
  CHECK(builders[1].source == "b");
  CHECK(builders[1].more_sources.empty());
}
