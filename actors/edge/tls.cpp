// SPDX-License-Identifier: Apache-2.0
#include "actors/edge/tls.hpp"

#include "actors/edge/gathering_stream.hpp"
#include "actors/edge/reason.hpp"
#include "schema/limits.hpp"

#include <kj/timer.h>

namespace drover {
namespace {

kj::TlsContext::Options options(const kj::TlsCertificate& authority) {
  kj::TlsContext::Options result;
  result.useSystemTrustStore = false;
  result.trustedCertificates = kj::arrayPtr(&authority, 1);
  result.minVersion = kj::TlsVersion::TLS_1_2;
  return result;
}

kj::TlsContext::Options options(const kj::TlsKeypair& own, const kj::TlsCertificate& authority,
                                bool verify_clients) {
  auto result = options(authority);
  result.verifyClients = verify_clients;
  result.defaultKeypair = own;
  return result;
}

kj::StringPtr text(const std::string& from) {
  return {from.c_str(), from.size()};
}

kj::Duration handshake_time() {
  return limits::accept_timeout.count() * kj::MILLISECONDS;
}

} // namespace

tls_side::tls_side(const key_texts& keys, clients who)
    : own_{kj::TlsPrivateKey{text(keys.key)}, kj::TlsCertificate{text(keys.certificate)}},
      authority_{text(keys.authority)}, context_{options(own_, authority_,
                                                         who == clients::prove_themselves)} {}

expected<std::unique_ptr<tls_side>> tls_side::make(const key_texts& keys) {
  try {
    return std::unique_ptr<tls_side>{new tls_side{keys, clients::prove_themselves}};
  } catch (const kj::Exception& problem) {
    return failure{ec::bad_input, "keys can't be used for TLS: " + plain_reason(problem)};
  }
}

expected<std::unique_ptr<tls_side>> tls_side::make_open(const key_texts& keys) {
  try {
    return std::unique_ptr<tls_side>{new tls_side{keys, clients::are_strangers}};
  } catch (const kj::Exception& problem) {
    return failure{ec::bad_input, "keys can't be used for TLS: " + plain_reason(problem)};
  }
}

kj::Promise<tls_peer> tls_side::accept(kj::AuthenticatedStream stream, kj::Timer& timer) {
  stream.stream = kj::heap<gathering_stream>(kj::mv(stream.stream));
  return timer.timeoutAfter(handshake_time(), context_.wrapServer(kj::mv(stream)))
    .then([](kj::AuthenticatedStream secured) {
      auto& identity = kj::downcast<kj::TlsPeerIdentity>(*secured.peerIdentity);
      tls_peer peer;
      peer.common_name = identity.getCommonName().cStr();
      if (auto slash = peer.common_name.find('/'); slash != std::string::npos) {
        peer.serial = peer.common_name.substr(slash + 1);
        peer.common_name.resize(slash);
      }
      peer.address = identity.getNetworkIdentity().toString().cStr();
      peer.stream = kj::mv(secured.stream);
      return peer;
    });
}

kj::Promise<kj::Own<kj::AsyncIoStream>> tls_side::accept_stranger(kj::Own<kj::AsyncIoStream> stream,
                                                                  kj::Timer& timer) {
  return timer.timeoutAfter(handshake_time(), context_.wrapServer(kj::mv(stream)));
}

kj::Promise<kj::Own<kj::AsyncIoStream>> tls_side::connect(kj::Own<kj::AsyncIoStream> stream,
                                                          kj::Timer& timer) {
  return timer.timeoutAfter(
    handshake_time(),
    context_.wrapClient(kj::heap<gathering_stream>(kj::mv(stream)), coordinator_common_name));
}

tls_stranger::tls_stranger(const std::string& authority)
    : authority_{text(authority)}, context_{options(authority_)} {}

expected<std::unique_ptr<tls_stranger>> tls_stranger::make(const std::string& authority) {
  try {
    return std::unique_ptr<tls_stranger>{new tls_stranger{authority}};
  } catch (const kj::Exception& problem) {
    return failure{ec::bad_input, "the farm's certificate can't be used: " + plain_reason(problem)};
  }
}

kj::Promise<kj::Own<kj::AsyncIoStream>> tls_stranger::connect(kj::Own<kj::AsyncIoStream> stream,
                                                              kj::Timer& timer) {
  return timer.timeoutAfter(handshake_time(),
                            context_.wrapClient(kj::mv(stream), coordinator_common_name));
}

} // namespace drover
