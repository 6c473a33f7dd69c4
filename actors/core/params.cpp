// SPDX-License-Identifier: Apache-2.0
#include "actors/core/params.hpp"

#include "schema/limits.hpp"
#include "schema/names.hpp"

#include <algorithm>

namespace drover::core {

namespace {

std::string quoted(const std::string& text) {
  return "'" + printable(text, limits::name_bytes_max) + "'";
}

std::string listed(const std::vector<std::string>& values) {
  std::string all;
  for (const auto& value : values)
    all += (all.empty() ? "" : ", ") + printable(value, limits::name_bytes_max);
  return all;
}

bool is_number(const std::string& value) {
  auto digits = value.substr(!value.empty() && value[0] == '-' ? 1 : 0);
  constexpr size_t digits_max = 18; // fits 64 bits
  return !digits.empty() && digits.size() <= digits_max
         && std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
}

} // namespace

std::optional<std::string> value_problem(const param_spec& param, const std::string& value) {
  switch (param.kind) {
  case param_kind::text:
    return std::nullopt;
  case param_kind::choice:
    if (std::find(param.choices.begin(), param.choices.end(), value) != param.choices.end())
      return std::nullopt;
    return quoted(value) + " is none of: " + listed(param.choices);
  case param_kind::number:
    if (is_number(value))
      return std::nullopt;
    return quoted(value) + " is no whole number";
  case param_kind::yes_no:
    if (value == "yes" || value == "no")
      return std::nullopt;
    return quoted(value) + " is neither yes nor no";
  }
  return std::nullopt;
}

std::optional<failure> params_problem(const builder_spec& builder, const string_map& given) {
  auto where = "builder " + quoted(builder.name);
  std::vector<std::string> known;
  for (const auto& param : builder.params)
    known.push_back(param.name);
  for (const auto& [name, value] : given) {
    if (builder.params.empty())
      break;
    if (std::find(known.begin(), known.end(), name) == known.end())
      return failure{ec::bad_input,
                     where + " has no parameter " + quoted(name) + "; it has: " + listed(known)};
  }
  for (const auto& param : builder.params) {
    auto value = given.find(param.name);
    if (value == given.end() && param.required)
      return failure{ec::bad_input, where + " needs parameter " + quoted(param.name)
                                      + (param.about.empty() ? "" : " (" + param.about + ")")
                                      + ": give it with --param " + param.name + "=VALUE"};
    if (value == given.end())
      continue;
    if (auto problem = value_problem(param, value->second))
      return failure{ec::bad_input, where + ", parameter " + quoted(param.name) + ": " + *problem};
  }
  return std::nullopt;
}

string_map params_of(const builder_spec& builder, const string_map& given) {
  auto values = given;
  for (const auto& param : builder.params)
    if (!param.required)
      values.insert({param.name, param.fallback});
  return values;
}

} // namespace drover::core
