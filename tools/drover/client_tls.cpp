// The client over TLS: the only file of the command line that knows it. The farm's certificate is
// always verified, against its name.
// SPDX-License-Identifier: Apache-2.0
#include "tools/drover/exchange.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <openssl/err.h>

namespace drover::cli {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using boost::system::error_code;

namespace {

std::optional<failure> trust(ssl::context& context, const farm_address& to) {
  error_code error;
  if (to.ca.empty())
    context.set_default_verify_paths(error);
  else
    context.load_verify_file(to.ca, error);
  if (!error)
    return std::nullopt;
  return failure{ec::bad_input,
                 "the certificates to trust" + (to.ca.empty() ? "" : " in " + printable(to.ca, 200))
                   + " can't be read: " + error.message() + "; DROVER_CA names their file"};
}

failure untrusted(const farm_address& to, const std::string& why) {
  return {ec::unavailable, "the farm at " + printable(to.text, 200) + " can't be trusted: " + why
                             + "; if it has a certificate authority of its own, DROVER_CA names its"
                               " file"};
}

/// Why the peer's certificate was not taken; empty: that was not the reason.
std::string verdict_of(SSL* session) {
  auto verdict = SSL_get_verify_result(session);
  return verdict == X509_V_OK ? "" : X509_verify_cert_error_string(verdict);
}

} // namespace

expected<reply> talk_tls(const farm_address& to, const outgoing& request, const byte_source& source,
                         const byte_sink& sink) {
  ssl::context context{ssl::context::tls_client};
  if (auto wrong = trust(context, to))
    return *wrong;
  SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
  asio::io_context loop;
  ssl::stream<boost::beast::tcp_stream> stream{loop, context};
  stream.set_verify_mode(ssl::verify_peer);
  stream.set_verify_callback(ssl::host_name_verification{to.host});
  if (SSL_set_tlsext_host_name(stream.native_handle(), to.host.c_str()) != 1)
    return failure{ec::bad_input, "farm address '" + printable(to.text, 200) + "': '"
                                    + printable(to.host, 200) + "' can't be a host's name"};
  error_code error;
  asio::ip::tcp::resolver resolver{loop};
  auto places = resolver.resolve(to.host, std::to_string(to.port), error);
  if (error)
    return broken(to, "has a name that can't be resolved", error);
  exchange one{to, request, loop, stream};
  error = one.await([&](auto done) {
    stream.next_layer().async_connect(
      places, [done](error_code result, const asio::ip::tcp::endpoint&) { done(result); });
  });
  if (error)
    return broken(to, "can't be reached", error);
  error = one.await([&](auto done) { stream.async_handshake(ssl::stream_base::client, done); });
  if (error) {
    auto why = verdict_of(stream.native_handle());
    return why.empty() ? broken(to, "does not speak TLS with us", error) : untrusted(to, why);
  }
  if (auto wrong = one.send(source))
    return *wrong;
  return one.receive(sink);
}

} // namespace drover::cli
