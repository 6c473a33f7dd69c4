// SPDX-License-Identifier: Apache-2.0
#include "actors/host_agent.hpp"

#include "actors/core/backoff.hpp"
#include "schema/limits.hpp"
#include "schema/names.hpp"

#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <iterator>

namespace drover {

namespace {

template <class Handle>
void end(const Handle& actor) {
  if (actor)
    caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
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
  spawn_cache();
  for (const auto& found : settings.spool->list())
    if (found.confirmed)
      note_outcome(found.work);
    else
      hold(found.work);
  spdlog::info("host={} adopted {} attempts", settings.self.host.value, attempts.size());
  trouble = settings.trouble;
  try_to_connect();
}

host_agent_state::~host_agent_state() {
  for (auto& [_, held] : attempts)
    end(held.actor);
  end(workspace);
  end(cache);
  end(spool);
  if (session)
    end(session->link);
}

// -- the link ------------------------------------------------------------------------------------

void host_agent_state::try_to_connect() {
  phase = link_phase::trying;
  timer.arm(self, limits::connect_patience);
  facts_told = settings.self.facts;
  settings.connect(greeting(), host_agent_actor{self});
}

hello host_agent_state::greeting() const {
  auto said = settings.self;
  said.known = known();
  said.workspaces = settings.workspaces->held();
  return said;
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
  self->send(census, enlistment{"farm_link", "farm_link", name, news.link});
  to_all(news);
  if (!trouble.empty()) // before any work can come
    self->send(news.link, host_message{host_news_told{settings.self.facts, trouble}});
  beat_once();
  tell_facts(); // some may have come while it connected
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
  look_at_health();
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

/// Said again while the link lasts: the herd has grown, and its hosts beat slower.
void host_agent_state::on(const welcome& news) {
  if (!session || news.coordinator != session->answer.coordinator
      || news.session != session->answer.session)
    return;
  spdlog::info("host={} beats every {} ms from now on", settings.self.host.value,
               news.beat_every.count());
  session->answer = news;
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
  // Its result is durable, it was said, and still it is ordered: the coordinator's store was put
  // back to an earlier day. The step tells it once more, out of the spool; it does not run again.
  if (auto found = settings.spool->find(work.token); found && found->confirmed) {
    spdlog::info("attempt={} is told once more", to_string(work.token.attempt));
    return hold(found->work);
  }
  if (attempts.size() >= limits::known_attempts_max)
    return refuse(work, "this host holds " + std::to_string(attempts.size()) + " attempts already");
  if (auto problem = settings.spool->enter(work)) {
    take_health({"it can't keep attempts: " + problem->text}); // told first: no more of them
    return refuse(work, "the attempt can't be kept on this host: " + problem->text);
  }
  activity.did("took attempt " + to_string(work.token.attempt), self->clock().now());
  hold(work);
  // Its keeper starts with a lease that ends no earlier.
  if (!work.step.exclusive)
    attempts.at(work.token).leased_until_ms = now_ms() + limits::orphan_time.count();
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
  auto found = attempts.find(news.token);
  if (found == attempts.end())
    return self->send(spool, news);
  note_outcome(found->second.work);
  to_step(news);
}

/// Remembers whether the step has failed in this stay of its build, as its last attempt says.
void host_agent_state::note_outcome(const assignment& work) {
  auto account = settings.spool->exit_of(work.token);
  if (!account || work.step.warn_only)
    return;
  workspace_id where{work.token.attempt.build, work.placement};
  auto step = work.token.attempt.step;
  if (account->outcome == result::failure || account->outcome == result::timeout) {
    if (failed.size() >= limits::known_attempts_max)
      failed.erase(failed.begin()); // the oldest; it was never closed
    auto& stay = failed[where];
    stay.builder = work.builder;
    stay.steps[step] = "step " + work.step.name + ": " + account->reason;
  } else if (auto stay = failed.find(where); stay != failed.end()) {
    stay->second.steps.erase(step);
    if (stay->second.steps.empty())
      failed.erase(stay);
  }
}

void host_agent_state::on(const close_build& order) {
  end_workspace end{order, {}, {}};
  // A repeated order finds it again, should the workspace's actor have died of the first one.
  auto stay = failed.find({order.build, order.placement});
  if (stay != failed.end() && order.keep_artifacts) {
    end.builder = stay->second.builder;
    end.failed = "build " + to_string(order.build) + ", " + stay->second.steps.begin()->second;
  }
  self->send(workspace, std::move(end));
}

void host_agent_state::take_facts(const disk_news& news) {
  for (const auto& [fact, value] : news.facts)
    if (value.empty())
      settings.self.facts.erase(fact);
    else
      settings.self.facts[fact] = value;
  tell_facts();
}

void host_agent_state::tell_facts() {
  if (!session || settings.self.facts == facts_told)
    return;
  facts_told = settings.self.facts;
  self->send(session->link, host_message{greeting()});
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
        spdlog::warn("the census did not answer: {}", printable(caf::to_string(problem), 200));
      });
}

/// The process ends and its parent starts it again; keepers and steps go on meanwhile.
void host_agent_state::on(const restart_agent& order) {
  auto why = "restarts as ordered: " + order.reason;
  if (settings.restart)
    settings.restart(why);
  else
    settings.fatal(why);
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
  return describe_as("host_agent", name, std::move(state), activity.told(self->clock().now()));
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
    [self](const disk_news& news) { self->state.take_facts(news); },
    [self](const health_news& news) { self->state.take_health(news); },
    [self](atom::tick) {
      if (self->state.timer.due(self))
        self->state.tick();
    },
    [self](atom::describe) { return self->state.describe(); },
  };
}

} // namespace drover
