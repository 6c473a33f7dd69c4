#pragma once
// Keeps one connection to an IRC server on a thread of its own: carries out what the machine of
// actors/core/irc/connection says.
// SPDX-License-Identifier: Apache-2.0

#include "actors/core/irc/connection.hpp"
#include "actors/notice_port.hpp"
#include "nodes/reporters/irc_socket.hpp"

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace drover {

struct irc_client_settings {
  std::string reporter; ///< its name, for the log
  irc_address server;
  std::string ca; ///< a file; empty: the system's authorities
  core::irc::settings bot;
  uint64_t seed = 0; ///< of the jitter
};

/// What the client hears of people. Called on its thread: must not block, nor call the client.
struct irc_listener {
  std::function<void(core::irc::heard)> heard;
  std::function<void(core::irc::identified)> identified;
};

class irc_client {
public:
  irc_client(irc_client_settings wanted, irc_listener listener);
  /// Says goodbye if it can at once, closes the connection, waits for the thread.
  ~irc_client();
  irc_client(const irc_client&) = delete;
  irc_client& operator=(const irc_client&) = delete;

  /// Says the lines in all of these channels and waits until the server has taken them: what is
  /// `delivered` was not lost in a dead socket. Waits a bounded time for a connection if there is
  /// none. One caller at a time or several.
  notice_delivery say(const std::vector<std::string>& targets,
                      const std::vector<std::string>& lines);
  /// Says them without waiting, and without a word of how it went.
  void reply(const std::string& target, const std::vector<std::string>& lines);
  /// Ends with `irc_listener::identified`.
  void identify(uint64_t ticket, const core::irc::person& who);
  /// Nothing more is heard, and `say` returns at once: before the client goes.
  void stop();
  /// "connected to irc.example.org:6697, in #builds"
  std::string state() const;

private:
  using lock = std::unique_lock<std::mutex>;
  void run();
  void turn();
  void carry_out(core::irc::actions wanted);
  void carry_out(const core::irc::action& wanted);
  void lost(const std::string& why);
  void wake();
  static core::irc::moment now();

  const irc_client_settings wanted_;
  const irc_listener listener_;
  owned_fd wake_;

  mutable std::mutex guard_; ///< over all below
  std::condition_variable news_;
  core::irc::connection machine_;
  std::unique_ptr<irc_socket> socket_;
  core::irc::line_splitter splitter_;
  uint64_t last_ticket_ = 0;
  std::map<uint64_t, std::optional<std::string>> open_; ///< by ticket: how it went, once known
  bool stopping_ = false;
  std::thread thread_; ///< the last member: it uses all others
};

} // namespace drover
