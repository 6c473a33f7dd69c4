#pragma once
// TLS sessions in which both sides prove that they are of one farm.
// SPDX-License-Identifier: Apache-2.0

#include "actors/edge/pki.hpp"
#include "actors/edge/tls_stream.hpp"

#include <memory>
#include <string>

namespace drover {

/// An authenticated stream and who is at its other end.
struct tls_peer {
  kj::Own<kj::AsyncIoStream> stream;
  std::string common_name;
  std::string address;     ///< "127.0.0.1:4711"
  std::string serial = {}; ///< of a certificate that was given for a token; else empty
};

/// One side's keys, ready for handshakes. The streams may outlive it.
class tls_side {
public:
  /// `keys` as from `load_keys`.
  static expected<std::unique_ptr<tls_side>> make(const key_texts& keys);
  /// For `accept_stranger` alone.
  static expected<std::unique_ptr<tls_side>> make_open(const key_texts& keys);

  /// As the coordinator: takes only clients with a certificate of the farm. Fails after
  /// limits::accept_timeout.
  kj::Promise<tls_peer> accept(kj::AuthenticatedStream stream, kj::Timer& timer);
  /// As the coordinator: takes anybody; whoever comes proves nothing. Fails as `accept`.
  kj::Promise<kj::Own<kj::AsyncIoStream>> accept_stranger(kj::Own<kj::AsyncIoStream> stream,
                                                          kj::Timer& timer);
  /// As a host: takes only the farm's coordinator. Fails after limits::accept_timeout. With TLS 1.3
  /// the other side may yet refuse this one: only an answer to a call means "connected".
  kj::Promise<kj::Own<kj::AsyncIoStream>> connect(kj::Own<kj::AsyncIoStream> stream,
                                                  kj::Timer& timer);

private:
  enum class clients { prove_themselves, are_strangers };
  static expected<std::unique_ptr<tls_side>> make(const key_texts& keys, clients who);
  explicit tls_side(tls_context_ptr context) : context_{std::move(context)} {}

  tls_context_ptr context_;
};

/// A side without keys of its own, which knows the farm's authority.
class tls_stranger {
public:
  /// `authority` as PEM.
  static expected<std::unique_ptr<tls_stranger>> make(const std::string& authority);

  /// Takes only the farm's coordinator. Fails after limits::accept_timeout.
  kj::Promise<kj::Own<kj::AsyncIoStream>> connect(kj::Own<kj::AsyncIoStream> stream,
                                                  kj::Timer& timer);

private:
  explicit tls_stranger(tls_context_ptr context) : context_{std::move(context)} {}

  tls_context_ptr context_;
};

} // namespace drover
