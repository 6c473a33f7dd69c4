// SPDX-License-Identifier: Apache-2.0
#include "actors/host_agent.hpp"

#include "actors/core/backoff.hpp"
#include "actors/spool.hpp"
#include "actors/step.hpp"
#include "actors/workspace.hpp"
#include "schema/limits.hpp"
#include "schema/names.hpp"

#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <iterator>

namespace drover {

namespace {

constexpr auto agent_name = "host_agent";

template <class Handle>
void end(const Handle& actor) {
  if (actor)
    caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
}

std::string text_of(const caf::error& reason) {
  return printable(caf::to_string(reason), 200);
}

} // namespace

// -- life of the agent ---------------------------------------------------------------------------

void host_agent_state::start(host_settings given, census_actor process_census) {
  settings = std::move(given);
  census = std::move(process_census);
  random.seed(settings.seed);
  self->monitor(census);
  spawn_spool();
  spawn_workspace();
  for (const auto& found : settings.spool->list())
    if (!found.confirmed)
      hold(found.work);
  spdlog::info("host={} adopted {} attempts", settings.self.host.value, attempts.size());
  try_to_connect();
}

host_agent_state::~host_agent_state() {
  for (auto& [_, held] : attempts)
    end(held.actor);
  end(workspace);
  end(spool);
  if (session)
    end(session->link);
}

// -- the link ------------------------------------------------------------------------------------

void host_agent_state::try_to_connect() {
  phase = link_phase::trying;
  auto greeting = settings.self;
  greeting.known = known();
  timer.arm(self, limits::connect_patience);
  settings.connect(greeting, host_agent_actor{self});
}

void host_agent_state::connect(const connected& news) {
  if (session && session->link != news.link) {
    self->demonitor(session->link.address());
    end(session->link);
  }
  self->monitor(news.link);
  session = news;
  phase = link_phase::online;
  beats_sent = 0;
  beats_answered = 0;
  beat_times.clear();
  spdlog::info("host={} connected session={} epoch={}", settings.self.host.value,
               news.answer.session.value, news.answer.coordinator.counter);
  activity.did("connected", self->clock().now());
  self->send(census, enlistment{"farm_link", "farm_link", agent_name, news.link});
  to_all(news);
  beat_once();
}

void host_agent_state::failed_to_connect(const not_connected& news) {
  if (phase == link_phase::online) {
    if (self->current_sender() == session->link)
      lost(news.reason);
    return; // an earlier try that failed late
  }
  if (phase == link_phase::waiting)
    return;
  phase = link_phase::waiting;
  ++failures;
  auto wait = core::backoff(failures, limits::reconnect_first, limits::reconnect_max, random());
  spdlog::info("host={} not connected, next try in {} ms: {}", settings.self.host.value,
               wait.count(), news.reason);
  activity.did("failed to connect: " + news.reason, self->clock().now());
  timer.arm(self, wait);
}

void host_agent_state::lost(const std::string& reason) {
  if (!session)
    return;
  self->demonitor(session->link.address());
  end(session->link);
  session.reset();
  to_all(not_connected{reason});
  phase = link_phase::trying;
  failed_to_connect({reason});
}

bool host_agent_state::from_present_link() const {
  const auto& sender = self->current_sender();
  return session && (!sender || sender == session->link);
}

void host_agent_state::tick() {
  if (phase == link_phase::waiting)
    return try_to_connect();
  if (phase == link_phase::trying)
    return failed_to_connect({"no answer to the try to connect"});
  if (beats_sent - beats_answered >= limits::beats_unanswered_max)
    return lost("the coordinator did not answer " + std::to_string(beats_sent - beats_answered)
                + " beats");
  beat_once();
}

void host_agent_state::beat_once() {
  self->send(session->link, host_message{beat{++beats_sent, now_ms(), known()}});
  beat_times[beats_sent] = now_ms(); // bounded: the link is lost after some unanswered ones
  timer.arm(self, std::max(session->answer.beat_every, limits::beat_interval_min));
}

void host_agent_state::on(const beat_answer& news) {
  if (news.sequence > beats_sent)
    return;
  beats_answered = std::max(beats_answered, news.sequence);
  failures = 0; // only a link that carries beats both ways ends the backoff
  auto sent = beat_times.find(news.sequence);
  if (sent == beat_times.end())
    return;
  renew_leases(sent->second);
  beat_times.erase(beat_times.begin(), std::next(sent));
}

/// Leases count from when the answered beat was sent; keepers end their steps by themselves when
/// theirs is over. One is written anew only when a good part of it has passed.
void host_agent_state::renew_leases(int64_t sent_ms) {
  for (auto& [token, held] : attempts) {
    auto span = limits::orphan_time;
    if (held.work.step.exclusive)
      span = std::max(session->answer.lease - limits::kill_grace, session->answer.lease / 2);
    auto until = sent_ms + span.count();
    if (until - held.leased_until_ms < span.count() / limits::lease_renewals)
      continue;
    held.leased_until_ms = until;
    settings.spool->renew_lease(token, milliseconds{until - now_ms()});
  }
}

std::vector<known_attempt> host_agent_state::known() const {
  std::vector<known_attempt> result;
  for (const auto& [token, held] : attempts) {
    known_attempt one{token, known_state::preparing, settings.spool->log_size(token)};
    if (settings.spool->exit_of(token))
      one.state = known_state::ended;
    else if (auto found = settings.spool->find(token); found && found->keeper_alive)
      one.state = known_state::running;
    result.push_back(one);
  }
  return result;
}

// -- what the coordinator says -------------------------------------------------------------------

void host_agent_state::hear(const farm_message& message) {
  if (!from_present_link())
    return; // the last words of a link that was given up
  std::visit([this](const auto& news) { on(news); }, message);
}

void host_agent_state::on(const assignment& work) {
  if (attempts.contains(work.token))
    return;
  if (auto found = settings.spool->find(work.token); found && found->confirmed)
    return;
  if (attempts.size() >= limits::known_attempts_max)
    return refuse(work, "this host holds " + std::to_string(attempts.size()) + " attempts already");
  if (auto problem = settings.spool->enter(work))
    return refuse(work, "the attempt can't be kept on this host: " + problem->text);
  activity.did("took attempt " + to_string(work.token.attempt), self->clock().now());
  hold(work);
}

void host_agent_state::refuse(const assignment& work, const std::string& reason) {
  spdlog::warn("attempt={} refused: {}", to_string(work.token.attempt), reason);
  attempt_ended news;
  news.token = work.token;
  news.outcome = result::exception;
  news.reason = printable(reason, limits::reason_bytes_max);
  news.finished_at = settings.clock();
  self->send(session->link, host_message{std::move(news)}); // lost: the order comes again
}

void host_agent_state::on(const result_durable& news) {
  if (attempts.contains(news.token))
    to_step(news);
  else
    self->send(spool, news);
}

void host_agent_state::on(const census_ask& question) {
  self->request(census, limits::request_timeout, atom::describe::value)
    .then(
      [this, query = question.query](std::vector<actor_entry>& entries) {
        if (entries.size() > limits::census_entries_max)
          entries.resize(limits::census_entries_max);
        if (session)
          self->send(session->link, host_message{census_answer{query, std::move(entries)}});
      },
      [](const caf::error& problem) {
        spdlog::warn("the census did not answer: {}", text_of(problem));
      });
}

/// The process ends and its parent starts it again; keepers and steps go on meanwhile.
void host_agent_state::on(const restart_agent& order) {
  settings.fatal("restarts as ordered: " + order.reason);
}

// -- children ------------------------------------------------------------------------------------

void host_agent_state::hold(const assignment& work) {
  auto& held = attempts[work.token];
  held.work = work;
  spawn_step(held);
}

void host_agent_state::spawn_step(held_attempt& held) {
  step_setup setup{held.work, settings, host_agent_actor{self}, workspace, spool};
  held.actor = self->spawn(drover::step, std::move(setup));
  self->monitor(held.actor);
  steps[held.actor.address()] = held.work.token;
  self->send(census, enlistment{"step " + to_string(held.work.token.attempt), "step", agent_name,
                                held.actor});
  if (session)
    self->send(held.actor, *session);
}

void host_agent_state::spawn_spool() {
  spool = self->spawn(drover::spool, settings.spool, settings.clock);
  self->monitor(spool);
  self->send(census, enlistment{"spool", "spool", agent_name, spool});
}

void host_agent_state::spawn_workspace() {
  workspace = settings.blocking == blocking_actors::own_thread
                ? self->spawn<caf::detached>(drover::workspace, settings.workspaces, census)
                : self->spawn(drover::workspace, settings.workspaces, census);
  self->monitor(workspace);
  self->send(census, enlistment{"workspace", "workspace", agent_name, workspace});
  if (session)
    self->send(workspace, *session);
}

void host_agent_state::forget(const step_over& news) {
  auto found = attempts.find(news.token);
  if (found == attempts.end())
    return;
  activity.did("finished attempt " + to_string(news.token.attempt), self->clock().now());
  steps.erase(found->second.actor.address());
  attempts.erase(found);
}

void host_agent_state::gone(const caf::down_msg& down) {
  if (session && down.source == session->link.address())
    return lost("the link is gone: " + text_of(down.reason));
  if (auto found = steps.find(down.source); found != steps.end()) {
    auto token = found->second;
    steps.erase(found);
    return replace_step(token, down.reason);
  }
  if (down.source == workspace.address())
    return replace_workspace(down.reason);
  if (down.source == spool.address() && may_restart(spool_restarts, "spool"))
    return spawn_spool();
  if (down.source == census.address())
    settings.fatal("the census of actors died: " + text_of(down.reason));
}

void host_agent_state::replace_step(const grant_token& token, const caf::error& reason) {
  auto& held = attempts.at(token);
  spdlog::warn("attempt={} its step actor died, a new one adopts it: {}", to_string(token.attempt),
               text_of(reason));
  if (may_restart(held.restarts, "the step of attempt " + to_string(token.attempt)))
    spawn_step(held);
}

void host_agent_state::replace_workspace(const caf::error& reason) {
  spdlog::warn("the workspace actor died, a new one takes over: {}", text_of(reason));
  if (!may_restart(workspace_restarts, "workspace"))
    return;
  spawn_workspace();
  // Steps may wait for an answer that the dead one owed them. Once they are gone, their successors
  // adopt and ask the new one.
  for (auto& [_, held] : attempts)
    caf::anon_send_exit(held.actor, caf::exit_reason::kill);
}

bool host_agent_state::may_restart(core::restart_history& history, const std::string& who) {
  core::restart_budget budget{limits::actor_restarts_max, limits::actor_restart_period};
  if (core::spend(history, budget, now_ms()))
    return true;
  settings.fatal(who + " died more than " + std::to_string(limits::actor_restarts_max)
                 + " times in " + std::to_string(limits::actor_restart_period.count() / 1000)
                 + " s");
  return false;
}

// -- census --------------------------------------------------------------------------------------

int64_t host_agent_state::now_ms() const {
  auto since = self->clock().now().time_since_epoch();
  return std::chrono::duration_cast<milliseconds>(since).count();
}

actor_entry host_agent_state::describe() const {
  std::string state = phase == link_phase::online   ? "connected"
                      : phase == link_phase::trying ? "trying to connect"
                                                    : "waiting to connect again";
  state += ", " + std::to_string(attempts.size()) + " attempts";
  return describe_as("host_agent", agent_name, std::move(state),
                     activity.told(self->clock().now()));
}

host_agent_actor::behavior_type host_agent(host_agent_state::pointer self, host_settings settings,
                                           census_actor census) {
  self->set_down_handler([self](const caf::down_msg& down) { self->state.gone(down); });
  self->state.start(std::move(settings), std::move(census));
  return {
    [self](const connected& news) { self->state.connect(news); },
    [self](const not_connected& news) { self->state.failed_to_connect(news); },
    [self](const farm_message& message) { self->state.hear(message); },
    [self](const step_over& news) { self->state.forget(news); },
    [self](atom::tick) {
      if (self->state.timer.due(self))
        self->state.tick();
    },
    [self](atom::describe) { return self->state.describe(); },
  };
}

} // namespace drover
