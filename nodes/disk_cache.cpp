// SPDX-License-Identifier: Apache-2.0
#include "nodes/disk_cache.hpp"

#include "actors/core/cache_key.hpp"
#include "actors/core/glob.hpp"
#include "nodes/cache_tree.hpp"
#include "nodes/sha256.hpp"
#include "nodes/spool_folder.hpp"
#include "nodes/unpack.hpp"
#include "schema/limits.hpp"
#include "schema/names.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <set>
#include <stdexcept>

namespace drover {

namespace fs = std::filesystem;

namespace {

constexpr auto memo_file = spool_file::cache;
constexpr auto staging = "kept-result";
constexpr auto moving = "kept-result.moving"; ///< the same, once its files go into the workspace
constexpr auto known_as = "kept result";

/// The digest of some of the files below a root: names, modes, contents, and what links say.
struct input {
  std::string glob; ///< empty: all
  sha256 digest = {};
  uint64_t files = 0;
};

void add_line(sha256& into, std::initializer_list<std::string_view> fields) {
  for (auto field : fields) {
    into.add(std::to_string(field.size()) + ":");
    into.add(field);
  }
  into.add("\n");
}

struct input_reader {
  const disk_cache_bounds& bounds;
  uint64_t bytes = 0;
  uint64_t files = 0;

  /// What the item adds to each digest that it is part of.
  expected<std::string> content_of(const tree_item& item);
  std::optional<failure> read(const std::string& root, std::vector<input>& inputs);
};

expected<std::string> input_reader::content_of(const tree_item& item) {
  if (item.is_folder())
    return std::string{};
  if (item.is_link()) {
    auto target = link_target(item);
    if (target && !link_stays_inside(item.path, *target))
      return failure{ec::refused, printable(item.path, limits::name_bytes_max)
                                    + " is a link out of the workspace"};
    return target;
  }
  bytes += static_cast<uint64_t>(item.info.st_size);
  if (bytes > bounds.input_bytes)
    return failure{ec::refused, "they have more than " + std::to_string(bounds.input_bytes)
                                  + " bytes; name fewer inputs"};
  auto file = open_item(item);
  if (!file)
    return file.error();
  auto digest = digest_of_file((*file).get());
  if (!digest)
    return digest.error();
  return (*digest).sha256;
}

std::optional<failure> input_reader::read(const std::string& root, std::vector<input>& inputs) {
  return walk_tree(root, [&](const tree_item& item) -> std::optional<failure> {
    std::vector<input*> wanting;
    for (auto& one : inputs)
      if (one.glob.empty() || glob_matches(one.glob, item.path))
        wanting.push_back(&one);
    if (wanting.empty())
      return std::nullopt;
    if (++files > bounds.input_files)
      return failure{ec::refused, "they are more than " + std::to_string(bounds.input_files)
                                    + " files; name fewer inputs"};
    auto content = content_of(item);
    if (!content)
      return content.error();
    auto kind = item.is_folder() ? "folder" : item.is_link() ? "link" : "file";
    auto mode = item.is_link() ? std::string{} : std::to_string(item.info.st_mode & 0777);
    for (auto* one : wanting) {
      add_line(one->digest, {kind, item.path, mode, *content});
      one->files += item.is_folder() ? 0 : 1;
    }
    return std::nullopt;
  });
}

expected<string_map> parts_of(std::vector<input>& inputs) {
  string_map parts;
  for (auto& one : inputs) {
    auto name = one.glob.empty() ? std::string{core::cache_part::workspace}
                                 : std::string{core::cache_part::input}
                                     + printable(one.glob, limits::value_bytes_max / 4);
    parts[name] = core::files_value(one.digest.hex(), one.files);
  }
  return parts;
}

std::string encode_memo(const cache_memo& memo) {
  record_writer out{memo_file};
  out.put("workspace", memo.place.workspace);
  out.put("outputs", memo.place.outputs);
  out.put("user", memo.place.user);
  out.put("group", memo.place.group);
  out.put("reused-from", memo.reused_from.value);
  out.put("note", memo.note);
  out.put("keeps", memo.keeps ? 1 : 0);
  out.put("parts", memo.parts.size());
  for (const auto& [name, value] : memo.parts) {
    out.put("name", name);
    out.put("value", value);
  }
  return out.finish();
}

expected<cache_memo> decode_memo(std::string_view bytes) {
  record_reader in{memo_file, bytes};
  cache_memo memo;
  memo.place.workspace = in.take("workspace");
  memo.place.outputs = in.take("outputs");
  memo.place.user = in.take_number<uint32_t>("user");
  memo.place.group = in.take_number<uint32_t>("group");
  memo.reused_from.value = in.take_number<uint64_t>("reused-from");
  memo.note = in.take("note");
  memo.keeps = in.take_number<int>("keeps") != 0;
  auto parts = in.take_number<size_t>("parts");
  for (size_t i = 0; i < parts && !in.problem(); ++i) {
    auto name = in.take("name");
    memo.parts[name] = in.take("value");
  }
  if (in.problem())
    return *in.problem();
  return memo;
}

/// Files that the result does not have although they are of those that it would: the step had
/// removed them.
std::optional<failure> remove_stale(const std::string& staged, const std::string& into,
                                    const std::function<bool(const std::string&)>& fits) {
  std::set<std::string> kept;
  auto note = [&](const tree_item& item) -> std::optional<failure> {
    kept.insert(item.path);
    return std::nullopt;
  };
  if (auto problem = walk_tree(staged, note))
    return problem;
  return walk_tree(into, [&](const tree_item& item) -> std::optional<failure> {
    if (item.is_folder() || kept.contains(item.path) || !fits(item.path))
      return std::nullopt;
    return remove_at(item.folder, item.name);
  });
}

failure half_done(const failure& why) {
  return {ec::conflict, why.text};
}

/// Empties and removes a folder beside the workspace.
std::optional<failure> clear(const std::string& parent, const char* name) {
  unique_fd folder{open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!folder)
    return io_failure(parent, errno);
  return remove_at(folder.get(), name);
}

} // namespace

disk_cache::disk_cache(std::string root, std::string spool, const disk_cache_bounds& bounds)
    : root_{std::move(root)}, spool_{std::move(spool)}, bounds_{bounds} {
  std::error_code error;
  fs::remove_all(root_, error);
  if (!error)
    fs::create_directories(root_, error);
  if (error)
    throw std::runtime_error{root_ + ": " + error.message()};
  if (chmod(root_.c_str(), 0700) != 0)
    throw std::runtime_error{root_ + ": " + system_text(errno)};
}

std::string disk_cache::attempt_folder(const grant_token& token) const {
  return spool_ + "/" + folder_name(token);
}

std::string disk_cache::digest(std::string_view text) const {
  sha256 out;
  out.add(text);
  return out.hex();
}

expected<string_map> disk_cache::file_parts(const step_spec& step, const prepared& place) {
  auto half = fs::path{place.workspace}.parent_path() / moving;
  if (access(half.c_str(), F_OK) == 0)
    return failure{ec::conflict, "the agent ended while it was being restored"};
  std::vector<input> inputs(std::max<size_t>(step.cache.inputs.size(), 1));
  for (size_t i = 0; i < step.cache.inputs.size(); ++i)
    inputs[i].glob = step.cache.inputs[i];
  input_reader reader{bounds_};
  if (auto problem = reader.read(place.workspace, inputs))
    return *problem;
  auto parts = parts_of(inputs);
  std::vector<input> outputs(1);
  if (auto problem = reader.read(place.outputs, outputs))
    return *problem;
  (*parts)[std::string{core::cache_part::artifacts}] =
    core::files_value(outputs[0].digest.hex(), outputs[0].files);
  return parts;
}

// Not synced: if a loss of power takes it, the result is only not kept.
std::optional<failure> disk_cache::remember(const grant_token& token, const cache_memo& memo) {
  // Before a run: what an agent that ended in between may have put there.
  if (memo.reused_from.value == 0)
    unlink((attempt_folder(token) + "/" + spool_file::log).c_str());
  return replace_file(attempt_folder(token), memo_file, encode_memo(memo), durability::unsynced);
}

std::optional<cache_memo> disk_cache::memo_of(const grant_token& token) const {
  auto bytes = read_whole(attempt_folder(token) + "/" + memo_file, limits::spool_record_bytes_max);
  auto memo = bytes ? decode_memo(*bytes) : expected<cache_memo>{bytes.error()};
  if (!memo)
    return std::nullopt;
  return *memo;
}

// -- fetching and restoring ----------------------------------------------------------------------

uint64_t disk_cache::fetched(const std::string& sha256) const {
  struct stat info {};
  return stat(part_of(sha256).c_str(), &info) == 0 ? static_cast<uint64_t>(info.st_size) : 0;
}

std::optional<failure> disk_cache::add(const std::string& sha256, uint64_t offset,
                                       std::string_view bytes) {
  auto path = part_of(sha256);
  unique_fd file{open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)};
  struct stat info {};
  if (!file || fstat(file.get(), &info) != 0)
    return io_failure(path, errno);
  if (static_cast<uint64_t>(info.st_size) != offset)
    return failure{ec::conflict, path + ": its pieces are out of order"};
  if (auto error = write_all(file.get(), bytes))
    return io_failure(path, error);
  return std::nullopt;
}

std::optional<failure> disk_cache::restore(const assignment& work, const prepared& place,
                                           const packed_result& result) {
  auto path = part_of(result.sha256);
  unique_fd file{open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!file)
    return io_failure(path, errno);
  auto found = digest_of_file(file.get());
  if (!found)
    return found.error();
  if ((*found).sha256 != result.sha256)
    return failure{ec::damaged, "it arrived damaged"};
  auto parent = fs::path{place.workspace}.parent_path().string();
  auto staged = parent + "/" + staging;
  if (auto problem = clear(parent, staging))
    return problem;
  if (mkdir(staged.c_str(), 0700) != 0)
    return io_failure(staged, errno);
  unpack_bounds bounds{bounds_.output_bytes, bounds_.output_files * 2, true};
  auto problem = unpack_archive(path, known_as, staged, bounds);
  auto ready = parent + "/" + moving;
  if (!problem && rename(staged.c_str(), ready.c_str()) != 0)
    problem = io_failure(ready, errno);
  if (problem) {
    clear(parent, staging); // what is left goes with the workspace
    return problem;
  }
  problem = put_in_place(work, place, ready);
  if (problem && problem->code == ec::conflict)
    return problem;
  if (auto left = clear(parent, moving))
    return half_done(*left);
  return problem;
}

std::optional<failure> disk_cache::put_in_place(const assignment& work, const prepared& place,
                                                const std::string& staged) const {
  auto since = wall_now_ns();
  step_user owner{place.user, place.group};
  auto globs = result_globs(work.step);
  auto fits = [&](const std::string& path) {
    return std::any_of(globs.begin(), globs.end(),
                       [&](const std::string& glob) { return glob_matches(glob, path); });
  };
  // The log first: without it nothing has happened yet.
  std::error_code error;
  auto log = attempt_folder(work.token) + "/" + spool_file::log;
  fs::rename(staged + "/log", log, error);
  if (error) { // the spool may be on another disk
    fs::copy_file(staged + "/log", log, fs::copy_options::overwrite_existing, error);
    if (error)
      return failure{ec::io, log + ": " + error.message()};
  }
  struct side {
    std::string from, into;
    std::function<bool(const std::string&)> fits;
  };
  auto all = [](const std::string&) { return true; };
  for (const auto& one :
       {side{staged + "/work", place.workspace, fits}, side{staged + "/out", place.outputs, all}}) {
    if (auto problem = remove_stale(one.from, one.into, one.fits))
      return half_done(*problem);
    if (auto problem = merge_tree(one.from, one.into, owner, since))
      return half_done(*problem);
  }
  return std::nullopt;
}

// -- packing and handing over --------------------------------------------------------------------

std::optional<failure> disk_cache::room_for(uint64_t bytes) const {
  std::error_code error;
  auto space = fs::space(root_, error);
  if (error)
    return failure{ec::io, root_ + ": " + error.message()};
  auto target = core::free_target({space.available, space.capacity, bounds_.keep_free});
  if (space.available >= target && space.available - target >= bytes)
    return std::nullopt;
  return failure{ec::io, "the host has no room for it: it needs " + std::to_string(bytes)
                           + " bytes, " + std::to_string(space.available) + " are free and "
                           + std::to_string(target) + " are to stay so"};
}

expected<packed_result> disk_cache::pack(const grant_token& token, const step_spec& step,
                                         const prepared& place) {
  auto fresh = root_ + "/" + folder_name(token);
  pack_source from{attempt_folder(token) + "/" + spool_file::log, place.workspace, place.outputs,
                   result_globs(step)};
  pack_bounds bounds{bounds_.output_bytes, bounds_.output_files,
                     [this](uint64_t bytes) { return room_for(bytes); }};
  auto problem = pack_result(from, fresh, bounds);
  unique_fd file{open(fresh.c_str(), O_RDONLY | O_CLOEXEC)};
  auto digest = file ? digest_of_file(file.get()) : expected<file_digest>{io_failure(fresh, errno)};
  if (!problem && !digest)
    problem = digest.error();
  if (!problem && rename(fresh.c_str(), (root_ + "/" + (*digest).sha256).c_str()) != 0)
    problem = io_failure(fresh, errno);
  if (problem) {
    unlink(fresh.c_str());
    return *problem;
  }
  return packed_result{(*digest).sha256, (*digest).size};
}

expected<std::string> disk_cache::read(const std::string& sha256, uint64_t offset, size_t max) {
  auto path = root_ + "/" + sha256;
  unique_fd file{open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!file)
    return io_failure(path, errno);
  std::string bytes(max, '\0');
  auto got = pread(file.get(), bytes.data(), max, static_cast<off_t>(offset));
  if (got < 0)
    return io_failure(path, errno);
  bytes.resize(static_cast<size_t>(got));
  return bytes;
}

void disk_cache::discard(const std::string& sha256) {
  unlink(part_of(sha256).c_str());
  unlink((root_ + "/" + sha256).c_str());
}

} // namespace drover
