#pragma once
// The files of the pages' own: read once, named by their content, so that browsers keep them.
// SPDX-License-Identifier: Apache-2.0

#include "nodes/http/server.hpp"

#include <map>
#include <string>

namespace drover::pages {

struct asset {
  std::string type;
  std::string bytes;
  std::string version; ///< of its content, for its address
};

class asset_set {
public:
  /// Takes the known files of `folder`; one that is not there is left out. Empty: takes none.
  static asset_set read(const std::string& folder);
  /// "/assets/drover.css?v=1a2b3c4d"; empty if it is not there.
  std::string address(const std::string& name) const;
  /// The file, or nothing.
  const asset* find(const std::string& name) const;

private:
  std::map<std::string, asset> files_;
};

} // namespace drover::pages
