#pragma once
// The coordinator's tree with hosts that fall silent, commands that the test ends, and a mutant.
// SPDX-License-Identifier: Apache-2.0

#include "actors/core/mutants.hpp"
#include "schema/limits_healing.hpp"
#include "tests/actors/tree_fixture.hpp"

#include <algorithm>
#include <set>

namespace drover::test {

/// Commands that the test ends.
struct held_commands final : command_port {
  struct run_command {
    std::string command;
    string_map environment;
    done over;
  };
  std::vector<run_command> runs;
  void run(const std::string& command, const string_map& environment, done over) override {
    runs.push_back({command, environment, std::move(over)});
  }
};

struct healing_fixture : tree_fixture {
  healing_fixture() {
    settings.commands = commands;
    settings.clock = [at = wall] { return wall_time{*at}; };
    restart();
  }
  ~healing_fixture() { core::active_mutant = core::mutant::none; }

  /// Time passes in which these hosts beat; the others are silent.
  void pass(milliseconds time, std::initializer_list<machine*> speaking) {
    for (auto passed = 0ms; passed < time; passed += 250ms) {
      for (auto* host : speaking)
        say(*host, beat{++host->beats, 0, host->known});
      advance(250ms);
      *wall += 250;
    }
  }

  /// The host confirms what it was ordered.
  void run_all(machine& host) {
    host.known.clear();
    for (const auto& work : host.heard.all<assignment>())
      host.known.push_back({work.token, known_state::running, 0});
    say(host, beat{++host.beats, 0, host.known});
  }

  build_file file_of(build_id id) const {
    auto found = storage::read_build_file(*store, id);
    REQUIRE(found);
    REQUIRE(*found);
    return **found;
  }

  std::vector<event_record> journal(event_kind kind) const {
    auto page = storage::read_events(*store, 0, 10'000, 10'000,
                                     [kind](const auto& event) { return event.kind == kind; });
    REQUIRE(page);
    return page->events;
  }

  host_view view_of(const std::string& host) {
    auto all = ask<std::vector<host_view>>(farm.coordinator, hosts_query{});
    for (const auto& view : *all.get())
      if (view.record.name.value == host)
        return view;
    throw std::logic_error{"there is no host " + host};
  }

  /// What it was ordered to run, each attempt once however often it was told.
  static size_t works_of(const machine& host) {
    std::set<grant_token> tokens;
    for (const auto& work : host.heard.all<assignment>())
      tokens.insert(work.token);
    return tokens.size();
  }

  void with_exclusive_step() {
    settings.config.builders[0].steps[0].exclusive = true;
    restart();
  }

  std::shared_ptr<held_commands> commands = std::make_shared<held_commands>();
  std::shared_ptr<int64_t> wall = std::make_shared<int64_t>(1'000'000);
};

} // namespace drover::test
