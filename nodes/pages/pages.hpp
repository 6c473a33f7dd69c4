#pragma once
// The farm's web pages: each has one address and is complete HTML, made from the API's own answers.
//
// A page asks the API as a script would, inside the process, so it can't show what the API does not
// tell. The same door serves the API's reading routes that the pages' script needs, and the files
// of that script. Why so: docs/adr/0004-pages-from-the-api.md.
// SPDX-License-Identifier: Apache-2.0

#include "nodes/http/server.hpp"

#include <string>

namespace drover::pages {

struct site_parts {
  std::string farm;          ///< its name
  http::handler api;         ///< docs/API.md; asked for reading alone
  std::string assets;        ///< folder of drover.js and drover.css; what is not there is left out
  bool loopback_only = true; ///< the door is on loopback: only its own names are answered
};

/// A handler for a server whose door is open: it answers GET and HEAD, and nothing that is secret.
http::handler make_pages(site_parts parts);

} // namespace drover::pages
