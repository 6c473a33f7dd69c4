// SPDX-License-Identifier: Apache-2.0
#include "nodes/fresh_attempts.hpp"

namespace drover {

void fresh_attempts::add(const std::string& name, const assignment& work) {
  std::lock_guard guard{mutex_};
  attempts_.insert_or_assign(name, work);
}

std::optional<assignment> fresh_attempts::find(const std::string& name) const {
  std::lock_guard guard{mutex_};
  auto found = attempts_.find(name);
  return found == attempts_.end() ? std::nullopt : std::optional{found->second};
}

bool fresh_attempts::holds(const std::string& name) const {
  std::lock_guard guard{mutex_};
  return attempts_.contains(name);
}

bool fresh_attempts::remove(const std::string& name) {
  std::lock_guard guard{mutex_};
  return attempts_.erase(name) > 0;
}

} // namespace drover
