// SPDX-License-Identifier: Apache-2.0
#include "nodes/keeper/nursery.hpp"

#include "nodes/spool_folder.hpp"

#include <linux/sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>

namespace drover {

namespace {

/// As fork, but the child's parent is ours: it watches and reaps it as if it had started it.
int32_t fork_sibling() {
#if defined(__SANITIZE_THREAD__)
  return -ENOSYS; // its threads would not be there in the child
#else
  clone_args how{};
  how.flags = CLONE_PARENT;
  auto child = syscall(SYS_clone3, &how, sizeof how);
  return static_cast<int32_t>(child < 0 ? -errno : child);
#endif
}

/// For people who look at processes; the end of a path tells more than its beginning.
void show(const std::string& folder, char* word) {
  auto room = std::strlen(word);
  auto shown = folder.size() > room ? folder.substr(folder.size() - room) : folder;
  std::memset(word, 0, room);
  std::memcpy(word, shown.data(), shown.size());
}

} // namespace

std::optional<std::string> tend_nursery(int orders, char* word) {
  char path[nursery_path_bytes_max];
  current_boot_id(); // read once, known to all that are forked
  while (true) {
    auto got = recv(orders, path, sizeof path, 0);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return std::nullopt;
    std::string folder{path, static_cast<size_t>(got)};
    auto answer = folder.size() < sizeof path ? fork_sibling() : -ENAMETOOLONG;
    if (answer == 0) {
      show(folder, word);
      return folder;
    }
    if (send(orders, &answer, sizeof answer, MSG_NOSIGNAL) != sizeof answer)
      return std::nullopt;
  }
}

} // namespace drover
