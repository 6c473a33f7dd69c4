// SPDX-License-Identifier: Apache-2.0
#include "actors/core/json_text.hpp"

#include "schema/names.hpp"

#include <fmt/format.h>

namespace drover::core {

namespace {

/// Takes a line at a time, so that only line ends and tabs are left of the control characters.
std::string clean_line(std::string_view line) {
  return printable(line, 4 * line.size() + 3); // nothing grows by more, so nothing is cut
}

} // namespace

std::string json_quoted(std::string_view text) {
  std::string out = "\"";
  while (true) {
    auto end = text.find('\n');
    for (char byte : clean_line(text.substr(0, end))) {
      if (byte == '"' || byte == '\\')
        out.push_back('\\');
      out.push_back(byte);
    }
    if (end == std::string_view::npos)
      return out + '"';
    out += "\\n";
    text.remove_prefix(end + 1);
  }
}

json_object& json_object::raw(std::string_view key, std::string_view json) {
  content_ += fmt::format("{}{}:{}", content_.size() == 1 ? "" : ",", json_quoted(key), json);
  return *this;
}

json_object& json_object::text(std::string_view key, std::string_view value) {
  return raw(key, json_quoted(value));
}

json_object& json_object::text_or_null(std::string_view key, std::string_view value) {
  return value.empty() ? raw(key, "null") : text(key, value);
}

json_object& json_object::number(std::string_view key, uint64_t value) {
  return raw(key, std::to_string(value));
}

json_object& json_object::id(std::string_view key, uint64_t value) {
  return value == 0 ? raw(key, "null") : number(key, value);
}

json_object& json_object::yes_no(std::string_view key, bool value) {
  return raw(key, value ? "true" : "false");
}

json_array& json_array::raw(std::string_view json) {
  content_ += (content_.size() == 1 ? "" : ",") + std::string{json};
  return *this;
}

} // namespace drover::core
