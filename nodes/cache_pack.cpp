// SPDX-License-Identifier: Apache-2.0
#include "nodes/cache_pack.hpp"

#include "actors/core/glob.hpp"
#include "nodes/cache_tree.hpp"
#include "nodes/unpack.hpp"
#include "schema/limits.hpp"
#include "schema/limits_cache.hpp"
#include "schema/names.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <locale.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <memory>
#include <set>

namespace drover {

namespace {

constexpr long rank_ns = 1000;
constexpr int64_t second_ns = 1'000'000'000;

struct writer_closer {
  void operator()(archive* a) const { archive_write_free(a); }
};
struct entry_closer {
  void operator()(archive_entry* e) const { archive_entry_free(e); }
};

/// Names in archives are UTF-8 or any bytes; libarchive converts them by the thread's locale.
class utf8_names {
public:
  utf8_names() : locale_{newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)} {
    if (locale_)
      before_ = uselocale(locale_);
  }
  ~utf8_names() {
    if (!locale_)
      return;
    uselocale(before_);
    freelocale(locale_);
  }
  utf8_names(const utf8_names&) = delete;
  utf8_names& operator=(const utf8_names&) = delete;

private:
  locale_t locale_;
  locale_t before_ = nullptr;
};

struct chosen {
  bool wanted = false; ///< a folder that is not only holds what is
  int64_t time_ns = 0;
};

/// A root's files that are packed: those that fit, and the folders on the way to them.
struct selection {
  std::map<std::string, chosen> items;
  uint64_t bytes = 0;
  uint64_t files = 0;
};

int64_t time_of(const struct stat& info) {
  return int64_t{info.st_mtim.tv_sec} * second_ns + info.st_mtim.tv_nsec;
}

std::optional<failure> select(const std::string& root, const pack_bounds& bounds,
                              const std::function<bool(const std::string&)>& fits,
                              selection& into) {
  return walk_tree(root, [&](const tree_item& item) -> std::optional<failure> {
    if (!fits(item.path))
      return std::nullopt;
    into.items[item.path] = {true, item.is_folder() ? -1 : time_of(item.info)};
    for (auto slash = item.path.find('/'); slash != std::string::npos;
         slash = item.path.find('/', slash + 1))
      into.items.try_emplace(item.path.substr(0, slash), chosen{false, -1});
    into.bytes += item.is_file() ? static_cast<uint64_t>(item.info.st_size) : 0;
    if (++into.files > bounds.files)
      return failure{ec::refused,
                     "its outputs are more than " + std::to_string(bounds.files) + " files"};
    if (into.bytes > bounds.bytes)
      return failure{ec::refused, "its outputs and log have more than "
                                    + std::to_string(bounds.bytes) + " bytes"};
    return std::nullopt;
  });
}

class packing {
public:
  std::optional<failure> open(const std::string& path);
  std::optional<failure> add_log(const std::string& path);
  std::optional<failure> add_tree(const std::string& root, const std::string& prefix,
                                  const selection& what);
  void rank(const selection& what);
  std::optional<failure> finish();

private:
  failure wrong(const std::string& path) const {
    const char* text = archive_error_string(archive_.get());
    return {ec::io, "packing " + printable(path, limits::name_bytes_max) + ": "
                      + printable(text ? text : "unknown error", limits::name_bytes_max)};
  }
  std::optional<failure> add(const tree_item& item, const std::string& path);
  std::optional<failure> add_content(int file, uint64_t size, const std::string& path);
  std::optional<failure> put_header(const std::string& path);

  utf8_names names_;
  std::unique_ptr<archive, writer_closer> archive_;
  std::unique_ptr<archive_entry, entry_closer> entry_{archive_entry_new()};
  std::set<int64_t> times_;
  std::map<int64_t, long> ranks_;
};

std::optional<failure> packing::open(const std::string& path) {
  archive_.reset(archive_write_new());
  auto level = std::to_string(limits::cache_compression);
  archive_write_add_filter_zstd(archive_.get());
  archive_write_set_filter_option(archive_.get(), "zstd", "compression-level", level.c_str());
  archive_write_set_format_pax(archive_.get());
  archive_write_set_bytes_in_last_block(archive_.get(), 1);
  if (archive_write_open_filename(archive_.get(), path.c_str()) != ARCHIVE_OK)
    return wrong(path);
  return std::nullopt;
}

void packing::rank(const selection& what) {
  for (const auto& [path, item] : what.items)
    if (item.time_ns >= 0)
      times_.insert(item.time_ns);
  long next = 0;
  ranks_.clear();
  for (auto time : times_)
    ranks_[time] = next++;
}

std::optional<failure> packing::put_header(const std::string& path) {
  if (archive_write_header(archive_.get(), entry_.get()) < ARCHIVE_WARN)
    return wrong(path);
  return std::nullopt;
}

std::optional<failure> packing::add_log(const std::string& path) {
  unique_fd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  struct stat info {};
  bool silent = !file && errno == ENOENT; // who prints nothing has no log
  if (!silent && (!file || fstat(file.get(), &info) != 0))
    return io_failure("the log", errno);
  archive_entry_clear(entry_.get());
  archive_entry_set_pathname(entry_.get(), "log");
  archive_entry_set_filetype(entry_.get(), AE_IFREG);
  archive_entry_set_perm(entry_.get(), 0600);
  archive_entry_set_size(entry_.get(), info.st_size);
  archive_entry_set_mtime(entry_.get(), 0, 0);
  if (auto problem = put_header("log"))
    return problem;
  return silent ? std::nullopt
                : add_content(file.get(), static_cast<uint64_t>(info.st_size), "log");
}

std::optional<failure> packing::add_tree(const std::string& root, const std::string& prefix,
                                         const selection& what) {
  return walk_tree(root, [&](const tree_item& item) -> std::optional<failure> {
    return what.items.contains(item.path) ? add(item, prefix + item.path) : std::nullopt;
  });
}

std::optional<failure> packing::add(const tree_item& item, const std::string& path) {
  archive_entry_clear(entry_.get());
  archive_entry_set_pathname(entry_.get(), path.c_str());
  archive_entry_set_perm(entry_.get(), item.info.st_mode & 0777);
  auto rank = ranks_.find(time_of(item.info));
  bool timed = rank != ranks_.end() && !item.is_folder();
  auto nanoseconds = timed ? rank->second * rank_ns : 0;
  archive_entry_set_mtime(entry_.get(), nanoseconds / second_ns, nanoseconds % second_ns);
  if (item.is_folder()) {
    archive_entry_set_filetype(entry_.get(), AE_IFDIR);
    return put_header(path);
  }
  if (item.is_link()) {
    auto target = link_target(item);
    if (!target)
      return target.error();
    if (!link_stays_inside(item.path, *target))
      return failure{ec::refused, "its output " + printable(item.path, limits::name_bytes_max)
                                    + " is a link out of the workspace"};
    archive_entry_set_filetype(entry_.get(), AE_IFLNK);
    archive_entry_set_symlink(entry_.get(), (*target).c_str());
    return put_header(path);
  }
  auto file = open_item(item);
  if (!file)
    return file.error();
  archive_entry_set_filetype(entry_.get(), AE_IFREG);
  archive_entry_set_size(entry_.get(), item.info.st_size);
  if (auto problem = put_header(path))
    return problem;
  return add_content((*file).get(), static_cast<uint64_t>(item.info.st_size), path);
}

std::optional<failure> packing::add_content(int file, uint64_t size, const std::string& path) {
  std::vector<char> piece(limits::blob_piece_bytes);
  uint64_t done = 0;
  while (done < size) {
    auto got = read(file, piece.data(), std::min<uint64_t>(piece.size(), size - done));
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return failure{ec::conflict, printable(path, limits::name_bytes_max)
                                     + ": became shorter while it was packed"};
    if (archive_write_data(archive_.get(), piece.data(), static_cast<size_t>(got)) != got)
      return wrong(path);
    done += static_cast<uint64_t>(got);
  }
  return std::nullopt;
}

std::optional<failure> packing::finish() {
  if (archive_write_close(archive_.get()) < ARCHIVE_WARN)
    return wrong("the result");
  return std::nullopt;
}

} // namespace

std::vector<std::string> result_globs(const step_spec& step) {
  auto globs = step.cache.outputs;
  if (step.tests.size() != 1 || step.tests.front() != "auto")
    globs.insert(globs.end(), step.tests.begin(), step.tests.end());
  return globs;
}

std::optional<failure> pack_result(const pack_source& from, const std::string& path,
                                   const pack_bounds& bounds) {
  auto fits = [&](const std::string& file) {
    return std::any_of(from.globs.begin(), from.globs.end(),
                       [&](const std::string& glob) { return glob_matches(glob, file); });
  };
  struct stat log {};
  selection work, out;
  if (stat(from.log.c_str(), &log) == 0)
    work.bytes = static_cast<uint64_t>(log.st_size);
  if (!from.globs.empty())
    if (auto problem = select(from.workspace, bounds, fits, work))
      return problem;
  out.bytes = work.bytes;
  out.files = work.files;
  if (auto problem = select(
        from.outputs, bounds, [](const std::string&) { return true; }, out))
    return problem;
  if (auto problem = bounds.room(out.bytes))
    return problem;
  packing pack;
  if (auto problem = pack.open(path))
    return problem;
  pack.rank(work);
  pack.rank(out);
  if (auto problem = pack.add_log(from.log))
    return problem;
  if (auto problem = pack.add_tree(from.workspace, "work/", work))
    return problem;
  if (auto problem = pack.add_tree(from.outputs, "out/", out))
    return problem;
  return pack.finish();
}

} // namespace drover
