// Journal, recipes, configurations and tokens as JSON.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/http/json.hpp"
#include "schema/names.hpp"

#include <nlohmann/json.hpp>

namespace drover::http {

namespace {

std::string placement_text(const placement_spec& on) {
  switch (on.kind) {
  case placement_kind::any:
    return "any";
  case placement_kind::each_host:
    return "each host";
  case placement_kind::each_class:
    break;
  }
  std::string keys;
  for (const auto& key : on.class_keys)
    keys += (keys.empty() ? "" : ", ") + key;
  return "each(" + keys + ")";
}

json seconds_or_null(milliseconds time) {
  if (time == milliseconds{0})
    return nullptr;
  return static_cast<double>(time / milliseconds{1}) / 1000;
}

json json_of(const cache_spec& cache) {
  if (!cache.on)
    return nullptr;
  return {{"inputs", cache.inputs}, {"facts", cache.facts}, {"outputs", cache.outputs}};
}

json json_of(const step_spec& step) {
  return {{"name", step.name},
          {"run", step.run},
          {"env", step.env},
          {"timeout_s", seconds_or_null(step.timeout)},
          {"silence_s", seconds_or_null(step.silence)},
          {"tests", step.tests},
          {"exclusive", step.exclusive},
          {"always", step.always},
          {"warn_only", step.warn_only},
          {"sandbox", step.sandbox},
          {"pty", step.pty},
          {"cache", json_of(step.cache)}};
}

json json_of(const param_spec& param) {
  json fallback = nullptr;
  if (!param.required)
    fallback = param.fallback;
  return {{"name", param.name},       {"kind", std::string{to_string(param.kind)}},
          {"default", fallback},      {"required", param.required},
          {"choices", param.choices}, {"about", text_or_null(param.about)}};
}

} // namespace

json json_of(const builder_spec& builder) {
  auto params = json::array();
  for (const auto& param : builder.params)
    params.push_back(json_of(param));
  auto steps = json::array();
  for (const auto& step : builder.steps)
    steps.push_back(json_of(step));
  return {{"name", builder.name},
          {"source", text_or_null(builder.source)},
          {"more_sources", builder.more_sources},
          {"on", placement_text(builder.on)},
          {"requires", text_or_null(builder.requirement)},
          {"params", params},
          {"steps", steps},
          {"artifacts", builder.artifacts},
          {"keep",
           {{"age_s", seconds_or_null(builder.keep.age)},
            {"budget", builder.keep.budget == 0 ? json(nullptr) : json(builder.keep.budget)},
            {"last", builder.keep.keep_last}}},
          {"second_opinion", builder.second_opinion}};
}

json json_of(const event_record& event) {
  json build = nullptr, campaign = nullptr, attempt = nullptr;
  if (event.build.value != 0)
    build = event.build.value;
  if (event.campaign.value != 0)
    campaign = to_string(event.campaign);
  if (event.attempt.value != 0)
    attempt = event.attempt.value;
  return {{"sequence", event.sequence},
          {"at", time_or_null(event.at)},
          {"kind", std::string{to_string(event.kind)}},
          {"build", build},
          {"campaign", campaign},
          {"builder", text_or_null(event.builder)},
          {"host", text_or_null(event.host.value)},
          {"step", text_or_null(event.step)},
          {"attempt", attempt},
          {"state", text_or_null(event.state)},
          {"result", result_or_null(event.outcome)},
          {"by", text_or_null(event.by)},
          {"text", event.text}};
}

json json_of(const config_record& config) {
  return {{"generation", config.generation},
          {"at", time_or_null(config.at)},
          {"by", config.by},
          {"path", config.path},
          {"summary", config.summary}};
}

json json_of(const token_record& token) {
  json out{{"id", token.id},
           {"name", token.name},
           {"role", token.role},
           {"made_by", token.made_by},
           {"made_at", time_or_null(token.made_at)},
           {"expires_at", time_or_null(token.expires_at)}};
  if (token.role == "join") {
    out["uses_left"] = token.uses_left;
    out["labels"] = token.labels;
  }
  return out;
}

} // namespace drover::http
