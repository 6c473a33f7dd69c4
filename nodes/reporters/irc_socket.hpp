#pragma once
// One TCP connection to an IRC server, with TLS if wanted, that never blocks.
// SPDX-License-Identifier: Apache-2.0

#include "nodes/process.hpp"
#include "schema/error.hpp"

#include <openssl/ssl.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace drover {

struct irc_address {
  std::string host; ///< a name or a number, without brackets
  std::string port;
  bool encrypted = false;
  friend bool operator==(const irc_address&, const irc_address&) = default;
};

/// Reads "ircs://irc.example.org:6697"; without a port it is 6697, or 6667 of irc://.
expected<irc_address> parse_irc_address(std::string_view url);
/// "irc.example.org:6697"
std::string to_string(const irc_address& address);

/// Names are looked up on a thread of their own, since the system's resolver blocks.
struct irc_lookup;

/// The server's certificate must be valid, be vouched for by the system's authorities (or those of
/// `ca`), and be made for the host's name. Not thread-safe.
class irc_socket {
public:
  /// `ca`: a file of certificates in PEM; empty: the system's.
  irc_socket(irc_address to, std::string ca);
  ~irc_socket();
  irc_socket(const irc_socket&) = delete;
  irc_socket& operator=(const irc_socket&) = delete;

  enum class progress : uint8_t {
    connecting,
    connected, ///< told once
    open,
  };
  /// Goes on as far as it can without waiting. A failure ends it: its text is for people.
  expected<progress> advance();
  /// What has come since the last `advance`.
  std::string take() { return std::exchange(received_, {}); }
  /// Goes out with the next `advance`, in order.
  void write(std::string_view bytes) { waiting_ += bytes; }

  /// What to wait for; -1 while a name is looked up.
  int descriptor() const { return socket_.get(); }
  short events() const;

private:
  enum class stage : uint8_t { lookup, connecting, handshake, open };
  std::optional<failure> look_up();
  std::optional<failure> dial_next();
  std::optional<failure> finish_dial();
  std::optional<failure> begin_tls();
  std::optional<failure> shake_hands();
  std::optional<failure> move_bytes();
  long read_some(char* into, size_t most);
  long write_some();
  failure tls_failure(const std::string& what) const;

  irc_address to_;
  std::string ca_;
  stage stage_ = stage::lookup;
  std::shared_ptr<irc_lookup> lookup_;
  std::vector<std::string> left_; ///< socket addresses, as bytes
  std::string last_problem_;
  owned_fd socket_;
  std::chrono::steady_clock::time_point dialled_at_;
  std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context_{nullptr, SSL_CTX_free};
  std::unique_ptr<SSL, void (*)(SSL*)> tls_{nullptr, SSL_free};
  bool wants_write_ = false; ///< TLS has something to write before it can go on
  std::string waiting_;
  std::string received_;
};

} // namespace drover
