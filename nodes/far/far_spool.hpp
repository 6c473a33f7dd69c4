#pragma once
// The spool of a host whose steps run on a machine that is reached by ssh.
//
// A step's keeper is of this machine, as ever; what it runs is near.sh, which starts the step over
// there once and follows it. So an agent that restarts finds its steps as any other does.
// SPDX-License-Identifier: Apache-2.0

#include "nodes/disk_spool.hpp"
#include "nodes/far/far_machine.hpp"

#include <memory>

namespace drover {

class far_spool final : public disk_spool {
public:
  /// `notes`: a folder for what the calls of each attempt need.
  far_spool(const std::string& root, const std::string& keeper_program, std::string notes,
            std::shared_ptr<const far_machine> far);

  std::optional<failure> start(const keeper_order& order) override;
  /// A step that the far machine lost is nobody's failure.
  std::optional<keeper_exit> exit_of(const grant_token& token) const override;
  /// Also ends what still runs over there. If that can't be reached, the step ends itself when its
  /// time is over, or when its workspace is removed.
  std::optional<failure> close(const grant_token& token, const keeper_exit& account) override;
  void forget(const grant_token& token) override;

private:
  std::string notes_of(const grant_token& token) const;

  std::string notes_;
  std::shared_ptr<const far_machine> far_;
};

/// What a step is over there: its environment, then its script. Paths below `local` in the
/// environment become those below `far`.
std::string far_step_script(const keeper_order& order, const std::string& local,
                            const std::string& far);

} // namespace drover
