#pragma once
// The farm's values as JSON: every field name that scripts rely on is in json.cpp (docs/API.md).
// SPDX-License-Identifier: Apache-2.0

#include "nodes/http/explain.hpp"
#include "schema/model.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace drover::http {

using json = nlohmann::ordered_json;

/// One line of JSON with a newline; bytes that are not UTF-8 are replaced.
std::string text_of(const json& value);

// What is not there is null.
json time_or_null(wall_time when);
json text_or_null(const std::string& text);
json result_or_null(result value);

json json_of(const source_ref& source);
json json_of(const artifact_ref& artifact);
json json_of(const actor_entry& actor);
json json_of(const host_view& host);
json json_of(const event_record& event);
/// A recipe as the configuration says it.
json json_of(const builder_spec& builder);
/// A generation without its files.
json json_of(const config_record& config);
json json_of(const token_record& token);
/// A build without its steps.
json json_of(const build_record& build);
json json_of(const attempt_record& attempt);
json json_of(const step_record& step);
/// A build with its steps.
json json_of(const build_file& file);
/// A campaign without its cells.
json json_of(const campaign_record& campaign, const campaign_verdict& verdict);
/// A cell, with its build if there is one.
json json_of(const campaign_cell& cell, const build_record* build);
json json_of(const explanation& why);

} // namespace drover::http
