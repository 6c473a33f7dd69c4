#pragma once
// Downloads by http and https: bounded in size and redirects, given up when nothing comes.
// SPDX-License-Identifier: Apache-2.0

#include "nodes/sources/command.hpp"
#include "schema/error.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace drover::sources {

/// Takes bytes until its bound; `take` answers false to end the transfer.
struct sink {
  std::function<bool(std::string_view)> take;
  uint64_t left = 0;
};

/// What a server says of a file beside its content.
struct head {
  std::string etag, modified;
  long length = -1;
};

/// Hands what is at `url` to `into`; `only_head` asks for no content. Errors name the address.
expected<head> fetch(const std::string& url, sink into, const stop_flag& stopping,
                     bool only_head = false);

struct download {
  std::string path, sha256;
};

/// The content in a new file below `folder`, which is the caller's to remove; at most
/// limits::blob_bytes_max.
expected<download> fetch_file(const std::string& url, const std::string& folder,
                              const stop_flag& stopping);

} // namespace drover::sources
