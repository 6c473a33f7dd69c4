// SPDX-License-Identifier: Apache-2.0
#include "tests/catch.hpp"
#include "tools/drover/completion.hpp"
#include "tools/drover/reference.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>

using namespace drover::cli;

namespace {

struct whole_program {
  CLI::App app{"drover"};
  command_line line;
  whole_program() {
    app.fallthrough();
    app.add_option("--farm", line.farm, "The farm")->type_name("ADDRESS");
    add_submit(app, line);
    add_build_orders(app, line);
    add_builds(app, line);
    add_log(app, line);
    add_hosts(app, line);
    add_artifacts(app, line);
    add_admin(app, line);
    add_completion(app, line);
  }
  completion_place at(const std::vector<std::string>& words) { return find_place(app, words); }
  bool offers(const std::vector<std::string>& words, const std::string& word) {
    auto place = at(words);
    return std::any_of(place.offers.begin(), place.offers.end(),
                       [&](const offer& each) { return each.word == word; });
  }
};

} // namespace

TEST_CASE("completion: commands first, then what belongs to each") {
  whole_program drover;
  CHECK(drover.offers({""}, "submit"));
  CHECK(drover.offers({"--farm", "/a", ""}, "builds"));
  CHECK(drover.offers({"admin", ""}, "token"));
  CHECK(drover.offers({"admin", "token", ""}, "revoke"));
  CHECK(drover.at({"submit", ""}).kind == "BUILDER");
  CHECK(drover.at({"submit", "one", ""}).kind == "BUILDER");
  CHECK(drover.at({"submit", "one", "--host", ""}).kind == "HOST");
  CHECK(drover.at({"why", ""}).kind == "ID-or-HOST");
  CHECK(drover.at({"host", ""}).kind == "NAME");
  CHECK(drover.offers({"host", "h1", ""}, "drain"));
  CHECK(drover.offers({"completion", ""}, "fish"));
}

TEST_CASE("completion: options of the command and of all commands, values behind them") {
  whole_program drover;
  CHECK(drover.offers({"builds", "--"}, "--state"));
  CHECK(drover.offers({"builds", "--"}, "--farm"));
  CHECK_FALSE(drover.offers({"builds", "--"}, "--attempt"));
  CHECK(drover.offers({"builds", "--state", ""}, "waiting"));
  CHECK(drover.at({"submit", "one", "--source", ""}).kind
        == "SOURCE"); // which the shell completes as files
  CHECK(drover.at({"builds", "--state=waiting", ""}).kind.empty());
}

TEST_CASE("completion: a step belongs to the build that was named before it") {
  whole_program drover;
  auto place = drover.at({"log", "12", ""});
  CHECK(place.kind == "STEP");
  CHECK(place.build == "12");
  CHECK(drover.at({"get", "12", "--output", "x", "o"}).kind == "PATH");
}

TEST_CASE("completion: a script for each shell, none for others") {
  for (auto shell : {"bash", "zsh", "fish"})
    CHECK(completion_script(shell)->find("complete-words") != std::string::npos);
  CHECK_FALSE(completion_script("tcsh"));
}

TEST_CASE("reference: every command that people see, with an example each") {
  whole_program drover;
  auto text = reference_markdown(drover.app);
  CHECK(text.find("#### `drover host NAME [ACTION]`") != std::string::npos);
  CHECK(text.find("#### `drover admin token create NAME`") != std::string::npos);
  CHECK(text.find("- `--for TIME`:") != std::string::npos);
  auto page = reference_scdoc(drover.app);
  CHECK(page.find("*--older-than* _TIME_") != std::string::npos);
}
