// SPDX-License-Identifier: Apache-2.0
#include "nodes/keeper/sandbox.hpp"

#include <unistd.h>

namespace drover {

std::string find_bubblewrap() {
  // Fixed places: what runs a sandbox must not depend on somebody's PATH.
  for (const char* path : {"/usr/bin/bwrap", "/usr/local/bin/bwrap", "/bin/bwrap"})
    if (access(path, X_OK) == 0)
      return path;
  return {};
}

std::vector<std::string> sandbox_words(const std::string& bubblewrap,
                                       const std::vector<std::string>& writable) {
  std::vector<std::string> words{bubblewrap,
                                 "--unshare-net",
                                 "--unshare-pid",
                                 "--unshare-ipc",
                                 "--die-with-parent",
                                 "--ro-bind",
                                 "/",
                                 "/",
                                 "--dev",
                                 "/dev",
                                 "--proc",
                                 "/proc",
                                 "--tmpfs",
                                 "/tmp"};
  for (const auto& folder : writable)
    words.insert(words.end(), {"--bind", folder, folder});
  return words;
}

expected<std::vector<std::string>> command_line_of(const keeper_order& order) {
  std::vector<std::string> words;
  if (order.sandbox) {
    auto bubblewrap = find_bubblewrap();
    if (bubblewrap.empty())
      return failure{ec::refused, "this host has no bubblewrap, which the step's sandbox needs"};
    auto writable = order.disk_folders;
    if (writable.empty())
      writable.push_back(order.workspace);
    words = sandbox_words(bubblewrap, writable);
    words.insert(words.end(), {"--chdir", order.workspace, "--"});
  }
  words.insert(words.end(), {"/bin/sh", "-c", order.run});
  return words;
}

} // namespace drover
