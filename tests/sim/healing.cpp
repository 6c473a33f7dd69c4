// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/healing.hpp"

#include "schema/limits_healing.hpp"

#include <algorithm>
#include <charconv>

namespace drover::sim {

using namespace std::chrono_literals;

namespace {

/// Promise 4: elsewhere within 2.5 s of silence. And how often that is looked at.
constexpr milliseconds hedged_within = 500ms;
constexpr milliseconds look_every = 250ms;
/// A host is surely free for work if it was heard without a gap for so long.
constexpr milliseconds surely_up = 3s;
constexpr milliseconds gap_borne = 600ms;
/// After the coordinator came, or came back to its senses.
constexpr milliseconds senses_back = 5s;
/// A quarantine follows its cause at once; the rest of what follows takes a little longer.
constexpr milliseconds quarantined_within = 5s;
constexpr milliseconds repeated_within = 10s;
/// Builds that take nearly as long as limits::black_hole_fast are not judged.
constexpr milliseconds surely_fast = 25s;

bool live(const attempt_record& attempt) {
  return attempt.state == attempt_state::granted || attempt.state == attempt_state::running;
}

bool red_ended(result outcome) {
  return outcome == result::failure || outcome == result::exception;
}

std::string text_of(build_id id) {
  return "build " + std::to_string(id.value);
}

/// The numbers behind "(build " in a sentence of evidence.
std::vector<build_id> builds_named(const std::string& text) {
  std::vector<build_id> found;
  constexpr std::string_view mark = "(build ";
  for (auto at = text.find(mark); at != std::string::npos; at = text.find(mark, at + 1)) {
    build_id id;
    const auto* from = text.data() + at + mark.size();
    if (std::from_chars(from, text.data() + text.size(), id.value).ec == std::errc{})
      found.push_back(id);
  }
  return found;
}

} // namespace

void healing_judge::watch(const farm_config& config) {
  for (const auto& host : config.hosts)
    slots_[{host.name}] = host.slots;
  look();
}

void healing_judge::look() {
  if (engine_.now() >= calm_since_) {
    look_for_hedges();
    for (const auto& [host, since] : quarantine_due_)
      if (engine_.now() - since > quarantined_within)
        return breach(host.value + " fails at once what other hosts pass, and is not quarantined");
  }
  engine_.after(look_every, [this] { look(); });
}

void healing_judge::disk_is_slow(milliseconds time) {
  farm_is_deaf(time);
  lags_until_ = std::max(lags_until_, engine_.now() + time + senses_back);
}

void healing_judge::farm_is_new() {
  farm_since_ = engine_.now();
  farm_is_deaf(senses_back);
  streaks_.clear();
  passes_.clear();
  quarantine_due_.clear();
  alarm_since_.reset();
  for (auto& one : verdicts_)
    one.excused |= engine_.now() - one.at < repeated_within;
}

void healing_judge::farm_is_deaf(milliseconds time) {
  calm_since_ = std::max(calm_since_, engine_.now() + time + senses_back);
  hedge_due_.clear();
}

void healing_judge::host_heard(const host_name& host) {
  auto [last, fresh] = heard_.try_emplace(host, engine_.now());
  if (fresh || engine_.now() - last->second > gap_borne)
    up_since_[host] = engine_.now();
  last->second = engine_.now();
}

milliseconds healing_judge::silence(const host_name& host) const {
  auto last = heard_.find(host);
  return last == heard_.end() ? engine_.now() : engine_.now() - last->second;
}

bool healing_judge::is_up(const host_name& host) const {
  auto since = up_since_.find(host);
  return since != up_since_.end() && silence(host) <= gap_borne
         && engine_.now() - since->second >= surely_up && !quarantined_.contains(host);
}

/// Before it fell silent, and this coordinator knew it.
bool healing_judge::was_up(const host_name& host) const {
  auto last = heard_.find(host);
  auto since = up_since_.find(host);
  return last != heard_.end() && since != up_since_.end() && last->second - since->second >= 1s
         && last->second - farm_since_ >= surely_up;
}

// -- second attempts -----------------------------------------------------------------------------

void healing_judge::look_for_hedges() {
  for (auto id : running_) {
    const auto& file = builds_.at(id);
    if (alarm_since_ || !needs_hedge(file) || !has_free_slot(file)) {
      hedge_due_.erase(id);
      continue;
    }
    auto due = hedge_due_.try_emplace(id, engine_.now()).first->second;
    if (engine_.now() - due > hedged_within)
      return breach(text_of(id) + " is on " + file.build.host.value + ", which is silent for "
                    + std::to_string(silence(file.build.host).count())
                    + " ms, and was not begun elsewhere, though a slot is free");
  }
}

bool healing_judge::needs_hedge(const build_file& file) const {
  const auto& build = file.build;
  bool anywhere = build.pinned.value.empty() && file.recipe.requirement.empty()
                  && file.recipe.on.kind == placement_kind::any;
  if (!anywhere || build.cancel_requested || silence(build.host) < limits::hedge_after
      || !was_up(build.host))
    return false;
  bool waits = false;
  for (const auto& step : file.steps)
    for (const auto& attempt : step.attempts) {
      if (attempt.hedge && attempt.placement > build.placement)
        return false; // it has one, or had one
      bool here = attempt.placement == build.placement && live(attempt);
      if (!here)
        continue;
      waits =
        attempt.role == attempt_role::counts && !file.recipe.steps[step.index.value].exclusive;
      for (const auto& other : step.attempts)
        if (other.outcome == result::host_lost)
          return false; // the next loss is the proof that it kills hosts
    }
  return waits;
}

/// Some other host has room for it beside all that may want to go there.
bool healing_judge::has_free_slot(const build_file& file) const {
  std::map<host_name, size_t> used;
  size_t waiting = 0;
  for (const auto& [id, other] : builds_) {
    if (other.build.state == build_state::finished)
      continue;
    waiting += running_.contains(id) ? 0 : 1;
    std::set<host_name> on;
    if (running_.contains(id))
      on.insert(other.build.host);
    for (const auto& step : other.steps)
      for (const auto& attempt : step.attempts)
        if (live(attempt))
          on.insert(attempt.host);
    for (const auto& host : on)
      ++used[host];
  }
  return std::any_of(slots_.begin(), slots_.end(), [&](const auto& host) {
    return host.first != file.build.host && is_up(host.first)
           && used[host.first] + waiting < host.second;
  });
}

// -- half the herd -------------------------------------------------------------------------------

void healing_judge::herd_cut(const std::vector<host_name>& gone, size_t all) {
  bool sure = engine_.now() >= calm_since_ && gone.size() * 2 >= all;
  size_t up = 0;
  for (const auto& [host, slots] : slots_)
    up += is_up(host) ? 1 : 0;
  for (const auto& host : gone)
    sure &= is_up(host);
  if (sure && up >= limits::alarm_hosts_min)
    engine_.after(2 * limits::alarm_window,
                  [this, gone, cut = engine_.now()] { check_alarm(gone, cut); });
}

void healing_judge::check_alarm(const std::vector<host_name>& gone, milliseconds cut) {
  bool sure = engine_.now() >= calm_since_;
  for (const auto& host : gone)
    sure &= heard_[host] <= cut + 500ms; // what was under way still arrives
  if (sure && !alarm_since_ && last_alarm_ < cut)
    breach(std::to_string(gone.size()) + " of " + std::to_string(slots_.size())
           + " hosts fell silent at once, and there was no alarm");
}

// -- poison --------------------------------------------------------------------------------------

/// The machines that the step has killed, as far as the farm has seen them go: one that is back
/// before its lease ends has lost a keeper, for all that anybody can tell.
std::set<std::string> healing_judge::known_killed(const attempt_id& id) const {
  std::set<std::string> found;
  auto killed = witness_.killed.find({id.build, id.step});
  auto file = builds_.find(id.build);
  if (killed == witness_.killed.end() || file == builds_.end())
    return found;
  for (const auto& attempt : file->second.steps[id.step.value].attempts)
    if (attempt.outcome == result::host_lost && killed->second.contains(attempt.host.value))
      found.insert(attempt.host.value);
  return found;
}

void healing_judge::process_started(const grant_token& token, const host_disk& disk) {
  auto killed = known_killed(token.attempt);
  const auto& host = witness_.processes.at(token).host;
  if (killed.size() >= limits::poison_hosts && !killed.contains(host) && !disk.condition.reliable
      && last_alarm_.count() < 0)
    breach("attempt " + sim::text_of(token) + " was risked on " + host + " after it had killed "
           + std::to_string(killed.size()) + " hosts");
  auto file = builds_.find(token.attempt.build);
  if (file == builds_.end() || !file->second.recipe.steps[token.attempt.step.value].exclusive)
    return;
  for (const auto& other : witness_.running)
    if (other != token && other.attempt.build == token.attempt.build
        && other.attempt.step == token.attempt.step)
      breach("attempt " + sim::text_of(token) + " of an exclusive step runs beside "
             + sim::text_of(other));
}

// -- black holes ---------------------------------------------------------------------------------

void healing_judge::build_changed(const build_file& before, const build_file& after) {
  auto id = after.build.id;
  if (before.build.placement == 0 && after.build.placement > 0)
    began_[id] = engine_.now();
  if (after.build.state == build_state::running)
    running_.insert(id);
  else
    running_.erase(id);
  bool over = after.build.state == build_state::finished;
  if (!over || before.build.state == build_state::finished)
    return;
  check_reasons(after);
  if (!after.build.requested_because.starts_with("probe of"))
    ended(after);
}

void healing_judge::ended(const build_file& file) {
  const auto& build = file.build;
  if (build.host.value.empty() || clocks_move_)
    return;
  auto& streak = streaks_[build.host];
  if (build.outcome == result::success || build.outcome == result::warnings) {
    streak.clear();
    passes_[build.builder][build.host] = engine_.now();
  } else if (red_ended(build.outcome)) {
    if (engine_.now() - began_[build.id] > surely_fast)
      streak.clear();
    else
      streak.push_back({build.id, build.builder, began_[build.id]});
  }
  for (const auto& [host, reds] : streaks_)
    if (!quarantined_.contains(host) && proofs_against(host) >= limits::black_hole_streak)
      quarantine_due_.try_emplace(host, engine_.now());
}

size_t healing_judge::proofs_against(const host_name& host) const {
  const auto& reds = streaks_.at(host);
  return static_cast<size_t>(std::count_if(reds.begin(), reds.end(), [&](const red& one) {
    auto passed = passes_.find(one.builder);
    return passed != passes_.end()
           && std::any_of(passed->second.begin(), passed->second.end(), [&](const auto& pass) {
                return pass.first != host && pass.second > one.began;
              });
  }));
}

/// Whoever is put out of service has really failed, and nothing that kills hosts speaks against it.
void healing_judge::check_quarantine(const event_record& event) {
  const auto& host = event.host;
  auto named = builds_named(event.text);
  auto where = host.value + " was quarantined: ";
  size_t good = 0;
  for (auto id : named) {
    auto file = builds_.find(id);
    if (file == builds_.end() || file->second.build.host != host
        || !red_ended(file->second.build.outcome))
      return breach(where + text_of(id) + " did not fail there");
    if (file->second.build.builder == poison_builder)
      return breach(where + text_of(id) + " kills whatever host it is on");
    ++good;
  }
  bool cut_off = event.text.size() + 20 >= limits::reason_bytes_max;
  if (good < limits::black_hole_streak && !cut_off)
    breach(where + "the evidence names only " + std::to_string(good) + " builds");
  verdicts_.push_back({host, engine_.now(), named, false});
  quarantined_.insert(host);
  streaks_.erase(host);
  quarantine_due_.erase(host);
}

} // namespace drover::sim
