#pragma once
// The step cache on a host: its port to the disk, its actor's interface.
// SPDX-License-Identifier: Apache-2.0

#include "actors/farm_cache_types.hpp"
#include "actors/host_types.hpp"

#include <memory>
#include <optional>

namespace drover {

/// What a host remembers of an attempt of a step with a cache; durable, so that a later agent goes
/// on with it.
struct cache_memo {
  string_map parts;     ///< what goes into its key
  prepared place;       ///< where it works
  build_id reused_from; ///< of a hit: its result is that build's
  std::string note;     ///< where it came from, or why it ran
  bool keeps = false;   ///< it is to be kept once it has ended well
  friend bool operator==(const cache_memo& a, const cache_memo& b) {
    return a.parts == b.parts && a.note == b.note && a.keeps == b.keeps
           && a.reused_from == b.reused_from && a.place.workspace == b.place.workspace;
  }
};

/// A result packed for the farm: outputs and log in one file.
struct packed_result {
  std::string sha256;
  uint64_t size = 0;
};

/// The disk as the step cache of a host sees it. Calls may take long (hashing, packing): only the
/// step cache's actor makes them, which has its own thread in real programs, but for `memo_of`,
/// which is quick and may be called from any.
class cache_port {
public:
  virtual ~cache_port() = default;

  /// The hex SHA-256 of a text.
  virtual std::string digest(std::string_view text) const = 0;
  /// The parts that are files: what the step's inputs match in the workspace, and $DROVER_OUT.
  virtual expected<string_map> file_parts(const step_spec& step, const prepared& place) = 0;

  virtual std::optional<failure> remember(const grant_token& token, const cache_memo& memo) = 0;
  virtual std::optional<cache_memo> memo_of(const grant_token& token) const = 0;

  /// Bytes of a result on its way that are here; `add` goes on there.
  virtual uint64_t fetched(const std::string& sha256) const = 0;
  virtual std::optional<failure> add(const std::string& sha256, uint64_t offset,
                                     std::string_view bytes) = 0;
  /// Checks what was fetched, puts its outputs into the workspace and its log into the attempt's
  /// folder. After an error the workspace is as it was, unless the error is ec::conflict: then it
  /// can't be used any more.
  virtual std::optional<failure> restore(const assignment& work, const prepared& place,
                                         const packed_result& result) = 0;
  /// Packs outputs and log of an attempt that has ended.
  virtual expected<packed_result> pack(const grant_token& token, const step_spec& step,
                                       const prepared& place) = 0;
  virtual expected<std::string> read(const std::string& sha256, uint64_t offset, size_t max) = 0;
  /// What was fetched or packed is of no use any more.
  virtual void discard(const std::string& sha256) = 0;
};

/// Asks whether a step has to run, and puts the kept result in place if not; from its step.
struct cache_lookup {
  assignment work;
  prepared place;
};
struct cache_looked {
  enum class verdict : uint8_t {
    hit,    ///< workspace and log are as if it had run
    run,    ///< it has to run
    broken, ///< the workspace can't be used any more
  };
  verdict what = verdict::run;
  build_id from;
  std::string note;
};
/// The step has run well: keeps its result; from the step, answered when that is over.
struct cache_offer {
  assignment work;
};
struct cache_offered {
  std::string note; ///< empty, or why it was not kept
};
/// The step is not interested any more.
struct cache_forget {
  grant_token token;
};

using step_cache_actor =
  caf::typed_actor<caf::replies_to<cache_lookup>::with<cache_looked>,
                   caf::replies_to<cache_offer>::with<cache_offered>, caf::reacts_to<cache_forget>,
                   // From the coordinator, by the agent.
                   caf::reacts_to<cache_answer>, caf::reacts_to<cache_kept>,
                   caf::reacts_to<blob_piece>, caf::reacts_to<blob_stored>,
                   caf::reacts_to<connected>, caf::reacts_to<not_connected>,
                   // INTERNAL: repeats what is not answered, gives up.
                   caf::reacts_to<atom::tick>>::extend_with<described>;

} // namespace drover

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::cache_lookup)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::cache_looked)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::cache_offer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::cache_offered)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::cache_forget)
