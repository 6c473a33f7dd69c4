#pragma once
// What differs for a host whose steps run on a machine that is reached by ssh.
// SPDX-License-Identifier: Apache-2.0

#include "actors/host.hpp"
#include "nodes/far/far_machine.hpp"

#include <memory>

namespace drover {

/// What `drover-host --via` was told.
struct far_choice {
  std::string via;
  std::string host;   ///< this host's name
  std::string dir;    ///< this host's folder
  std::string config; ///< for `ssh -F`; empty: the user's own
};

/// The machine; a malformed address, or a folder that a shell would take for more than one word, is
/// an error of usage.
expected<std::shared_ptr<const far_machine>> open_far_machine(const far_choice& chosen);

/// The far machine's facts. If it does not answer, those of the last time: steps that run there are
/// to be adopted all the same.
expected<host_facts> far_facts(const far_machine& far, const std::string& dir);

/// Puts the far machine in the place of this one.
void work_by_ssh(host_settings& settings, const std::shared_ptr<const far_machine>& far,
                 const std::string& dir, const std::string& keeper_program);

} // namespace drover
