#pragma once
// What the load programs share: a temporary folder, an actor system, numbers as JSON.
// SPDX-License-Identifier: Apache-2.0

#include "schema/messages.hpp"

#include <caf/actor_system_config.hpp>
#include <spdlog/spdlog.h>

#include <filesystem>
#include <stdexcept>
#include <string>

namespace drover::bench {

[[noreturn]] inline void fail(const std::string& why) {
  throw std::runtime_error(why);
}

/// In memory where there is such a folder, so that making keys does not wait for a disk. Goes with
/// its owner.
class temporary_folder {
public:
  temporary_folder() {
    std::error_code none;
    bool in_memory = std::filesystem::is_directory("/dev/shm", none);
    auto place =
      in_memory ? std::filesystem::path{"/dev/shm"} : std::filesystem::temp_directory_path();
    path_ = (place / "drover-bench-XXXXXX").string();
    if (mkdtemp(path_.data()) == nullptr)
      fail(path_ + ": can't be made");
  }
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  ~temporary_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

private:
  std::string path_;
};

struct system_config : caf::actor_system_config {
  system_config() {
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-threads", 2);
    spdlog::set_level(spdlog::level::warn);
  }
};

inline hello greeting_of(const std::string& name) {
  hello greeting;
  greeting.host = {name};
  greeting.machine_id = "m-" + name;
  greeting.boot_id = "b-" + name;
  greeting.agent_incarnation = 1;
  greeting.slots = 1;
  greeting.facts = {{"os", "linux"}, {"arch", "none"}};
  return greeting;
}

} // namespace drover::bench
