#pragma once
// The workspaces of a host whose steps run on a machine that is reached by ssh: sources come here
// and go over there with the first step; artifacts come back when the workspace is closed.
// SPDX-License-Identifier: Apache-2.0

#include "nodes/disk_workspaces.hpp"
#include "nodes/far/far_machine.hpp"

#include <memory>

namespace drover {

class far_workspaces final : public disk_workspaces {
public:
  far_workspaces(const std::string& root, const workspace_bounds& bounds,
                 std::shared_ptr<const far_machine> far);

  expected<std::vector<artifact_ref>> collect(build_id build, uint32_t placement,
                                              const std::vector<std::string>& globs) override;
  /// Ends what still runs there, too. One that can't be reached is an error: the workspace stays
  /// here, and is asked for again when this host joins anew.
  std::optional<failure> remove(build_id build, uint32_t placement) override;
  /// A far machine's disk is not ours to keep things on.
  std::optional<failure> keep(build_id build, uint32_t placement, const std::string& builder,
                              const std::string& why) override;

private:
  std::string name_of(build_id build, uint32_t placement) const;
  std::optional<failure> bring(const std::string& name, const std::vector<std::string>& globs);

  std::string here_;
  std::shared_ptr<const far_machine> far_;
};

/// A pattern for `find -path` that matches at least what `glob` does.
std::string find_pattern(const std::string& glob);

} // namespace drover
