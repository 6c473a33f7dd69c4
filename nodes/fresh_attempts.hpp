#pragma once
// Attempts that this agent has entered into its spool and not yet started.
// SPDX-License-Identifier: Apache-2.0

#include "schema/messages.hpp"

#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

namespace drover {

/// Nobody but this process knows of them, so what is in their folders need not be read. May be
/// called from any thread.
class fresh_attempts {
public:
  void add(const std::string& name, const assignment& work);
  std::optional<assignment> find(const std::string& name) const;
  bool holds(const std::string& name) const;
  /// False: it was none.
  bool remove(const std::string& name);

private:
  mutable std::mutex mutex_;
  std::unordered_map<std::string, assignment> attempts_;
};

} // namespace drover
