#pragma once
// Reuses results of steps on a host: finds out what a step depends on, asks the farm, puts a kept
// result in place, and hands over what ran well. Hashing and packing take long, so in real programs
// it has its own thread.
//
//   lookup:  asking -> (a hit) fetching -> restored          offer:  uploading -> keeping
//
// Each may take so long without progress, while there is a link; then the step runs, or ends,
// without the cache. It never makes a step fail that would have run.
// SPDX-License-Identifier: Apache-2.0

#include "actors/census.hpp"
#include "actors/core/log_window.hpp"
#include "actors/core/piece_window.hpp"
#include "actors/host.hpp"
#include "actors/ticker.hpp"

#include <map>

namespace drover {

struct step_cache_state {
  using pointer = step_cache_actor::stateful_pointer<step_cache_state>;
  static inline const char* name = "step_cache";

  struct lookup {
    cache_lookup request;
    caf::typed_response_promise<cache_looked> promise;
    cache_memo memo;
    std::string key;
    int64_t begun_ms = 0;    ///< when it was asked first
    int64_t progress_ms = 0; ///< when it last came on, or the link came
    int64_t asked_ms = 0;
    cache_answer hit; ///< what is being fetched; none while asking
    bool asking = true;
    uint32_t fetches = 0;
  };
  struct download {
    core::piece_window window;
    uint64_t size = 0;
  };
  struct offer {
    assignment work;
    caf::typed_response_promise<cache_offered> promise;
    cache_memo memo;
    packed_result packed;
    core::log_window window;
    int64_t progress_ms = 0;
    bool stored = false; ///< its content is; the entry is not
    int64_t asked_ms = 0;
  };
  using lookups_map = std::map<grant_token, lookup>;
  using offers_map = std::map<grant_token, offer>;

  explicit step_cache_state(pointer actor) : self{actor} {}

  // -- from steps --
  caf::result<cache_looked> look(const cache_lookup& request);
  caf::result<cache_offered> keep(const cache_offer& request);
  void forget(const grant_token& token);

  // -- from the farm --
  void answered(const cache_answer& news);
  void piece(const blob_piece& news);
  void stored(const blob_stored& news);
  void kept(const cache_kept& news);

  void connect(const connected& news);
  void disconnect();
  void tick();
  actor_entry describe() const;

  // -- inside --
  void ask(lookup& one);
  void fetch(const std::string& sha256);
  void fetched(const std::string& sha256);
  void restore(lookup& one);
  /// The content can't be had: asks the farm again, a few times.
  void ask_anew(const std::string& sha256, const std::string& why);
  /// The step has to run; its result is to be kept, if its parts are known.
  void run(lookups_map::iterator one, const std::string& note);
  void finish(lookups_map::iterator one, cache_looked verdict);
  void drop_unused_download(const std::string& sha256);
  void upload(offer& one);
  void file(offer& one);
  void finish(offers_map::iterator one, const std::string& problem);
  void judge_lookups();
  void judge_offers();
  void remember(const grant_token& token, const cache_memo& memo);
  void note(const std::string& what);
  void arm();
  int64_t now_ms() const;
  static bool over(int64_t since_ms, int64_t now_ms, milliseconds patience) {
    return now_ms - since_ms >= patience.count();
  }
  bool online() const { return static_cast<bool>(link); }

  pointer self;
  std::shared_ptr<cache_port> port;
  hello host; ///< its facts, as at the start of the agent
  string_map base_env;
  census_actor census;
  farm_link_actor link;
  lookups_map lookups;
  std::map<std::string, download> downloads; ///< by content
  offers_map offers;
  ticker timer;
  last_activity activity;
};

step_cache_actor::behavior_type step_cache(step_cache_state::pointer self,
                                           const host_settings& settings, census_actor census);

} // namespace drover
