#pragma once
// One known host: its connection, its lease, what it was ordered to do.
// SPDX-License-Identifier: Apache-2.0

#include "actors/core/admission.hpp"
#include "actors/core/conduct.hpp"
#include "actors/core/line_guard.hpp"
#include "actors/core/pace.hpp"
#include "actors/core/reconcile.hpp"
#include "actors/farm.hpp"
#include "actors/ticker.hpp"
#include "schema/limits.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <set>

namespace drover {

/// What a supervisor needs of the farm.
struct supervisor_context {
  epoch now;
  wall_clock clock;
  census_actor census;
  recorder_actor recorder;
  log_sink_actor log_sink;
  artifact_store_actor artifacts;
  coordinator_actor coordinator;
  result_cache_actor cache = {}; ///< none: no step is reused
  /// What is on the disk; none: a host is believed what it says of attempts without an order.
  std::shared_ptr<const storage::store> store = {};
};

/// Says everything again until the host has confirmed it; ends the lease after its silence. The
/// link is a child that may die at any time: that is silence, nothing more.
struct host_supervisor_state {
  using pointer = host_supervisor_actor::stateful_pointer<host_supervisor_state>;
  static inline const char* name = "host_supervisor";
  explicit host_supervisor_state(pointer actor) : self{actor} {}
  ~host_supervisor_state();

  struct open_close {
    close_build order;
    milliseconds sent{-1};
  };
  struct open_cancel {
    cancel_attempt order;
    milliseconds sent{-1};
  };
  struct second_agent {
    core::agent_identity agent;
    std::string why; ///< it was refused
    milliseconds first{0}, last{0};
  };
  struct open_census {
    uint64_t query = 0;
    caf::typed_response_promise<std::vector<actor_entry>> promise;
    milliseconds until{0};
  };

  // -- connection --
  void arrive(const arrival& request);
  void refuse(const arrival& request, const std::string& why);
  void admit(const arrival& request);
  void take_over(const hello& greeting);
  void keep_pace(const herd_size& herd);
  void link_down(const caf::actor_addr& gone);
  /// Whether a line about this host's coming and going may be written; says what was left out.
  bool may_log();

  // -- a second agent under this name --
  void heard_beside_rival();
  void forget_rival();
  void keep_seen();
  std::string reason_when_up() const;

  // -- what the host says --
  void hear(host_message& message);
  void on(const beat& said);
  void on(const attempt_started& said);
  void on(log_chunk& said);
  void on(const attempt_ended& said);
  void on(const blob_want& said);
  void on(const blob_part& said);
  void on(const build_closed& said);
  void on(const census_answer& said);
  void on(const cache_ask& said);
  void on(const cache_keep& said);
  void on(const host_news_told& said);
  void answered(farm_message piece);
  template <class Then, class Otherwise>
  void about_cached_step(const grant_token& token, const string_map& parts, Then then,
                         Otherwise otherwise);
  bool may_fetch(const std::string& sha256) const;
  bool may_hand_over(const blob_part& part) const;
  void judge_piece(const blob_piece& piece);
  void on(const hello& said);
  void settle(const std::vector<known_attempt>& listed);

  // -- what it may speak of --
  core::claim claim_of(const grant_token& token);
  bool is_foreign(const grant_token& token, const char* what);
  void refuse_claim(const known_attempt& claimed);
  void judge_part(build_id build, const std::string& what);
  void accuse(const std::string& what);

  // -- what the farm wants --
  void order(const grant_order& request);
  void over(const grant_token& token);
  void cancel(const cancel_attempt& request);
  void close(const close_build& request);
  bool holds_stray_of(build_id build) const;
  caf::result<std::vector<actor_entry>> census(const census_ask& request);

  // -- what people want --
  caf::result<expected<accepted>> obey(const host_order& request);
  caf::result<expected<accepted>> keep(std::vector<event_record> events, std::string text);
  void end_hold();

  // -- what the farm itself decides --
  void care(const host_care& decided);
  void judge_health(const std::string& trouble);
  void judge_clock(const std::string& trouble);
  void store(std::vector<event_record> events);
  bool may_start(const core::open_order& open) const;

  // -- time --
  void tick();
  milliseconds look_due_in() const;
  void look_again();
  void judge_silence();
  void repeat_orders();
  void lose_all(const std::string& why);
  milliseconds now() const;

  void tell(farm_message message);
  void send_order(core::open_order& open);
  void announce();
  void answer_census(open_census& open, std::vector<actor_entry> actors);
  host_view view() const;
  actor_entry describe() const;

  pointer self;
  supervisor_context farm;
  host_record record;
  host_state state = host_state::joining;
  std::string reason;
  host_link_actor link;
  session_number session;
  core::pace pace;
  std::optional<core::agent_identity> agent; ///< whom `link` belongs or belonged to
  std::optional<second_agent> rival;         ///< that was refused lately
  std::optional<milliseconds> rival_alarm;   ///< when it was last raised
  std::optional<milliseconds> facts_heard;   ///< when the host last told of new ones while here
  line_guard lines{limits::strangers_logged_max, limits::strangers_log_period};
  uint64_t last_sequence = 0; ///< of the beats on this session
  milliseconds heard{0};      ///< when the host was last heard, or when listening began
  ticker timer;               ///< when the next look is due
  bool ever_heard = false;    ///< since this supervisor began
  core::open_orders orders;
  std::map<grant_token, std::string> cache_hits; ///< content that a host was promised
  std::set<grant_token> known_strays;            ///< the host's own, though without an order
  std::map<grant_token, core::claim> claims;     ///< of attempts without an order
  line_guard claims_read{limits::claims_read_max, limits::claims_read_period};
  core::misconduct_guard misdeeds;
  std::map<std::pair<build_id, uint32_t>, open_close> closes;
  std::map<grant_token, open_cancel> cancels;
  std::vector<open_census> censuses;
  std::string clock_trouble; ///< as its last step that was started has shown
  size_t pieces_open = 0;    ///< that the artifact store has not answered
  std::vector<actor_entry> last_census;
  uint64_t last_query = 0;
  host_state told = host_state::joining; ///< in the journal
};

host_supervisor_actor::behavior_type host_supervisor(host_supervisor_state::pointer self,
                                                     const supervisor_context& farm,
                                                     const host_record& record);

} // namespace drover
