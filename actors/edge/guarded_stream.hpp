#pragma once
// Between a socket and the RPC system: sees each message of the peer before that does, and stops
// reading from a peer that breaks a bound which the library does not keep.
// SPDX-License-Identifier: Apache-2.0

#include "actors/edge/guards.hpp"
#include "schema/limits.hpp"

#include <capnp/rpc.capnp.h>
#include <capnp/serialize-async.h>
#include <kj/async-io.h>
#include <kj/function.h>

#include <cstdint>
#include <string>

namespace drover {

/// What one peer may do.
struct peer_bounds {
  uint64_t messages_per_second = limits::link_messages_per_second_max;
  size_t answers_held = limits::link_held_max;    ///< that it has not let go of
  size_t answers_unread = limits::link_queue_max; ///< that the socket does not take
  size_t bytes_unread = 2 * limits::link_waiting_bytes_max;
};

/// What of ours waits for the socket.
struct backlog {
  size_t messages = 0;
  size_t bytes = 0;
};

class guarded_stream final : public capnp::MessageStream {
public:
  using breaker = kj::Function<void(const std::string&)>;

  /// `unsent` tells what of ours waits for the socket. `broken` hears why, once;
  /// nothing is read from then on.
  guarded_stream(kj::AsyncIoStream& stream, const peer_bounds& bounds,
                 kj::Function<backlog()> unsent, breaker broken);

  kj::Promise<kj::Maybe<capnp::MessageReaderAndFds>>
  tryReadMessage(kj::ArrayPtr<kj::AutoCloseFd> fd_space, capnp::ReaderOptions options,
                 kj::ArrayPtr<capnp::word> scratch) override;
  kj::Promise<void>
  writeMessage(kj::ArrayPtr<const int> fds,
               kj::ArrayPtr<const kj::ArrayPtr<const capnp::word>> segments) override;
  kj::Promise<void> writeMessages(
    kj::ArrayPtr<kj::ArrayPtr<const kj::ArrayPtr<const capnp::word>>> messages) override;
  kj::Maybe<int> getSendBufferSize() override;
  kj::Promise<void> end() override;

private:
  using read_result = kj::Maybe<capnp::MessageReaderAndFds>;

  /// Empty, or which bound the message breaks.
  std::string judge(capnp::MessageReader& message);
  std::string count(capnp::rpc::Message::Reader message);
  kj::Promise<read_result> stop(const std::string& why);
  /// Looks whether an answer of ours frees the peer from letting go of it (Cap'n Proto 1.0 on).
  void note_sent(kj::ArrayPtr<const kj::ArrayPtr<const capnp::word>> segments);

  capnp::AsyncIoMessageStream stream_;
  peer_bounds bounds_;
  kj::Function<backlog()> unsent_;
  breaker broken_;
  rate_guard rate_;
  size_t held_ = 0; ///< questions of the peer that it has yet to finish
};

} // namespace drover
