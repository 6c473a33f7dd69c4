#pragma once
// What is asked of the archivist, the only one that changes the record of a build that is over.
// SPDX-License-Identifier: Apache-2.0

#include "actors/common_types.hpp"
#include "actors/core/opinion_wish.hpp"

namespace drover {

/// A build is over, and its tests were read: who is to blame, it or others of its source?
struct judge_build {
  build_id build;
};

/// What would tell more of builds that are red.
struct judged {
  struct open_case {
    build_id red;
    core::opinion_wish wish = core::opinion_wish::none;
  };
  std::vector<open_case> open;
};

/// The artifacts of these builds go; `why` is for people, without a subject: "older than 30 d".
struct drop_artifacts {
  struct line {
    build_id build;
    std::string why;
  };
  std::vector<line> builds;
};

/// How many builds lost their artifacts.
struct artifacts_gone {
  uint64_t builds = 0;
};

using archivist_actor = caf::typed_actor<
  // From the coordinator.
  caf::replies_to<judge_build>::with<judged>,
  // From the store keeper.
  caf::replies_to<drop_artifacts>::with<artifacts_gone>>::extend_with<described>;

} // namespace drover

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::judge_build)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::judged)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::drop_artifacts)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::artifacts_gone)
