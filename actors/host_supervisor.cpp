// SPDX-License-Identifier: Apache-2.0
#include "actors/host_supervisor.hpp"

#include "schema/limits.hpp"
#include "schema/names.hpp"
#include "storage/tables.hpp"

#include <caf/actor_clock.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>

namespace drover {

milliseconds host_supervisor_state::now() const {
  return std::chrono::duration_cast<milliseconds>(self->clock().now().time_since_epoch());
}

host_supervisor_state::~host_supervisor_state() {
  if (link) // a host joins again and finds a new supervisor
    caf::anon_send_exit(link, caf::exit_reason::kill);
}

// -- connection ----------------------------------------------------------------------------------

std::optional<std::string> host_supervisor_state::refuse(const hello& greeting) const {
  bool other = !record.machine_id.empty() && greeting.machine_id != record.machine_id;
  if (other && link && now() - heard < limits::suspect_after)
    return "another machine is connected under the name " + record.name.value;
  return std::nullopt;
}

void host_supervisor_state::arrive(const arrival& request) {
  if (auto why = refuse(request.greeting)) {
    spdlog::warn("host refused host={} reason=\"{}\"", record.name.value, *why);
    self->send(request.link, farm_message{refusal{*why}});
    return;
  }
  admit(request);
}

void host_supervisor_state::admit(const arrival& request) {
  const auto& greeting = request.greeting;
  if (link)
    self->send_exit(link, caf::exit_reason::kill);
  bool known_agent = agent_incarnation != 0 || record.first_seen.ms != 0;
  if (agent_incarnation != 0 && agent_incarnation != greeting.agent_incarnation)
    ++record.restarts;
  if (!known_agent)
    record.first_seen = farm.clock();
  agent_incarnation = greeting.agent_incarnation;
  // Grants of before are void on another machine: what it does not list, it never will. Ordered
  // anew they would run again under the same token.
  if (!record.machine_id.empty() && record.machine_id != greeting.machine_id)
    for (auto& [token, open] : orders)
      open.confirmed = true;
  record.machine_id = greeting.machine_id;
  record.boot_id = greeting.boot_id;
  record.slots = greeting.slots;
  record.facts = greeting.facts;
  record.version = greeting.version;
  record.last_seen = farm.clock();
  link = request.link;
  self->monitor(link);
  ++session.value;
  last_sequence = 0;
  heard = now();
  ever_heard = true;
  self->send(link, host_listener{self});
  tell(welcome{farm.now, session, limits::beat_interval, limits::lease});
  storage::write_batch batch;
  storage::put_host(batch, record);
  self->request(farm.recorder, caf::infinite, std::move(batch)).then([](recorded) {});
  spdlog::info("host joined host={} session={} known={}", record.name.value, session.value,
               greeting.known.size());
  state = host_state::up;
  reason.clear();
  for (auto& [token, open] : orders)
    open.sent = milliseconds{-1}; // what was under way on the old connection may be lost with it
  settle(greeting.known);
  for (auto& [build, open] : closes)
    open.sent = milliseconds{-1};
  for (auto& [token, open] : cancels)
    open.sent = milliseconds{-1};
  repeat_orders();
  announce();
}

void host_supervisor_state::link_down(const caf::actor_addr& gone) {
  if (!link || gone != caf::actor_cast<caf::actor_addr>(link))
    return;
  spdlog::info("host link down host={}", record.name.value);
  link = nullptr;
  for (auto& open : std::exchange(censuses, {}))
    answer_census(open, last_census);
}

// -- what the host says --------------------------------------------------------------------------

void host_supervisor_state::hear(const host_message& message) {
  if (!link || self->current_sender() != caf::actor_cast<caf::strong_actor_ptr>(link))
    return; // the last words of an earlier connection
  heard = now();
  if (state == host_state::suspect) {
    state = host_state::up;
    reason.clear();
    announce();
  }
  std::visit([this](const auto& said) { on(said); }, message);
}

void host_supervisor_state::on(const beat& said) {
  if (said.sequence <= last_sequence)
    return;
  last_sequence = said.sequence;
  tell(beat_answer{said.sequence});
  settle(said.known);
}

void host_supervisor_state::settle(const std::vector<known_attempt>& listed) {
  auto found = core::reconcile(orders, listed, now());
  for (const auto& token : found.to_send)
    send_order(orders.at(token));
  for (const auto& token : found.started) // in case its own word for it was lost
    self->send(farm.coordinator, record.name, attempt_started{token, farm.clock()});
  for (const auto& token : found.missing) {
    orders.erase(token);
    self->send(farm.coordinator,
               attempt_lost{token, record.name,
                            record.name.value + " came back without it: its state was lost"});
  }
  known_strays.clear();
  for (const auto& stray : found.strays) {
    known_strays.insert(stray.token);
    if (!cancels.contains(stray.token))
      self->send(farm.coordinator, stray_attempt{record.name, stray});
  }
}

void host_supervisor_state::on(const attempt_started& said) {
  auto open = orders.find(said.token);
  if (open == orders.end() || std::exchange(open->second.started, true))
    return;
  self->send(farm.coordinator, record.name, said);
}

void host_supervisor_state::on(const log_chunk& said) {
  if (orders.contains(said.token) || known_strays.contains(said.token))
    self->send(farm.log_sink, log_append{said, self});
}

void host_supervisor_state::on(const attempt_ended& said) {
  if (orders.contains(said.token) || known_strays.contains(said.token))
    self->send(farm.coordinator, record.name, said);
}

void host_supervisor_state::on(const blob_want& said) {
  bool granted = std::any_of(orders.begin(), orders.end(), [&](const auto& open) {
    return open.second.work.source.sha256 == said.sha256;
  });
  if (granted)
    self->send(farm.artifacts, blob_read{said, self});
  else
    tell(blob_piece{said.sha256, said.offset, 0, {}, "no grant of this host needs it"});
}

void host_supervisor_state::on(const blob_part& said) {
  bool closing = std::any_of(closes.begin(), closes.end(), [&](const auto& open) {
    return open.first.first == said.build && open.second.order.keep_artifacts;
  });
  if (closing)
    self->send(farm.artifacts, blob_write{record.name, said, self});
  else
    tell(blob_stored{said.sha256, 0, false, "the farm has not asked for it"});
}

void host_supervisor_state::on(const build_closed& said) {
  auto open = closes.find({said.build, said.placement});
  if (open == closes.end())
    return;
  bool wanted = open->second.order.keep_artifacts;
  if (!wanted)
    closes.erase(open); // nobody waits for it
  else
    self->send(farm.coordinator, record.name, said);
}

void host_supervisor_state::on(const census_answer& said) {
  last_census = said.actors;
  std::erase_if(censuses, [&](open_census& open) {
    if (open.query != said.query)
      return false;
    open.promise.deliver(said.actors);
    return true;
  });
}

// -- what the farm wants -------------------------------------------------------------------------

void host_supervisor_state::order(const grant_order& request) {
  const auto& token = request.work.token;
  if (state == host_state::lost) {
    self->send(farm.coordinator, attempt_lost{token, record.name, reason});
    return;
  }
  auto& open = orders[token];
  open.work = request.work;
  known_strays.erase(token);
  send_order(open);
}

void host_supervisor_state::send_order(core::open_order& open) {
  if (!link)
    return;
  open.sent = now();
  tell(open.work);
}

void host_supervisor_state::over(const grant_token& token) {
  orders.erase(token);
  cancels.erase(token);
  tell(result_durable{token});
}

void host_supervisor_state::cancel(const cancel_attempt& request) {
  auto& open = cancels[request.token];
  open.order = request;
  open.sent = now();
  tell(request);
}

void host_supervisor_state::close(const close_build& request) {
  if (state == host_state::lost) {
    if (request.keep_artifacts)
      self->send(farm.coordinator, record.name,
                 build_closed{request.build, request.placement, {}, reason});
    return;
  }
  closes[{request.build, request.placement}] = {request, now()};
  tell(request);
}

caf::result<std::vector<actor_entry>> host_supervisor_state::census(const census_ask&) {
  auto promise = self->make_response_promise<std::vector<actor_entry>>();
  open_census open{++last_query, promise, now() + 2 * limits::census_answer};
  if (!link)
    answer_census(open, last_census);
  else {
    censuses.push_back(open);
    tell(census_ask{open.query});
  }
  return promise;
}

void host_supervisor_state::answer_census(open_census& open, std::vector<actor_entry> actors) {
  auto silent = core::spoken(now() - heard);
  for (auto& actor : actors)
    actor.activity = "as last heard: " + record.name.value + " has been silent for " + silent;
  open.promise.deliver(std::move(actors));
}

// -- time ----------------------------------------------------------------------------------------

void host_supervisor_state::tick() {
  self->delayed_send(self, limits::supervisor_tick, atom::tick::value);
  judge_silence();
  if (link && state != host_state::lost)
    repeat_orders();
  auto due = now();
  std::erase_if(censuses, [&](open_census& open) {
    if (open.until > due)
      return false;
    answer_census(open, last_census);
    return true;
  });
}

void host_supervisor_state::judge_silence() {
  if (state == host_state::lost)
    return;
  auto silent = now() - heard;
  auto liveness = core::after_silence({}, silent);
  if (liveness == core::liveness::lost) {
    auto why = !ever_heard && record.first_seen.ms == 0
                 ? record.name.value + " has never joined"
                 : record.name.value + " has been silent for " + core::spoken(silent)
                     + ", longer than its lease";
    spdlog::warn("host lost host={} silent_ms={}", record.name.value, silent.count());
    state = host_state::lost;
    reason = why;
    lose_all(why);
    announce();
  } else if (liveness == core::liveness::suspect && state == host_state::up) {
    state = host_state::suspect;
    reason = "no beat for " + core::spoken(silent);
    announce();
  }
}

void host_supervisor_state::lose_all(const std::string& why) {
  for (const auto& [token, open] : std::exchange(orders, {}))
    self->send(farm.coordinator, attempt_lost{token, record.name, why});
  for (const auto& [key, open] : std::exchange(closes, {}))
    if (open.order.keep_artifacts)
      self->send(farm.coordinator, record.name,
                 build_closed{key.first, key.second, {}, "they were lost with their host: " + why});
  cancels.clear();
}

void host_supervisor_state::repeat_orders() {
  auto due = [at = now()](milliseconds sent) {
    return sent.count() < 0 || at - sent >= limits::resend_after;
  };
  for (auto& [token, open] : orders)
    if (!open.confirmed && due(open.sent))
      send_order(open);
  for (auto& [token, open] : cancels)
    if (due(open.sent)) {
      open.sent = now();
      tell(open.order);
    }
  for (auto& [key, open] : closes)
    if (due(open.sent)) {
      open.sent = now();
      tell(open.order);
    }
}

// -- views ---------------------------------------------------------------------------------------

void host_supervisor_state::tell(farm_message message) {
  if (link)
    self->send(link, std::move(message));
}

host_view host_supervisor_state::view() const {
  host_view seen;
  seen.record = record;
  seen.state = state;
  seen.reason = reason;
  seen.last_seen_ms = ever_heard ? (now() - heard).count() : -1;
  for (const auto& [token, open] : orders)
    seen.attempts.push_back(token.attempt);
  return seen;
}

void host_supervisor_state::announce() {
  self->send(farm.coordinator, host_news{view()});
}

actor_entry host_supervisor_state::describe() const {
  actor_entry entry;
  entry.name = "host_supervisor/" + record.name.value;
  entry.kind = name;
  entry.state = std::string{to_string(state)};
  if (!reason.empty())
    entry.state += ": " + reason;
  else if (auto open = std::find_if(orders.begin(), orders.end(),
                                    [](const auto& one) { return !one.second.confirmed; });
           open != orders.end())
    entry.state +=
      ", waits for " + record.name.value + " to confirm attempt " + to_string(open->first.attempt);
  entry.activity = std::to_string(orders.size()) + " attempts ordered, heard "
                   + core::spoken(now() - heard) + " ago";
  return entry;
}

host_supervisor_actor::behavior_type host_supervisor(host_supervisor_state::pointer self,
                                                     const supervisor_context& farm,
                                                     const host_record& record) {
  auto& state = self->state;
  state.farm = farm;
  state.record = record;
  state.heard = state.now();
  state.reason =
    record.first_seen.ms == 0 ? "has not joined yet" : "not back yet since the coordinator started";
  self->set_down_handler([self](const caf::down_msg& down) { self->state.link_down(down.source); });
  self->delayed_send(self, limits::supervisor_tick, atom::tick::value);
  return {
    [self](const arrival& request) { self->state.arrive(request); },
    [self](const host_message& message) { self->state.hear(message); },
    [self](const grant_order& request) { self->state.order(request); },
    [self](const grant_over& request) { self->state.over(request.token); },
    [self](const cancel_attempt& request) { self->state.cancel(request); },
    [self](const close_build& request) { self->state.close(request); },
    [self](atom::stop, build_id build) {
      std::erase_if(self->state.closes,
                    [&](const auto& open) { return open.first.first == build; });
    },
    [self](const log_durable& answer) { self->state.tell(answer); },
    [self](const blob_piece& answer) { self->state.tell(answer); },
    [self](const blob_stored& answer) { self->state.tell(answer); },
    [self](const census_ask& request) { return self->state.census(request); },
    [self](const hosts_query&) { return self->state.view(); },
    [self](atom::tick) { self->state.tick(); },
    [self](atom::describe) { return self->state.describe(); },
  };
}

} // namespace drover
