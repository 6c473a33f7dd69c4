// SPDX-License-Identifier: Apache-2.0
#include "actors/coordinator.hpp"

#include "actors/core/events.hpp"
#include "actors/core/explain/ending.hpp"
#include "actors/core/hedge.hpp"
#include "actors/core/params.hpp"
#include "schema/limits.hpp"
#include "schema/limits_blame.hpp"
#include "schema/names.hpp"
#include "storage/tables.hpp"

#include <caf/actor_clock.hpp>
#include <spdlog/spdlog.h>

namespace drover {

coordinator_state::~coordinator_state() {
  // Children go with their parent: nobody else would end them.
  for (const auto& [id, build] : active)
    caf::anon_send_exit(build.actor, caf::exit_reason::kill);
  for (const auto& [id, member] : herd)
    caf::anon_send_exit(member.supervisor, caf::exit_reason::kill);
  for (const auto& [id, watcher] : sources)
    caf::anon_send_exit(watcher, caf::exit_reason::kill);
}

// -- start ---------------------------------------------------------------------------------------

void coordinator_state::recover(const recovered_state& found) {
  watch_services();
  last_build = found.last_build;
  last_campaign = found.last_campaign;
  last_change = found.last_change;
  for (const auto& record : found.hosts)
    add_host(record);
  for (const auto& spec : settings.config.hosts) {
    host_record record;
    record.name = {spec.name};
    if (!herd.contains(record.name))
      add_host(record);
  }
  for (const auto& file : found.active) {
    auto id = file.build.id;
    count_in(file.build);
    if (file.build.placement == 0) {
      queued[id] = file;
      queue[id] = core::to_queue_entry(file);
      continue;
    }
    bool placed_now = file.build.state == build_state::running;
    if (placed_now && !herd.contains(file.build.host)) {
      host_record record;
      record.name = file.build.host;
      add_host(record);
    }
    take_seats(file);
  }
  adopt_canaries(found.active);
  spdlog::info("farm recovered hosts={} queued={} active={}", herd.size(), queued.size(),
               active.size());
  begin_generation(found.config);
  tell_missed_ends(found.last_event);
  judge_missed_at = self->clock().now() + limits::blame_recovery_after;
  spawn_sources();
  schedule_plan();
}

coordinator_state::herd_member& coordinator_state::add_host(const host_record& record) {
  auto& member = herd[record.name];
  supervisor_context context{
    settings.now,      settings.clock,     services.census,         services.recorder,
    services.log_sink, services.artifacts, coordinator_actor{self}, services.cache,
    settings.store};
  member.supervisor = self->spawn<caf::monitored>(host_supervisor, context, record);
  member.view.record = record;
  member.stage = {record.stage, record.stage_note};
  if (record.stage == host_stage::probation)
    healing.trials.try_emplace(record.name);
  member.view.state = host_state::joining;
  member.view.reason =
    record.first_seen.ms == 0 ? "has not joined yet" : "not back yet since the coordinator started";
  label_host(record.name, member);
  self->send(services.census, enlistment{"host_supervisor/" + record.name.value, "host_supervisor",
                                         name, member.supervisor});
  return member;
}

build_actor coordinator_state::spawn_build(const build_file& file,
                                           const host_supervisor_actor& host) {
  build_context context{
    settings.now,      settings.clock,          services.recorder,
    services.log_sink, coordinator_actor{self}, settings.config.limits.artifacts_per_build};
  auto seat = core::open_hedge(file);
  auto second = seat ? herd.find(seat->host) : herd.end();
  build_seats seats{host, {}};
  if (second != herd.end())
    seats.hedge = second->second.supervisor;
  auto spawned = self->spawn<caf::monitored>(build, context, file, seats);
  self->send(services.census,
             enlistment{"build/" + to_string(file.build.id), "build", name, spawned});
  return spawned;
}

// -- people --------------------------------------------------------------------------------------

caf::result<expected<submitted>> coordinator_state::submit(submission request) {
  if (auto problem = no_room())
    return expected<submitted>{*problem};
  if (auto problem = complete_orders(request))
    return expected<submitted>{*problem};
  std::vector<core::order> orders;
  for (const auto& order : request.orders)
    orders.push_back({order.builder, order.source});
  auto plan = core::plan_submission(settings.config, offers(), orders, request.host);
  if (!plan)
    return expected<submitted>{plan.error()};
  for (const auto& cell : plan->cells)
    if (auto problem = core::params_problem(*cell.builder, request.params))
      return expected<submitted>{*problem};
  storage::write_batch batch;
  std::vector<build_file> made;
  auto answer = make_builds(*plan, request, batch, made);
  auto promise = self->make_response_promise<expected<submitted>>();
  self
    ->request(services.recorder, caf::infinite, std::move(batch)) // its silence is fatal anyway
    .then([this, promise, answer, made = std::move(made)](recorded) mutable {
      spdlog::info("submitted builds={} campaign={}", made.size(), answer.campaign.value);
      enqueue(std::move(made));
      promise.deliver(expected<submitted>{answer});
    });
  return promise;
}

std::optional<failure> coordinator_state::no_room() const {
  auto left = room_of(settings);
  if (core::judge(left) == core::room_level::plenty)
    return std::nullopt;
  return failure{ec::unavailable, core::room_sentence(left)};
}

submitted coordinator_state::make_builds(const core::submission_plan& plan,
                                         const submission& request, storage::write_batch& batch,
                                         std::vector<build_file>& made) {
  submitted answer;
  campaign_record campaign;
  if (plan.is_campaign) {
    campaign.id = answer.campaign = {++last_campaign.value};
    std::vector<core::order> orders;
    for (const auto& order : request.orders)
      orders.push_back({order.builder, order.source});
    campaign.source = core::campaign_source(orders);
    campaign.requested_by = request.by;
    campaign.requested_because = request.because;
    campaign.created_at = settings.clock();
  }
  for (const auto& cell : plan.cells) {
    campaign_cell shown{cell.builder->name, cell.host, cell.host_class, {}, cell.hole};
    if (cell.hole.empty()) {
      auto file =
        core::make_build({++last_build.value}, *cell.builder, cell.source, settings.config.limits);
      if (!cell.class_condition.empty())
        file.recipe.requirement =
          (file.recipe.requirement.empty() ? "" : "(" + file.recipe.requirement + ") and ")
          + cell.class_condition;
      file.build.campaign = answer.campaign;
      file.build.params = core::params_of(*cell.builder, request.params);
      file.build.generation = generation;
      file.build.requested_by = request.by;
      file.build.requested_because = request.because;
      file.build.pinned = cell.host;
      file.build.created_at = settings.clock();
      shown.build = file.build.id;
      put_new_build(batch, file);
      answer.builds.push_back(file.build.id);
      made.push_back(std::move(file));
    }
    campaign.cells.push_back(std::move(shown));
  }
  if (plan.is_campaign) {
    storage::put_campaign(batch, campaign);
    batch.events.push_back(core::campaign_event(event_kind::campaign_created, campaign));
  }
  return answer;
}

void coordinator_state::put_new_build(storage::write_batch& batch, const build_file& made) {
  storage::put_build(batch, made.build);
  storage::put_recipe(batch, made.build.id, made.recipe);
  for (const auto& step : made.steps)
    storage::put_step(batch, made.build.id, step);
  for (auto& event : core::build_events({}, made, made.build.created_at))
    batch.events.push_back(std::move(event));
}

caf::result<expected<accepted>> coordinator_state::cancel(const cancel_build& request) {
  if (auto known = active.find(request.build); known != active.end())
    return self->delegate(known->second.actor, request);
  auto waiting = queued.find(request.build);
  if (waiting == queued.end()) {
    auto record = storage::read_build(*settings.store, request.build);
    if (record && *record)
      return expected<accepted>{
        failure{ec::conflict, "build " + to_string(request.build) + " is over already: "
                                + std::string{to_string((*record)->outcome)}}};
    return expected<accepted>{
      failure{ec::not_found, "there is no build " + to_string(request.build)}};
  }
  auto file = std::move(waiting->second);
  auto before = file;
  queued.erase(waiting);
  queue.erase(request.build);
  core::apply_cancel(file, core::cancel_phrase(request.by, request.reason));
  core::settle_skipped(file);
  auto end = core::decide_next(file);
  core::apply_finished(file, std::get<core::finish_build>(end), settings.clock());
  storage::write_batch batch;
  storage::put_build(batch, file.build);
  for (const auto& step : file.steps)
    storage::put_step(batch, file.build.id, step);
  batch.events = core::build_events(before, file, settings.clock());
  auto asked = core::about_build(event_kind::cancel_requested, file.build, settings.clock());
  asked.by = request.by;
  asked.text = file.build.cancel_reason;
  batch.events.insert(batch.events.begin(), asked);
  auto promise = self->make_response_promise<expected<accepted>>();
  self->request(services.recorder, caf::infinite, std::move(batch))
    .then([this, promise, id = request.build](recorded) mutable {
      on_over(id);
      promise.deliver(expected<accepted>{{"build " + to_string(id) + " is cancelled"}});
    });
  return promise;
}

std::vector<waiting_view> coordinator_state::waiting_reasons(const waiting_query& query) {
  refresh_reasons();
  std::vector<waiting_view> views;
  for (auto id : query.builds)
    if (auto known = reasons.find(id); known != reasons.end())
      views.push_back(known->second);
    else if (queue.contains(id))
      views.push_back({id, build_state::queued, "waits for the next look at the hosts", {}});
  return views;
}

void coordinator_state::expire_waiters() {
  self->delayed_send(self, limits::wait_granularity, atom::tick::value);
  auto at = self->clock().now();
  if (judge_missed_at && at >= *judge_missed_at)
    judge_missed();
  std::erase_if(waiters, [at](auto& waiting) {
    if (waiting.second.until > at)
      return false;
    auto promise = waiting.second.promise;
    promise.deliver(false);
    return true;
  });
}

// -- builds --------------------------------------------------------------------------------------

void coordinator_state::schedule_plan() {
  if (!std::exchange(plan_pending, true))
    self->send(self, atom::plan::value);
}

void coordinator_state::plan() {
  plan_pending = false;
  reasons_stale = true;
  advance_trials(); // their peers' slots are given away next
  // Each of thousands of hosts that join asks for a plan, and its offers are dear; each end of
  // thousands of steps asks as well, and the queue is long.
  if (queue.empty() || std::none_of(herd.begin(), herd.end(), [](const auto& each) {
        return has_room(each.second);
      }))
    return;
  auto waiting = waiting_entries();
  std::erase_if(waiting, [this](const auto* entry) { return waits_for_its_host(*entry); });
  if (waiting.empty())
    return;
  for (const auto& placement : core::place_builds(waiting, offers()))
    place(placement.build, placement.host);
}

/// Reasons are made when somebody asks: a long queue has many, and they change with every slot.
void coordinator_state::refresh_reasons() {
  if (!std::exchange(reasons_stale, false))
    return;
  reasons.clear();
  for (auto& view : core::make_plan(waiting_entries(), offers()).rest)
    reasons.emplace(view.build, std::move(view));
}

void coordinator_state::place(build_id id, const host_name& host) {
  auto& member = herd.at(host);
  queue.erase(id);
  if (auto fresh = queued.find(id); fresh != queued.end()) {
    active[id].actor = spawn_build(fresh->second, host_supervisor_actor{});
    active[id].has_tests = core::has_tests(fresh->second.recipe);
    queued.erase(fresh);
  }
  auto& build = active.at(id);
  build.host = host;
  build.placement = ++build.last_placement; // as the build counts it
  ++member.used;
  keep_facts(id, build.placement, member);
  self->send(build.actor, placed{host, member.supervisor});
}

void coordinator_state::release(active_build& build) {
  if (auto member = herd.find(build.host); member != herd.end() && member->second.used > 0)
    --member->second.used;
  build.host = {};
}

void coordinator_state::on_over(build_id id) {
  bool has_tests = true;
  if (auto known = active.find(id); known != active.end()) {
    has_tests = known->second.has_tests;
    release(known->second);
    release_hedge(known->second);
    active.erase(known);
  }
  queue.erase(id);
  judge_end(id);
  reasons.erase(id);
  count_out(id);
  auto [first, last] = waiters.equal_range(id);
  for (auto waiting = first; waiting != last; ++waiting)
    waiting->second.promise.deliver(true);
  waiters.erase(first, last);
  schedule_plan();
  if (!has_tests)
    return analysed(id);
  self
    ->request(services.analyst, caf::infinite, analyse_tests{id}) // it lives as long as we do
    .then([this, id](tests_analysed) { analysed(id); });
}

void coordinator_state::on_homeless(const build_homeless& request) {
  auto id = request.file.build.id;
  auto known = active.find(id);
  if (known == active.end() || known->second.placement > request.file.build.placement)
    return; // it was placed meanwhile, and is about to hear of it
  release(known->second);
  release_hedge(known->second);
  known->second.placement = request.file.build.placement;
  known->second.last_placement = core::last_placement(request.file);
  queue[id] = core::to_queue_entry(request.file);
  if (!hold_back(id))
    schedule_plan();
}

coordinator_actor::behavior_type coordinator(coordinator_state::pointer self,
                                             const farm_settings& settings,
                                             const farm_services& services,
                                             const recovered_state& found) {
  auto& state = self->state;
  state.settings = settings;
  state.services = services;
  self->set_down_handler([self](const caf::down_msg& down) { self->state.child_down(down); });
  state.recover(found);
  state.expire_waiters();
  return {
    [self](const submission& request) { return self->state.submit(request); },
    [self](const cancel_build& request) { return self->state.cancel(request); },
    [self](const retry_build& request) { return self->state.retry(request); },
    [self](const host_order& request) { return self->state.order_host(request); },
    [self](const reload_config& request) { return self->state.reload(request); },
    [self](const config_query&) { return self->state.live; },
    [self](const look_now& request) { return self->state.look(request); },
    [self](const change_found& news) { return self->state.take_change(news); },
    [self](const hosts_query&) { return self->state.hosts(); },
    [self](const waiting_query& query) { return self->state.waiting_reasons(query); },
    [self](const actors_query&) { return self->state.actors(); },
    [self](const over_query& query) { return self->state.wait_until_over(query); },
    [self](const arrival& request) { self->state.arrive(request); },
    [self](const host_news& news) { self->state.on_news(news); },
    [self](const host_name&, const attempt_started& said) {
      self->state.route(said.token.attempt.build, said);
    },
    [self](const host_name&, const attempt_ended& said) { self->state.on_foreign_end(said); },
    [self](const attempt_lost& said) { self->state.on_lost(said); },
    [self](const stray_attempt& stray) { self->state.on_stray(stray); },
    [self](const host_name&, const build_closed& said) { self->state.route(said.build, said); },
    [self](const build_over& said) { self->state.on_over(said.build); },
    [self](const build_homeless& request) { self->state.on_homeless(request); },
    [self](const hedge_over& said) { self->state.on_hedge_over(said); },
    [self](const command_over& said) { self->state.on_command_over(said); },
    [self](atom::plan) { self->state.plan(); },
    [self](atom::tick) {
      self->state.expire_waiters();
      self->state.look_at_herd();
    },
    [self](atom::describe) { return self->state.describe(); },
  };
}

} // namespace drover
