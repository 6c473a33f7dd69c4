#pragma once
// The outbox's actors: their interfaces, what each message means and who may send it.
// SPDX-License-Identifier: Apache-2.0

#include "actors/farm_types.hpp"

namespace drover {

/// Something waits for a reporter; with `now`, also what was to be tried again later only.
struct notices_wait {
  bool now = false;
};

/// Makes a notice that only says that it has arrived. Answered with its id once it is durable.
struct notice_test {
  std::string reporter;
  std::string by;
};

/// Tries a notice once more, whatever became of it; or all that failed.
struct notice_retry {
  uint64_t id = 0; ///< 0: all that failed
  std::string by;
};

/// Delivers what waits for one reporter, one notice at a time.
using reporter_actor = caf::typed_actor<
  // From the outbox: the reporter's settings have changed.
  caf::reacts_to<reporter_spec>, caf::reacts_to<notices_wait>,
  // INTERNAL: something may be due.
  caf::reacts_to<atom::tick>>::extend_with<described>;

/// Reads the journal and makes notices of it.
using outbox_actor = caf::typed_actor<caf::replies_to<notice_test>::with<expected<uint64_t>>,
                                      caf::replies_to<notice_retry>::with<expected<accepted>>,
                                      // INTERNAL: something that waited for its like is to be told.
                                      caf::reacts_to<atom::tick>>::extend_with<described>;

} // namespace drover

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::notices_wait)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::notice_test)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::notice_retry)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::reporter_spec)
