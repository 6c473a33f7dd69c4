#pragma once
// Reads typed values out of a YAML tree, notes where each stands and collects what is wrong.
// SPDX-License-Identifier: Apache-2.0

#include "config/error.hpp"
#include "config/place.hpp"
#include "config/yaml.hpp"
#include "schema/model.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace drover {

/// A key that a mapping may have. With `example`, the key must be there.
struct field {
  std::string_view key;
  std::function<void(const yaml::node&)> read;
  std::string_view example = {};
};

/// Every read names the key for the messages and leaves `out` alone when the value is wrong. A
/// collection without a value ("hosts:" and nothing below) is empty, not wrong.
class reader {
public:
  /// Reads a mapping with known keys; `what` names it for the messages: "builder 'check'".
  void mapping(std::string_view what, const yaml::node& from, const std::vector<field>& fields);
  /// Reads a mapping of things by name; `read` gets each name and what it holds.
  void named(std::string_view what, const yaml::node& from,
             const std::function<void(const std::string&, const yaml::node&)>& read);
  /// Reads a list of things that are not plain texts.
  void list(std::string_view key, const yaml::node& from, std::string_view example,
            const std::function<void(const yaml::node&)>& read);

  bool text(std::string_view key, const yaml::node& from, std::string& out);
  void texts(std::string_view key, const yaml::node& from, std::string_view example,
             std::vector<std::string>& out);
  void map(std::string_view key, const yaml::node& from, string_map& out);
  void duration(std::string_view key, const yaml::node& from, milliseconds& out);
  void size(std::string_view key, const yaml::node& from, uint64_t& out);
  void yes_no(std::string_view key, const yaml::node& from, bool& out);
  void number(std::string_view key, const yaml::node& from, uint32_t& out);

  void error(const yaml::mark& at, std::string message);
  /// Says so unless exactly one of `keys` is there. One that is written wrongly counts: the reader
  /// has complained of it already.
  void exactly_one(std::string_view what, const yaml::node& from,
                   const std::vector<std::string_view>& keys);

  const places& where() const { return where_; }
  const std::vector<config_error>& errors() const { return errors_; }

private:
  bool is_mapping(std::string_view what, const yaml::node& from, std::string_view example);
  void within(const std::string& segment, const yaml::node& value,
              const std::function<void()>& read);
  bool bounded(std::string_view key, const yaml::node& from, size_t size);

  std::string path_;
  places where_;
  std::vector<config_error> errors_;
};

/// "builder 'check'", for messages.
std::string titled(std::string_view what, std::string_view name);

} // namespace drover
