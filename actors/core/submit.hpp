#pragma once
// From what somebody asked to the builds that come of it. Pure.
// SPDX-License-Identifier: Apache-2.0

#include "actors/core/schedule.hpp"
#include "schema/error.hpp"

#include <string>
#include <vector>

namespace drover::core {

/// What a person or a source asks for.
struct order {
  std::string builder;
  source_ref source;
};

/// One build to be made, or the hole in the table where there is none.
struct cell {
  const builder_spec* builder = nullptr;
  source_ref source;
  host_name host;              ///< not empty: the build is pinned to it
  std::string host_class;      ///< as shown in a table: "linux/arm64"; empty if not by class
  std::string class_condition; ///< to be added to the builder's requirement
  std::string hole;            ///< not empty: no build, and why
};

struct submission_plan {
  std::vector<cell> cells;
  bool is_campaign = false; ///< more than one cell
};

/// What the orders mean on the herd as it is known now: `on: each host` gives one cell a known
/// host, with a hole where the host does not serve; `on: each(keys)` one cell a class of hosts that
/// serve. Errors name the builder and say what to do; then nothing is made.
expected<submission_plan> plan_submission(const farm_config& config,
                                          const std::vector<host_offer>& hosts,
                                          const std::vector<order>& orders,
                                          const std::string& host);

/// The builder of this name; null: there is none.
const builder_spec* find_builder(const farm_config& config, const std::string& name);

/// Whether changes of `source` are built of the builder.
bool builds_from(const builder_spec& builder, const std::string& source);

/// The source whose newest change is built of the builder if nothing is said; of a timer the one
/// that it is of. Empty: it can be built from nothing.
std::string source_of_orders(const farm_config& config, const builder_spec& builder);

/// The source of a campaign: the one that all orders share, else a set.
source_ref campaign_source(const std::vector<order>& orders);

} // namespace drover::core
