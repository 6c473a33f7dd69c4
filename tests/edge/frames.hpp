#pragma once
// Recorded sessions between a host and a coordinator: a word for the kind, then the message.
//
// The files are made by tools/earlier-version from programs that were built from earlier commits.
// SPDX-License-Identifier: Apache-2.0

#include "schema/wire.capnp.h"

#include <capnp/serialize.h>

#include <array>
#include <cstring>
#include <string_view>

namespace drover::test {

/// One word of Cap'n Proto, so that each message stays aligned.
using frame_kind = std::array<char, sizeof(capnp::word)>;

inline constexpr frame_kind hello_frame{'h', 'e', 'l', 'l', 'o', ' ', ' ', ' '};
inline constexpr frame_kind answer_frame{'a', 'n', 's', 'w', 'e', 'r', ' ', ' '};
inline constexpr frame_kind host_frame{'h', 'o', 's', 't', ' ', ' ', ' ', ' '};
inline constexpr frame_kind farm_frame{'f', 'a', 'r', 'm', ' ', ' ', ' ', ' '};

/// Calls `hello`, `answer`, `host` and `farm` with the messages of a recording, in its order.
/// Returns false, or throws kj::Exception, where the recording is damaged.
template <class Visitor>
bool for_each_frame(kj::ArrayPtr<const capnp::word> recording, Visitor&& visitor) {
  while (recording.size() > 0) {
    frame_kind kind{};
    std::memcpy(kind.data(), recording.begin(), kind.size());
    capnp::FlatArrayMessageReader message{recording.slice(1, recording.size())};
    if (kind == hello_frame)
      visitor.hello(message.getRoot<wire::Hello>());
    else if (kind == answer_frame)
      visitor.answer(message.getRoot<wire::JoinAnswer>());
    else if (kind == host_frame)
      visitor.host(message.getRoot<wire::HostMessage>());
    else if (kind == farm_frame)
      visitor.farm(message.getRoot<wire::FarmMessage>());
    else
      return false;
    recording = kj::arrayPtr(message.getEnd(), recording.end());
  }
  return true;
}

} // namespace drover::test
