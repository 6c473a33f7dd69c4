#pragma once
// The coordinator's door for browsers: a server of its own, so that pages cost the API nothing.
// SPDX-License-Identifier: Apache-2.0

#include "nodes/http/api.hpp"

#include <string>
#include <vector>

namespace drover {

/// Serves the pages until destroyed; before the actors' system goes.
class web_door {
public:
  /// `address`: HOST:PORT in numbers, "[::1]:0" too; port 0 is any free one. The files of the pages
  /// are looked for beside the program's own folder.
  /// `names`: further names that a proxy on this machine passes on as Host.
  static expected<std::unique_ptr<web_door>>
  open(const std::string& address, std::vector<std::string> names, http::api_parts parts);
  /// "http://127.0.0.1:8788/"
  const std::string& url() const { return url_; }

private:
  std::shared_ptr<boost::asio::io_context> loop_;
  std::unique_ptr<http::server> server_; ///< uses `loop_`
  std::string url_;
};

} // namespace drover
