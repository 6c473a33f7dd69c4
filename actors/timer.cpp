// SPDX-License-Identifier: Apache-2.0
#include "actors/timer.hpp"

#include "schema/limits.hpp"
#include "schema/limits_timer.hpp"
#include "schema/names.hpp"
#include "storage/tables.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>

namespace drover {

namespace {

constexpr auto slot_key = "slot";
constexpr auto schedule_key = "schedule";

std::optional<wall_time> slot_of(const source_status& status) {
  auto found = status.cursor.find(slot_key);
  wall_time slot;
  if (found == status.cursor.end())
    return std::nullopt;
  const auto& text = found->second;
  auto read = std::from_chars(text.data(), text.data() + text.size(), slot.ms);
  return read.ec == std::errc{} ? std::optional{slot} : std::nullopt;
}

} // namespace

std::string timer_state::schedule_text() const {
  return spec.cron + (spec.zone.empty() ? "" : " " + spec.zone);
}

void timer_state::start() {
  auto known = slot_of(status);
  auto of = status.cursor.find(schedule_key);
  bool same = of != status.cursor.end() && of->second == schedule_text();
  last = known && same ? *known : farm.clock();
  if (!known || !same) { // times from now on are owed, whatever happens
    status.next_look = next_slot(schedule, zone, last).value_or(wall_time{});
    write_status();
  }
  timer.arm(self, limits::timer_look_every / 10);
}

void timer_state::tick() {
  if (!timer.due(self) || running || !obstacle.empty())
    return;
  auto decision = core::decide_timer(schedule, zone, last, farm.clock());
  if (decision.run)
    return run(decision);
  if (decision.last) {
    spdlog::warn("timer={} time={} not run: it passed too long ago", spec.name,
                 to_string(*decision.last));
    last = *decision.last;
    write_status();
  }
  wait(decision);
}

/// The wall clock may be set meanwhile: it is looked at again and again.
void timer_state::wait(const core::timer_decision& decision) {
  auto next = decision.next.value_or(wall_time{});
  if (status.next_look != next) {
    status.next_look = next;
    write_status();
  }
  auto left =
    decision.next ? milliseconds{decision.next->ms - farm.clock().ms} : limits::timer_look_every;
  timer.arm(self, std::clamp(left, milliseconds{1}, limits::timer_look_every));
}

void timer_state::run(const core::timer_decision& decision) {
  auto slot = *decision.run;
  change_record change;
  change.source = spec.name;
  change.identity = to_string(slot);
  change.title = "its time, " + to_string(slot);
  change.made_at = slot;
  change.seen_at = farm.clock();
  change.note = core::timer_note(decision, farm.clock());
  status.last_look = farm.clock();
  if (!spec.of.empty()) {
    auto newest = storage::list_changes(*farm.store, {}, 1, spec.of);
    if (!newest || newest->empty())
      return done(slot,
                  newest ? "source " + spec.of + " has had no change yet" : newest.error().text);
    const auto& of = newest->front();
    auto before = storage::list_changes(*farm.store, {}, 1, spec.name);
    bool again = before && !before->empty() && before->front().ref == of.ref;
    if (spec.only_changed && again) {
      spdlog::info("timer={} time={} not run: nothing new", spec.name, change.identity);
      return done(slot, {});
    }
    change.ref = of.ref;
    change.branch = of.branch;
    change.author = of.author;
    change.title = of.title;
  }
  running = true;
  self
    ->request(farm.coordinator, caf::infinite, change_found{change}) // same process
    .then([this, slot](const expected<submitted>& answer) {
      running = false;
      done(slot, answer ? std::string{} : answer.error().text);
    });
}

void timer_state::done(wall_time slot, const std::string& error) {
  last = slot;
  status.last_error = printable(error, limits::reason_bytes_max);
  if (error.empty())
    status.last_success = farm.clock();
  else
    spdlog::warn("timer={} time={} not built: {}", spec.name, to_string(slot), status.last_error);
  auto decision = core::decide_timer(schedule, zone, last, farm.clock());
  status.next_look = decision.next.value_or(wall_time{});
  write_status();
  wait(decision);
}

void timer_state::write_status() {
  status.cursor[slot_key] = std::to_string(last.ms);
  status.cursor[schedule_key] = schedule_text();
  storage::write_batch batch;
  storage::put_source_status(batch, status);
  self->request(farm.recorder, caf::infinite, std::move(batch)).then([](recorded) {});
}

caf::result<expected<accepted>> timer_state::look_now_for() {
  if (!obstacle.empty())
    return expected<accepted>{failure{ec::conflict, obstacle}};
  return expected<accepted>{{"source " + spec.name + " is a timer: it builds at "
                             + to_string(status.next_look) + "; `drover submit` builds now"}};
}

actor_entry timer_state::describe() const {
  auto state = !obstacle.empty() ? obstacle
               : running         ? std::string{"hands a change to the coordinator"}
                                 : "waits until " + to_string(status.next_look);
  return describe_as("source", "source/" + spec.name, state,
                     "last time " + to_string(status.last_look));
}

source_actor::behavior_type timer(timer_state::pointer self, const source_context& farm,
                                  const zone_opener& zones, const source_spec& spec,
                                  const source_status& status) {
  auto& state = self->state;
  state.farm = farm;
  state.spec = spec;
  state.status = status;
  auto schedule = parse_cron(spec.cron);
  auto zone = zones ? zones(spec.zone) : expected<zone_clock>{utc_clock()};
  if (const auto* wrong = std::get_if<cron_error>(&schedule))
    state.obstacle = "cron " + wrong->message;
  else if (!zone)
    state.obstacle = "zone " + zone.error().text;
  if (state.obstacle.empty()) {
    state.schedule = std::get<cron_schedule>(schedule);
    state.zone = *zone;
    state.start();
  } else {
    spdlog::error("timer={} can't run: {}", spec.name, state.obstacle);
  }
  return {
    [self](const look_now&) { return self->state.look_now_for(); },
    [self](atom::tick) { self->state.tick(); },
    [self](atom::describe) { return self->state.describe(); },
  };
}

} // namespace drover
