#pragma once
// Why a build or a host stands where it stands: one sentence for people, then the evidence.
//
// Pure functions over records; everything that shows a reason takes it from here.
// SPDX-License-Identifier: Apache-2.0

#include "schema/model.hpp"

#include <string>
#include <vector>

namespace drover::http {

struct explanation {
  std::string reason;                ///< one sentence, without a final full stop
  std::vector<std::string> evidence; ///< one line each, in the order of their weight
  friend bool operator==(const explanation&, const explanation&) = default;
};

/// `now`: what the coordinator says of a build that is not finished; may be missing.
explanation explain_build(const build_file& file, const waiting_view* now);
explanation explain_host(const host_view& host);

/// The worse of two results: the one that a campaign shows. `none` yields to any other.
result worse(result a, result b);

/// A campaign over its builds: running until all are over, then the worst of its cells. A cell
/// without a build doesn't count; a campaign without any build is finished and `skipped`.
struct campaign_verdict {
  build_state state = build_state::running;
  result outcome = result::none;
  friend bool operator==(const campaign_verdict&, const campaign_verdict&) = default;
};
campaign_verdict judge_campaign(const std::vector<build_record>& builds);

} // namespace drover::http
