#pragma once
// A stream below TLS that talks to the kernel in large pieces: kj's TLS moves 8 KiB at a time.
// SPDX-License-Identifier: Apache-2.0

#include <kj/async-io.h>
#include <kj/vector.h>

namespace drover {

/// What is written within one turn of the loop goes out together at its end, in order; a write
/// waits only while `gathered_bytes` are on their way. What is read comes from as large a read as
/// there is. It has buffers only while much goes through: a farm has thousands of quiet links. A
/// failure to write is told by the next write, and by `whenWriteDisconnected`.
class gathering_stream final : public kj::AsyncIoStream {
public:
  static constexpr size_t gathered_bytes = 64 * 1024;

  explicit gathering_stream(kj::Own<kj::AsyncIoStream> inner);

  kj::Promise<size_t> tryRead(void* buffer, size_t least, size_t most) override;
  kj::Maybe<uint64_t> tryGetLength() override { return nullptr; }
  // One of these two overrides: which one, depends on kj's version.
  kj::Promise<void> write(const void* buffer, size_t size) {
    return gather({static_cast<const kj::byte*>(buffer), size});
  }
  kj::Promise<void> write(kj::ArrayPtr<const kj::byte> bytes) { return gather(bytes); }
  kj::Promise<void> write(kj::ArrayPtr<const kj::ArrayPtr<const kj::byte>> pieces) override;
  kj::Promise<void> whenWriteDisconnected() override { return inner_->whenWriteDisconnected(); }
  void shutdownWrite() override;
  void abortRead() override { inner_->abortRead(); }
  void getsockopt(int level, int option, void* value, kj::uint* length) override {
    inner_->getsockopt(level, option, value, length);
  }
  void setsockopt(int level, int option, const void* value, kj::uint length) override {
    inner_->setsockopt(level, option, value, length);
  }
  void getsockname(struct sockaddr* address, kj::uint* length) override {
    inner_->getsockname(address, length);
  }
  void getpeername(struct sockaddr* address, kj::uint* length) override {
    inner_->getpeername(address, length);
  }

private:
  kj::Promise<void> gather(kj::ArrayPtr<const kj::byte> bytes);
  kj::Promise<void> drain();
  void start();

  kj::Own<kj::AsyncIoStream> inner_;
  kj::Array<kj::byte> read_;
  size_t read_begin_ = 0, read_end_ = 0;
  bool much_to_read_ = false; ///< the last read was as large as it could be
  kj::Vector<kj::byte> gathered_, sent_;
  bool draining_ = false;
  bool shut_ = false; ///< as soon as all is written
  kj::Maybe<kj::Exception> failed_;
  kj::ForkedPromise<void> drained_ = nullptr; // last: it refers to the rest
};

} // namespace drover
