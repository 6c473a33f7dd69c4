// SPDX-License-Identifier: Apache-2.0
#include "nodes/keeper_watcher.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>

namespace drover {

namespace {

/// Events carry `serial` and not the descriptor: its number may be another one's by then.
bool listen_to(int epoll, int fd, uint64_t serial) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = serial;
  return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

} // namespace

keeper_watcher::keeper_watcher()
    : epoll_{epoll_create1(EPOLL_CLOEXEC)}, stop_{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)} {
  if (!epoll_ || !stop_ || !listen_to(epoll_.get(), stop_.get(), stop_serial))
    throw std::runtime_error{"can't watch keepers: " + system_text(errno)};
  thread_ = std::thread{[this] { run(); }};
}

keeper_watcher::~keeper_watcher() {
  eventfd_write(stop_.get(), 1);
  thread_.join();
}

std::optional<failure> keeper_watcher::add(const std::string& key, unique_fd pidfd, kinship kin) {
  std::lock_guard guard{mutex_};
  int fd = pidfd.get();
  auto [place, fresh] = entries_.try_emplace(key);
  if (!fresh)
    return failure{ec::conflict, key + ": its keeper is watched already"};
  place->second.pidfd = std::move(pidfd);
  place->second.kin = kin;
  place->second.serial = ++last_serial_;
  if (listen_to(epoll_.get(), fd, place->second.serial))
    return std::nullopt;
  auto problem = io_failure(key + ": can't watch its keeper", errno);
  entries_.erase(place);
  return problem;
}

bool keeper_watcher::notify(const std::string& key, callback gone) {
  std::lock_guard guard{mutex_};
  auto place = entries_.find(key);
  if (place == entries_.end())
    return false;
  place->second.gone.push_back(std::move(gone));
  return true;
}

bool keeper_watcher::watches(const std::string& key) const {
  std::lock_guard guard{mutex_};
  return entries_.count(key) > 0;
}

void keeper_watcher::run() {
  epoll_event events[64];
  while (true) {
    int count = epoll_wait(epoll_.get(), events, 64, -1);
    for (int i = 0; i < count; ++i) {
      if (events[i].data.u64 == stop_serial)
        return;
      ended(events[i].data.u64);
    }
  }
}

void keeper_watcher::ended(uint64_t serial) {
  entry over;
  {
    std::lock_guard guard{mutex_};
    auto place = std::find_if(entries_.begin(), entries_.end(),
                              [&](const auto& known) { return known.second.serial == serial; });
    if (place == entries_.end())
      return;
    over = std::move(place->second);
    entries_.erase(place);
  }
  siginfo_t info{};
  if (over.kin == kinship::child)
    waitid(P_PIDFD, static_cast<id_t>(over.pidfd.get()), &info, WEXITED | WNOHANG);
  // Closing alone does not take it out of the epoll set while a keeper that is just being spawned
  // holds a copy: then its end would be told again, of whoever has its number by then.
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, over.pidfd.get(), nullptr);
  over.pidfd.reset();
  for (auto& call : over.gone)
    call();
}

} // namespace drover
