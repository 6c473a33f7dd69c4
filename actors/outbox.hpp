#pragma once
// The durable outbox: reads the journal from where it stopped and makes notices of it.
// SPDX-License-Identifier: Apache-2.0

#include "actors/census.hpp"
#include "actors/core/incidents.hpp"
#include "actors/core/notices.hpp"
#include "actors/notice_port.hpp"
#include "actors/outbox_types.hpp"
#include "actors/ports.hpp"
#include "actors/ticker.hpp"
#include "storage/store.hpp"

#include <caf/actor_system.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <map>
#include <set>
#include <utility>

namespace drover {

/// What the outbox needs of the farm.
struct outbox_context {
  wall_clock clock;
  std::shared_ptr<storage::store> store;
  recorder_actor recorder;
  coordinator_actor coordinator; ///< is asked for the configuration
  census_actor census;
  /// What an explanation needs to know around a build.
  std::function<core::build_surroundings(const build_file&)> look_around;
  std::map<std::string, std::shared_ptr<notice_port>> ports; ///< by kind of reporter
  bool own_threads = true; ///< for reporters, which block; false: in tests
  uint64_t seed = 0;       ///< of the jitter between tries
};

/// The notices of an entry of the journal, what is known of its incident, and the mark behind the
/// entry become durable in one batch: a crash anywhere loses no notice and makes none twice. On a
/// store where no outbox has ever run it begins at the journal's end.
struct outbox_state {
  using pointer = outbox_actor::stateful_pointer<outbox_state>;
  static inline const char* name = "outbox";
  explicit outbox_state(pointer actor) : self{actor} {}
  ~outbox_state();

  // -- the journal --
  void start();
  void ask_config();
  void await_news();
  void read_news();
  void take(const std::vector<event_record>& events);
  void put_mark(storage::write_batch& batch);
  void finish_entry(storage::write_batch batch);
  void commit(storage::write_batch batch);

  // -- what entries mean (outbox_news.cpp) --
  storage::write_batch notices_of(const event_record& event);
  void on_build(const event_record& event, storage::write_batch& batch);
  void on_campaign(const event_record& event, storage::write_batch& batch);
  void on_host(const event_record& event, storage::write_batch& batch);
  void on_misuse(const event_record& event, storage::write_batch& batch);
  void tell_due(const std::set<campaign_id>& settled, storage::write_batch& batch);
  void tell_problem(const core::incident_group& group, storage::write_batch& batch);
  void tell_recovery(const incident_record& over, const build_record& build,
                     storage::write_batch& batch);
  void keep(const incident_record& incident, storage::write_batch& batch);
  /// Known at once, stored with the next mark: until then the journal says it again.
  void note(const incident_record& incident);
  std::optional<build_file> build_file_of(build_id build) const;
  std::vector<incident_record> all_incidents() const;

  /// One story for everybody, told once for each reporter that wants it.
  struct announcement {
    notice_record common;
    std::vector<std::string> builders; ///< that it is about; none: of no builder
    std::vector<std::string> authors;
  };
  using words_for = std::function<core::notice_words(const core::notice_heading&)>;
  void announce(const announcement& what, const words_for& words, storage::write_batch& batch);
  void make(const reporter_spec& to, const announcement& what, const words_for& words,
            storage::write_batch& batch);

  // -- people --
  caf::result<expected<uint64_t>> test(const notice_test& request);
  caf::result<expected<accepted>> retry(const notice_retry& request);

  // -- reporters --
  void apply(const farm_config& changed);
  void spawn_reporter(const reporter_spec& spec);
  void drop_absent();
  void child_down(const caf::down_msg& down);
  void wake(bool now);

  void tick();
  void arm();
  actor_entry describe() const;

  pointer self;
  outbox_context farm;
  farm_config config;
  outbox_mark mark;
  uint64_t written = 0; ///< the mark's event as it is in the store
  std::map<std::pair<std::string, std::string>, incident_record> incidents; ///< by builder, place
  std::set<std::pair<std::string, std::string>> noted; ///< of these, not in the store yet
  std::map<std::string, reporter_actor> reporters;     ///< by name
  ticker timer;
  bool stopped = false; ///< the store can't be read
  std::string waits_for = "the configuration";
  last_activity activity;
};

outbox_actor::behavior_type outbox(outbox_state::pointer self, const outbox_context& context);

/// Spawns the outbox on a thread of its own and makes it known to the census.
outbox_actor spawn_outbox(caf::actor_system& system, const outbox_context& context);
void stop_outbox(const outbox_actor& actor);

} // namespace drover
