#pragma once
// The workspaces of a host: fetches and unpacks sources, hands artifacts over, cleans up, keeps
// space free. Its port's calls may take long, so in real programs it has its own thread.
// SPDX-License-Identifier: Apache-2.0

#include "actors/census.hpp"
#include "actors/core/log_window.hpp"
#include "actors/core/piece_window.hpp"
#include "actors/ports.hpp"
#include "actors/ticker.hpp"

#include <deque>

namespace drover {

struct workspace_state {
  using pointer = workspace_actor::stateful_pointer<workspace_state>;
  static inline const char* name = "workspace";

  /// A workspace belongs to one stay of a build on this host.
  using place = std::pair<build_id, uint32_t>;

  struct waiter {
    place where;
    prepared folders;
    caf::typed_response_promise<expected<prepared>> answer;
  };
  /// A source on its way, by its digest: fetched once for all who wait.
  struct download {
    source_ref source;
    core::piece_window window;
    std::vector<waiter> waiters;
    uint32_t damaged = 0;
  };
  /// A build that ends here. The front one is worked on, the others wait.
  struct closing {
    end_workspace end;
    build_closed answer;
    std::deque<artifact_ref> uploads; ///< one for each content; the front one is on its way
    core::log_window window;
    bool collected = false;
  };

  explicit workspace_state(pointer actor) : self{actor} {}

  caf::result<expected<prepared>> prepare(const prepare_workspace& request);
  void close(const end_workspace& end);
  void piece(const blob_piece& news);
  void stored(const blob_stored& news);
  void connect(const connected& news);
  void disconnect();
  void tick();
  /// Looks at the disk at once, and from then on in intervals.
  void begin_care();
  void tend_in_time();
  void tell_facts();
  actor_entry describe() const;

  // -- fetching --
  expected<prepared> make_folders(const prepare_workspace& request);
  void fetch(download& one);
  /// All bytes are here: unpacks for everybody who waits. The download is gone afterwards, unless
  /// it must be fetched again.
  void install(const std::string& sha256);
  void give_up(const std::string& sha256, const failure& why);
  void drop_waiters(const place& where);

  // -- handing over --
  void go_on_closing();
  void collect(closing& one);
  /// Leaves out what is beyond the order's bound of bytes.
  static void bound_artifacts(closing& one);
  void upload(closing& one);
  void send_part(closing& one, const core::log_span& span);
  void next_upload(closing& one);
  void skip_upload(closing& one, const std::string& why);
  /// Remembers the answer, then releases.
  void finish(closing& one);
  void release(const build_closed& answer, const end_workspace& end);
  void say(const build_closed& answer);

  // -- free space --
  enum class care : uint8_t { if_short, whole };
  /// Removes what core::plan_care says. `if_short`: does nothing while enough is free.
  void tend(care how);

  void note(const std::string& what);
  void arm();
  int64_t now_ms() const;
  bool online() const { return static_cast<bool>(link); }

  pointer self;
  std::shared_ptr<workspace_port> port;
  census_actor census;
  host_agent_actor agent;
  farm_link_actor link; ///< null while not connected
  std::map<std::string, download> downloads;
  std::deque<closing> closings;
  std::deque<build_closed> closed; ///< the last limits::closed_builds_kept answers
  ticker timer;
  ticker care_timer;
  string_map facts; ///< of the disk, as of the last look
  last_activity activity;
};

workspace_actor::behavior_type workspace(workspace_state::pointer self,
                                         std::shared_ptr<workspace_port> port, census_actor census,
                                         host_agent_actor agent);

} // namespace drover
