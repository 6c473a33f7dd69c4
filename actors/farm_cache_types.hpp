#pragma once
// The step cache on the coordinator's side: its actor's interface.
// SPDX-License-Identifier: Apache-2.0

#include "actors/farm_types.hpp"

namespace drover {

/// What a step on a host depends on and what the farm knows of both; from the host's supervisor.
struct cache_subject {
  assignment work; ///< as ordered
  host_record host;
  string_map labels; ///< that the configuration gives the host
  string_map parts;  ///< as the host says
};

/// Whether a kept result fits.
struct cache_question {
  cache_subject subject;
};

/// A result whose content is stored is to be kept.
struct cache_filing {
  cache_subject subject;
  std::string sha256;
  uint64_t size = 0;
};

/// What was kept under this content can't be read.
struct cache_damaged {
  std::string sha256;
  std::string why;
};

/// A person wants entries gone: of one key (or of those that begin so), or all.
struct cache_drop {
  std::string key; ///< empty: all
  std::string by;
};

/// Knows which results of steps are kept, and for what. Its content is the artifact store's.
using result_cache_actor =
  caf::typed_actor<caf::replies_to<cache_question>::with<cache_answer>,
                   caf::replies_to<cache_filing>::with<cache_kept>, caf::reacts_to<cache_damaged>,
                   // From the gateway.
                   caf::replies_to<cache_drop>::with<expected<accepted>>>::extend_with<described>;

} // namespace drover

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::cache_question)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::cache_filing)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::cache_damaged)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::cache_drop)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::cache_answer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::cache_kept)
