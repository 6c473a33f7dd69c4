#pragma once
// Joins the farm, beats, hands out work and supervises the host's actors; one a host.
// SPDX-License-Identifier: Apache-2.0

#include "actors/census.hpp"
#include "actors/core/restart_budget.hpp"
#include "actors/host.hpp"
#include "actors/ticker.hpp"

#include <random>
#include <variant>

namespace drover {

struct host_agent_state {
  using pointer = host_agent_actor::stateful_pointer<host_agent_state>;
  static inline const char* name = "host_agent";

  /// An attempt with its step. `actor` is replaced if it dies.
  struct held_attempt {
    assignment work;
    step_actor actor;
    core::restart_history restarts;
    int64_t leased_until_ms = 0; ///< as its keeper was told last
  };

  /// Steps of a stay whose last attempt failed: if there are any at its end, so did the build.
  struct failed_stay {
    std::string builder;
    std::map<step_index, std::string> steps; ///< how each failed
  };

  /// Waits for its next try; a try is under way; connected.
  enum class link_phase : uint8_t { waiting, trying, online };

  explicit host_agent_state(pointer actor) : self{actor} {}
  ~host_agent_state();
  host_agent_state(const host_agent_state&) = delete;
  host_agent_state& operator=(const host_agent_state&) = delete;

  /// Adopts what is in the spool, then connects.
  void start(host_settings given, census_actor process_census);

  // From the link and about it.
  void connect(const connected& news);
  void failed_to_connect(const not_connected& news);
  void lost(const std::string& reason);
  void tick();
  void hear(const farm_message& message);

  // What the coordinator says.
  void on(const welcome& news);
  void on(const refusal& news) { lost("the coordinator refused this host: " + news.reason); }
  void on(const beat_answer& news);
  void on(const assignment& work);
  void on(const cancel_attempt& order) { to_step(order); }
  void on(const log_durable& news) { to_step(news); }
  void on(const result_durable& news);
  void on(const blob_piece& piece) { to_stores(piece); }
  void on(const blob_stored& news) { to_stores(news); }
  void on(const close_build& order);
  void on(const census_ask& question);
  void on(const restart_agent& order);
  void on(const cache_answer& news) { to_cache(news); }
  void on(const cache_kept& news) { to_cache(news); }

  void forget(const step_over& news);
  void take_facts(const disk_news& news);
  void tell_facts();
  void look_at_health();
  void take_health(const health_news& news);
  void gone(const caf::down_msg& down);
  actor_entry describe() const;

  // -- inside --
  void try_to_connect();
  void beat_once();
  void renew_leases(int64_t sent_ms);
  hello greeting() const;
  void note_outcome(const assignment& work);
  std::vector<known_attempt> known() const;
  bool from_present_link() const;
  void refuse(const assignment& work, const std::string& reason);
  void hold(const assignment& work);
  void spawn_step(held_attempt& held);
  void spawn_spool();
  void spawn_workspace();
  void replace_step(const grant_token& token, const caf::error& reason);
  void replace_workspace(const caf::error& reason);
  void spawn_cache();
  void replace_cache(const caf::error& reason);
  void end_steps();
  bool may_restart(core::restart_history& history, const std::string& who);
  int64_t now_ms() const;

  template <class Message>
  void to_step(const Message& message) {
    if (auto found = attempts.find(message.token); found != attempts.end())
      self->send(found->second.actor, message);
  }

  template <class Message>
  void to_cache(const Message& message) {
    if (cache)
      self->send(cache, message);
  }

  /// Content is of a source, an artifact or a kept result: whoever asked for it knows.
  template <class Message>
  void to_stores(const Message& message) {
    self->send(workspace, message);
    to_cache(message);
  }

  template <class Message>
  void to_all(const Message& message) {
    for (auto& [_, held] : attempts)
      self->send(held.actor, message);
    to_stores(message);
  }

  pointer self;
  host_settings settings;
  census_actor census;
  workspace_actor workspace;
  spool_actor spool;
  step_cache_actor cache; ///< none where the host has no disk for it
  core::restart_history workspace_restarts;
  core::restart_history spool_restarts;
  core::restart_history cache_restarts;
  std::map<grant_token, held_attempt> attempts;
  std::map<caf::actor_addr, grant_token> steps;
  std::map<workspace_id, failed_stay> failed; ///< at most limits::known_attempts_max

  link_phase phase = link_phase::waiting;
  std::optional<connected> session; ///< set while online
  host_facts facts_told;            ///< to the coordinator, last
  std::string trouble;              ///< with this host's health; empty: none
  int64_t next_health_ms = 0;       ///< when its health is looked at next
  bool health_asked = false;        ///< a look is under way
  uint32_t failures = 0;            ///< tries and short-lived links in a row
  uint64_t beats_sent = 0;
  uint64_t beats_answered = 0;
  std::map<uint64_t, int64_t> beat_times; ///< when those not yet answered were sent
  std::mt19937_64 random;
  ticker timer;
  last_activity activity;
};

host_agent_actor::behavior_type host_agent(host_agent_state::pointer self, host_settings settings,
                                           census_actor census);

} // namespace drover
