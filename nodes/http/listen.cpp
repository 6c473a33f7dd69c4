// SPDX-License-Identifier: Apache-2.0
#include "nodes/http/listen.hpp"

#include "schema/limits.hpp"

#include <boost/asio/io_context.hpp>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

namespace drover::http {

namespace {

using boost::system::error_code;

failure io_error(const std::string& where, const std::string& what, int number) {
  return {ec::io, where + ": " + what + ": " + std::strerror(number)};
}

/// Removes what an earlier server left at `path`; says why it can't be replaced, or nothing.
std::optional<failure> remove_stale(asio::io_context& loop, const std::string& path) {
  struct stat seen {};
  if (::lstat(path.c_str(), &seen) != 0) {
    if (errno == ENOENT)
      return std::nullopt;
    return io_error(path, "can't look at it", errno);
  }
  if (!S_ISSOCK(seen.st_mode))
    return failure{ec::conflict, path + ": is there and is no socket; name another path"};
  asio::local::stream_protocol::socket probe{loop};
  error_code error;
  probe.connect(path, error);
  if (!error)
    return failure{ec::conflict,
                   path + ": another farm answers there; stop it or name another path"};
  if (error != asio::error::connection_refused)
    return failure{ec::io, path + ": can't tell whether it is in use: " + error.message()};
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    return io_error(path, "can't remove the stale socket", errno);
  return std::nullopt;
}

} // namespace

expected<asio::local::stream_protocol::acceptor> listen_unix(asio::io_context& loop,
                                                             const std::string& path) {
  if (path.size() >= sizeof(sockaddr_un::sun_path))
    return failure{ec::bad_input, path + ": too long for a Unix socket (at most "
                                    + std::to_string(sizeof(sockaddr_un::sun_path) - 1)
                                    + " bytes); choose a shorter directory"};
  if (auto wrong = remove_stale(loop, path))
    return *wrong;
  asio::local::stream_protocol::acceptor door{loop};
  error_code error;
  door.open(asio::local::stream_protocol{}, error);
  if (error)
    return failure{ec::io, path + ": " + error.message()};
  // Before bind, so that the file never has another mode.
  if (::fchmod(door.native_handle(), S_IRUSR | S_IWUSR) != 0)
    return io_error(path, "can't set its mode", errno);
  door.bind(path, error);
  if (!error && ::chmod(path.c_str(), S_IRUSR | S_IWUSR) != 0)
    return io_error(path, "can't set its mode", errno);
  if (!error)
    door.listen(asio::socket_base::max_listen_connections, error);
  if (error)
    return failure{ec::io, path + ": can't listen: " + error.message()};
  return door;
}

expected<asio::ip::tcp::acceptor> listen_tcp(asio::io_context& loop, const std::string& address,
                                             uint16_t port) {
  error_code error;
  auto numbers = asio::ip::make_address(address, error);
  if (error)
    return failure{ec::bad_input, address + ": is no IP address; give it as numbers"};
  asio::ip::tcp::endpoint where{numbers, port};
  asio::ip::tcp::acceptor door{loop};
  door.open(where.protocol(), error);
  if (!error)
    door.set_option(asio::socket_base::reuse_address{true}, error);
  if (!error)
    door.bind(where, error);
  if (!error)
    door.listen(asio::socket_base::max_listen_connections, error);
  if (error)
    return failure{ec::io,
                   address + ":" + std::to_string(port) + ": can't listen: " + error.message()};
  return door;
}

expected<std::string> read_token(const std::string& path) {
  struct stat seen {};
  if (::stat(path.c_str(), &seen) != 0)
    return io_error(path, "can't read the token", errno);
  if ((seen.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    return failure{ec::refused, path + ": others can reach the token; chmod 600 it"};
  std::ifstream file{path};
  std::string token;
  if (!std::getline(file, token))
    return failure{ec::io, path + ": holds no token"};
  if (token.size() < limits::http_token_bytes_min || token.size() > limits::http_token_bytes_max)
    return failure{ec::bad_input, path + ": a token has "
                                    + std::to_string(limits::http_token_bytes_min) + " to "
                                    + std::to_string(limits::http_token_bytes_max) + " bytes"};
  return token;
}

std::optional<uint32_t> peer_uid(int socket) {
  ucred seen{};
  socklen_t size = sizeof(seen);
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &seen, &size) != 0)
    return std::nullopt;
  return seen.uid;
}

} // namespace drover::http
