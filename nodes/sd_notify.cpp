// SPDX-License-Identifier: Apache-2.0
#include "nodes/sd_notify.hpp"

#include "nodes/process.hpp"

#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace drover {

void tell_service_manager(std::string_view news) {
  const char* named = std::getenv("NOTIFY_SOCKET");
  std::string_view name = named ? named : "";
  sockaddr_un address{};
  if (name.empty())
    return;
  if (name.size() >= sizeof address.sun_path)
    return spdlog::warn("NOTIFY_SOCKET is longer than the name of a socket can be");
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, name.data(), name.size());
  if (name.front() == '@') // a name without a file
    address.sun_path[0] = '\0';
  auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  owned_fd out{socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  if (!out.valid()
      || sendto(out.get(), news.data(), news.size(), MSG_NOSIGNAL,
                reinterpret_cast<const sockaddr*>(&address), length)
           != static_cast<ssize_t>(news.size()))
    spdlog::warn("{}", system_failure("can't tell the service manager " + std::string{news}).text);
}

} // namespace drover
