#pragma once
// Writes small JSON objects for programs that are told of something. Pure.
// SPDX-License-Identifier: Apache-2.0

#include <cstdint>
#include <string>
#include <string_view>

namespace drover::core {

/// `text` in quotes. Whatever bytes it holds, the answer is valid JSON in UTF-8: what is no UTF-8
/// becomes U+FFFD.
std::string json_quoted(std::string_view text);

/// An object, key by key in the order in which they are added; no key twice.
class json_object {
public:
  json_object& text(std::string_view key, std::string_view value);
  /// null if `value` is empty.
  json_object& text_or_null(std::string_view key, std::string_view value);
  json_object& number(std::string_view key, uint64_t value);
  /// null if `value` is 0, which names nothing.
  json_object& id(std::string_view key, uint64_t value);
  json_object& yes_no(std::string_view key, bool value);
  /// `json` stands as it is.
  json_object& raw(std::string_view key, std::string_view json);
  std::string done() const { return content_ + "}"; }

private:
  std::string content_ = "{";
};

/// An array, item by item.
class json_array {
public:
  json_array& raw(std::string_view json);
  json_array& text(std::string_view value) { return raw(json_quoted(value)); }
  std::string done() const { return content_ + "]"; }

private:
  std::string content_ = "[";
};

} // namespace drover::core
