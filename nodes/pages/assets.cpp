// SPDX-License-Identifier: Apache-2.0
#include "nodes/pages/assets.hpp"

#include "schema/crc32c.hpp"
#include "schema/limits_web.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <fstream>
#include <iterator>

namespace drover::pages {

namespace {

struct known_file {
  const char* name;
  const char* type;
};
constexpr known_file known_files[] = {
  {"drover.css", "text/css; charset=utf-8"},
  {"drover.js", "text/javascript; charset=utf-8"},
  {"drover.svg", "image/svg+xml"},
};

} // namespace

asset_set asset_set::read(const std::string& folder) {
  asset_set out;
  if (folder.empty())
    return out;
  for (const auto& [name, type] : known_files) {
    auto path = folder + "/" + name;
    std::ifstream file{path, std::ios::binary};
    if (!file) {
      spdlog::warn("web event=file_missing path={} consequence=\"pages work without it\"", path);
      continue;
    }
    std::string bytes{std::istreambuf_iterator<char>{file}, {}};
    if (bytes.size() > limits::page_asset_bytes_max) {
      spdlog::warn("web event=file_too_long path={} bytes={}", path, bytes.size());
      continue;
    }
    auto version = fmt::format("{:08x}", crc32c(bytes));
    out.files_[name] = {type, std::move(bytes), version};
  }
  return out;
}

std::string asset_set::address(const std::string& name) const {
  auto found = files_.find(name);
  return found == files_.end() ? "" : "/assets/" + name + "?v=" + found->second.version;
}

const asset* asset_set::find(const std::string& name) const {
  auto found = files_.find(name);
  return found == files_.end() ? nullptr : &found->second;
}

} // namespace drover::pages
