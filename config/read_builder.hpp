#pragma once
// Reads what a builder says: steps, parameters, where it runs.
// SPDX-License-Identifier: Apache-2.0

#include "config/reader.hpp"
#include "schema/model.hpp"

#include <string>
#include <vector>

namespace drover {

/// Appends the builder; what is wrong in it is in the reader's errors.
void read_builder(reader& in, const std::string& name, const yaml::node& from, farm_config& out);

/// Reads `params`, by name: "flavour: debug", or a mapping that says the kind.
void read_params(reader& in, const yaml::node& from, std::vector<param_spec>& out);

/// Age, budget and number of artifacts that are kept.
void read_retention(reader& in, std::string_view key, const yaml::node& from, retention_spec& out);

/// The silence after which a host is retired.
void read_retire_after(reader& in, const yaml::node& from, milliseconds& out);

} // namespace drover
