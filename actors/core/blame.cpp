// SPDX-License-Identifier: Apache-2.0
#include "actors/core/blame.hpp"

#include "actors/core/explain/words.hpp"
#include "actors/core/progress.hpp"
#include "schema/limits_blame.hpp"
#include "schema/limits_explain.hpp"
#include "schema/names.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

namespace drover::core {

namespace {

/// What a machine says of itself, and whose fault it is then. Small letters.
struct sign {
  std::string_view words;
  blame fault;
};

constexpr std::array signs{
  sign{"no space left on device", blame::host},
  sign{"disk quota exceeded", blame::host},
  sign{"read-only file system", blame::host},
  sign{"input/output error", blame::host},
  sign{"structure needs cleaning", blame::host},
  sign{"too many open files", blame::host},
  sign{"cannot allocate memory", blame::host},
  sign{"out of memory", blame::host},
  sign{"oom-kill", blame::host},
  sign{"could not resolve host", blame::network},
  sign{"temporary failure in name resolution", blame::network},
  sign{"name or service not known", blame::network},
  sign{"connection refused", blame::network},
  sign{"connection reset by peer", blame::network},
  sign{"connection timed out", blame::network},
  sign{"network is unreachable", blame::network},
  sign{"no route to host", blame::network},
  sign{"command not found", blame::environment},
  sign{": not found", blame::environment},
  sign{"error while loading shared libraries", blame::environment},
  sign{"cannot execute binary file", blame::environment},
};

std::string lower(std::string_view text) {
  std::string out{text};
  for (auto& c : out)
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

/// The error without what differs from host to host and run to run: numbers and folders.
std::string shape_of(std::string_view error) {
  std::string out;
  for (char c : error) {
    if (c == '/') {
      auto word = out.find_last_of(" \t'\"(:=,");
      out.resize(word == std::string::npos ? 0 : word + 1);
    } else if (std::isdigit(static_cast<unsigned char>(c)) != 0) {
      if (out.empty() || out.back() != '#')
        out += '#';
    } else {
      out += c;
    }
  }
  return out;
}

bool is_elsewhere(const build_record& red, const build_record& other) {
  return !other.host.value.empty() && other.host != red.host;
}

/// "build 13 on h2".
std::string named(const build_record& build) {
  return "build " + to_string(build.id)
         + (build.host.value.empty() ? "" : " on " + build.host.value);
}

/// What both share, in words: a test, or the error.
std::string shared_words(const build_ending& a, const build_ending& b) {
  for (const auto& test : a.failing)
    if (std::binary_search(b.failing.begin(), b.failing.end(), test))
      return "test " + in_quotes(test.suite.empty() ? test.name : test.suite + " " + test.name);
  if (!a.error.empty())
    return a.error;
  return "step " + in_quotes(a.step)
         + (a.exit_code < 0 ? "" : ", exit code " + std::to_string(a.exit_code));
}

/// What speaks for itself, without a look at other builds.
std::optional<blame_verdict> plain_verdict(const build_ending& red) {
  if (red.build.outcome == result::host_lost)
    return blame_verdict{blame::host, one_line("its host was lost: " + red.build.reason)};
  auto error = lower(red.error);
  for (const auto& each : signs)
    if (error.find(each.words) != std::string::npos)
      return blame_verdict{each.fault, one_line("its first error says so: " + red.error)};
  if (red.build.outcome == result::exception)
    return blame_verdict{blame::environment,
                         one_line("it could not be run to its end: " + red.build.reason)};
  return std::nullopt;
}

template <class Wanted>
const build_ending* find(const std::vector<const build_ending*>& among, const Wanted& wanted) {
  auto found =
    std::find_if(among.begin(), among.end(), [&](const auto* each) { return wanted(*each); });
  return found == among.end() ? nullptr : *found;
}

/// Whether a host is as good a witness as the other; one of which nothing is known is taken for it.
bool alike(const build_ending& a, const build_ending& b) {
  return a.platform.empty() || b.platform.empty() || a.platform == b.platform;
}

/// It is green on another host: chance, if it is green on its own as well.
blame_verdict green_elsewhere(const blame_case& known, const build_ending& green) {
  const auto& red = known.red.build;
  const auto* twice = find(known.same, [&](const build_ending& other) {
    return other.build.host == red.host && is_blamable(other.build);
  });
  blame_verdict verdict{blame::host, named(green.build) + " is green from the same source; "
                                       + (twice == nullptr
                                            ? "it was not tried again on " + red.host.value
                                            : named(twice->build) + " failed there a second time")};
  auto took = red.finished_at.ms - red.started_at.ms;
  if (twice == nullptr && took >= 0 && took <= limits::opinion_cheap.count())
    verdict.wish = opinion_wish::again;
  return verdict;
}

} // namespace

std::string platform_of(const host_facts& facts) {
  std::string out;
  for (const char* name : {"os", "arch", "distro", "libc"})
    if (auto fact = facts.find(name); fact != facts.end() && !fact->second.empty())
      out += (out.empty() ? "" : " ") + fact->second;
  return out;
}

bool is_blamable(const build_record& build) {
  if (build.state != build_state::finished)
    return false;
  switch (build.outcome) {
  case result::failure:
  case result::exception:
  case result::host_lost:
  case result::timeout:
    return true;
  case result::none:
  case result::success:
  case result::warnings:
  case result::cancelled:
  case result::skipped:
    return false;
  }
  return false;
}

bool is_green(const build_record& build) {
  return build.outcome == result::success || build.outcome == result::warnings;
}

bool speaks_for_itself(const build_ending& red) {
  return is_blamable(red.build) && plain_verdict(red).has_value();
}

bool same_failure(const build_ending& a, const build_ending& b) {
  if (!is_blamable(a.build) || !is_blamable(b.build))
    return false;
  if (!a.failing.empty() && !b.failing.empty())
    return std::any_of(a.failing.begin(), a.failing.end(), [&](const test_key& test) {
      return std::binary_search(b.failing.begin(), b.failing.end(), test);
    });
  if (a.failing.empty() != b.failing.empty())
    return false;
  if (!a.error.empty() || !b.error.empty())
    return shape_of(a.error) == shape_of(b.error);
  return a.build.outcome == b.build.outcome && a.step == b.step && a.exit_code == b.exit_code;
}

blame_verdict judge_blame(const blame_case& known) {
  const auto& red = known.red;
  if (!is_blamable(red.build))
    return {};
  if (auto verdict = plain_verdict(red))
    return *verdict;
  auto elsewhere = [&](const build_ending& other) { return is_elsewhere(red.build, other.build); };
  auto fails_alike = [&](const build_ending& other) {
    return elsewhere(other) && same_failure(red, other);
  };
  if (const auto* other = find(known.same, fails_alike))
    return {blame::code,
            one_line(named(other->build) + " fails alike: " + shared_words(red, *other))};
  if (const auto* other = find(known.same, [&](const build_ending& each) {
        return each.build.host == red.build.host && is_green(each.build);
      }))
    return {blame::flaky,
            one_line(named(other->build) + " is green from the same source on the same host")};
  auto green_there = [&](const build_ending& other) {
    return elsewhere(other) && is_green(other.build);
  };
  if (const auto* other = find(known.same, [&](const build_ending& each) {
        return green_there(each) && alike(red, each);
      }))
    return green_elsewhere(known, *other);
  if (const auto* other = find(known.earlier, fails_alike))
    return {blame::code, one_line("an older one, " + named(other->build)
                                  + ", failed alike: " + shared_words(red, *other))};
  if (const auto* other = find(known.same, [&](const build_ending& each) {
        return elsewhere(each) && is_blamable(each.build);
      }))
    return {blame::none, one_line(named(other->build) + " fails as well, but in another way"
                                  + (other->error.empty() ? "" : ": " + other->error))};
  // That it works on another platform is what portable software is tested for: it clears nobody.
  if (const auto* other = find(known.same, green_there))
    return {blame::none, one_line(named(other->build) + " is green from the same source, but on "
                                  + other->platform + ", and this is " + red.platform
                                  + ": the code's or the host's, another host like it would tell")};
  return {blame::none, {}, opinion_wish::elsewhere};
}

std::string opinion_obstacle(const build_file& red) {
  if (!red.recipe.second_opinion)
    return "builder " + red.build.builder + " has second_opinion: no";
  if (red.build.opinion_of.value != 0)
    return "it is a second opinion itself";
  if (!red.build.pinned.value.empty())
    return "it is for " + red.build.pinned.value + " alone";
  if (red.recipe.on.kind == placement_kind::each_host)
    return "it is built on each host anyway";
  if (red.build.host.value.empty())
    return "it was never on a host";
  return {};
}

host_name choose_opinion_host(const build_file& red, const std::vector<opinion_host>& hosts) {
  auto entry = to_queue_entry(red);
  std::string machine, platform;
  for (const auto& host : hosts)
    if (host.offer.name == red.build.host) {
      machine = host.machine_id;
      platform = platform_of(host.offer.traits);
    }
  const host_offer* best = nullptr;
  auto rank = [&](const host_offer& host) { // a host alike is the better witness
    return std::pair{platform_of(host.traits) == platform,
                     host.slots > host.used ? host.slots - host.used : 0};
  };
  for (const auto& host : hosts) {
    const auto& offer = host.offer;
    bool same_machine = !machine.empty() && host.machine_id == machine;
    if (offer.name == red.build.host || same_machine || offer.state != host_state::up
        || offer.stage != host_stage::trusted || !entry.needs.unmet(offer.traits).empty())
      continue;
    if (best == nullptr || rank(offer) > rank(*best)
        || (rank(offer) == rank(*best) && offer.name < best->name))
      best = &offer;
  }
  return best == nullptr ? host_name{} : best->name;
}

build_file make_opinion(const build_file& red, build_id id, const host_name& on, wall_time now) {
  auto file = make_build(id, red.recipe, red.build.source, {});
  file.build.params = red.build.params;
  file.build.generation = red.build.generation;
  file.build.pinned = on;
  file.build.opinion_of = red.build.id;
  file.build.requested_by = "farm";
  file.build.requested_because =
    "second opinion on build " + to_string(red.build.id) + ", which is red on "
    + red.build.host.value
    + (on == red.build.host ? ": by chance?" : ": the host's fault or the code's?");
  file.build.created_at = now;
  return file;
}

} // namespace drover::core
