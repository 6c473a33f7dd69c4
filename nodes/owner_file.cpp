// SPDX-License-Identifier: Apache-2.0
#include "nodes/owner_file.hpp"

#include "config/reader.hpp"
#include "config/yaml.hpp"
#include "nodes/record_file.hpp"
#include "schema/limits.hpp"
#include "schema/limits_owner.hpp"
#include "schema/names.hpp"

#include <caf/actor_clock.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <optional>

namespace drover {
namespace {

void read_hours(reader& from, const yaml::node& value, core::owner_rules& rules) {
  std::vector<std::string> texts;
  from.texts("hours", value, "[\"22:00-07:00 Mon-Fri\"]", texts);
  for (const auto& text : texts) {
    auto window = core::parse_window(text);
    if (window)
      rules.hours.push_back(*window);
    else
      from.error(value.at, window.error().text);
  }
}

/// What tells one state of the file from another.
std::string stamp_of(const std::string& file) {
  struct stat found {};
  if (stat(file.c_str(), &found) != 0)
    return {};
  return fmt::format("{}.{} {} {}", found.st_mtim.tv_sec, found.st_mtim.tv_nsec, found.st_size,
                     found.st_ino);
}

using watch_actor = owner_watch_actor::extend<caf::reacts_to<atom::tick>>;

struct owner_watch_state {
  std::string file;
  std::string stamp;
  core::owner_rules rules;
  host_agent_actor agent;
  string_map told;
  std::optional<caf::actor_clock::time_point> told_at;
};

/// A file that is wrong is as none was: what held before goes on to hold.
void read_again(owner_watch_state& state) {
  auto stamp = stamp_of(state.file);
  if (stamp == state.stamp)
    return;
  state.stamp = stamp;
  auto rules = read_owner_rules(state.file);
  if (!rules) {
    spdlog::error("owner file not read, what it said before holds reason=\"{}\"",
                  rules.error().text);
    return;
  }
  state.rules = *rules;
  spdlog::info("owner file read file={}", state.file);
}

void look(watch_actor::stateful_pointer<owner_watch_state> self) {
  auto& state = self->state;
  read_again(state);
  auto facts = owner_facts_now(state.rules);
  auto now = self->clock().now();
  bool too_soon = state.told_at && now - *state.told_at < limits::owner_told_every;
  if (facts != state.told && !too_soon) {
    state.told_at = now;
    self->send(state.agent, disk_news{facts});
    state.told = std::move(facts);
  }
}

} // namespace

expected<core::owner_rules> parse_owner_rules(const std::string& file, const std::string& text) {
  core::owner_rules rules;
  auto document = yaml::parse(text);
  if (!document.root)
    return failure{ec::bad_input, format(document.errors.at(0), file)};
  reader from;
  if (!document.root->empty())
    from.mapping(
      "the owner's file", *document.root,
      {{"hours", [&](const yaml::node& value) { read_hours(from, value, rules); }},
       {"load", [&](const yaml::node& value) { from.number("load", value, rules.load); }},
       {"slots", [&](const yaml::node& value) { from.number("slots", value, rules.slots); }},
       {"nice", [&](const yaml::node& value) { from.number("nice", value, rules.nice); }},
       {"builders", [&](const yaml::node& value) {
          from.texts("builders", value, "[\"check*\"]", rules.builders);
        }}});
  auto errors = document.errors;
  errors.insert(errors.end(), from.errors().begin(), from.errors().end());
  if (!errors.empty())
    return failure{ec::bad_input, format(errors.front(), file)};
  if (rules.nice > limits::owner_nice_max)
    return failure{ec::bad_input,
                   file + ": nice must be at most " + std::to_string(limits::owner_nice_max)};
  if (rules.hours.size() > limits::owner_windows_max)
    return failure{ec::bad_input,
                   file + ": hours must be at most " + std::to_string(limits::owner_windows_max)};
  return rules;
}

expected<core::owner_rules> read_owner_rules(const std::string& file) {
  auto text = read_whole(file, limits::owner_file_bytes_max);
  if (text)
    return parse_owner_rules(file, *text);
  if (text.error().code == ec::not_found)
    return core::owner_rules{};
  return text.error();
}

string_map owner_facts_now(const core::owner_rules& rules) {
  auto now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  core::local_moment moment{static_cast<unsigned>(local.tm_wday + 6) % 7,
                            static_cast<unsigned>(local.tm_hour * 60 + local.tm_min)};
  double load = 0;
  if (getloadavg(&load, 1) != 1)
    load = 0;
  return core::owner_facts(rules, moment, load);
}

void be_nice(uint32_t nice) {
  if (nice > 0 && setpriority(PRIO_PROCESS, 0, static_cast<int>(nice)) != 0)
    spdlog::warn("the owner's niceness can't be had: {}", std::strerror(errno));
}

owner_watch_actor spawn_owner_watch(caf::actor_system& system, const std::string& file,
                                    const core::owner_rules& rules, const host_agent_actor& agent) {
  return system.spawn(
    [](watch_actor::stateful_pointer<owner_watch_state> self,
       owner_watch_state start) -> watch_actor::behavior_type {
      self->state = std::move(start);
      self->send(self, atom::tick::value);
      return {[self](atom::describe) {
                actor_entry entry;
                entry.name = entry.kind = "owner_watch";
                entry.state = "watches " + self->state.file;
                auto closed = self->state.told.find(core::owner_closed_fact);
                if (closed != self->state.told.end())
                  entry.activity = closed->second;
                return entry;
              },
              [self](atom::tick) {
                look(self);
                self->delayed_send(self, limits::owner_look_every, atom::tick::value);
              }};
    },
    owner_watch_state{file, stamp_of(file), rules, agent, {}, {}});
}

} // namespace drover
