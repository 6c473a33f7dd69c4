// SPDX-License-Identifier: Apache-2.0
#include "nodes/disk_workspaces.hpp"

#include "nodes/artifact_search.hpp"
#include "nodes/folder_entries.hpp"
#include "nodes/spool_folder.hpp"
#include "schema/limits_keeper.hpp"
#include "schema/names.hpp"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <stdexcept>

namespace drover {

namespace fs = std::filesystem;

namespace {

constexpr auto marker = "source";
constexpr auto unpack_folder = "unpack";
constexpr auto kept_note = "kept";

bool is_kept(const std::string& folder) {
  return access((folder + "/" + kept_note).c_str(), F_OK) == 0;
}

/// "BUILD-PLACEMENT" as the folder of a workspace is named; nothing for other names.
std::optional<workspace_id> id_of(const std::string& name) {
  workspace_id id;
  const auto* end = name.data() + name.size();
  auto [dash, bad_build] = std::from_chars(name.data(), end, id.build.value);
  if (bad_build != std::errc{} || dash == end || *dash != '-')
    return std::nullopt;
  auto [last, bad_placement] = std::from_chars(dash + 1, end, id.placement);
  if (bad_placement != std::errc{} || last != end || id.build.value == 0 || id.placement == 0)
    return std::nullopt;
  return id;
}

/// Bytes on the disk of all that is in a folder.
uint64_t bytes_below(const std::string& folder) {
  uint64_t bytes = 0;
  std::error_code error;
  auto options = fs::directory_options::skip_permission_denied;
  for (fs::recursive_directory_iterator at{folder, options, error}, end; !error && at != end;
       at.increment(error)) {
    struct stat info {};
    if (lstat(at->path().c_str(), &info) == 0)
      bytes += static_cast<uint64_t>(info.st_blocks) * S_BLKSIZE;
  }
  return bytes;
}

/// What the note in a kept workspace says.
expected<core::spare> read_kept(const std::string& folder, const std::string& name) {
  auto bytes = read_whole(folder + "/" + kept_note, limits::spool_record_bytes_max);
  if (!bytes)
    return bytes.error();
  record_reader in{kept_note, *bytes};
  core::spare one;
  one.kind = core::spare_kind::failed_workspace;
  one.name = name;
  one.path = folder;
  one.builder = in.take("builder");
  one.why = in.take("why");
  one.bytes = in.take_number<uint64_t>("bytes");
  one.used_ms = in.take_number<int64_t>("since-ms");
  if (in.problem())
    return *in.problem();
  return one;
}

/// What a workspace is made of where steps run as the agent's user.
constexpr const char* bare_parts[] = {"/work", "/out", "/tmp"};
std::optional<failure> make_folder(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error)
    return failure{ec::io, path + ": " + error.message()};
  return std::nullopt;
}

/// A part of a workspace, for its user alone if that is not the agent.
std::optional<failure> make_part(const std::string& folder, const char* part,
                                 const step_user& user) {
  auto path = folder + part;
  if (auto problem = make_folder(path))
    return problem;
  if (user.user == 0)
    return std::nullopt;
  if (chmod(folder.c_str(), 0711) != 0 || lchown(path.c_str(), user.user, user.group) != 0
      || chmod(path.c_str(), 0700) != 0)
    return io_failure(path, errno);
  return std::nullopt;
}

/// The marker counts only within one boot: files of before were never synced.
std::string encode_marker(const std::string& digest) {
  record_writer out{"source"};
  out.put("sha256", digest);
  out.put("boot-id", current_boot_id());
  return out.finish();
}

/// The folder that becomes the workspace: the single top folder, or `unpacked` itself.
expected<std::string> top_of(const std::string& unpacked) {
  std::error_code error;
  std::vector<fs::directory_entry> entries;
  for (const auto& entry : fs::directory_iterator{unpacked, error}) {
    entries.push_back(entry);
    if (entries.size() > 1)
      break;
  }
  if (error)
    return failure{ec::io, unpacked + ": " + error.message()};
  bool single =
    entries.size() == 1 && entries[0].symlink_status(error).type() == fs::file_type::directory;
  return single ? entries[0].path().string() : unpacked;
}

/// A source that is no archive: put there as the file it is.
std::optional<failure> place_file(const std::string& from, const std::string& name,
                                  const std::string& folder) {
  if (!valid_name(name))
    return failure{ec::bad_input, "source " + printable(name, limits::name_bytes_max)
                                    + ": not a file name that can be put into a workspace"};
  std::error_code error;
  fs::copy_file(from, folder + "/" + name, error);
  if (error)
    return failure{ec::io, folder + "/" + name + ": " + error.message()};
  return std::nullopt;
}

} // namespace

std::optional<failure> remove_tree(const std::string& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (!error)
    return std::nullopt;
  // A step may have made folders that nobody may write to ("make distcheck" does).
  chmod(path.c_str(), 0700);
  auto options = fs::directory_options::skip_permission_denied;
  for (fs::recursive_directory_iterator at{path, options, error}, end; !error && at != end;
       at.increment(error)) {
    std::error_code ignored; // what stays forbidden shows in the second try
    if (at->symlink_status(ignored).type() == fs::file_type::directory)
      fs::permissions(at->path(), fs::perms::owner_all, fs::perm_options::add, ignored);
  }
  fs::remove_all(path, error);
  if (error)
    return failure{ec::io, path + ": can't be removed: " + error.message()};
  return std::nullopt;
}

disk_workspaces::disk_workspaces(std::string root, const workspace_bounds& bounds,
                                 const step_users& users)
    : root_{std::move(root)}, bounds_{bounds}, users_{users}, sources_{root_ + "/sources",
                                                                       bounds.cache},
      answers_{root_ + "/closed"}, emptied_{root_, limits::emptied_folders_max} {
  emptied_.clear();
  if (users_.what() == step_users::kind::of_agent)
    return;
  // Passed through by steps, but not looked into.
  if (chmod(root_.c_str(), 0711) != 0 || chmod((root_ + "/sources").c_str(), 0700) != 0)
    throw std::runtime_error{root_ + ": " + system_text(errno)};
}

std::string disk_workspaces::folder_of(build_id build, uint32_t placement) const {
  return root_ + "/" + std::to_string(build.value) + "-" + std::to_string(placement);
}

expected<prepared> disk_workspaces::make(build_id build, uint32_t placement) {
  answers_.forget(build, placement);
  auto folder = folder_of(build, placement);
  if (is_kept(folder)) // of another build in this place
    if (auto problem = remove_tree(folder))
      return *problem;
  auto user = users_.user_of(folder);
  if (!user)
    return user.error();
  bool other = (*user).user != 0;
  if (std::error_code error; !other && !fs::exists(folder, error))
    if (auto emptied = emptied_.take(); emptied && rename(emptied->c_str(), folder.c_str()) != 0)
      remove_tree(*emptied); // the parts are made anew below
  for (auto part : {"/work", "/out", "/tmp", "/home"})
    if (other || part != std::string_view{"/home"})
      if (auto problem = make_part(folder, part, *user))
        return *problem;
  std::error_code error;
  auto absolute = fs::absolute(folder, error).lexically_normal().string();
  if (error)
    return failure{ec::io, folder + ": " + error.message()};
  return prepared{absolute + "/work", absolute + "/out",
                  absolute + "/tmp",  other ? absolute + "/home" : "",
                  (*user).user,       (*user).group};
}

bool disk_workspaces::has_source(build_id build, uint32_t placement) const {
  auto bytes =
    read_whole(folder_of(build, placement) + "/" + marker, limits::spool_record_bytes_max);
  if (!bytes)
    return false;
  record_reader in{"source", *bytes};
  in.take("sha256");
  auto boot = in.take("boot-id");
  return !in.problem() && boot == current_boot_id();
}

uint64_t disk_workspaces::source_bytes(const source_ref& source) const {
  return sources_.bytes_of(source);
}

std::optional<failure> disk_workspaces::add_source(const source_ref& source, uint64_t offset,
                                                   std::string_view bytes) {
  return sources_.add(source, offset, bytes);
}

std::optional<failure> disk_workspaces::install_source(build_id build, uint32_t placement,
                                                       const source_ref& source) {
  if (has_source(build, placement))
    return std::nullopt;
  auto made = make(build, placement);
  if (!made)
    return made.error();
  auto folder = folder_of(build, placement);
  if (source.kind != source_kind::none) {
    auto path = sources_.take(source);
    if (!path)
      return path.error();
    if (auto problem = fill(folder, source, *path, {(*made).user, (*made).group}))
      return problem;
    sources_.prune(source);
  }
  return replace_file(folder, marker, encode_marker(source.sha256), durability::synced);
}

/// Makes `work` hold the source and nothing else, whatever a try before this one left.
std::optional<failure> disk_workspaces::fill(const std::string& folder, const source_ref& source,
                                             const std::string& path, const step_user& user) {
  auto unpacked = folder + "/" + unpack_folder;
  auto work = folder + "/work";
  for (const auto& old : {unpacked, work})
    if (auto problem = remove_tree(old))
      return problem;
  if (auto problem = make_folder(unpacked))
    return problem;
  chmod(unpacked.c_str(), 0700); // until it has its owner
  // A repository's id is where it lies, which says nothing about the file: that is an archive.
  bool of_repository = source.kind == source_kind::hg || source.kind == source_kind::git;
  auto archive = of_repository ? expected<bool>{true} : looks_like_archive(path, source.id);
  if (!archive)
    return archive.error();
  auto problem = *archive ? unpack_archive(path, source.id, unpacked, bounds_.unpack)
                          : place_file(path, source.id, unpacked);
  if (problem) {
    // Best effort: the next try begins by removing it.
    remove_tree(unpacked);
    make_part(folder, "/work", user);
    return problem;
  }
  auto top = *archive ? top_of(unpacked) : expected<std::string>{unpacked};
  if (!top)
    return top.error();
  // Nobody but us can have touched it so far.
  if (auto given = give_tree(*top, user))
    return given;
  if (rename((*top).c_str(), work.c_str()) != 0)
    return io_failure(work, errno);
  if (auto part = make_part(folder, "/work", user))
    return part;
  return remove_tree(unpacked);
}

expected<std::vector<artifact_ref>>
disk_workspaces::collect(build_id build, uint32_t placement,
                         const std::vector<std::string>& globs) {
  auto folder = folder_of(build, placement);
  return find_artifacts(folder + "/out", folder + "/work", globs);
}

expected<std::string> disk_workspaces::read_artifact(build_id build, uint32_t placement,
                                                     const artifact_ref& artifact, uint64_t offset,
                                                     size_t max) {
  auto folder = folder_of(build, placement);
  auto file = open_below(folder + "/out", artifact.path);
  if (!file)
    file = open_below(folder + "/work", artifact.path);
  if (!file)
    return file.error();
  std::string bytes(max, '\0');
  auto got = pread((*file).get(), bytes.data(), max, static_cast<off_t>(offset));
  if (got < 0)
    return io_failure("artifact " + artifact.path, errno);
  bytes.resize(static_cast<size_t>(got));
  return bytes;
}

std::optional<failure> disk_workspaces::remove(build_id build, uint32_t placement) {
  auto folder = folder_of(build, placement);
  if (is_kept(folder) || set_aside_if_bare(folder))
    return std::nullopt;
  return remove_tree(folder);
}

/// A build that left nothing behind leaves a workspace for the next one.
bool disk_workspaces::set_aside_if_bare(const std::string& folder) {
  if (users_.what() != step_users::kind::of_agent)
    return false;
  for (auto part : bare_parts)
    if (!is_bare(folder + part))
      return false;
  if (entries_in(folder) != std::size(bare_parts)) // a source, a note
    return false;
  auto aside = emptied_.set_aside(folder);
  if (aside)
    emptied_.offer(*aside);
  return aside.has_value();
}

std::optional<failure> disk_workspaces::remember_answer(const build_closed& answer) {
  return answers_.remember(answer);
}

std::optional<build_closed> disk_workspaces::answer_of(build_id build, uint32_t placement) const {
  return answers_.find(build, placement);
}

// -- what stays and what may go ------------------------------------------------------------------

std::vector<workspace_id> disk_workspaces::held() const {
  std::vector<workspace_id> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator{root_, error})
    if (auto id = id_of(entry.path().filename().string()); id && !is_kept(entry.path().string()))
      found.push_back(*id);
  std::sort(found.begin(), found.end()); // builds are numbered as they come
  if (found.size() > limits::workspaces_told_max)
    found.resize(limits::workspaces_told_max);
  return found;
}

std::optional<failure> disk_workspaces::keep(build_id build, uint32_t placement,
                                             const std::string& builder, const std::string& why) {
  auto folder = folder_of(build, placement);
  std::error_code error;
  if (is_kept(folder) || !fs::exists(folder, error))
    return std::nullopt;
  using namespace std::chrono;
  auto since = duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
  record_writer out{kept_note};
  out.put("builder", builder);
  out.put("why", why);
  out.put("bytes", bytes_below(folder));
  out.put("since-ms", since);
  return replace_file(folder, kept_note, out.finish(), durability::synced);
}

core::disk_room disk_workspaces::room() const {
  std::error_code error;
  auto space = fs::space(root_, error);
  if (error)
    return {};
  return {space.available, space.capacity, bounds_.keep_free};
}

std::vector<core::spare> disk_workspaces::spares() const {
  auto found = sources_.spares();
  std::error_code error;
  for (const auto& entry : fs::directory_iterator{root_, error}) {
    auto folder = entry.path().string();
    auto name = entry.path().filename().string();
    if (!id_of(name) || !is_kept(folder))
      continue;
    auto kept = read_kept(folder, name);
    if (!kept) {
      spdlog::warn("{}: {}; remove it by hand", folder, kept.error().text);
      continue;
    }
    found.push_back(*std::move(kept));
  }
  return found;
}

std::optional<failure> disk_workspaces::drop(const core::spare& what) {
  return remove_tree(what.path);
}

} // namespace drover
