#pragma once
// How records are read: one, a range, the last id. For storage/ alone.
// SPDX-License-Identifier: Apache-2.0

#include "schema/names.hpp"
#include "storage/keys.hpp"
#include "storage/store.hpp"

#include <limits>

namespace drover::storage {

inline constexpr auto endless = std::numeric_limits<size_t>::max();
inline constexpr uint64_t highest_id = std::numeric_limits<uint64_t>::max();

/// The failure of a decoder, with the record that it was about.
inline failure about(const std::string& what, const failure& why) {
  return {why.code, what + ": " + why.text};
}

inline std::string named(build_id id) {
  return "build " + to_string(id);
}
inline std::string named(campaign_id id) {
  return "campaign " + to_string(id);
}

template <class Value>
using decoder = expected<Value> (*)(std::string_view);

/// The record under `key`, or nothing; `what` names it in errors.
template <class Value>
expected<std::optional<Value>> read_record(const store& from, std::string_view key,
                                           decoder<Value> decode, const std::string& what) {
  auto bytes = from.get(family::history, key);
  if (!bytes)
    return about(what, bytes.error());
  if (!*bytes)
    return std::optional<Value>{};
  auto value = decode(**bytes);
  if (!value)
    return about(what, value.error());
  return std::optional<Value>{*std::move(value)};
}

struct key_range {
  std::string from, to;
  scan_order order = scan_order::ascending;
  size_t rows = endless;
};

/// Decodes what lies in `range`, keeping what `accept` wants, `range.rows` at most.
template <class Value, class Accept>
expected<std::vector<Value>> read_range(const store& from, const key_range& range,
                                        decoder<Value> decode, const Accept& accept) {
  std::vector<Value> values;
  std::optional<failure> problem;
  if (range.rows == 0)
    return values;
  auto visit = [&](std::string_view, std::string_view bytes) {
    auto value = decode(bytes);
    if (!value) {
      problem = value.error();
      return false;
    }
    if (accept(*value))
      values.push_back(*std::move(value));
    return values.size() < range.rows;
  };
  auto failed = from.scan(family::history, range.from, range.to, range.order, visit);
  if (failed)
    return *failed;
  if (problem)
    return *problem;
  return values;
}

inline constexpr auto everything = [](const auto&) { return true; };

/// The id in the last key of `kind`, 0 if there is none.
template <class Id>
expected<Id> last_id(const store& from, keys::tag kind, std::string first,
                     std::optional<Id> (*read)(std::string_view)) {
  Id last;
  bool readable = true;
  auto visit = [&](std::string_view key, std::string_view) {
    auto id = read(key);
    readable = id.has_value();
    last = id.value_or(Id{});
    return false;
  };
  auto problem =
    from.scan(family::history, first, keys::end_of(kind), scan_order::descending, visit);
  if (problem)
    return *problem;
  if (!readable)
    return failure{ec::damaged, "store: the last key of a table is malformed; run admin verify"};
  return last;
}

} // namespace drover::storage
