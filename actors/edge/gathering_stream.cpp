// SPDX-License-Identifier: Apache-2.0
#include "actors/edge/gathering_stream.hpp"

#include "actors/edge/first_bytes.hpp"

#include <algorithm>
#include <cstring>

namespace drover {

gathering_stream::gathering_stream(kj::Own<kj::AsyncIoStream> inner) : inner_{kj::mv(inner)} {}

kj::Promise<size_t> gathering_stream::tryRead(void* buffer, size_t least, size_t most) {
  auto* to = static_cast<kj::byte*>(buffer);
  auto take = [this](kj::byte* into, size_t wanted) {
    auto size = std::min(wanted, read_end_ - read_begin_);
    if (size > 0)
      std::memcpy(into, read_.begin() + read_begin_, size);
    read_begin_ += size;
    return size;
  };
  auto had = take(to, most);
  if (had >= least)
    return had;
  if (!much_to_read_ || most - had >= gathered_bytes) {
    read_ = nullptr;
    return inner_->tryRead(to + had, least - had, most - had)
      .then([this, had, wanted = most - had](size_t got) {
        much_to_read_ = got == wanted;
        return had + got;
      });
  }
  if (read_.size() == 0)
    read_ = kj::heapArray<kj::byte>(gathered_bytes);
  read_begin_ = read_end_ = 0;
  return inner_->tryRead(read_.begin(), least - had, gathered_bytes)
    .then([this, take, to, had, most](size_t got) {
      read_end_ = got;
      much_to_read_ = got > most - had;
      return had + take(to + had, most - had);
    });
}

kj::Promise<void> gathering_stream::gather(kj::ArrayPtr<const kj::byte> bytes) {
  KJ_IF_MAYBE (why, failed_)
    return kj::cp(*why);
  if (bytes.size() == 0)
    return kj::READY_NOW;
  auto room = gathered_bytes - std::min(gathered_bytes, gathered_.size());
  auto now = std::min(room, bytes.size());
  gathered_.addAll(bytes.slice(0, now));
  start();
  if (now == bytes.size())
    return kj::READY_NOW;
  return drained_.addBranch().then(
    [this, rest = bytes.slice(now, bytes.size())] { return gather(rest); });
}

kj::Promise<void> gathering_stream::write(kj::ArrayPtr<const kj::ArrayPtr<const kj::byte>> pieces) {
  if (pieces.size() == 0)
    return kj::READY_NOW;
  auto rest = pieces.slice(1, pieces.size());
  return gather(pieces[0]).then([this, rest] { return write(rest); });
}

void gathering_stream::start() {
  if (draining_)
    return;
  draining_ = true;
  // Later: what else this turn has to write comes first.
  drained_ = kj::evalLater([this] { return drain(); })
               .catch_([this](kj::Exception&& problem) {
                 failed_ = kj::cp(problem);
                 draining_ = false;
                 kj::throwFatalException(kj::mv(problem));
               })
               .fork();
}

kj::Promise<void> gathering_stream::drain() {
  if (gathered_.size() == 0) {
    draining_ = false;
    gathered_ = {};
    sent_ = {};
    if (shut_)
      inner_->shutdownWrite();
    return kj::READY_NOW;
  }
  std::swap(gathered_, sent_);
  gathered_.clear();
  return write_bytes(*inner_, sent_.asPtr()).then([this] { return drain(); });
}

void gathering_stream::shutdownWrite() {
  shut_ = true;
  if (!draining_)
    inner_->shutdownWrite();
}

} // namespace drover
