// Boost.Beast's client side over a Unix socket or plain TCP; TLS is in client_tls.cpp.
// SPDX-License-Identifier: Apache-2.0
#include "tools/drover/client.hpp"

#include "tools/drover/exchange.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/basic_stream.hpp>

namespace drover::cli {

namespace asio = boost::asio;
namespace bhttp = boost::beast::http;
using boost::system::error_code;

namespace {

expected<asio::generic::stream_protocol::endpoint> endpoint_of(const farm_address& to) {
  using endpoint = asio::generic::stream_protocol::endpoint;
  if (to.socket.empty())
    return endpoint{asio::ip::tcp::endpoint{asio::ip::address_v4::loopback(), to.port}};
  try { // a path that is too long for a socket throws
    return endpoint{asio::local::stream_protocol::endpoint{to.socket}};
  } catch (const std::exception& error) {
    return failure{ec::bad_input,
                   "farm address '" + printable(to.text, 200) + "': " + error.what()};
  }
}

expected<reply> talk(const farm_address& to, const outgoing& request, const byte_source& source,
                     const byte_sink& sink) {
  if (to.tls)
    return talk_tls(to, request, source, sink);
  auto where = endpoint_of(to);
  if (!where)
    return where.error();
  asio::io_context loop;
  boost::beast::basic_stream<asio::generic::stream_protocol> stream{loop};
  exchange one{to, request, loop, stream};
  auto error = one.await([&](auto done) { stream.async_connect(*where, done); });
  if (error)
    return broken(to, "can't be reached", error);
  if (auto wrong = one.send(source))
    return *wrong;
  return one.receive(sink);
}

} // namespace

failure broken(const farm_address& to, const std::string& what, error_code error) {
  auto text = "the farm at " + printable(to.text, 200) + " " + what + ": " + error.message();
  if (error == asio::error::connection_refused || error == asio::error::not_found
      || error == boost::system::errc::no_such_file_or_directory)
    text += "; is it running? (`drover up --dir D` starts one)";
  if (error == boost::system::errc::permission_denied)
    text += "; its socket is for its owner only (with a token, use its port or https)";
  return {ec::unavailable, text};
}

std::string reply::field(const std::string& name) const {
  auto found = fields.find(name);
  return found == fields.end() ? "" : found->second;
}

expected<reply> client::get(const std::string& target) {
  return get_to(target, nullptr);
}

expected<reply> client::get_to(const std::string& target, const byte_sink& sink) {
  return talk(address_, {bhttp::verb::get, target, "", std::nullopt, patience_}, nullptr, sink);
}

expected<reply> client::post(const std::string& target, const std::string& body) {
  return talk(
    address_, {bhttp::verb::post, target, "application/json", body.size(), patience_},
    [&body]() -> expected<std::string> { return body; }, nullptr);
}

expected<reply> client::remove(const std::string& target) {
  return talk(address_, {bhttp::verb::delete_, target, "", std::nullopt, patience_}, nullptr,
              nullptr);
}

expected<reply> client::upload(const std::string& target, uint64_t size,
                               const byte_source& source) {
  return talk(address_, {bhttp::verb::post, target, "application/octet-stream", size, patience_},
              source, nullptr);
}

} // namespace drover::cli
