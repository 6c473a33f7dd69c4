#pragma once
// Fetches what somebody wants built now: a revision of a source, or a file at an address.
// SPDX-License-Identifier: Apache-2.0

#include "actors/farm.hpp"

#include <functional>

namespace drover {

/// Any branch, tag or revision of a git or hg source.
struct fetch_revision {
  source_spec source;
  std::string name;
};

/// A tarball at an address of http or https; `name` is what it is called here.
struct fetch_address {
  std::string url;
  std::string name;
};

/// Answers with the content's reference once it is stored.
using source_fetcher_actor = caf::typed_actor<
  caf::replies_to<fetch_revision>::with<expected<source_ref>>,
  caf::replies_to<fetch_address>::with<expected<source_ref>>>::extend_with<described>;

/// The outside, as the fetcher uses it. Calls may take minutes.
struct fetcher_parts {
  std::function<expected<found_change>(const source_spec& source, const std::string& name)> take;
  std::function<expected<found_change>(const std::string& url, const std::string& name)> download;
  std::shared_ptr<source_port> files; ///< reads and discards what the two have found
  artifact_store_actor artifacts;
  census_actor census;
};

/// On a thread of its own; one wish at a time.
source_fetcher_actor spawn_source_fetcher(caf::actor_system& system, fetcher_parts parts);
void stop_source_fetcher(const source_fetcher_actor& fetcher);

} // namespace drover

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::fetch_revision)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::fetch_address)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::expected<drover::source_ref>)
