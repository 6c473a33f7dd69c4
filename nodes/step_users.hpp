#pragma once
// Who the steps of a host are: users that own a workspace and can do nothing to the agent, to its
// keys and spool, or (where each workspace has its own) to other workspaces.
// SPDX-License-Identifier: Apache-2.0

#include "schema/error.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace drover {

struct step_user {
  uint32_t user = 0; ///< 0: the agent's own
  uint32_t group = 0;
  friend bool operator==(const step_user&, const step_user&) = default;
};

class step_users {
public:
  enum class kind { of_agent, named, one_a_workspace };

  /// Steps run as the agent's user.
  step_users() = default;
  /// `choice`: "none", "auto", or a user's name. "auto" takes the user drover-step if there is one,
  /// else a user of its own for each workspace. Below `workspaces` lie the workspaces. Only root
  /// may be other users; "auto" makes do without and says why, a name is an error then.
  static expected<step_users> open(const std::string& choice, const std::string& workspaces);

  /// Whose the workspace in `folder` is: its owner, or, of a new one, a user that nobody is.
  expected<step_user> user_of(const std::string& folder) const;

  kind what() const { return kind_; }
  /// For the fact steps_run_as.
  const std::string& text() const { return text_; }

private:
  kind kind_ = kind::of_agent;
  step_user named_;
  std::string root_;
  std::string text_ = "the agent's user";
};

/// Makes `path` and all in it the user's; follows no links.
std::optional<failure> give_tree(const std::string& path, const step_user& to);
/// The folder on the way to `path` that others may not pass; empty: there is none.
std::string closed_folder(const std::string& path);

} // namespace drover
