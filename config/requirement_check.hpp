#pragma once
// What a requirement can't mean or no known host can satisfy, before any host has been asked.
// SPDX-License-Identifier: Apache-2.0

#include "schema/model.hpp"
#include "schema/requirement.hpp"

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace drover {

/// A requirement's text: what is wrong with it, at bytes of it.
struct requirement_findings {
  std::vector<requirement_error> errors;
  /// What is allowed and probably not meant.
  std::vector<requirement_error> warnings;
};

/// The labels of all hosts, in the form in which many requirements are checked against them.
struct label_view {
  explicit label_view(const std::vector<host_spec>& hosts);

  struct group {
    const string_map* labels = nullptr;
    std::vector<std::string_view> hosts; ///< that have exactly these
  };
  std::set<std::string_view> names;
  std::vector<group> groups; ///< in the order of their first hosts
};

enum class look_for : uint8_t { errors, warnings_too };

/// Syntax; facts compared with what they never are (numbers with texts, sizes without a unit). As
/// warnings: names that are neither a fact nor a label; and, as facts are not known here, whether
/// the labels alone keep every host from serving. `view` needs the hosts that it was made of.
requirement_findings check_requirement(std::string_view text, const label_view& view,
                                       look_for wanted);

/// "'clas' is neither a fact nor a label of a configured host (did you mean 'class'?)", or nothing
/// if it is one of them.
std::string unknown_trait(std::string_view trait, const label_view& view);

} // namespace drover
