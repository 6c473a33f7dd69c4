// SPDX-License-Identifier: Apache-2.0
#include "actors/reporter.hpp"

#include "actors/core/explain/words.hpp"
#include "actors/core/notices.hpp"
#include "schema/limits_notices.hpp"
#include "schema/names.hpp"
#include "storage/notices.hpp"

#include <spdlog/spdlog.h>

namespace drover {

namespace {

core::tried as_tried(notice_delivery::verdict how) {
  switch (how) {
  case notice_delivery::verdict::delivered:
    return core::tried::delivered;
  case notice_delivery::verdict::later:
    return core::tried::later;
  case notice_delivery::verdict::never:
    break;
  }
  return core::tried::never;
}

event_record failed_event(const notice_record& notice, wall_time at) {
  event_record event;
  event.kind = event_kind::notice_failed;
  event.at = at;
  event.build = notice.build;
  event.campaign = notice.campaign;
  event.builder = notice.builder;
  event.host = notice.host;
  event.text = core::one_line("notice " + std::to_string(notice.id) + " of " + notice.reporter
                              + " was not delivered: " + notice.last_error);
  return event;
}

} // namespace

void reporter_state::look(bool now) {
  if (now) {
    auto all = storage::waiting_notices(*farm.store, spec.name, limits::notices_looked_max);
    for (size_t i = 0; all && i < all->size(); ++i)
      impatient.insert((*all)[i].id);
  }
  work();
}

void reporter_state::work() {
  if (marking)
    return;
  next_try = {};
  auto all = storage::waiting_notices(*farm.store, spec.name, limits::notices_looked_max);
  if (!all) {
    trouble = "what waits can't be read: " + all.error().text;
    spdlog::error("reporter={} {}", spec.name, trouble);
    timer.arm(self, limits::notice_retry_max);
    return;
  }
  waiting = all->size();
  for (auto& notice : *all)
    if (impatient.contains(notice.id))
      notice.next_try = {};
  auto choice = core::choose_delivery(*all, farm.clock());
  if (choice.notice)
    return deliver((*all)[*choice.notice]);
  impatient.clear();
  if (choice.wait) {
    next_try = {farm.clock().ms + choice.wait->count()};
    timer.arm(self, *choice.wait);
  }
}

void reporter_state::deliver(const notice_record& notice) {
  auto title = "notice " + std::to_string(notice.id);
  self->send(farm.census, actor_note{own_name(), "delivers " + title + " by " + spec.kind});
  impatient.erase(notice.id);
  notice_delivery done{notice_delivery::verdict::never,
                       "nothing of kind " + spec.kind + " can be delivered by this program"};
  if (farm.port)
    done = farm.port->deliver(spec, notice);
  auto problem = printable(done.problem, limits::reason_bytes_max);
  auto after = core::after_try(notice, as_tried(done.how), problem, farm.clock(), random());
  trouble = done.how == notice_delivery::verdict::delivered ? std::string{} : problem;
  activity.did((trouble.empty() ? "delivered " : "could not deliver ") + title,
               self->clock().now());
  if (trouble.empty())
    spdlog::info("reporter={} notice={} delivered try={}", spec.name, notice.id, after.tries);
  else
    spdlog::warn("reporter={} notice={} state={} try={} problem=\"{}\"", spec.name, notice.id,
                 to_string(after.state), after.tries, problem);
  mark(after);
}

/// The next try waits for the mark: what was delivered is known to be before anything else is.
void reporter_state::mark(const notice_record& notice) {
  marking = true;
  storage::write_batch batch;
  storage::put_notice(batch, notice);
  if (notice.state == notice_state::failed)
    batch.events.push_back(failed_event(notice, farm.clock()));
  self
    ->request(farm.recorder, caf::infinite, std::move(batch)) // its silence is fatal anyway
    .then([this](recorded) {
      marking = false;
      timer.arm(self, milliseconds{0}); // by the mailbox: others are heard between two tries
    });
}

actor_entry reporter_state::describe() const {
  auto state = marking            ? "waits for the disk"
               : waiting == 0     ? "waits for notices"
               : next_try.ms != 0 ? "tries again at " + to_string(next_try) + ": " + trouble
                                  : "delivers " + core::counted(waiting, "notice");
  return describe_as(name, own_name(), core::one_line(state), activity.told(self->clock().now()));
}

reporter_actor::behavior_type reporter(reporter_state::pointer self,
                                       const reporter_context& context, const reporter_spec& spec) {
  auto& state = self->state;
  state.farm = context;
  state.spec = spec;
  state.random.seed(context.seed);
  state.timer.arm(self, milliseconds{0});
  return {
    [self](const reporter_spec& changed) {
      self->state.spec = changed;
      self->state.look(true); // what did not work may work now
    },
    [self](const notices_wait& news) { self->state.look(news.now); },
    [self](atom::tick) {
      if (self->state.timer.due(self))
        self->state.work();
    },
    [self](atom::describe) { return self->state.describe(); },
  };
}

} // namespace drover
