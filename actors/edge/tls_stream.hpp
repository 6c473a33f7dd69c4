#pragma once
// A TLS session over another stream that moves much at once: kj's own TLS hands on 8 KiB at a time,
// a system call and some ten turns of promises each.
// SPDX-License-Identifier: Apache-2.0

#include <kj/async-io.h>
#include <openssl/ssl.h>

#include <memory>
#include <vector>

namespace drover {

struct tls_free {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* session) const { SSL_free(session); }
};
using tls_context_ptr = std::unique_ptr<SSL_CTX, tls_free>;
using tls_session_ptr = std::unique_ptr<SSL, tls_free>;

/// The errors that OpenSSL remembers on this thread, in its words; clears them.
kj::Exception tls_error(const char* what);

/// Shake hands first. What is written within one turn of the loop goes out together at its end, in
/// order; a write waits only while `written_at_once` are on their way. A failure to write is told
/// by the next write, and by `whenWriteDisconnected`. Buffers are there only while much goes
/// through: a farm has thousands of quiet links. A peer that ends without saying so is a
/// DISCONNECTED exception: what it said may be cut short.
class tls_stream final : public kj::AsyncIoStream {
public:
  static constexpr size_t written_at_once = 128 * 1024;
  static constexpr size_t read_at_once = 128 * 1024;

  /// `session` knows already whether it is the client or the server, and whom to trust.
  tls_stream(kj::Own<kj::AsyncIoStream> inner, tls_session_ptr session);

  /// Ends once both sides have proved what they must; fails after the peer was told why not.
  kj::Promise<void> shake_hands();
  SSL& session() { return *session_; }

  kj::Promise<size_t> tryRead(void* buffer, size_t least, size_t most) override {
    return kj::evalNow([&] { return read(static_cast<kj::byte*>(buffer), least, most); });
  }
  kj::Maybe<uint64_t> tryGetLength() override { return nullptr; }
  // One of these two overrides: which one, depends on kj's version.
  kj::Promise<void> write(const void* buffer, size_t size) {
    return write(kj::arrayPtr(static_cast<const kj::byte*>(buffer), size));
  }
  kj::Promise<void> write(kj::ArrayPtr<const kj::byte> bytes) {
    return kj::evalNow([&] { return encrypt(bytes, nullptr); });
  }
  kj::Promise<void> write(kj::ArrayPtr<const kj::ArrayPtr<const kj::byte>> pieces) override {
    return kj::evalNow([&] { return encrypt(nullptr, pieces); });
  }
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
  struct port; ///< OpenSSL's way to the two buffers

  kj::Promise<size_t> read(kj::byte* buffer, size_t least, size_t most);
  kj::Promise<void> encrypt(kj::ArrayPtr<const kj::byte> first,
                            kj::ArrayPtr<const kj::ArrayPtr<const kj::byte>> rest);
  void encrypt_record(kj::ArrayPtr<const kj::byte> bytes);
  /// What of `into` could be filled without more from the peer; nothing: the peer has said its end.
  kj::Maybe<size_t> decrypt(kj::ArrayPtr<kj::byte> into);
  /// Reads more from the peer for OpenSSL to take.
  kj::Promise<void> fill();
  /// Sends what OpenSSL has put out, at the end of this turn.
  void start();
  kj::Promise<void> drain();
  /// Lets OpenSSL keep its own two buffers while much goes through, and give them back after that.
  void set_buffers() const;

  kj::Own<kj::AsyncIoStream> inner_;
  kj::Array<kj::byte> in_;
  size_t in_begin_ = 0, in_end_ = 0;
  bool much_to_read_ = false;           ///< the last read was as large as it could be
  bool much_to_write_ = false;          ///< whole records go out
  std::vector<kj::byte> out_, sending_; ///< encrypted
  bool draining_ = false;
  bool shut_ = false; ///< as soon as all is written
  kj::Maybe<kj::Exception> failed_;
  tls_session_ptr session_;
  kj::ForkedPromise<void> drained_; // last: it refers to the rest
};

} // namespace drover
