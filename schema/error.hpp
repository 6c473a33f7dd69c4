#pragma once
// Errors as values: a code for programs and one sentence for people.
// SPDX-License-Identifier: Apache-2.0

#include <cstdint>
#include <string>
#include <utility>
#include <variant>

namespace drover {

enum class ec : uint8_t {
  bad_input = 1,   ///< what was given is malformed; the text says where and what
  not_found = 2,   ///< no such build, builder, host, file
  refused = 3,     ///< rights or limits forbid it
  conflict = 4,    ///< the thing is not in a state that allows it
  unavailable = 5, ///< may work later: farm starting, store full, host away
  damaged = 6,     ///< stored data does not match its checksum or its format
  io = 7,          ///< the operating system said no
  internal = 8,    ///< a defect of ours
};

/// What went wrong. `text` is one line without a final full stop: where, what, and what to do.
struct failure {
  ec code = ec::internal;
  std::string text;
  friend bool operator==(const failure&, const failure&) = default;
};

/// A value, or why there is none.
template <class T>
class [[nodiscard]] expected {
public:
  expected(T value) : content_{std::in_place_index<0>, std::move(value)} {}
  expected(failure why) : content_{std::in_place_index<1>, std::move(why)} {}

  bool ok() const { return content_.index() == 0; }
  explicit operator bool() const { return ok(); }
  T& operator*() & { return std::get<0>(content_); }
  const T& operator*() const& { return std::get<0>(content_); }
  T&& operator*() && { return std::get<0>(std::move(content_)); }
  T* operator->() { return &std::get<0>(content_); }
  const T* operator->() const { return &std::get<0>(content_); }
  const failure& error() const { return std::get<1>(content_); }

private:
  std::variant<T, failure> content_;
};

} // namespace drover
