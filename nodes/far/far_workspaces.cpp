// SPDX-License-Identifier: Apache-2.0
#include "nodes/far/far_workspaces.hpp"

#include "nodes/unpack.hpp"
#include "schema/limits_far.hpp"

#include <fmt/format.h>

#include <filesystem>

namespace drover {
namespace {

namespace fs = std::filesystem;

/// Puts FOLDER/brought/PART in the place of FOLDER/PART.
std::optional<failure> put_in_place(const std::string& folder, const char* part) {
  auto from = folder + "/brought/" + part, to = folder + "/" + part;
  if (auto problem = remove_tree(to))
    return problem;
  std::error_code error;
  fs::create_directories(from, error); // nothing of it was brought
  if (!error)
    fs::rename(from, to, error);
  if (error)
    return failure{ec::io, to + ": " + error.message()};
  return std::nullopt;
}

} // namespace

std::string find_pattern(const std::string& glob) {
  std::string out;
  bool in_braces = false;
  for (char c : glob) {
    in_braces = (in_braces || c == '{') && c != '}';
    char kept = in_braces || c == '}' || c == '[' || c == ']' || c == '\\' || c == '\'' ? '*' : c;
    if (kept != '*' || out.empty() || out.back() != '*')
      out += kept;
  }
  // "**/x" matches x at the top as well, which "*/x" does not.
  for (auto at = out.find("*/"); at != std::string::npos; at = out.find("*/"))
    out.erase(at + 1, 1);
  return out;
}

far_workspaces::far_workspaces(const std::string& root, const workspace_bounds& bounds,
                               std::shared_ptr<const far_machine> far)
    : disk_workspaces{root, bounds}, here_{root}, far_{std::move(far)} {}

std::string far_workspaces::name_of(build_id build, uint32_t placement) const {
  return std::to_string(build.value) + "-" + std::to_string(placement);
}

std::optional<failure> far_workspaces::bring(const std::string& name,
                                             const std::vector<std::string>& globs) {
  auto folder = here_ + "/" + name, archive = folder + "/brought.tar";
  auto workspace = far_->workspace(name);
  // Where no step has come so far, nothing is there.
  auto command =
    fmt::format("test ! -e {}/far.sh || sh {}/far.sh bring {}", workspace, workspace, workspace);
  for (const auto& glob : globs)
    command += " " + shell_word(find_pattern(glob));
  auto done =
    far_->call(command, limits::far_transfer_seconds, {{}, archive, limits::far_brought_bytes_max});
  if (!done)
    return done.error();
  std::error_code error;
  if (fs::file_size(archive, error) == 0 && !error)
    return std::nullopt;
  auto unpacked = folder + "/brought";
  fs::remove_all(unpacked, error);
  fs::create_directories(unpacked, error);
  if (error)
    return failure{ec::io, unpacked + ": " + error.message()};
  unpack_bounds bounds;
  bounds.exact_modes = true;
  if (auto problem =
        unpack_archive(archive, "what " + far_->address().text + " sent", unpacked, bounds))
    return problem;
  for (const auto* part : {"out", "work"})
    if (auto problem = put_in_place(folder, part))
      return problem;
  for (const auto* rest : {"/brought", "/brought.tar", "/brought.tar.code"})
    fs::remove_all(folder + rest, error);
  return std::nullopt;
}

expected<std::vector<artifact_ref>> far_workspaces::collect(build_id build, uint32_t placement,
                                                            const std::vector<std::string>& globs) {
  if (auto problem = bring(name_of(build, placement), globs))
    return failure{problem->code, "its files could not be brought: " + problem->text};
  return disk_workspaces::collect(build, placement, globs);
}

std::optional<failure> far_workspaces::remove(build_id build, uint32_t placement) {
  auto name = name_of(build, placement);
  std::error_code error;
  if (!fs::exists(here_ + "/" + name, error))
    return std::nullopt;
  auto workspace = far_->workspace(name);
  // The script is gone with the workspace: a second time there is nothing to do.
  auto done = far_->call(fmt::format("sh -c 'test ! -e {}/far.sh || sh {}/far.sh clean {}'",
                                     workspace, workspace, workspace),
                         limits::far_question_seconds);
  if (!done)
    return done.error();
  return disk_workspaces::remove(build, placement);
}

std::optional<failure> far_workspaces::keep(build_id build, uint32_t placement, const std::string&,
                                            const std::string&) {
  return remove(build, placement);
}

} // namespace drover
