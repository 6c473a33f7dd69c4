#pragma once
// A file that appears under its name only once its bytes are proven to be the right ones.
// SPDX-License-Identifier: Apache-2.0

#include "schema/error.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace drover::cli {

/// The name under which an artifact is kept here if none is given: the last part of its path.
/// Paths that are absolute or climb out by ".." are refused.
expected<std::string> local_name(const std::string& artifact_path);

/// Writes beside `path`; `finish` compares, syncs and renames. Unfinished, it leaves nothing.
class download {
public:
  static expected<download> begin(const std::string& path);
  ~download();
  download(download&&) noexcept;
  download& operator=(download&&) = delete;

  std::optional<failure> take(std::string_view bytes);
  std::optional<failure> finish(const std::string& sha256);

private:
  struct state;
  explicit download(std::unique_ptr<state> made);
  std::unique_ptr<state> state_;
};

} // namespace drover::cli
