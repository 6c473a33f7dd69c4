#pragma once
// How folders of attempts come and go.
// SPDX-License-Identifier: Apache-2.0

#include "nodes/emptied_folders.hpp"
#include "nodes/kept_attempts.hpp"
#include "schema/error.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace drover {

/// A line in the log: the spool goes on without what could not be done.
void complain_of_spool(const std::string& what, const failure& why);
/// Best effort, with a line in the log.
void remove_attempt_folder(const std::string& folder);
/// Appends to the agent's records of the attempt in `folder`.
std::optional<failure> add_attempt_record(const std::string& folder, std::string_view record);

/// May be called from any thread, one at a time for each attempt.
class attempt_folders {
public:
  explicit attempt_folders(const std::string& root);

  enum class entry { made, there_before };
  /// Makes `folder` with its first records; one that is there already stays as it is.
  expected<entry> enter(const std::string& folder, std::string_view records);
  /// Moves what is in `folder`, of a short attempt that is over, and `record` behind its records,
  /// to `kept` under its name, and keeps the folder for another one. Only where no exit was synced:
  /// what a loss of power brings back of such an attempt does not count, under whatever name it
  /// comes back. False: all is as it was.
  bool keep(const std::string& folder, const std::string& record, kept_attempts& kept);

private:
  bool enter_again(const std::string& folder, std::string_view records);
  void leave(const std::string& folder);

  emptied_folders emptied_;
};

} // namespace drover
