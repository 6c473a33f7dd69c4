// SPDX-License-Identifier: Apache-2.0
#include "actors/outbox.hpp"

#include "actors/core/explain/words.hpp"
#include "actors/reporter.hpp"
#include "schema/limits_notices.hpp"
#include "schema/names.hpp"
#include "storage/notices.hpp"
#include "storage/tables.hpp"

#include <caf/actor_system.hpp>
#include <caf/send.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>

namespace drover {

namespace {

/// Entries that may be news for people, or that change who hears them.
bool is_news(const event_record& event) {
  return event.kind == event_kind::build_finished || event.kind == event_kind::campaign_finished
         || event.kind == event_kind::config_loaded
         || core::judge_host(event) != core::judgement::none;
}

} // namespace

/// Reporters end with it: two of one name would deliver everything twice.
outbox_state::~outbox_state() {
  for (const auto& [name_of_one, actor] : reporters)
    caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
}

// -- the journal ---------------------------------------------------------------------------------

void outbox_state::start() {
  auto known = storage::read_outbox_mark(*farm.store);
  auto kept = storage::read_incidents(*farm.store);
  auto last = storage::last_event(*farm.store);
  if (!known || !kept || !last) {
    stopped = true;
    const auto& why = !known ? known.error() : !kept ? kept.error() : last.error();
    spdlog::error("outbox can't begin, nobody is told anything: {}", why.text);
    return;
  }
  for (auto& incident : *kept) {
    auto key = std::make_pair(incident.builder, incident.place);
    incidents[key] = std::move(incident);
  }
  mark = known->value_or(outbox_mark{*last, 0});
  written = mark.event;
  if (*known)
    return ask_config();
  storage::write_batch batch;
  storage::put_outbox_mark(batch, mark);
  self->request(farm.recorder, caf::infinite, std::move(batch)).then([this](recorded) {
    ask_config();
  });
}

void outbox_state::ask_config() {
  waits_for = "the configuration";
  self
    ->request(farm.coordinator, caf::infinite, config_query{}) // same process
    .then([this](const std::shared_ptr<const live_config>& live) {
      if (live)
        apply(live->config);
      arm();
      await_news();
    });
}

void outbox_state::await_news() {
  waits_for = "news in the journal";
  self->request(farm.recorder, caf::infinite, event_wait{mark.event, limits::outbox_patience})
    .then([this](uint64_t) { read_news(); });
}

void outbox_state::read_news() {
  size_t looked = 0;
  auto page = storage::read_events(*farm.store, mark.event, limits::outbox_events_max,
                                   limits::outbox_events_max, [&](const event_record& event) {
                                     ++looked;
                                     return is_news(event);
                                   });
  if (!page) {
    spdlog::error("outbox entry={} can't be read and is passed over: {}", mark.event + 1,
                  page.error().text);
    ++mark.event;
    return await_news();
  }
  if (page->events.empty())
    mark.event = std::max(mark.event, page->seen);
  take(page->events);
}

/// One entry that is told, then the disk, then the next: what is told is never ahead of the mark.
/// Most entries are told to nobody.
void outbox_state::take(const std::vector<event_record>& events) {
  for (const auto& event : events) {
    mark.event = event.sequence;
    if (event.kind == event_kind::config_loaded)
      return ask_config();
    auto batch = notices_of(event);
    if (batch.empty())
      continue;
    put_mark(batch);
    return finish_entry(std::move(batch));
  }
  finish_entry({});
}

/// What was only noted goes with the mark: entries behind it are not read again.
void outbox_state::put_mark(storage::write_batch& batch) {
  for (const auto& key : std::exchange(noted, {}))
    storage::put_incident(batch, incidents.at(key));
  storage::put_outbox_mark(batch, mark);
  written = mark.event;
}

void outbox_state::finish_entry(storage::write_batch batch) {
  if (batch.empty() && mark.event >= written + limits::outbox_mark_every)
    put_mark(batch);
  if (batch.empty())
    return await_news();
  waits_for = "the disk";
  self
    ->request(farm.recorder, caf::infinite, std::move(batch)) // its silence is fatal anyway
    .then([this](recorded) {
      wake(false);
      arm();
      await_news();
    });
}

/// What is no entry's: told by a timer, or asked for by a person.
void outbox_state::commit(storage::write_batch batch) {
  if (batch.empty())
    return;
  self->request(farm.recorder, caf::infinite, std::move(batch)).then([this](recorded) {
    wake(false);
  });
}

void outbox_state::tick() {
  if (!timer.due(self))
    return;
  for (const auto& spec : config.reporters)
    if (!reporters.contains(spec.name))
      spawn_reporter(spec);
  storage::write_batch batch;
  tell_due({}, batch);
  if (!batch.empty())
    storage::put_outbox_mark(batch, {written, mark.notice});
  commit(std::move(batch));
  arm();
}

void outbox_state::arm() {
  auto due = core::next_due(all_incidents());
  bool one_died = reporters.size() < config.reporters.size();
  if (due.ms == 0 && !one_died)
    return timer.disarm();
  milliseconds left{due.ms == 0 ? limits::notice_settle.count() : due.ms - farm.clock().ms};
  left = std::clamp(left, milliseconds{0}, limits::notice_settle);
  timer.arm(self, one_died ? std::min(left, limits::notice_retry_first) : left);
}

// -- people --------------------------------------------------------------------------------------

caf::result<expected<uint64_t>> outbox_state::test(const notice_test& request) {
  using answer = expected<uint64_t>;
  auto spec = std::find_if(config.reporters.begin(), config.reporters.end(),
                           [&](const reporter_spec& one) { return one.name == request.reporter; });
  if (stopped || spec == config.reporters.end())
    return answer{failure{ec::not_found, "there is no reporter '"
                                           + printable(request.reporter, limits::name_bytes_max)
                                           + "' in the configuration"}};
  announcement what;
  what.common.kind = notice_kind::test;
  what.common.made_at = farm.clock();
  what.common.thread = core::thread_name(config.farm, mark.notice + 1, farm.clock()) + "-test";
  storage::write_batch batch;
  make(
    *spec, what,
    [&](const core::notice_heading& heading) {
      return core::test_words(heading, request.reporter, request.by);
    },
    batch);
  if (batch.empty())
    return answer{failure{ec::conflict, "reporter " + request.reporter
                                          + " has no address of its own: its `to` names only the "
                                            "authors of changes"}};
  for (auto& event : batch.events)
    event.by = request.by;
  storage::put_outbox_mark(batch, {written, mark.notice});
  auto promise = self->make_response_promise<answer>();
  auto id = mark.notice;
  self->request(farm.recorder, caf::infinite, std::move(batch))
    .then([this, promise, id](recorded) mutable {
      wake(false);
      promise.deliver(answer{id});
    });
  return promise;
}

caf::result<expected<accepted>> outbox_state::retry(const notice_retry& request) {
  using answer = expected<accepted>;
  std::vector<notice_record> wanted;
  if (request.id == 0) {
    auto failed =
      storage::list_notices(*farm.store, 0, limits::notices_kept, [](const notice_record& notice) {
        return notice.state == notice_state::failed;
      });
    if (!failed)
      return answer{failed.error()};
    wanted = std::move(*failed);
  } else {
    auto notice = storage::read_notice(*farm.store, request.id);
    if (!notice)
      return answer{notice.error()};
    if (!*notice)
      return answer{failure{ec::not_found, "there is no notice " + std::to_string(request.id)}};
    wanted.push_back(std::move(**notice));
  }
  storage::write_batch batch;
  size_t taken = 0;
  for (auto& notice : wanted) {
    if (!reporters.contains(notice.reporter)) {
      if (request.id != 0)
        return answer{failure{ec::conflict, "reporter " + notice.reporter
                                              + " is not in the configuration any more"}};
      continue;
    }
    ++taken;
    if (notice.state == notice_state::waiting)
      continue; // its reporter writes it; it is told to hurry
    notice.state = notice_state::waiting;
    notice.tries = 0;
    notice.next_try = notice.done_at = {};
    storage::put_notice(batch, notice);
  }
  spdlog::info("outbox retry notices={} by={}", taken, request.by);
  auto promise = self->make_response_promise<answer>();
  auto text = core::counted(taken, "notice") + (taken == 1 ? " is" : " are") + " tried again";
  self->request(farm.recorder, caf::infinite, std::move(batch))
    .then([this, promise, text](recorded) mutable {
      wake(true);
      promise.deliver(answer{{text}});
    });
  return promise;
}

actor_entry outbox_state::describe() const {
  size_t open = 0;
  for (const auto& [key, incident] : incidents)
    open += incident.open ? 1 : 0;
  auto state = stopped ? "stopped: the store can't be read"
                       : "waits for " + waits_for + " after entry " + std::to_string(mark.event)
                           + ", " + core::counted(open, "open incident");
  return describe_as(name, name, state, activity.told(self->clock().now()));
}

// -- the actor -----------------------------------------------------------------------------------

outbox_actor::behavior_type outbox(outbox_state::pointer self, const outbox_context& context) {
  auto& state = self->state;
  state.farm = context;
  self->set_down_handler([self](const caf::down_msg& down) { self->state.child_down(down); });
  state.start();
  return {
    [self](const notice_test& request) { return self->state.test(request); },
    [self](const notice_retry& request) { return self->state.retry(request); },
    [self](atom::tick) { self->state.tick(); },
    [self](atom::describe) { return self->state.describe(); },
  };
}

outbox_actor spawn_outbox(caf::actor_system& system, const outbox_context& context) {
  auto actor = context.own_threads ? system.spawn<caf::detached>(outbox, context)
                                   : system.spawn(outbox, context);
  caf::anon_send(context.census, enlistment{"outbox", "outbox", "coordinator", actor});
  caf::actor_cast<caf::actor>(actor)->attach_functor([&system](const caf::error& reason) {
    if (reason != caf::exit_reason::user_shutdown)
      spdlog::error("outbox died, nobody is told anything until the coordinator starts again: {}",
                    system.render(reason));
  });
  return actor;
}

void stop_outbox(const outbox_actor& actor) {
  caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
}

} // namespace drover
