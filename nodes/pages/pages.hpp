#pragma once
// The farm's web pages: each has one address and is complete HTML, made from the API's own answers.
//
// A page asks the API as a script would, inside the process, so it can't show what the API does not
// tell. The same door serves the API's reading routes that the pages' script needs, and the files
// of that script. Why so: docs/adr/0004-pages-from-the-api.md.
// SPDX-License-Identifier: Apache-2.0

#include "nodes/http/sessions.hpp"

#include <string>

namespace drover::pages {

struct site_parts {
  std::string farm;          ///< its name
  http::handler api;         ///< docs/API.md
  std::string assets;        ///< folder of drover.js and drover.css; what is not there is left out
  bool loopback_only = true; ///< the door is on loopback: only its own names are answered
  std::vector<std::string> names = {};         ///< by which it is reached through a proxy
  std::shared_ptr<http::front_desk> desk = {}; ///< null: nobody can sign in, everybody may look
};

/// A handler for a server whose door is open: what may be seen and done is what the visitor's
/// account may. GET and HEAD change nothing; what a form asks for is passed to the API in the
/// account's name.
http::handler make_pages(site_parts parts);

} // namespace drover::pages
