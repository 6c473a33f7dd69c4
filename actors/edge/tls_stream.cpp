// SPDX-License-Identifier: Apache-2.0
#include "actors/edge/tls_stream.hpp"

#include "actors/edge/first_bytes.hpp"

#include <kj/debug.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <utility>

namespace drover {
namespace {

/// What one TLS record holds at most.
constexpr size_t record_bytes = 16 * 1024;
/// What a quiet stream reads at once: a beat, or its answer.
constexpr size_t quiet_read_bytes = 2 * 1024;

} // namespace

kj::Exception tls_error(const char* what) {
  std::string text = what;
  std::array<char, 256> words{};
  while (auto code = ERR_get_error()) {
    ERR_error_string_n(code, words.data(), words.size());
    text += std::string{": "} + words.data();
  }
  return kj::Exception(kj::Exception::Type::FAILED, "tls", 0, kj::heapString(text.c_str()));
}

// -- OpenSSL's side --

struct tls_stream::port {
  static tls_stream& of(BIO* bio) { return *static_cast<tls_stream*>(BIO_get_data(bio)); }

  static int write(BIO* bio, const char* bytes, int size) {
    auto& out = of(bio).out_;
    const auto* from = reinterpret_cast<const kj::byte*>(bytes);
    out.insert(out.end(), from, from + size);
    return size;
  }

  static int read(BIO* bio, char* bytes, int size) {
    auto& stream = of(bio);
    BIO_clear_retry_flags(bio);
    auto taken = std::min(static_cast<size_t>(size), stream.in_end_ - stream.in_begin_);
    if (taken == 0) {
      BIO_set_retry_read(bio);
      return -1;
    }
    std::memcpy(bytes, stream.in_.begin() + stream.in_begin_, taken);
    stream.in_begin_ += taken;
    return static_cast<int>(taken);
  }

  static long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

  static BIO_METHOD* make_method() {
    auto* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stream");
    BIO_meth_set_write(made, write);
    BIO_meth_set_read(made, read);
    BIO_meth_set_ctrl(made, control);
    return made;
  }

  static BIO* make(tls_stream& stream) {
    static const BIO_METHOD* method = make_method();
    auto* bio = BIO_new(method);
    KJ_REQUIRE(bio != nullptr, "no memory for TLS");
    BIO_set_data(bio, &stream);
    BIO_set_init(bio, 1);
    return bio;
  }
};

tls_stream::tls_stream(kj::Own<kj::AsyncIoStream> inner, tls_session_ptr session)
    : inner_{kj::mv(inner)}, session_{std::move(session)},
      drained_{kj::Promise<void>{kj::READY_NOW}.fork()} {
  auto* bio = port::make(*this);
  SSL_set_bio(session_.get(), bio, bio);
}

kj::Promise<void> tls_stream::shake_hands() {
  ERR_clear_error();
  auto result = SSL_do_handshake(session_.get());
  start();
  if (result == 1)
    return kj::READY_NOW;
  if (SSL_get_error(session_.get(), result) == SSL_ERROR_WANT_READ)
    return fill().then([this] { return shake_hands(); });
  auto verdict = SSL_get_verify_result(session_.get());
  auto why = tls_error(verdict == X509_V_OK ? "TLS" : X509_verify_cert_error_string(verdict));
  // The peer has a right to the alert.
  return drained_.addBranch().then(
    [why]() -> kj::Promise<void> { return kj::cp(why); },
    [why](kj::Exception&&) -> kj::Promise<void> { return kj::cp(why); });
}

// -- reading --

kj::Promise<void> tls_stream::fill() {
  auto wanted = much_to_read_ ? read_at_once : quiet_read_bytes;
  if (in_.size() != wanted)
    in_ = kj::heapArray<kj::byte>(wanted);
  in_begin_ = in_end_ = 0;
  return inner_->tryRead(in_.begin(), 1, in_.size()).then([this](size_t got) {
    if (got == 0)
      kj::throwFatalException(KJ_EXCEPTION(DISCONNECTED, "the peer hung up"));
    in_end_ = got;
    if (auto much = got == in_.size() || got > quiet_read_bytes;
        much != std::exchange(much_to_read_, much))
      set_buffers();
  });
}

void tls_stream::set_buffers() const {
  if (much_to_read_ || much_to_write_)
    SSL_clear_mode(session_.get(), SSL_MODE_RELEASE_BUFFERS);
  else
    SSL_set_mode(session_.get(), SSL_MODE_RELEASE_BUFFERS);
}

kj::Maybe<size_t> tls_stream::decrypt(kj::ArrayPtr<kj::byte> into) {
  size_t had = 0;
  ERR_clear_error();
  while (had < into.size()) {
    size_t got = 0;
    auto result = SSL_read_ex(session_.get(), into.begin() + had, into.size() - had, &got);
    had += got;
    if (result == 1)
      continue;
    auto error = SSL_get_error(session_.get(), result);
    if (error == SSL_ERROR_ZERO_RETURN && had == 0)
      return nullptr;
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_ZERO_RETURN)
      break; // its end is told by the next call
    start();
    kj::throwFatalException(tls_error("TLS"));
  }
  start(); // to read may take an answer
  return had;
}

kj::Promise<size_t> tls_stream::read(kj::byte* buffer, size_t least, size_t most) {
  KJ_IF_MAYBE (got, decrypt(kj::arrayPtr(buffer, most))) {
    if (*got >= least)
      return *got;
    auto had = *got;
    return fill()
      .then([this, rest = buffer + had, least = least - had, most = most - had] {
        return read(rest, least, most);
      })
      .then([had](size_t more) { return had + more; });
  }
  return size_t{0};
}

// -- writing --

void tls_stream::encrypt_record(kj::ArrayPtr<const kj::byte> bytes) {
  size_t taken = 0;
  // The port takes all there is, so OpenSSL does too.
  if (SSL_write_ex(session_.get(), bytes.begin(), bytes.size(), &taken) != 1
      || taken != bytes.size())
    kj::throwFatalException(tls_error("TLS"));
}

kj::Promise<void> tls_stream::encrypt(kj::ArrayPtr<const kj::byte> first,
                                      kj::ArrayPtr<const kj::ArrayPtr<const kj::byte>> rest) {
  KJ_IF_MAYBE (why, failed_)
    return kj::cp(*why);
  KJ_REQUIRE(!shut_, "written after the end");
  if (out_.capacity() == 0 && first.size() > record_bytes)
    out_.reserve(written_at_once + 2 * record_bytes);
  ERR_clear_error();
  std::array<kj::byte, record_bytes> small; // short pieces share a record
  while (first.size() > 0 || rest.size() > 0) {
    if (out_.size() >= written_at_once) {
      start();
      return drained_.addBranch().then([this, first, rest] { return encrypt(first, rest); });
    }
    if (first.size() >= record_bytes) {
      if (!std::exchange(much_to_write_, true))
        set_buffers();
      encrypt_record(first.slice(0, record_bytes));
      first = first.slice(record_bytes, first.size());
      continue;
    }
    size_t filled = 0;
    while (filled < small.size() && (first.size() > 0 || rest.size() > 0)) {
      auto part = std::min(first.size(), small.size() - filled);
      std::copy_n(first.begin(), part, small.begin() + filled);
      filled += part;
      first = first.slice(part, first.size());
      if (first.size() == 0 && rest.size() > 0) {
        first = rest[0];
        rest = rest.slice(1, rest.size());
      }
    }
    if (filled > 0)
      encrypt_record({small.data(), filled});
  }
  start();
  return kj::READY_NOW;
}

void tls_stream::start() {
  if (draining_ || out_.empty())
    return;
  draining_ = true;
  // Later: what else this turn has to write goes with it.
  drained_ = kj::evalLater([this] { return drain(); })
               .catch_([this](kj::Exception&& problem) {
                 failed_ = kj::cp(problem);
                 draining_ = false;
                 kj::throwFatalException(kj::mv(problem));
               })
               .fork();
}

kj::Promise<void> tls_stream::drain() {
  if (out_.empty()) {
    draining_ = false;
    if (sending_.size() < record_bytes) { // little goes through now
      if (sending_.capacity() > record_bytes)
        out_ = sending_ = {};
      if (std::exchange(much_to_write_, false))
        set_buffers();
    }
    if (shut_)
      inner_->shutdownWrite();
    return kj::READY_NOW;
  }
  std::swap(out_, sending_);
  out_.clear();
  return write_bytes(*inner_, kj::arrayPtr(sending_.data(), sending_.size())).then([this] {
    return drain();
  });
}

void tls_stream::shutdownWrite() {
  if (std::exchange(shut_, true))
    return;
  ERR_clear_error();
  SSL_shutdown(session_.get());
  start();
  if (!draining_)
    inner_->shutdownWrite();
}

} // namespace drover
