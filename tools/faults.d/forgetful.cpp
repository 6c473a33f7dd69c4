// forgetful BACKING MOUNTPOINT [FUSE options]: a file system that knows what a loss of power
// leaves.
//
// What is written lies below BACKING/live, as on any file system. What was synced is remembered
// apart: a file's bytes since its last fsync, a folder's names since the folder's own. Making the
// file `.lose-power` in the root writes that down as BACKING/kept: no byte, name or rename that
// nobody has synced is in it. (POSIX promises no more. Real file systems keep more, most of the
// time; that is what makes programs forget to sync.)
// SPDX-License-Identifier: Apache-2.0

#define FUSE_USE_VERSION 31

#include <dirent.h>
#include <fcntl.h>
#include <fuse.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <map>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

/// A file or folder. The file system below gives a number again once its file is gone; we do not.
using node = uint64_t;

struct name_kept {
  node what = 0;
  mode_t mode = 0;
  std::string target; ///< of a symbolic link
};

struct piece {
  off_t from = 0, size = 0;
};

/// Everything lies on one thread: FUSE runs with -s.
struct memory {
  fs::path live, objects, kept;
  std::map<ino_t, node> nodes;
  std::map<node, std::map<std::string, name_kept>> folders; ///< as of each one's last sync
  std::map<node, std::vector<piece>> unsynced;
  node last = 0;
};

memory* the_memory = nullptr;

memory& here() {
  return *the_memory;
}

std::string below(const char* path) {
  return here().live.string() + path;
}

node node_of(const struct stat& about) {
  auto [known, fresh] = here().nodes.try_emplace(about.st_ino);
  if (fresh)
    known->second = ++here().last;
  return known->second;
}

/// Whatever had this number before is gone.
void is_new(const char* path) {
  struct stat about;
  if (::lstat(below(path).c_str(), &about) == 0)
    here().nodes[about.st_ino] = ++here().last;
}

fs::path object(node of) {
  return here().objects / std::to_string(of);
}

int result(int returned) {
  return returned < 0 ? -errno : 0;
}

// -- what is kept --------------------------------------------------------------------------------

int copy_piece(int from, int to, piece range) {
  std::vector<char> buffer(1 << 16);
  while (range.size > 0) {
    auto wanted = std::min<size_t>(buffer.size(), static_cast<size_t>(range.size));
    auto got = ::pread(from, buffer.data(), wanted, range.from);
    if (got < 0)
      return -errno;
    if (got == 0)
      return 0; // it was cut since
    if (::pwrite(to, buffer.data(), static_cast<size_t>(got), range.from) != got)
      return -errno;
    range.from += got;
    range.size -= got;
  }
  return 0;
}

int keep_file(int fd) {
  struct stat about;
  if (::fstat(fd, &about) != 0)
    return -errno;
  auto of = node_of(about);
  int to = ::open(object(of).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (to < 0)
    return -errno;
  int problem = 0;
  for (const auto& range : here().unsynced[of])
    if (problem == 0)
      problem = copy_piece(fd, to, range);
  if (problem == 0 && ::ftruncate(to, about.st_size) != 0)
    problem = -errno;
  ::close(to);
  here().unsynced.erase(of);
  return problem;
}

int keep_folder(const std::string& path) {
  struct stat about;
  if (::lstat(path.c_str(), &about) != 0)
    return -errno;
  auto& names = here().folders[node_of(about)];
  names.clear();
  std::error_code problem;
  for (const auto& entry : fs::directory_iterator{path, problem}) {
    if (::lstat(entry.path().c_str(), &about) != 0)
      continue;
    auto name = entry.path().filename().string();
    if (name.starts_with(".fuse_hidden"))
      continue; // removed while it was open
    name_kept one{node_of(about), about.st_mode, {}};
    if (S_ISLNK(about.st_mode))
      one.target = fs::read_symlink(entry.path(), problem).string();
    names[name] = one;
  }
  return problem ? -problem.value() : 0;
}

/// What is there at the beginning has long been on the disk.
void keep_all(const fs::path& folder) {
  keep_folder(folder.string());
  for (const auto& entry : fs::directory_iterator{folder}) {
    if (entry.is_symlink())
      continue;
    if (entry.is_directory()) {
      keep_all(entry.path());
    } else if (int fd = ::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC); fd >= 0) {
      struct stat about;
      if (::fstat(fd, &about) == 0) {
        here().unsynced[node_of(about)] = {{0, about.st_size}};
        keep_file(fd);
      }
      ::close(fd);
    }
  }
}

void write_kept(const fs::path& folder, node of) {
  fs::create_directories(folder);
  for (const auto& [name, one] : here().folders[of]) {
    auto path = folder / name;
    if (S_ISDIR(one.mode)) {
      write_kept(path, one.what);
    } else if (S_ISLNK(one.mode)) {
      fs::create_symlink(one.target, path);
    } else if (S_ISREG(one.mode)) {
      if (fs::exists(object(one.what)))
        fs::copy_file(object(one.what), path);
      else // its name was synced, and not one byte of it
        ::close(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    }
    if (!S_ISLNK(one.mode))
      ::chmod(path.c_str(), one.mode & 07777);
  }
}

int lose_power() {
  struct stat root;
  if (::lstat(here().live.c_str(), &root) != 0)
    return -errno;
  try {
    fs::remove_all(here().kept);
    write_kept(here().kept, node_of(root));
  } catch (const fs::filesystem_error& problem) {
    std::cerr << "forgetful: " << problem.what() << "\n";
    return -EIO;
  }
  return 0;
}

// -- the file system -----------------------------------------------------------------------------

int f_getattr(const char* path, struct stat* about, fuse_file_info*) {
  return result(::lstat(below(path).c_str(), about));
}

int f_readlink(const char* path, char* buffer, size_t size) {
  auto got = ::readlink(below(path).c_str(), buffer, size - 1);
  if (got < 0)
    return -errno;
  buffer[got] = 0;
  return 0;
}

int f_mkdir(const char* path, mode_t mode) {
  auto made = result(::mkdir(below(path).c_str(), mode));
  if (made == 0)
    is_new(path);
  return made;
}

int f_symlink(const char* target, const char* path) {
  auto made = result(::symlink(target, below(path).c_str()));
  if (made == 0)
    is_new(path);
  return made;
}

int f_mknod(const char* path, mode_t mode, dev_t device) {
  auto made = result(::mknod(below(path).c_str(), mode, device));
  if (made == 0)
    is_new(path);
  return made;
}

int f_unlink(const char* path) {
  return result(::unlink(below(path).c_str()));
}

int f_rmdir(const char* path) {
  return result(::rmdir(below(path).c_str()));
}

int f_rename(const char* from, const char* to, unsigned flags) {
  return result(::renameat2(AT_FDCWD, below(from).c_str(), AT_FDCWD, below(to).c_str(), flags));
}

int f_link(const char* from, const char* to) {
  return result(::link(below(from).c_str(), below(to).c_str()));
}

int f_chmod(const char* path, mode_t mode, fuse_file_info*) {
  return result(::chmod(below(path).c_str(), mode));
}

int f_chown(const char* path, uid_t user, gid_t group, fuse_file_info*) {
  return result(::lchown(below(path).c_str(), user, group));
}

int f_truncate(const char* path, off_t size, fuse_file_info*) {
  return result(::truncate(below(path).c_str(), size)); // the next sync keeps the size
}

int f_utimens(const char* path, const timespec times[2], fuse_file_info*) {
  return result(::utimensat(AT_FDCWD, below(path).c_str(), times, AT_SYMLINK_NOFOLLOW));
}

int f_open(const char* path, fuse_file_info* file) {
  // Whoever only writes is read from here at its sync.
  int flags = file->flags & ~(O_APPEND | O_ACCMODE);
  int how = (file->flags & O_ACCMODE) == O_RDONLY ? O_RDONLY : O_RDWR;
  int fd = ::open(below(path).c_str(), flags | how | O_CLOEXEC);
  if (fd < 0)
    return -errno;
  file->fh = static_cast<uint64_t>(fd);
  return 0;
}

int f_create(const char* path, mode_t mode, fuse_file_info* file) {
  if (std::strcmp(path, "/.lose-power") == 0)
    if (int problem = lose_power())
      return problem;
  bool was_there = ::access(below(path).c_str(), F_OK) == 0;
  int fd = ::open(below(path).c_str(), O_RDWR | O_CREAT | O_CLOEXEC | (file->flags & O_EXCL), mode);
  if (fd < 0)
    return -errno;
  if (!was_there)
    is_new(path);
  file->fh = static_cast<uint64_t>(fd);
  return 0;
}

int f_read(const char*, char* buffer, size_t size, off_t from, fuse_file_info* file) {
  auto got = ::pread(static_cast<int>(file->fh), buffer, size, from);
  return got < 0 ? -errno : static_cast<int>(got);
}

int f_write(const char*, const char* bytes, size_t size, off_t at, fuse_file_info* file) {
  int fd = static_cast<int>(file->fh);
  auto done = ::pwrite(fd, bytes, size, at);
  if (done < 0)
    return -errno;
  struct stat about;
  if (::fstat(fd, &about) != 0)
    return -errno;
  auto& pieces = here().unsynced[node_of(about)];
  if (!pieces.empty() && pieces.back().from + pieces.back().size == at)
    pieces.back().size += done;
  else
    pieces.push_back({at, done});
  return static_cast<int>(done);
}

int f_release(const char*, fuse_file_info* file) {
  return result(::close(static_cast<int>(file->fh)));
}

int f_fsync(const char*, int, fuse_file_info* file) {
  return keep_file(static_cast<int>(file->fh));
}

int f_fsyncdir(const char* path, int, fuse_file_info*) {
  return keep_folder(below(path));
}

int list_names(const char* path, void* buffer, fuse_fill_dir_t fill) {
  auto* folder = ::opendir(below(path).c_str());
  if (folder == nullptr)
    return -errno;
  while (const auto* entry = ::readdir(folder))
    fill(buffer, entry->d_name, nullptr, 0, static_cast<fuse_fill_dir_flags>(0));
  return result(::closedir(folder));
}

int f_statfs(const char*, struct statvfs* about) {
  return result(::statvfs(here().live.c_str(), about));
}

void* f_init(fuse_conn_info*, fuse_config* config) {
  config->use_ino = 1;
  return nullptr;
}

fuse_operations operations() {
  fuse_operations all{};
  all.init = f_init;
  all.getattr = f_getattr;
  all.readlink = f_readlink;
  all.mkdir = f_mkdir;
  all.symlink = f_symlink;
  all.mknod = f_mknod;
  all.unlink = f_unlink;
  all.rmdir = f_rmdir;
  all.rename = f_rename;
  all.link = f_link;
  all.chmod = f_chmod;
  all.chown = f_chown;
  all.truncate = f_truncate;
  all.utimens = f_utimens;
  all.open = f_open;
  all.create = f_create;
  all.read = f_read;
  all.write = f_write;
  all.release = f_release;
  all.fsync = f_fsync;
  all.fsyncdir = f_fsyncdir;
  all.readdir = [](const char* path, void* buffer, fuse_fill_dir_t fill, off_t, fuse_file_info*,
                   fuse_readdir_flags) { return list_names(path, buffer, fill); };
  all.statfs = f_statfs;
  return all;
}

} // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: forgetful BACKING MOUNTPOINT [FUSE options]\n";
    return 2;
  }
  fs::path backing = fs::absolute(argv[1]);
  memory all{backing / "live", backing / "objects", backing / "kept", {}, {}, {}, 0};
  the_memory = &all;
  try {
    fs::create_directories(all.live);
    fs::remove_all(all.objects);
    fs::create_directories(all.objects);
    keep_all(all.live);
  } catch (const fs::filesystem_error& problem) {
    std::cerr << "forgetful: " << problem.what() << "\n";
    return 1;
  }
  argv[1] = argv[0]; // what FUSE sees: the program, the place, its options
  auto table = operations();
  return fuse_main(argc - 1, argv + 1, &table, nullptr);
}
