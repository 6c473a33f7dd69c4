#pragma once
// The two doors of the server: a Unix socket for this machine's owner, a port.
// SPDX-License-Identifier: Apache-2.0

#include "schema/error.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <optional>
#include <string>

namespace drover::http {

namespace asio = boost::asio;

/// Binds and listens with mode 0600. A socket file that nobody answers on is replaced; one that is
/// answered, or a file of another kind, is an error.
expected<asio::local::stream_protocol::acceptor> listen_unix(asio::io_context& loop,
                                                             const std::string& path);
/// Binds and listens on `address`, which is numbers: names have more than one meaning.
expected<asio::ip::tcp::acceptor> listen_tcp(asio::io_context& loop, const std::string& address,
                                             uint16_t port);
/// The token in `path`: one line, of a file that only its owner can read.
expected<std::string> read_token(const std::string& path);
/// The user at the other end of a Unix socket; nothing if the kernel doesn't say.
std::optional<uint32_t> peer_uid(int socket);

} // namespace drover::http
