#pragma once
// A client that sends exactly the bytes it is told to, and a server to send them to.
// SPDX-License-Identifier: Apache-2.0

#include "nodes/http/server.hpp"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace drover::http::test {

/// A folder of its own, removed at the end.
class scratch_folder {
public:
  scratch_folder() {
    auto pattern = (std::filesystem::temp_directory_path() / "drover-http-XXXXXX").string();
    if (!::mkdtemp(pattern.data()))
      throw std::runtime_error{"no scratch folder"};
    path = pattern;
  }
  ~scratch_folder() {
    std::error_code ignored; // what is left is under the system's folder for such things
    std::filesystem::remove_all(path, ignored);
  }
  scratch_folder(const scratch_folder&) = delete;
  scratch_folder& operator=(const scratch_folder&) = delete;
  std::string path;
};

class raw_client {
public:
  /// To 127.0.0.1.
  explicit raw_client(uint16_t port) : fd_{::socket(AF_INET, SOCK_STREAM, 0)} {
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_port = htons(port);
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<sockaddr*>(&where), sizeof(where)) != 0)
      throw std::runtime_error{"can't connect to port " + std::to_string(port)};
  }
  explicit raw_client(const std::string& path) : fd_{::socket(AF_UNIX, SOCK_STREAM, 0)} {
    sockaddr_un where{};
    where.sun_family = AF_UNIX;
    path.copy(where.sun_path, sizeof(where.sun_path) - 1);
    if (::connect(fd_, reinterpret_cast<sockaddr*>(&where), sizeof(where)) != 0)
      throw std::runtime_error{"can't connect to " + path};
  }
  ~raw_client() { ::close(fd_); }
  raw_client(const raw_client&) = delete;
  raw_client& operator=(const raw_client&) = delete;

  /// False once the server doesn't take it any more.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      auto count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0)
        return false;
      bytes.remove_prefix(static_cast<size_t>(count));
    }
    return true;
  }
  void end_sending() { ::shutdown(fd_, SHUT_WR); }

  /// Everything until the server closes; `closed` says whether it did within ten seconds.
  std::string read_all() {
    std::string out;
    while (read_some(out)) {
    }
    return out;
  }
  /// Reads until `out` contains `text` or nothing more comes.
  std::string read_until(const std::string& text) {
    std::string out;
    while (out.find(text) == std::string::npos && read_some(out)) {
    }
    return out;
  }
  bool closed = false;

private:
  bool read_some(std::string& out) {
    pollfd waiting{fd_, POLLIN, 0};
    if (::poll(&waiting, 1, 10'000) <= 0)
      return false;
    std::array<char, 65536> bytes;
    auto count = ::recv(fd_, bytes.data(), bytes.size(), 0);
    if (count <= 0) {
      closed = true;
      return false;
    }
    out.append(bytes.data(), static_cast<size_t>(count));
    return true;
  }
  int fd_;
};

} // namespace drover::http::test
