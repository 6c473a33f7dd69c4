// SPDX-License-Identifier: Apache-2.0
#include "actors/edge/tls.hpp"

#include "actors/edge/pem_files.hpp"
#include "schema/limits.hpp"

#include <kj/timer.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace drover {
namespace {

/// Of TLS 1.2, which no program of ours speaks with another; those of 1.3 are OpenSSL's own.
constexpr const char* old_ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20";

bio_ptr text_bio(const std::string& text) {
  return bio_ptr{BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))};
}

/// Keys are not encrypted: nobody is there to type a password.
int no_password(char*, int, int, void*) {
  return -1;
}

failure unusable(const char* what) {
  return {ec::bad_input, std::string{what} + ": " + openssl_reason()};
}

/// Trusts the authority alone.
expected<tls_context_ptr> make_context(const std::string& authority, const char* what) {
  ERR_clear_error();
  tls_context_ptr context{SSL_CTX_new(TLS_method())};
  certificate_ptr trusted{
    PEM_read_bio_X509(text_bio(authority).get(), nullptr, no_password, nullptr)};
  if (!context || !trusted
      || X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()), trusted.get()) != 1
      || SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) != 1
      || SSL_CTX_set_cipher_list(context.get(), old_ciphers) != 1)
    return unusable(what);
  // Links last for days: nobody comes back to a session.
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context.get(), 0);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION
                                       | SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
  return context;
}

/// The certificate comes first in its text, those that lead from it to the authority follow.
bool add_keys(SSL_CTX* context, const key_texts& keys) {
  private_key_ptr key{
    PEM_read_bio_PrivateKey(text_bio(keys.key).get(), nullptr, no_password, nullptr)};
  auto chain = text_bio(keys.certificate);
  certificate_ptr own{PEM_read_bio_X509(chain.get(), nullptr, no_password, nullptr)};
  if (!key || !own || SSL_CTX_use_certificate(context, own.get()) != 1
      || SSL_CTX_use_PrivateKey(context, key.get()) != 1)
    return false;
  while (X509* next = PEM_read_bio_X509(chain.get(), nullptr, no_password, nullptr))
    if (SSL_CTX_add_extra_chain_cert(context, next) != 1) { // takes it over
      X509_free(next);
      return false;
    }
  ERR_clear_error(); // there is no further one
  return true;
}

kj::Own<tls_stream> make_stream(SSL_CTX* context, kj::Own<kj::AsyncIoStream> stream) {
  ERR_clear_error();
  tls_session_ptr session{SSL_new(context)};
  if (!session)
    kj::throwFatalException(tls_error("TLS"));
  return kj::heap<tls_stream>(kj::mv(stream), std::move(session));
}

/// Holds the stream until its handshake is over, for limits::accept_timeout at most.
kj::Promise<kj::Own<tls_stream>> shake(kj::Own<tls_stream> stream, kj::Timer& timer) {
  auto& held = *stream;
  return timer
    .timeoutAfter(limits::accept_timeout.count() * kj::MILLISECONDS,
                  kj::evalNow([&] { return held.shake_hands(); }))
    .then([stream = kj::mv(stream)]() mutable { return kj::mv(stream); });
}

kj::Promise<kj::Own<tls_stream>> accept(SSL_CTX* context, kj::Own<kj::AsyncIoStream> inner,
                                        kj::Timer& timer) {
  auto stream = make_stream(context, kj::mv(inner));
  SSL_set_accept_state(&stream->session());
  return shake(kj::mv(stream), timer);
}

/// Nobody but the coordinator, by name.
kj::Promise<kj::Own<kj::AsyncIoStream>> connect(SSL_CTX* context, kj::Own<kj::AsyncIoStream> inner,
                                                kj::Timer& timer) {
  auto stream = make_stream(context, kj::mv(inner));
  auto* session = &stream->session();
  SSL_set_verify(session, SSL_VERIFY_PEER, nullptr);
  if (SSL_set_tlsext_host_name(session, coordinator_common_name) != 1
      || SSL_set1_host(session, coordinator_common_name) != 1)
    kj::throwFatalException(tls_error("TLS"));
  SSL_set_connect_state(session);
  return shake(kj::mv(stream), timer).then([](kj::Own<tls_stream> secured) {
    return kj::Own<kj::AsyncIoStream>{kj::mv(secured)};
  });
}

/// Whom the peer's certificate names; empty: none.
std::string name_of_peer(SSL& session) {
  certificate_ptr certificate{SSL_get1_peer_certificate(&session)};
  return certificate ? common_name(certificate.get()).value_or("") : std::string{};
}

} // namespace

expected<std::unique_ptr<tls_side>> tls_side::make(const key_texts& keys, clients who) {
  constexpr const char* what = "keys can't be used for TLS";
  auto context = make_context(keys.authority, what);
  if (!context)
    return context.error();
  if (!add_keys((*context).get(), keys))
    return unusable(what);
  if (who == clients::prove_themselves)
    SSL_CTX_set_verify((*context).get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                       nullptr);
  return std::unique_ptr<tls_side>{new tls_side{*std::move(context)}};
}

expected<std::unique_ptr<tls_side>> tls_side::make(const key_texts& keys) {
  return make(keys, clients::prove_themselves);
}

expected<std::unique_ptr<tls_side>> tls_side::make_open(const key_texts& keys) {
  return make(keys, clients::are_strangers);
}

kj::Promise<tls_peer> tls_side::accept(kj::AuthenticatedStream stream, kj::Timer& timer) {
  std::string address = stream.peerIdentity->toString().cStr();
  return drover::accept(context_.get(), kj::mv(stream.stream), timer)
    .then([address = std::move(address)](kj::Own<tls_stream> secured) mutable {
      tls_peer peer;
      peer.common_name = name_of_peer(secured->session());
      if (auto slash = peer.common_name.find('/'); slash != std::string::npos) {
        peer.serial = peer.common_name.substr(slash + 1);
        peer.common_name.resize(slash);
      }
      peer.address = std::move(address);
      peer.stream = kj::mv(secured);
      return peer;
    });
}

kj::Promise<kj::Own<kj::AsyncIoStream>> tls_side::accept_stranger(kj::Own<kj::AsyncIoStream> stream,
                                                                  kj::Timer& timer) {
  return drover::accept(context_.get(), kj::mv(stream), timer)
    .then([](kj::Own<tls_stream> secured) { return kj::Own<kj::AsyncIoStream>{kj::mv(secured)}; });
}

kj::Promise<kj::Own<kj::AsyncIoStream>> tls_side::connect(kj::Own<kj::AsyncIoStream> stream,
                                                          kj::Timer& timer) {
  return drover::connect(context_.get(), kj::mv(stream), timer);
}

expected<std::unique_ptr<tls_stranger>> tls_stranger::make(const std::string& authority) {
  auto context = make_context(authority, "the farm's certificate can't be used");
  if (!context)
    return context.error();
  return std::unique_ptr<tls_stranger>{new tls_stranger{*std::move(context)}};
}

kj::Promise<kj::Own<kj::AsyncIoStream>> tls_stranger::connect(kj::Own<kj::AsyncIoStream> stream,
                                                              kj::Timer& timer) {
  return drover::connect(context_.get(), kj::mv(stream), timer);
}

} // namespace drover
