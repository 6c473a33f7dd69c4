#pragma once
// How a peer says, before TLS, what it came for; and a stream that gives back what was read of it.
//
//   stream      := exchange | TLS of a host with a certificate (its first byte is 0x16)
//   exchange    := "DROVERj\n" authority TLS of a machine without a certificate
//                | "DROVERr\n" TLS of a host that renews its certificate
//   authority   := length:u32be PEM, said by the coordinator: the machine compares its key with the
//                  fingerprint in the token before it says anything more
//
// SPDX-License-Identifier: Apache-2.0

#include <kj/async-io.h>

#include <string_view>

namespace drover {

inline constexpr std::string_view join_greeting = "DROVERj\n";
inline constexpr std::string_view renewal_greeting = "DROVERr\n";
static_assert(join_greeting.size() == renewal_greeting.size());

/// kj's later versions take an array, earlier ones a pointer and a size.
template <class Stream>
kj::Promise<void> write_bytes(Stream& to, kj::ArrayPtr<const kj::byte> bytes) {
  if constexpr (requires { to.write(bytes.begin(), bytes.size()); })
    return to.write(bytes.begin(), bytes.size());
  else
    return to.write(bytes);
}

/// A stream of which one byte was read to see what it is.
class replayed_stream final : public kj::AsyncIoStream {
public:
  replayed_stream(kj::Own<kj::AsyncIoStream> rest, kj::byte first)
      : rest_{kj::mv(rest)}, first_{first} {}

  kj::Promise<size_t> tryRead(void* buffer, size_t least, size_t most) override {
    if (is_given_ || most == 0)
      return rest_->tryRead(buffer, least, most);
    is_given_ = true;
    auto* to = static_cast<kj::byte*>(buffer);
    *to = first_;
    if (least <= 1)
      return size_t{1};
    return rest_->tryRead(to + 1, least - 1, most - 1).then([](size_t more) { return more + 1; });
  }
  kj::Maybe<uint64_t> tryGetLength() override { return nullptr; }

  // One of these two overrides: which one, depends on kj's version.
  kj::Promise<void> write(const void* buffer, size_t size) {
    return write_bytes(*rest_, {static_cast<const kj::byte*>(buffer), size});
  }
  kj::Promise<void> write(kj::ArrayPtr<const kj::byte> bytes) { return write_bytes(*rest_, bytes); }
  kj::Promise<void> write(kj::ArrayPtr<const kj::ArrayPtr<const kj::byte>> pieces) override {
    return rest_->write(pieces);
  }
  kj::Promise<void> whenWriteDisconnected() override { return rest_->whenWriteDisconnected(); }
  void shutdownWrite() override { rest_->shutdownWrite(); }
  void abortRead() override { rest_->abortRead(); }

private:
  kj::Own<kj::AsyncIoStream> rest_;
  kj::byte first_;
  bool is_given_ = false;
};

} // namespace drover
