// SPDX-License-Identifier: Apache-2.0
#include "config/reader.hpp"

#include "config/values.hpp"
#include "schema/limits.hpp"
#include "schema/names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace drover {
namespace {

constexpr size_t shown_bytes_max = 60; // of a value in a message

std::string shown(std::string_view text) {
  return printable(text, shown_bytes_max);
}

std::string_view noun(const yaml::node& value) {
  switch (value.what) {
  case yaml::kind::scalar:
    return value.empty() ? "nothing" : "a text";
  case yaml::kind::sequence:
    return "a list";
  case yaml::kind::mapping:
    return "a mapping";
  }
  return "something else";
}

std::vector<std::string_view> keys_of(const std::vector<field>& fields) {
  std::vector<std::string_view> keys;
  for (const auto& one : fields)
    keys.push_back(one.key);
  return keys;
}

place place_of(const yaml::node& value) {
  return {value.at.line, value.at.column, value.text_column, value.at.file};
}

} // namespace

std::string titled(std::string_view what, std::string_view name) {
  return fmt::format("{} '{}'", what, printable(name, limits::name_bytes_max));
}

void reader::error(const yaml::mark& at, std::string message) {
  errors_.push_back({at.line, at.column, std::move(message), at.file});
}

void reader::exactly_one(std::string_view what, const yaml::node& from,
                         const std::vector<std::string_view>& keys) {
  std::vector<const yaml::entry*> given;
  bool mistyped = false;
  for (const auto& entry : from.entries) {
    if (std::find(keys.begin(), keys.end(), entry.key.text) != keys.end())
      given.push_back(&entry);
    else
      mistyped = mistyped || nearest(entry.key.text, keys).has_value();
  }
  if (given.empty() && !mistyped)
    error(from.at, fmt::format("{} needs one of {}", what, fmt::join(keys, ", ")));
  for (size_t i = 1; i < given.size(); ++i)
    error(given[i]->key.at, fmt::format("{} has '{}' already; '{}' can't be there as well", what,
                                        given[0]->key.text, given[i]->key.text));
}

void reader::within(const std::string& segment, const yaml::node& value,
                    const std::function<void()>& read) {
  auto outer = path_.size();
  path_ += path_.empty() ? segment : "/" + segment;
  where_[path_] = place_of(value);
  read();
  path_.resize(outer);
}

bool reader::bounded(std::string_view key, const yaml::node& from, size_t size) {
  if (size <= limits::entries_max)
    return true;
  error(from.at,
        fmt::format("{}: has {} entries, at most {} are allowed", key, size, limits::entries_max));
  return false;
}

bool reader::is_mapping(std::string_view what, const yaml::node& from, std::string_view example) {
  if (from.what == yaml::kind::mapping || from.empty())
    return true;
  error(from.at, fmt::format("{}: expected a mapping, e.g. {}, not {}", what, example, noun(from)));
  return false;
}

void reader::mapping(std::string_view what, const yaml::node& from,
                     const std::vector<field>& fields) {
  auto first = fields.front().key;
  if (!is_mapping(what, from, fmt::format("{{{}: ...}}", first)))
    return;
  std::vector<std::string_view> meant; // keys that were written wrongly are not missing as well
  for (const auto& [key, value] : from.entries) {
    auto found = std::find_if(fields.begin(), fields.end(),
                              [&key = key](const field& one) { return one.key == key.text; });
    if (found != fields.end()) {
      where_[path_ + (path_.empty() ? "" : "/") + key.text + "#"] = place_of(key);
      within(key.text, value, [&, &value = value] { found->read(value); });
      continue;
    }
    auto near = nearest(key.text, keys_of(fields));
    if (near)
      meant.push_back(*near);
    error(key.at, near
                    ? fmt::format("unknown key '{}' (did you mean '{}'?)", shown(key.text), *near)
                    : fmt::format("unknown key '{}'; {} has {}", shown(key.text), what,
                                  fmt::join(keys_of(fields), ", ")));
  }
  for (const auto& one : fields) {
    bool there = std::any_of(from.entries.begin(), from.entries.end(),
                             [&one](const auto& entry) { return entry.key.text == one.key; });
    bool mistyped = std::find(meant.begin(), meant.end(), one.key) != meant.end();
    if (!one.example.empty() && !there && !mistyped)
      error(from.at, fmt::format("{} has no '{}'; write e.g. {}", what, one.key, one.example));
  }
}

void reader::named(std::string_view what, const yaml::node& from,
                   const std::function<void(const std::string&, const yaml::node&)>& read) {
  if (!is_mapping(what, from, fmt::format("{{NAME: ...}}")))
    return;
  for (const auto& [key, value] : from.entries) {
    where_[path_ + "/" + key.text + "#"] = place_of(key);
    within(key.text, value, [&, &key = key, &value = value] { read(key.text, value); });
  }
}

void reader::list(std::string_view key, const yaml::node& from, std::string_view example,
                  const std::function<void(const yaml::node&)>& read) {
  if (from.empty())
    return;
  if (from.what != yaml::kind::sequence) {
    error(from.at, fmt::format("{}: expected a list, e.g. {}, not {}", key, example, noun(from)));
    return;
  }
  if (!bounded(key, from, from.items.size()))
    return;
  for (size_t i = 0; i < from.items.size(); ++i)
    within(std::to_string(i), from.items[i], [&] { read(from.items[i]); });
}

bool reader::text(std::string_view key, const yaml::node& from, std::string& out) {
  if (from.what != yaml::kind::scalar) {
    error(from.at, fmt::format("{}: expected a text, not {}", key, noun(from)));
    return false;
  }
  if (from.text.find('\0') != std::string::npos) {
    error(from.at, fmt::format("{}: has a NUL byte, which no program can be given", key));
    return false;
  }
  auto bytes_max = key == "run" ? limits::command_bytes_max : limits::value_bytes_max;
  if (from.text.size() > bytes_max) {
    error(from.at, fmt::format("{}: has {} bytes, at most {} are allowed", key, from.text.size(),
                               bytes_max));
    return false;
  }
  out = from.text;
  return true;
}

void reader::texts(std::string_view key, const yaml::node& from, std::string_view example,
                   std::vector<std::string>& out) {
  list(key, from, example, [&](const yaml::node& item) {
    std::string one;
    // A wrong item keeps its position, by which validation finds the others.
    text(key, item, one);
    out.push_back(std::move(one));
  });
}

void reader::map(std::string_view key, const yaml::node& from, string_map& out) {
  if (!is_mapping(key, from, "{NAME: value}") || !bounded(key, from, from.entries.size()))
    return;
  for (const auto& [name, value] : from.entries) {
    where_[path_ + "/" + name.text + "#"] = place_of(name);
    within(name.text, value, [&, &name = name, &value = value] {
      text(fmt::format("{} '{}'", key, shown(name.text)), value, out[name.text]);
    });
  }
}

void reader::duration(std::string_view key, const yaml::node& from, milliseconds& out) {
  std::string written;
  if (!text(key, from, written))
    return;
  auto value = parse_duration(written);
  if (!value)
    error(from.at,
          fmt::format("{}: '{}' is no duration; write e.g. 30s, 10m, 2h, 1d", key, shown(written)));
  else if (*value <= milliseconds{0} || *value > limits::step_timeout_max)
    error(from.at,
          fmt::format("{}: '{}' is out of range; more than 0 and at most {}d are allowed", key,
                      shown(written), limits::step_timeout_max / std::chrono::hours{24}));
  else
    out = *value;
}

void reader::size(std::string_view key, const yaml::node& from, uint64_t& out) {
  std::string written;
  if (!text(key, from, written))
    return;
  if (auto value = parse_size(written))
    out = *value;
  else
    error(from.at, fmt::format("{}: '{}' is no size; write e.g. 64MiB, 1GiB", key, shown(written)));
}

void reader::yes_no(std::string_view key, const yaml::node& from, bool& out) {
  std::string written;
  if (!text(key, from, written))
    return;
  if (auto value = parse_yes_no(written))
    out = *value;
  else
    error(from.at, fmt::format("{}: '{}' is neither true nor false", key, shown(written)));
}

void reader::number(std::string_view key, const yaml::node& from, uint32_t& out) {
  std::string written;
  if (!text(key, from, written))
    return;
  uint32_t value = 0;
  auto last = written.data() + written.size();
  auto [end, failed] = std::from_chars(written.data(), last, value);
  if (failed == std::errc{} && end == last)
    out = value;
  else
    error(from.at, fmt::format("{}: '{}' is no whole number; write e.g. 2", key, shown(written)));
}

} // namespace drover
