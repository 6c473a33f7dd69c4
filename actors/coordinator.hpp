#pragma once
// The farm's root: the queue, the herd, who builds what where.
// SPDX-License-Identifier: Apache-2.0

#include "actors/build.hpp"
#include "actors/core/probation.hpp"
#include "actors/core/restart_budget.hpp"
#include "actors/core/schedule.hpp"
#include "actors/core/submit.hpp"
#include "actors/farm.hpp"
#include "actors/healing.hpp"
#include "actors/host_supervisor.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <set>

namespace drover {

/// What is read from the store at the start.
struct recovered_state {
  std::vector<build_file> active;
  std::vector<host_record> hosts;
  build_id last_build;
  campaign_id last_campaign;
  uint64_t last_event = 0;
  std::optional<config_record> config; ///< the newest one
  change_id last_change;
};

/// The actors that serve the coordinator, spawned before it.
struct farm_services {
  recorder_actor recorder;
  log_sink_actor log_sink;
  artifact_store_actor artifacts;
  census_actor census;
  analyst_actor analyst;
  archivist_actor archivist;
  result_cache_actor cache = {};
};

/// Asks core/submit and core/schedule, carries out what they say, and routes what hosts say to the
/// build that it belongs to. Supervises builds and host supervisors.
struct coordinator_state {
  using pointer = coordinator_actor::stateful_pointer<coordinator_state>;
  static inline const char* name = "coordinator";
  explicit coordinator_state(pointer actor) : self{actor} {}
  ~coordinator_state();

  struct herd_member {
    host_supervisor_actor supervisor;
    host_view view;
    uint32_t slots = 0; ///< from the config, else what the host says
    string_map labels;
    uint32_t used = 0;
    wall_time since; ///< when its state became what it is; 0: before this coordinator
    std::optional<milliseconds> silent_since; ///< its last word, on this clock; nothing: it speaks
    /// How far it is trusted: decided here alone, kept by its supervisor.
    core::stage_decision stage;
  };

  struct active_build {
    build_actor actor;
    host_name host;         ///< whose slot it holds; empty: none
    uint32_t placement = 0; ///< the present one, or the last
    host_name hedge;        ///< whose slot its second attempt holds; empty: none
    uint32_t hedge_placement = 0;
    uint32_t last_placement = 0; ///< the highest number used, as the build counts
    bool replaced = false;       ///< told to end, so that its successor finds a new supervisor
    bool has_tests = true;       ///< some may be read of it once it is over
  };

  struct over_waiter {
    caf::typed_response_promise<bool> promise;
    caf::actor_clock::time_point until;
  };

  // -- start --
  void recover(const recovered_state& found);
  void watch_services();
  herd_member& add_host(const host_record& record);
  void label_host(const host_name& host, herd_member& member);
  build_actor spawn_build(const build_file& file, const host_supervisor_actor& host);
  void take_seats(const build_file& file);

  // -- people --
  caf::result<expected<submitted>> submit(submission request);
  submitted make_builds(const core::submission_plan& plan, const submission& request,
                        storage::write_batch& batch, std::vector<build_file>& made);
  /// Adds a build as it was made to what is written, with what the journal says of that.
  static void put_new_build(storage::write_batch& batch, const build_file& made);
  caf::result<expected<accepted>> cancel(const cancel_build& request);
  caf::result<expected<submitted>> retry(const retry_build& request);
  void take_cell(const build_record& old, const build_record& fresh, storage::write_batch& batch);
  caf::result<expected<accepted>> order_host(const host_order& request);
  caf::result<expected<accepted>> forget(const host_order& request);
  caf::result<expected<accepted>> reload(const reload_config& request);
  void begin_generation(const std::optional<config_record>& newest);
  void note_config(storage::write_batch& batch, const std::string& summary);
  void apply_config();

  // -- campaigns --
  void count_in(const build_record& build);
  void count_out(build_id build);
  void tell_end(campaign_id id);
  void tell_missed_ends(uint64_t last_event);

  // -- second opinions (coordinator_opinions.cpp) --
  void judge(build_id build);
  void judge_missed();
  void consider_opinion(build_id red, core::opinion_wish wish);
  std::string home_obstacle(const host_name& home) const;
  void ask_opinion(const build_file& red, const host_name& on);
  static void forgo_cache(build_file& file);
  bool within_opinion_budget();

  // -- sources --
  void spawn_sources();
  caf::result<expected<accepted>> look(const look_now& request);
  caf::result<expected<submitted>> take_change(const change_found& news);
  /// Why nothing new is taken, if the disk is short.
  std::optional<failure> no_room() const;
  std::optional<failure> complete_orders(submission& request) const;
  void enqueue(std::vector<build_file> made);
  caf::result<std::vector<host_view>> hosts();
  caf::result<std::vector<actor_entry>> actors();
  std::vector<waiting_view> waiting_reasons(const waiting_query& query);
  core::queue_view waiting_entries() const;
  void refresh_reasons();
  caf::result<bool> wait_until_over(const over_query& query);

  // -- the herd --
  void arrive(const arrival& request);
  void release_strays(const hello& greeting, const host_supervisor_actor& supervisor);
  void tell_pace();
  void on_news(const host_news& news);
  template <class Message>
  void route(const build_id& build, const Message& message);
  void on_stray(const stray_attempt& stray);
  void on_foreign_end(const attempt_ended& said);

  // -- builds --
  void plan();
  static bool has_room(const herd_member& member);
  bool waits_for_its_host(const core::queue_entry& entry) const;
  void schedule_plan();
  void place(build_id build, const host_name& host);
  void keep_facts(build_id build, uint32_t placement, const herd_member& member);
  void on_over(build_id build);
  void analysed(build_id build);
  void on_homeless(const build_homeless& request);
  void release(active_build& build);
  void release_hedge(active_build& build);
  void child_down(const caf::down_msg& down);
  bool is_service_down(const caf::down_msg& down);
  void revive_build(build_id build);
  void respawn_build(build_id build);
  void revive_supervisor(const host_name& host);
  void expire_waiters();

  // -- healing: silences (coordinator_healing.cpp) --
  void look_at_herd();
  void note_silence(herd_member& member);
  void check_own_side();
  void hedge_silent();
  bool is_hedge_due(const herd_member& member) const;
  const core::queue_entry* hedge_entry(build_id build);
  bool hedge(build_id build, active_build& where, const core::queue_entry& entry);
  void on_hedge_over(const hedge_over& said);
  void on_lost(const attempt_lost& said);
  bool hold_back(build_id build);
  void requeue_held();
  void tell_herd(const std::string& text);
  milliseconds now() const;

  // -- healing: whose fault (coordinator_faults.cpp) --
  void judge_end(build_id build);
  void quarantine(const core::black_hole& found);
  void repeat_missed(const std::vector<build_record>& newest);
  void repeat_elsewhere(const std::vector<core::red_build>& streak, const host_name& host);
  void probe_hosts();
  void plan_probe(const host_name& host, herd_member& member);
  std::optional<build_file> probe_build(const herd_member& member) const;
  void begin_probe(const host_name& host, build_file file);
  void probe_over(const build_record& build, const host_name& host);
  void let_back(const host_name& host, const std::string& why);
  bool serves(const herd_member& member, const std::string& requirement) const;

  // -- trust (coordinator_trust.cpp) --
  bool is_configured(const host_name& host) const;
  void take_view(herd_member& member, host_view view);
  void set_stage(herd_member& member, const core::stage_decision& decided,
                 const std::string& by = {});
  void review_arrival(herd_member& member);
  void review_machine(const std::string& before, herd_member& member);
  void review_stages();
  core::arrival_case arrival_of(const host_record& known) const;
  caf::result<expected<accepted>> trust(const host_order& request);

  // -- canaries (coordinator_canaries.cpp) --
  void adopt_canaries(const std::vector<build_file>& active_builds);
  void advance_trials();
  void advance_trial(const host_name& host, canary_trial& trial);
  bool begin_trial(herd_member& member, canary_trial& trial);
  /// How the trial's canary ends on a known-good host; null: it is not known yet, or there is no
  /// such host, for the reason in `alone`.
  const core::canary_end* reference_of(const herd_member& member, canary_trial& trial,
                                       std::string& alone);
  void seek_peer(const herd_member& member, canary_trial& trial, canary_reference& reference,
                 std::string& alone);
  void settle_trial(herd_member& member, canary_trial& trial, const core::canary_verdict& verdict);
  build_id begin_canary(const host_name& host, build_file file, const std::string& reference);
  void cancel_canary(build_id id);
  void canary_over(build_id id);
  core::peer_offer peer_of(const herd_member& member) const;

  // -- healing: the ladder (coordinator_ladder.cpp) --
  void climb_ladders();
  void climb(const host_spec& spec, herd_member& member);
  void give_up(const host_name& host, const herd_member& member, const std::string& why);
  void welcome_back(herd_member& member);
  void serve_on_demand(const host_spec& spec, herd_member& member);
  bool is_wanted(const herd_member& member) const;
  void run_command(const host_name& host, ladder_rung rung, const std::string& command);
  void on_command_over(const command_over& said);

  core::host_offer offer_of(const herd_member& member) const;
  std::vector<core::host_offer> offers() const;
  host_view full_view(const herd_member& member) const;
  actor_entry describe() const;

  pointer self;
  farm_settings settings;
  farm_services services;
  build_id last_build;
  campaign_id last_campaign;
  std::map<host_name, herd_member> herd;
  std::map<build_id, build_file> queued; ///< never placed: no actor yet
  std::map<build_id, core::queue_entry> queue;
  std::map<build_id, active_build> active;
  std::map<build_id, campaign_id> campaign_of; ///< of builds that are not over
  std::map<campaign_id, uint64_t> open_builds; ///< how many of its builds are not over
  std::map<build_id, waiting_view> reasons;
  bool reasons_stale = false;
  std::multimap<build_id, over_waiter> waiters;
  core::restart_history crashes;
  core::restart_history opinions;            ///< when second opinions were asked, by wall time
  std::map<build_id, size_t> opinions_asked; ///< of red builds, since the start or shortly before
  std::optional<caf::actor_clock::time_point> judge_missed_at; ///< nothing: it is done
  bool plan_pending = false;
  uint64_t generation = 0; ///< of the config in force
  std::shared_ptr<const live_config> live;
  std::map<std::string, source_actor> sources; ///< by name
  std::set<std::string> taking;                ///< changes on their way into the store
  change_id last_change;
  healing_state healing;
};

coordinator_actor::behavior_type coordinator(coordinator_state::pointer self,
                                             const farm_settings& settings,
                                             const farm_services& services,
                                             const recovered_state& found);

} // namespace drover
