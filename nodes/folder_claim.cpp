// SPDX-License-Identifier: Apache-2.0
#include "nodes/folder_claim.hpp"

#include "nodes/record_file.hpp"
#include "nodes/version.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <filesystem>

namespace drover {
namespace {

constexpr std::string_view claim_kind = "folder-claim";
constexpr size_t claim_bytes_max = 16 * 1024; // a path and two numbers
/// Counts the changes of a host's folder that an earlier program could not cope with.
constexpr uint32_t folder_format = 1;
constexpr std::string_view format_kind = "folder-format";

struct place {
  std::string path;
  uint64_t device = 0;
  uint64_t inode = 0;
  friend bool operator==(const place&, const place&) = default;
};

std::optional<place> look(const std::string& path) {
  struct stat found {};
  if (stat(path.c_str(), &found) != 0)
    return std::nullopt;
  return place{path, found.st_dev, found.st_ino};
}

std::optional<place> read_claim(const std::string& file) {
  auto bytes = read_whole(file, claim_bytes_max);
  if (!bytes)
    return std::nullopt; // a new folder, or one of before there were claims
  record_reader reader{claim_kind, *bytes};
  place out;
  out.path = reader.take("path");
  out.device = reader.take_number<uint64_t>("device");
  out.inode = reader.take_number<uint64_t>("inode");
  if (reader.problem())
    return std::nullopt; // as good as none: it is written anew
  return out;
}

/// What a later program left there is not touched by an earlier one.
std::optional<failure> check_format(const std::string& path) {
  auto file = path + "/format";
  if (auto bytes = read_whole(file, claim_bytes_max)) {
    record_reader reader{format_kind, *bytes};
    auto found = reader.take_number<uint32_t>("format");
    auto version = reader.take("version");
    if (!reader.problem() && found > folder_format)
      return failure{ec::conflict,
                     path + " was last used by drover-host " + version + ", as format "
                       + std::to_string(found) + "; this program knows format "
                       + std::to_string(folder_format) + ": install that version, or a later one"};
    if (!reader.problem() && version == program_version())
      return std::nullopt;
  }
  record_writer note{format_kind};
  note.put("format", uint64_t{folder_format});
  note.put("version", program_version());
  return replace_file(path, "format", note.finish(), durability::synced);
}

} // namespace

std::optional<failure> claim_folder(const std::string& dir) {
  std::error_code error;
  std::filesystem::create_directories(dir, error);
  auto path = std::filesystem::weakly_canonical(dir, error).string();
  auto here = look(path);
  if (error || !here)
    return io_failure(dir, error ? error.value() : errno);
  if (auto problem = check_format(path))
    return problem;
  auto file = path + "/here";
  auto noted = read_claim(file);
  if (noted == here)
    return std::nullopt;
  if (noted && (noted->device != here->device || noted->inode != here->inode)) {
    auto original = look(noted->path);
    if (original && original->device == noted->device && original->inode == noted->inode)
      return failure{ec::conflict, dir + " is a copy of " + noted->path
                                     + ", which is another host's state and still in its place: "
                                       "give this host a folder and keys of its own"};
  }
  record_writer claim{claim_kind};
  claim.put("path", here->path);
  claim.put("device", here->device);
  claim.put("inode", here->inode);
  return replace_file(path, "here", claim.finish(), durability::synced);
}

uint64_t folder_number(const std::string& dir) {
  auto here = look(dir);
  return here ? here->device << 40 ^ here->inode : 0;
}

} // namespace drover
