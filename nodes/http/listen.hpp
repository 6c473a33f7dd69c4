#pragma once
// The two doors of the server: a Unix socket for this machine's owner, a loopback port with a
// token.
// SPDX-License-Identifier: Apache-2.0

#include "schema/error.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <string>

namespace drover::http {

namespace asio = boost::asio;

/// Binds and listens with mode 0600. A socket file that nobody answers on is replaced; one that is
/// answered, or a file of another kind, is an error.
expected<asio::local::stream_protocol::acceptor> listen_unix(asio::io_context& loop,
                                                             const std::string& path);
/// Binds and listens on 127.0.0.1.
expected<asio::ip::tcp::acceptor> listen_loopback(asio::io_context& loop, uint16_t port);
/// The token in `path`: one line, of a file that only its owner can read.
expected<std::string> read_token(const std::string& path);
/// Whether an Authorization field carries `token`; takes the same time for each wrong one.
bool authorized(std::string_view field, const std::string& token);

} // namespace drover::http
