// SPDX-License-Identifier: Apache-2.0
#include "nodes/reporters/irc_client.hpp"

#include "schema/limits_irc.hpp"
#include "schema/names.hpp"

#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>

namespace drover {

using core::irc::action;
using core::irc::actions;

irc_client::irc_client(irc_client_settings wanted, irc_listener listener)
    : wanted_{std::move(wanted)}, listener_{std::move(listener)}, wake_{eventfd(
                                                                    0, EFD_NONBLOCK | EFD_CLOEXEC)},
      machine_{wanted_.bot, wanted_.seed}, thread_{[this] { run(); }} {}

irc_client::~irc_client() {
  stop();
  thread_.join();
}

core::irc::moment irc_client::now() {
  return std::chrono::duration_cast<core::irc::moment>(
    std::chrono::steady_clock::now().time_since_epoch());
}

void irc_client::wake() {
  uint64_t one = 1;
  // A full counter wakes as well; there is nothing else to go wrong.
  [[maybe_unused]] auto written = write(wake_.get(), &one, sizeof one);
}

void irc_client::stop() {
  lock held{guard_};
  stopping_ = true;
  news_.notify_all();
  wake();
}

// -- from other threads --------------------------------------------------------------------------

notice_delivery irc_client::say(const std::vector<std::string>& targets,
                                const std::vector<std::string>& lines) {
  using verdict = notice_delivery::verdict;
  const notice_delivery stopped{verdict::later, "the bot is being stopped"};
  auto until = std::chrono::steady_clock::now() + limits::irc_presence_patience;
  lock held{guard_};
  while (!stopping_ && !machine_.why_not(targets).empty()
         && news_.wait_until(held, until) == std::cv_status::no_timeout) {
  }
  if (stopping_)
    return stopped;
  auto ticket = ++last_ticket_;
  open_[ticket];
  carry_out(machine_.say(ticket, targets, lines, now()));
  wake();
  // The machine ends each ticket: by an answer, or by giving the connection up.
  news_.wait(held, [&] { return stopping_ || open_[ticket]; });
  auto how = std::move(open_[ticket]);
  open_.erase(ticket);
  if (!how)
    return stopped;
  if (how->empty())
    return {};
  return {verdict::later, wanted_.bot.server + ": " + *how};
}

void irc_client::reply(const std::string& target, const std::vector<std::string>& lines) {
  lock held{guard_};
  carry_out(machine_.reply(target, lines, now()));
  wake();
}

void irc_client::identify(uint64_t ticket, const core::irc::person& who) {
  lock held{guard_};
  carry_out(machine_.identify(ticket, who, now()));
  wake();
}

std::string irc_client::state() const {
  lock held{guard_};
  return machine_.state(now());
}

// -- the thread ----------------------------------------------------------------------------------

void irc_client::run() {
  lock held{guard_};
  while (!stopping_) {
    carry_out(machine_.tick(now()));
    auto wait = machine_.wait(now());
    if (socket_ && socket_->descriptor() < 0) // it was not dialled yet: nothing wakes us
      wait = std::min(wait, core::irc::moment{50});
    pollfd looks[2] = {{wake_.get(), POLLIN, 0}, {-1, 0, 0}};
    if (socket_ && socket_->descriptor() >= 0)
      looks[1] = {socket_->descriptor(), socket_->events(), 0};
    held.unlock();
    poll(looks, 2, static_cast<int>(wait.count()) + 1);
    uint64_t count = 0;
    [[maybe_unused]] auto taken = read(wake_.get(), &count, sizeof count);
    held.lock();
    turn();
    news_.notify_all();
  }
  if (socket_) {
    socket_->write(core::irc::format("QUIT", {"the coordinator stops or has new settings"})
                   + "\r\n");
    [[maybe_unused]] auto said = socket_->advance(); // as far as it goes without waiting
  }
  socket_.reset();
}

/// Moves the socket on and hands what came to the machine.
void irc_client::turn() {
  if (!socket_)
    return;
  auto how = socket_->advance();
  if (!how)
    return lost(how.error().text);
  if (*how == irc_socket::progress::connected) {
    splitter_ = {};
    carry_out(machine_.connected(now()));
  }
  if (!socket_ || *how == irc_socket::progress::connecting)
    return;
  for (const auto& line : splitter_.take(socket_->take())) {
    bool was_in = machine_.is_registered();
    carry_out(machine_.received(line, now()));
    if (!was_in && machine_.is_registered())
      spdlog::info("irc reporter={} state=\"{}\"", wanted_.reporter, machine_.state(now()));
    if (!socket_)
      return; // the machine has hung up: the rest is of a connection that is no more
  }
  // What that has made us say need not wait for the next turn.
  if (auto wrong = socket_->advance(); !wrong)
    lost(wrong.error().text);
}

void irc_client::lost(const std::string& why) {
  socket_.reset();
  carry_out(machine_.closed(why, now()));
  spdlog::warn("irc reporter={} state=\"{}\"", wanted_.reporter, machine_.state(now()));
}

void irc_client::carry_out(actions wanted) {
  for (const auto& each : wanted)
    carry_out(each);
}

void irc_client::carry_out(const action& wanted) {
  if (std::holds_alternative<core::irc::dial>(wanted)) {
    socket_ = std::make_unique<irc_socket>(wanted_.server, wanted_.ca); // `turn` moves it on
  } else if (const auto* line = std::get_if<core::irc::send_line>(&wanted)) {
    if (socket_)
      socket_->write(line->line + "\r\n");
  } else if (const auto* end = std::get_if<core::irc::hang_up>(&wanted)) {
    socket_.reset();
    spdlog::warn("irc reporter={} left the server: {}", wanted_.reporter, end->why);
  } else if (const auto* told = std::get_if<core::irc::told>(&wanted)) {
    if (auto found = open_.find(told->ticket); found != open_.end())
      found->second = told->problem;
    news_.notify_all();
  } else if (const auto* heard = std::get_if<core::irc::heard>(&wanted)) {
    if (!stopping_)
      listener_.heard(*heard);
  } else if (const auto* known = std::get_if<core::irc::identified>(&wanted)) {
    if (!stopping_)
      listener_.identified(*known);
  }
}

} // namespace drover
