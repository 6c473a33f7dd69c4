// Kept results on a disk: what is counted, packed and put back.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/cache_tree.hpp"
#include "nodes/disk_cache.hpp"
#include "nodes/sha256.hpp"
#include "nodes/spool_folder.hpp"
#include "tests/catch.hpp"
#include "tests/keeper/temp_folder.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

using namespace drover;
namespace fs = std::filesystem;

namespace {

struct cache_fixture {
  temp_folder folder;
  disk_cache_bounds bounds = small();
  disk_cache cache{folder.path + "/cache", folder.path + "/spool", bounds};
  assignment work;
  prepared first = place("1"), second = place("2");

  static disk_cache_bounds small() {
    disk_cache_bounds out;
    out.input_files = out.output_files = 100;
    out.input_bytes = out.output_bytes = 1 << 20;
    out.keep_free = 0;
    return out;
  }

  cache_fixture() {
    work.token = {{1, 2}, {{7}, {0}, {1}}};
    work.step.cache = {true, {}, {}, {"build/**"}};
    fs::create_directories(attempt());
    put(attempt() + "/log", "what it said\n");
  }

  std::string attempt() const { return folder.path + "/spool/" + folder_name(work.token); }

  prepared place(const std::string& name) {
    prepared out;
    out.workspace = folder.path + "/ws/" + name + "/work";
    out.outputs = folder.path + "/ws/" + name + "/out";
    fs::create_directories(out.workspace + "/build/sub");
    fs::create_directories(out.outputs);
    put(out.workspace + "/source", "text");
    return out;
  }

  static void put(const std::string& path, const std::string& text, mode_t mode = 0644) {
    std::ofstream{path, std::ios::binary} << text;
    REQUIRE(chmod(path.c_str(), mode) == 0);
  }

  static mode_t mode_of(const std::string& path) {
    struct stat info {};
    REQUIRE(lstat(path.c_str(), &info) == 0);
    return info.st_mode & 07777;
  }

  static int64_t time_of(const std::string& path) {
    struct stat info {};
    REQUIRE(lstat(path.c_str(), &info) == 0);
    return int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec;
  }

  string_map parts(const prepared& of) {
    auto found = cache.file_parts(work.step, of);
    INFO((found ? "" : found.error().text));
    REQUIRE(found);
    return *found;
  }

  packed_result pack(const prepared& of) {
    auto packed = cache.pack(work.token, work.step, of);
    INFO((packed ? "" : packed.error().text));
    REQUIRE(packed);
    return *packed;
  }

  /// As it comes over the link.
  void fetch(const packed_result& result) {
    auto bytes = cache.read(result.sha256, 0, result.size);
    REQUIRE(bytes);
    REQUIRE_FALSE(cache.add(result.sha256, 0, *bytes));
    CHECK(cache.fetched(result.sha256) == result.size);
  }

  std::optional<failure> restore(const packed_result& result, const prepared& into) {
    return cache.restore(work, into, result);
  }

  void make_outputs(const prepared& in) {
    put(in.workspace + "/build/tool", "#!/bin/sh\n", 0751);
    put(in.workspace + "/build/sub/data", std::string{"\0\xff bytes", 8}, 0400);
    fs::create_symlink("sub/data", in.workspace + "/build/link");
    fs::create_directory(in.workspace + "/build/empty");
    put(in.outputs + "/made.txt", "made");
  }
};

} // namespace

TEST_CASE_METHOD(cache_fixture, "disk cache: names, modes and contents of inputs count") {
  auto was = parts(first);
  CHECK(parts(second) == was);
  CHECK(was.contains("workspace"));
  SECTION("content") {
    put(first.workspace + "/source", "tExt");
  }
  SECTION("mode") {
    put(first.workspace + "/source", "text", 0755);
  }
  SECTION("name") {
    fs::rename(first.workspace + "/source", first.workspace + "/sourcf");
  }
  SECTION("another file") {
    put(first.workspace + "/build/sub/x", "");
  }
  SECTION("a folder") {
    fs::create_directory(first.workspace + "/empty");
  }
  SECTION("a link") {
    fs::create_symlink("source", first.workspace + "/link");
  }
  SECTION("what lies under $DROVER_OUT") {
    put(first.outputs + "/x", "");
  }
  CHECK(parts(first) != was);
}

TEST_CASE_METHOD(cache_fixture, "disk cache: with globs only what matches counts") {
  work.step.cache.inputs = {"src/*.c", "none"};
  fs::create_directory(first.workspace + "/src");
  put(first.workspace + "/src/a.c", "int a;");
  auto was = parts(first);
  CHECK(was.at("input src/*.c").ends_with(":1"));
  CHECK(was.at("input none").ends_with(":0"));
  put(first.workspace + "/source", "other");
  put(first.workspace + "/src/a.h", "int b;");
  CHECK(parts(first) == was);
  put(first.workspace + "/src/b.c", "int b;");
  CHECK(parts(first).at("input src/*.c").ends_with(":2"));
}

TEST_CASE_METHOD(cache_fixture, "disk cache: inputs out of the workspace or bounds are refused") {
  SECTION("a link out") {
    fs::create_symlink("/etc/passwd", first.workspace + "/link");
  }
  SECTION("a link up") {
    fs::create_symlink("../../x", first.workspace + "/link");
  }
  SECTION("too many bytes") {
    put(first.workspace + "/big", std::string((1 << 20) + 1, 'x'));
  }
  SECTION("too many files") {
    for (int i = 0; i < 101; ++i)
      put(first.workspace + "/f" + std::to_string(i), "");
  }
  auto found = cache.file_parts(work.step, first);
  REQUIRE_FALSE(found);
  CHECK(found.error().code == ec::refused);
}

TEST_CASE_METHOD(cache_fixture, "disk cache: a result is back with modes, links, log and order") {
  make_outputs(first);
  auto packed = pack(first);
  put(second.workspace + "/build/stale", "of an earlier step");
  put(second.workspace + "/build/tool", "old", 0600);
  put(second.outputs + "/stale", "");
  put(attempt() + "/log", "");
  fetch(packed);
  auto problem = restore(packed, second);
  INFO((problem ? problem->text : ""));
  REQUIRE_FALSE(problem);
  auto build = second.workspace + "/build";
  CHECK(slurp(build + "/tool") == "#!/bin/sh\n");
  CHECK(mode_of(build + "/tool") == 0751);
  CHECK(mode_of(build + "/sub/data") == 0400);
  CHECK(fs::file_size(build + "/sub/data") == 8);
  CHECK(fs::read_symlink(build + "/link") == "sub/data");
  CHECK(fs::is_directory(build + "/empty"));
  CHECK_FALSE(fs::exists(build + "/stale"));
  CHECK_FALSE(fs::exists(second.outputs + "/stale"));
  CHECK(slurp(second.outputs + "/made.txt") == "made");
  CHECK(slurp(second.workspace + "/source") == "text");
  CHECK(slurp(attempt() + "/log") == "what it said\n");
  CHECK(time_of(build + "/tool") <= time_of(build + "/sub/data"));
  CHECK(time_of(build + "/tool") >= time_of(second.workspace + "/source"));
  CHECK_FALSE(fs::exists(folder.path + "/ws/2/kept-result"));
}

TEST_CASE_METHOD(cache_fixture, "disk cache: the same result is the same archive, whenever") {
  make_outputs(first);
  auto packed = pack(first);
  for (const auto& file : fs::recursive_directory_iterator{first.workspace})
    if (file.is_regular_file() && !file.is_symlink())
      fs::last_write_time(file, file.last_write_time() + std::chrono::hours{5});
  fs::last_write_time(first.outputs + "/made.txt",
                      fs::last_write_time(first.outputs + "/made.txt") + std::chrono::hours{5});
  struct timespec times[2] = {{0, UTIME_OMIT}, {0, 0}};
  struct stat link {};
  REQUIRE(lstat((first.workspace + "/build/link").c_str(), &link) == 0);
  times[1] = {link.st_mtim.tv_sec + 5 * 3600, link.st_mtim.tv_nsec};
  REQUIRE(utimensat(AT_FDCWD, (first.workspace + "/build/link").c_str(), times, AT_SYMLINK_NOFOLLOW)
          == 0);
  CHECK(pack(first).sha256 == packed.sha256);
}

TEST_CASE_METHOD(cache_fixture, "disk cache: a step that printed nothing is kept as well") {
  fs::remove(attempt() + "/log");
  auto packed = pack(first);
  fetch(packed);
  REQUIRE_FALSE(restore(packed, second));
  CHECK(slurp(attempt() + "/log").empty());
}

TEST_CASE_METHOD(cache_fixture, "disk cache: links that a step planted lead nothing out") {
  make_outputs(first);
  auto packed = pack(first);
  fs::create_directory(folder.path + "/outside");
  fs::remove_all(second.workspace + "/build");
  fs::create_symlink(folder.path + "/outside", second.workspace + "/build");
  fetch(packed);
  REQUIRE_FALSE(restore(packed, second));
  CHECK(fs::is_empty(folder.path + "/outside"));
  CHECK(fs::is_directory(fs::symlink_status(second.workspace + "/build")));
  CHECK(slurp(second.workspace + "/build/tool") == "#!/bin/sh\n");
}

TEST_CASE_METHOD(cache_fixture, "disk cache: a file and a folder change places") {
  put(first.workspace + "/build/thing", "file");
  fs::create_directories(first.workspace + "/build/other");
  put(first.workspace + "/build/other/x", "x");
  auto packed = pack(first);
  fs::create_directories(second.workspace + "/build/thing/deep");
  put(second.workspace + "/build/thing/deep/x", "", 0400);
  REQUIRE(chmod((second.workspace + "/build/thing").c_str(), 0500) == 0);
  put(second.workspace + "/build/other", "file");
  fetch(packed);
  REQUIRE_FALSE(restore(packed, second));
  CHECK(slurp(second.workspace + "/build/thing") == "file");
  CHECK(slurp(second.workspace + "/build/other/x") == "x");
}

TEST_CASE_METHOD(cache_fixture, "disk cache: a damaged result changes nothing") {
  make_outputs(first);
  auto packed = pack(first);
  auto bytes = *cache.read(packed.sha256, 0, packed.size);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  REQUIRE_FALSE(cache.add(packed.sha256, 0, bytes));
  auto problem = restore(packed, second);
  REQUIRE(problem);
  CHECK(problem->code == ec::damaged);
  CHECK(fs::is_empty(second.workspace + "/build/sub"));
  CHECK_FALSE(fs::exists(second.workspace + "/build/tool"));
  cache.discard(packed.sha256);
  CHECK(cache.fetched(packed.sha256) == 0);
}

TEST_CASE_METHOD(cache_fixture, "disk cache: what can't be kept says why") {
  auto why = [&](disk_cache& in) {
    auto packed = in.pack(work.token, work.step, first);
    REQUIRE_FALSE(packed);
    return packed.error().text;
  };
  SECTION("a link out") {
    fs::create_symlink("/etc", first.workspace + "/build/etc");
    CHECK(why(cache) == "its output build/etc is a link out of the workspace");
  }
  SECTION("too large") {
    put(first.workspace + "/build/big", std::string((1 << 20) + 1, 'x'));
    CHECK(why(cache).find("its outputs and log have more than 1048576 bytes") == 0);
  }
  SECTION("no room") {
    auto full = small();
    full.keep_free = uint64_t{1} << 60;
    disk_cache other{folder.path + "/full", folder.path + "/spool", full};
    CHECK(why(other).find("the host has no room for it: it needs 13 bytes") == 0);
  }
  CHECK(fs::is_empty(folder.path + "/cache"));
}

TEST_CASE_METHOD(cache_fixture, "disk cache: what is remembered of an attempt is read back") {
  CHECK_FALSE(cache.memo_of(work.token));
  cache_memo memo;
  memo.parts = {{"command", "digest"}, {"fact os", "li\nnux"}};
  memo.place = first;
  memo.place.user = 4711;
  memo.note = "ran because";
  memo.keeps = true;
  REQUIRE_FALSE(cache.remember(work.token, memo));
  auto back = cache.memo_of(work.token);
  REQUIRE(back);
  CHECK(*back == memo);
  CHECK(back->place.outputs == first.outputs);
  CHECK(back->place.user == 4711);
  CHECK_FALSE(fs::exists(attempt() + "/log")); // of a replay that was not finished
}

TEST_CASE_METHOD(cache_fixture, "disk cache: a workspace that was restored in part is not used") {
  fs::create_directories(folder.path + "/ws/1/kept-result.moving");
  auto found = cache.file_parts(work.step, first);
  REQUIRE_FALSE(found);
  CHECK(found.error().code == ec::conflict);
}
