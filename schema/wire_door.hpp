#pragma once
// The checks of fields that come over the wire: what schema/wire_decode.cpp is made of.
// SPDX-License-Identifier: Apache-2.0

#include "schema/error.hpp"
#include "schema/limits.hpp"
#include "schema/model.hpp"
#include "schema/names.hpp"

#include <capnp/blob.h>
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace drover {

/// Takes fields one by one and remembers the first that is wrong, with its path. Once something is
/// wrong, what else it gives is of no use.
class door {
public:
  explicit door(std::string where) : where_{std::move(where)} {}

  bool failed() const { return problem_.has_value(); }

  void refuse(std::string_view field, std::string_view what) {
    if (!problem_)
      problem_ = failure{ec::bad_input, fmt::format("{}{} {}", where_, field, what)};
  }

  template <class T>
  expected<T> result(T value) && {
    if (problem_)
      return std::move(*problem_);
    return value;
  }

  /// Fields that `take` takes lie below `field`.
  template <class Take>
  auto within(std::string_view field, Take take) {
    auto before = where_.size();
    where_ += fmt::format("{}.", field);
    auto value = take();
    where_.resize(before);
    return value;
  }

  template <class Int>
  Int at_most(std::string_view field, Int value, Int max) {
    if (value > max)
      refuse(field, fmt::format("is {}, at most {} is allowed", value, max));
    return value;
  }

  uint64_t counted(std::string_view field, uint64_t value) {
    if (value == 0)
      refuse(field, "is 0, it counts from 1");
    return value;
  }

  /// The enumerators of both sides have the same numbers, from 0 without gaps.
  template <class Enum, class Wire>
  Enum one_of(std::string_view field, Wire value, Enum last) {
    if (static_cast<unsigned>(value) > static_cast<unsigned>(last))
      refuse(field,
             fmt::format("is {}, which this version does not know", static_cast<unsigned>(value)));
    return static_cast<Enum>(value);
  }

  milliseconds span(std::string_view field, int64_t ms) {
    if (ms < 0 || milliseconds{ms} > limits::step_timeout_max)
      refuse(field, fmt::format("is {} ms, it must be from 0 to {}", ms,
                                limits::step_timeout_max.count()));
    return milliseconds{ms};
  }

  wall_time moment(std::string_view field, int64_t ms) {
    if (ms < 0)
      refuse(field, fmt::format("is {} ms, it must not be negative", ms));
    return {ms};
  }

  std::string bytes(std::string_view field, capnp::Data::Reader from, size_t max) {
    if (!fits(field, from.size(), max))
      return {};
    return {reinterpret_cast<const char*>(from.begin()), from.size()};
  }

  /// Text for programs: bounded, and without what C strings can't hold.
  std::string text(std::string_view field, capnp::Text::Reader from, size_t max) {
    if (!fits(field, from.size(), max))
      return {};
    std::string value{from.begin(), from.size()};
    if (value.find('\0') != std::string::npos)
      refuse(field, "has a zero byte");
    return value;
  }

  /// Text that ends up in lines and paths: no control characters either.
  std::string line(std::string_view field, capnp::Text::Reader from, size_t max) {
    auto value = text(field, from, max);
    if (std::any_of(value.begin(), value.end(),
                    [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }))
      refuse(field, "has a control character");
    return value;
  }

  std::string name(std::string_view field, capnp::Text::Reader from) {
    auto value = text(field, from, limits::name_bytes_max);
    if (!failed() && !valid_name(value))
      refuse(field, fmt::format("'{}' is not a name: use letters, digits, '.', '_' and '-'",
                                printable(value, limits::name_bytes_max)));
    return value;
  }

  std::string sha256(std::string_view field, capnp::Text::Reader from) {
    auto value = text(field, from, 64);
    if (value.size() != 64 || value.find_first_not_of("0123456789abcdef") != std::string::npos)
      refuse(field, "is not a SHA-256 in 64 lower-case hex digits");
    return value;
  }

  std::string path(std::string_view field, capnp::Text::Reader from) {
    auto value = line(field, from, limits::value_bytes_max);
    if (value.empty() || value.front() == '/'
        || fmt::format("/{}/", value).find("/../") != std::string::npos)
      refuse(field, "is not a relative path without '..'");
    return value;
  }

  template <class List, class Take>
  auto list(std::string_view field, List from, size_t max, Take take) {
    std::vector<decltype(take(from[0]))> values;
    if (!fits(field, from.size(), max))
      return values;
    values.reserve(from.size());
    for (unsigned i = 0; i < from.size() && !failed(); ++i)
      values.push_back(within(fmt::format("{}[{}]", field, i), [&] { return take(from[i]); }));
    return values;
  }

private:
  bool fits(std::string_view field, size_t size, size_t max) {
    if (size > max)
      refuse(field, fmt::format("has the length {}, at most {} is allowed", size, max));
    return !failed();
  }

  std::string where_;
  std::optional<failure> problem_;
};

} // namespace drover
