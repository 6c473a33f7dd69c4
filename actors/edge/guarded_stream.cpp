// SPDX-License-Identifier: Apache-2.0
#include "actors/edge/guarded_stream.hpp"

#include "actors/edge/reason.hpp"
#include "schema/limits.hpp"
#include "schema/names.hpp"

#include <capnp/serialize.h>
#include <fmt/format.h>
#include <kj/time.h>

namespace drover {
namespace {

rate_guard::moment now() {
  auto since = kj::systemCoarseMonotonicClock().now() - kj::origin<kj::TimePoint>();
  return rate_guard::moment{since / kj::NANOSECONDS};
}

} // namespace

guarded_stream::guarded_stream(kj::AsyncIoStream& stream, const peer_bounds& bounds,
                               kj::Function<backlog()> unsent, breaker broken)
    : stream_{stream}, bounds_{bounds}, unsent_{kj::mv(unsent)}, broken_{kj::mv(broken)},
      rate_{bounds.messages_per_second} {}

kj::Promise<guarded_stream::read_result>
guarded_stream::tryReadMessage(kj::ArrayPtr<kj::AutoCloseFd> fd_space, capnp::ReaderOptions options,
                               kj::ArrayPtr<capnp::word> scratch) {
  capnp::MessageStream& inner = stream_;
  return inner.tryReadMessage(fd_space, options, scratch)
    .then(
      [this](read_result&& message) -> kj::Promise<read_result> {
        KJ_IF_MAYBE (found, message) {
          auto why = judge(*found->reader);
          if (!why.empty())
            return stop(why);
        }
        return kj::mv(message);
      },
      [this](kj::Exception&& problem) -> kj::Promise<read_result> {
        if (problem.getType() != kj::Exception::Type::DISCONNECTED)
          return stop(plain_reason(problem));
        return kj::mv(problem);
      });
}

std::string guarded_stream::judge(capnp::MessageReader& message) {
  if (rate_.exceeded_at(now()))
    return fmt::format("it sends more than {} messages in a second", bounds_.messages_per_second);
  auto waiting = unsent_();
  if (waiting.messages > bounds_.answers_unread || waiting.bytes > bounds_.bytes_unread)
    return fmt::format("it does not read: {} answers of {} bytes wait for it", waiting.messages,
                       waiting.bytes);
  try {
    return count(message.getRoot<capnp::rpc::Message>());
  } catch (const kj::Exception& problem) {
    return plain_reason(problem);
  }
}

std::string guarded_stream::count(capnp::rpc::Message::Reader message) {
  switch (message.which()) {
  case capnp::rpc::Message::CALL:
  case capnp::rpc::Message::BOOTSTRAP:
    if (++held_ > bounds_.answers_held)
      return fmt::format("it does not let go of {} answers", bounds_.answers_held);
    break;
  case capnp::rpc::Message::FINISH:
    held_ -= held_ > 0 ? 1 : 0;
    break;
  default:
    break;
  }
  return {};
}

/// The peer gets no answer to this: it may not read, and what is queued for it would have to go
/// first. Who hears `broken_` ends the connection.
kj::Promise<guarded_stream::read_result> guarded_stream::stop(const std::string& why) {
  broken_(why);
  return kj::NEVER_DONE;
}

void guarded_stream::note_sent(kj::ArrayPtr<const kj::ArrayPtr<const capnp::word>> segments) {
  capnp::SegmentArrayMessageReader sent{segments};
  auto message = sent.getRoot<capnp::rpc::Message>();
  // The library gives the connection up, and tells the peer alone why. An end as planned, or the
  // peer's own, is of another type.
  if (message.isAbort() && message.getAbort().getType() == capnp::rpc::Exception::Type::FAILED)
    broken_("it sent what is no call: "
            + printable(message.getAbort().getReason().cStr(), limits::reason_bytes_max));
#if CAPNP_VERSION >= 1'000'000
  if (message.isReturn() && message.getReturn().getNoFinishNeeded())
    held_ -= held_ > 0 ? 1 : 0;
#endif // before, every answer must be finished
}

kj::Promise<void>
guarded_stream::writeMessage(kj::ArrayPtr<const int> fds,
                             kj::ArrayPtr<const kj::ArrayPtr<const capnp::word>> segments) {
  note_sent(segments);
  capnp::MessageStream& inner = stream_;
  return inner.writeMessage(fds, segments);
}

kj::Promise<void> guarded_stream::writeMessages(
  kj::ArrayPtr<kj::ArrayPtr<const kj::ArrayPtr<const capnp::word>>> messages) {
  for (auto segments : messages)
    note_sent(segments);
  capnp::MessageStream& inner = stream_;
  return inner.writeMessages(messages);
}

kj::Maybe<int> guarded_stream::getSendBufferSize() {
  return stream_.getSendBufferSize();
}

kj::Promise<void> guarded_stream::end() {
  return stream_.end();
}

} // namespace drover
