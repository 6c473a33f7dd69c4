#pragma once
// The coordinator's end of one exchange in which a machine gets a certificate: one message each
// way, bounded in size and time, without RPC.
// SPDX-License-Identifier: Apache-2.0

#include "actors/edge/loop.hpp"
#include "actors/enroller.hpp"

#include <kj/async-io.h>

#include <functional>
#include <string>

namespace drover {

/// A machine inside TLS that wants a certificate.
struct enrolment_guest {
  kj::Own<kj::AsyncIoStream> stream;
  std::string address;        ///< for people
  std::string proven_name;    ///< by a certificate that holds: a renewal; empty: it has a token
  std::function<void()> over; ///< called once, on the loop's thread, when it is gone
};

using enrolment_talk_actor = described;

/// Lives for limits::enrolment_timeout at most.
enrolment_talk_actor spawn_enrolment_talk(edge_loop& loop, enrolment_guest who,
                                          const enroller_actor& enroller);

} // namespace drover
