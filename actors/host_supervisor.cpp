// SPDX-License-Identifier: Apache-2.0
#include "actors/host_supervisor.hpp"

#include "actors/core/health.hpp"
#include "actors/core/mutants.hpp"
#include "actors/core/poison.hpp"
#include "schema/limits.hpp"
#include "schema/limits_workspaces.hpp"
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

void host_supervisor_state::link_down(const caf::actor_addr& gone) {
  if (!link || gone != caf::actor_cast<caf::actor_addr>(link))
    return;
  if (may_log())
    spdlog::info("host link down host={}", record.name.value);
  link = nullptr;
  look_again();
  if (core::is_mutant(core::mutant::link_loss_is_death))
    lose_all("its link is down");
  for (auto& open : std::exchange(censuses, {}))
    answer_census(open, last_census);
}

// -- what the host says --------------------------------------------------------------------------

void host_supervisor_state::hear(host_message& message) {
  if (!link || self->current_sender() != caf::actor_cast<caf::strong_actor_ptr>(link))
    return; // the last words of an earlier connection
  heard = now();
  heard_beside_rival();
  // Even a lost one: it was frozen for longer than its lease, and its link has outlived that.
  if (state == host_state::suspect || state == host_state::lost) {
    state = host_state::up;
    reason = reason_when_up();
    announce();
  }
  std::visit([this](auto& said) { on(said); }, message);
  look_again();
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
    if (is_foreign(stray.token, "claims to hold")) {
      refuse_claim(stray);
      continue;
    }
    known_strays.insert(stray.token);
    if (!cancels.contains(stray.token))
      self->send(farm.coordinator, stray_attempt{record.name, stray});
  }
  // What the host holds no more, and need not start, can't be cancelled.
  std::erase_if(cancels, [this](const auto& open) {
    return !orders.contains(open.first) && !known_strays.contains(open.first);
  });
}

void host_supervisor_state::on(const attempt_started& said) {
  auto open = orders.find(said.token);
  if (open == orders.end()) {
    is_foreign(said.token, "says that it has begun");
    return;
  }
  if (std::exchange(open->second.started, true))
    return;
  auto at = farm.clock().ms; // it started after it was ordered, and before now
  judge_clock(core::clock_trouble(said.at.ms, at - (now() - open->second.sent).count(), at));
  self->send(farm.coordinator, record.name, said);
}

void host_supervisor_state::on(log_chunk& said) {
  bool stray = !orders.contains(said.token);
  if (stray && is_foreign(said.token, "sends a log of"))
    return;
  // Logs are kept by attempt: one that this disk does not know may have another's number.
  if (!stray || (known_strays.contains(said.token) && claim_of(said.token) == core::claim::own))
    self->send(farm.log_sink, log_append{std::move(said), self});
}

void host_supervisor_state::on(const attempt_ended& said) {
  if (auto open = orders.find(said.token); open != orders.end()
                                           && core::not_taken(open->second, said)
                                           && record.hold.kind == hold_kind::health) {
    orders.erase(open);
    self->send(farm.coordinator,
               attempt_lost{said.token, record.name, said.reason + core::nothing_ran});
    return;
  }
  if (orders.contains(said.token) || known_strays.contains(said.token))
    self->send(farm.coordinator, record.name, said);
  else if (is_foreign(said.token, "tells the end of"))
    tell(result_durable{said.token}); // or it would say so for ever
}

void host_supervisor_state::on(const blob_want& said) {
  bool granted = std::any_of(orders.begin(), orders.end(), [&](const auto& open) {
    return open.second.work.source.sha256 == said.sha256;
  });
  granted = granted || may_fetch(said.sha256);
  if (granted && pieces_open < limits::host_pieces_max) {
    ++pieces_open;
    self->send(farm.artifacts, blob_read{said, self});
  } else if (!granted) {
    tell(blob_piece{said.sha256, said.offset, 0, {}, "no grant of this host needs it"});
    judge_part(said.build, "asks for content");
  }
}

void host_supervisor_state::on(const blob_part& said) {
  bool closing = std::any_of(closes.begin(), closes.end(), [&](const auto& open) {
    return open.first.first == said.build && open.second.order.keep_artifacts;
  });
  bool wanted = closing || may_hand_over(said);
  if (wanted && pieces_open < limits::host_pieces_max) {
    ++pieces_open; // a build waits for its artifacts; a step that may be reused later, for nothing
    self->send(farm.artifacts, blob_write{record.name, said, self, closing});
  } else if (!wanted) {
    tell(blob_stored{said.sha256, 0, false, "the farm has not asked for it"});
    judge_part(said.build, "hands over content");
  }
}

void host_supervisor_state::answered(farm_message piece) {
  pieces_open -= std::min<size_t>(pieces_open, 1);
  tell(std::move(piece));
}

void host_supervisor_state::on(const build_closed& said) {
  auto open = closes.find({said.build, said.placement});
  if (open == closes.end())
    return judge_part(said.build, "says what is left");
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
  closes.erase({token.attempt.build, request.work.placement}); // a new build has begun there
  auto& open = orders[token];
  open.work = request.work;
  known_strays.erase(token);
  send_order(open);
  look_again();
}

void host_supervisor_state::send_order(core::open_order& open) {
  if (!link || !may_start(open))
    return;
  open.sent = now();
  tell(open.work);
}

void host_supervisor_state::over(const grant_token& token) {
  orders.erase(token);
  cache_hits.erase(token);
  cancels.erase(token);
  tell(result_durable{token});
}

void host_supervisor_state::cancel(const cancel_attempt& request) {
  auto& open = cancels[request.token];
  open.order = request;
  open.sent = now();
  tell(request);
  look_again();
}

void host_supervisor_state::close(const close_build& request) {
  bool lost_with_host = state == host_state::lost && request.keep_artifacts;
  if (lost_with_host)
    self->send(farm.coordinator, record.name,
               build_closed{request.build, request.placement, {}, reason});
  if (!request.keep_artifacts && closes.size() >= limits::releases_open_max)
    return; // asked for again when the host joins anew and lists the workspace
  auto& open = closes[{request.build, request.placement}];
  open = {request, milliseconds{-1}};
  open.order.keep_artifacts &= !lost_with_host; // its workspace is released when it comes back
  if (link && !holds_stray_of(request.build)) {
    open.sent = now();
    tell(open.order);
  }
  look_again();
}

/// Attempts that were given up may run still, in the very workspace that is to be released.
bool host_supervisor_state::holds_stray_of(build_id build) const {
  return std::any_of(known_strays.begin(), known_strays.end(),
                     [build](const auto& token) { return token.attempt.build == build; });
}

// -- time ----------------------------------------------------------------------------------------

void host_supervisor_state::tick() {
  auto late = timer.late(self);
  if (!timer.due(self))
    return;
  heard = std::min(now(), heard + core::own_absence(late, pace.look_every));
  judge_silence();
  forget_rival();
  keep_seen();
  end_hold();
  if (link && state != host_state::lost)
    repeat_orders();
  auto due = now();
  std::erase_if(censuses, [&](open_census& open) {
    if (open.until > due)
      return false;
    answer_census(open, last_census);
    return true;
  });
  look_again();
}

/// A host that beats and owes nothing is looked at only when its silence would begin to count:
/// of thousands of hosts most are like that most of the time.
milliseconds host_supervisor_state::look_due_in() const {
  bool quiet = link && state == host_state::up && !rival && cancels.empty() && closes.empty()
               && censuses.empty() && record.hold.kind == hold_kind::none
               && std::all_of(orders.begin(), orders.end(),
                              [](const auto& open) { return open.second.confirmed; });
  auto silence_counts_in = heard + pace.silence.suspect_after - now();
  return quiet ? std::max(silence_counts_in, milliseconds{1}) : pace.look_every;
}

/// After whatever may need a look sooner than the next one.
void host_supervisor_state::look_again() {
  timer.arm_within(self, look_due_in());
}

void host_supervisor_state::judge_silence() {
  if (state == host_state::lost)
    return;
  auto silent = now() - heard;
  auto liveness = core::after_silence(pace.silence, silent);
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
  for (auto& [key, open] : closes) {
    if (open.order.keep_artifacts)
      self->send(farm.coordinator, record.name,
                 build_closed{key.first, key.second, {}, "they were lost with their host: " + why});
    open.order.keep_artifacts = false; // its workspace is released when it comes back
  }
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
    if (due(open.sent) && !holds_stray_of(key.first)) {
      open.sent = now();
      tell(open.order);
    }
}

// -- life ----------------------------------------------------------------------------------------

void host_supervisor_state::tell(farm_message message) {
  if (link)
    self->send(link, std::move(message));
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
  state.look_again();
  return {
    [self](const arrival& request) {
      self->state.arrive(request);
      self->state.look_again();
    },
    [self](host_message& message) { self->state.hear(message); },
    [self](const grant_order& request) { self->state.order(request); },
    [self](const grant_over& request) { self->state.over(request.token); },
    [self](const cancel_attempt& request) { self->state.cancel(request); },
    [self](const close_build& request) { self->state.close(request); },
    [self](atom::stop, build_id build) {
      std::erase_if(self->state.closes, [&](const auto& open) {
        return open.first.first == build && open.second.order.keep_artifacts;
      });
    },
    [self](const log_durable& answer) { self->state.tell(answer); },
    [self](const blob_piece& answer) {
      self->state.judge_piece(answer);
      self->state.answered(answer);
    },
    [self](const blob_stored& answer) { self->state.answered(answer); },
    [self](const census_ask& request) { return self->state.census(request); },
    [self](const hosts_query&) { return self->state.view(); },
    [self](const host_order& request) {
      auto answer = self->state.obey(request);
      self->state.look_again();
      return answer;
    },
    [self](const herd_size& herd) { self->state.keep_pace(herd); },
    [self](const host_care& decided) { self->state.care(decided); },
    [self](atom::tick) { self->state.tick(); },
    [self](atom::describe) { return self->state.describe(); },
  };
}

} // namespace drover
