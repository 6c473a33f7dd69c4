// SPDX-License-Identifier: Apache-2.0
#include "nodes/unpack.hpp"

#include "nodes/record_file.hpp"
#include "schema/names.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <locale.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <thread>

namespace drover {

namespace {

using namespace std::literals;

struct reader_closer {
  void operator()(archive* a) const { archive_read_free(a); }
};
struct writer_closer {
  void operator()(archive* a) const { archive_write_free(a); }
};
using archive_reader = std::unique_ptr<archive, reader_closer>;
using archive_writer = std::unique_ptr<archive, writer_closer>;

std::string shown(std::string_view text) {
  return printable(text, limits::reason_bytes_max / 4);
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

/// The names ".." and absolute paths are refused although libarchive would as well: its flags are
/// the second door.
bool path_stays_inside(std::string_view path) {
  return !path.empty() && !path.starts_with('/')
         && ("/" + std::string{path} + "/").find("/../") == std::string::npos;
}

size_t names_in(std::string_view path) {
  size_t names = 0;
  for (size_t at = 0; at < path.size();) {
    auto end = std::min(path.find('/', at), path.size());
    auto name = path.substr(at, end - at);
    names += name.empty() || name == "." ? 0 : 1;
    at = end + 1;
  }
  return names;
}

class unpacking {
public:
  unpacking(std::string name, const unpack_bounds& bounds)
      : name_{std::move(name)}, left_{bounds} {}

  std::optional<failure> run(int file);

private:
  failure wrong(const std::string& what) const {
    return {ec::bad_input, "source " + shown(name_) + ": " + what};
  }
  failure wrong_entry(const std::string& what) const {
    return wrong("entry " + shown(entry_name_) + " " + what);
  }
  failure reader_problem() const {
    const char* text = archive_error_string(reader_.get());
    return wrong("damaged or cut short: " + shown(text ? text : "not readable"));
  }
  failure writer_problem() const {
    const char* text = archive_error_string(writer_.get());
    return {ec::io, wrong_entry("can't be written: " + shown(text ? text : "unknown error")).text};
  }
  std::optional<failure> open(int file);
  std::optional<failure> check(archive_entry* entry);
  std::optional<failure> check_links(archive_entry* entry) const;
  std::optional<failure> write(archive_entry* entry);
  std::optional<failure> copy_data();

  std::string name_, entry_name_;
  unpack_bounds left_;
  archive_reader reader_;
  archive_writer writer_;
};

std::optional<failure> unpacking::open(int file) {
  reader_.reset(archive_read_new());
  writer_.reset(archive_write_disk_new());
  // No filter that is a program of its own.
  archive_read_support_filter_gzip(reader_.get());
  archive_read_support_filter_bzip2(reader_.get());
  archive_read_support_filter_xz(reader_.get());
  archive_read_support_filter_lzma(reader_.get());
  archive_read_support_filter_zstd(reader_.get());
  archive_read_support_filter_compress(reader_.get());
  archive_read_support_format_tar(reader_.get());
  archive_read_support_format_zip(reader_.get());
  archive_write_disk_set_options(
    writer_.get(), (left_.exact_modes ? ARCHIVE_EXTRACT_PERM : 0) | ARCHIVE_EXTRACT_TIME
                     | ARCHIVE_EXTRACT_SECURE_SYMLINKS | ARCHIVE_EXTRACT_SECURE_NODOTDOT
                     | ARCHIVE_EXTRACT_SECURE_NOABSOLUTEPATHS);
  if (archive_read_open_fd(reader_.get(), file, limits::blob_piece_bytes) != ARCHIVE_OK)
    return reader_problem();
  return std::nullopt;
}

std::optional<failure> unpacking::run(int file) {
  if (auto problem = open(file))
    return problem;
  uint64_t entries = 0;
  while (true) {
    archive_entry* entry = nullptr;
    int status = archive_read_next_header(reader_.get(), &entry);
    if (status == ARCHIVE_EOF)
      break;
    if (status < ARCHIVE_WARN)
      return reader_problem();
    const char* path = archive_entry_pathname(entry);
    entry_name_ = path ? path : "";
    if (++entries > left_.entries)
      return wrong("holds more than " + std::to_string(left_.entries) + " entries");
    if (auto problem = check(entry))
      return problem;
    if (auto problem = write(entry))
      return problem;
  }
  if (entries == 0)
    return wrong("holds nothing");
  // Times and modes of folders are set now.
  return archive_write_close(writer_.get()) < ARCHIVE_WARN ? std::optional{writer_problem()}
                                                           : std::nullopt;
}

std::optional<failure> unpacking::check(archive_entry* entry) {
  if (!path_stays_inside(entry_name_))
    return wrong_entry("would leave the workspace; the archive is refused");
  auto type = archive_entry_filetype(entry);
  bool hardlink = archive_entry_hardlink(entry) != nullptr;
  if (!hardlink && type != AE_IFREG && type != AE_IFDIR && type != AE_IFLNK)
    return wrong_entry("is neither file, folder nor link; the archive is refused");
  if (auto problem = check_links(entry))
    return problem;
  if (archive_entry_size_is_set(entry)
      && static_cast<uint64_t>(archive_entry_size(entry)) > left_.bytes)
    return wrong_entry("makes the content larger than the bound of unpacked sources");
  if (type != AE_IFLNK) {
    auto own = left_.exact_modes ? 0u : type == AE_IFDIR ? 0700u : 0600u;
    archive_entry_set_perm(entry, (archive_entry_perm(entry) & 0777u) | own);
  }
  return std::nullopt;
}

std::optional<failure> unpacking::check_links(archive_entry* entry) const {
  if (const char* target = archive_entry_hardlink(entry); target && !path_stays_inside(target))
    return wrong_entry("is a link to " + shown(target) + ", outside the archive");
  const char* target = archive_entry_symlink(entry);
  if (archive_entry_filetype(entry) == AE_IFLNK && target
      && !link_stays_inside(entry_name_, target))
    return wrong_entry("is a link to " + shown(target) + ", outside the archive");
  return std::nullopt;
}

std::optional<failure> unpacking::write(archive_entry* entry) {
  if (archive_write_header(writer_.get(), entry) < ARCHIVE_WARN)
    return writer_problem();
  if (auto problem = copy_data())
    return problem;
  if (archive_write_finish_entry(writer_.get()) < ARCHIVE_WARN)
    return writer_problem();
  return std::nullopt;
}

std::optional<failure> unpacking::copy_data() {
  const void* block = nullptr;
  size_t size = 0;
  la_int64_t offset = 0;
  uint64_t end = 0;
  while (true) {
    int status = archive_read_data_block(reader_.get(), &block, &size, &offset);
    if (status == ARCHIVE_EOF)
      break;
    if (status < ARCHIVE_WARN)
      return reader_problem();
    // Holes count as well: they cost nothing on this disk, but whoever reads them pays.
    end = static_cast<uint64_t>(offset) + size;
    if (end > left_.bytes)
      return wrong_entry("makes the content larger than the bound of unpacked sources");
    if (archive_write_data_block(writer_.get(), block, size, offset) < ARCHIVE_WARN)
      return writer_problem();
  }
  left_.bytes -= end;
  return std::nullopt;
}

} // namespace

bool link_stays_inside(const std::string& entry, const std::string& target) {
  if (target.empty() || target.starts_with('/'))
    return false;
  // ".." only at the beginning, before any name: after a name that is itself a link, ".." would
  // lead to another place than the text says.
  auto steps = std::string_view{target};
  int depth = static_cast<int>(names_in(entry)) - 1;
  bool descending = false;
  for (size_t at = 0; at < steps.size();) {
    auto end = std::min(steps.find('/', at), steps.size());
    auto name = steps.substr(at, end - at);
    at = end + 1;
    if (name.empty() || name == ".")
      continue;
    descending = descending || name != "..";
    if (name == ".." && (descending || --depth < 0))
      return false;
  }
  return true;
}

expected<bool> looks_like_archive(const std::string& path, const std::string& name) {
  unique_fd file{open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!file)
    return io_failure(path, errno);
  std::array<char, 512> start{};
  auto got = read(file.get(), start.data(), start.size());
  std::string_view head{start.data(), static_cast<size_t>(std::max<ssize_t>(got, 0))};
  auto ending = [text = lower(name)](std::string_view end) { return text.ends_with(end); };
  auto tar_inside = lower(name).find(".tar.") != std::string::npos;
  for (auto end : {".tar"sv, ".tgz"sv, ".tbz"sv, ".tbz2"sv, ".txz"sv, ".tzst"sv, ".zip"sv})
    if (ending(end))
      return true;
  bool compressed = false;
  for (auto magic : {"\x1f\x8b"sv, "BZh"sv,
                     "\xfd"
                     "7zXZ"sv,
                     "\x28\xb5\x2f\xfd"sv, "\x1f\x9d"sv})
    compressed = compressed || head.starts_with(magic);
  for (auto end : {".gz"sv, ".bz2"sv, ".xz"sv, ".lzma"sv, ".zst"sv, ".z"sv})
    if (tar_inside && ending(end))
      return true;
  // One compressed file ("change.patch.gz") is taken as it is.
  if (compressed)
    return lower(name).find_last_of('.') == std::string::npos || tar_inside;
  bool tar = head.size() > 262 && head.substr(257, 5) == "ustar";
  return tar || head.starts_with("PK\x03\x04") || head.starts_with("PK\x05\x06");
}

std::optional<failure> unpack_archive(const std::string& path, const std::string& name,
                                      const std::string& into, const unpack_bounds& bounds) {
  unique_fd file{open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!file)
    return io_failure(path, errno);
  std::optional<failure> problem;
  // libarchive's checks of paths hold only for paths relative to the working folder, and the
  // working folder belongs to the process unless a thread takes its own.
  std::thread worker{[&] {
    if (unshare(CLONE_FS) != 0 || chdir(into.c_str()) != 0) {
      problem = io_failure(into, errno);
      return;
    }
    umask(022);
    // Names in archives are UTF-8 or any bytes; libarchive converts them by the thread's locale.
    locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    if (utf8)
      uselocale(utf8);
    problem = unpacking{name, bounds}.run(file.get());
    uselocale(LC_GLOBAL_LOCALE);
    if (utf8)
      freelocale(utf8);
  }};
  worker.join();
  return problem;
}

} // namespace drover
