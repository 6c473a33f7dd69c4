// SPDX-License-Identifier: Apache-2.0
#include "nodes/config_reload.hpp"

#include "config/config.hpp"

#include <filesystem>

namespace drover {
namespace {

std::vector<config_error> with_files(std::vector<config_error> all, const std::string& path) {
  for (auto& one : all)
    one.file = file_of(one, path);
  return all;
}

} // namespace

std::string line_of(const config_error& error) {
  auto named = error;
  named.file.clear();
  return format(named, error.file);
}

std::variant<loaded_config, config_refused> load_for_reload(const std::string& path,
                                                            const std::string& by) {
  auto report = load_config(path);
  if (!report.config)
    return config_refused{with_files(std::move(report.errors), path)};
  std::error_code ignored; // without a current folder the path stays as it was given
  auto whole = std::filesystem::absolute(path, ignored);
  loaded_config loaded;
  loaded.request.config = *std::move(report.config);
  loaded.request.source.by = by;
  loaded.request.source.path = ignored ? path : whole.lexically_normal().string();
  loaded.request.source.files = std::move(report.files);
  loaded.warnings = with_files(std::move(report.warnings), path);
  return loaded;
}

} // namespace drover
