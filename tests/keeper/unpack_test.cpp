// Archives from anybody: what is let in, what is refused and how it is named.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/unpack.hpp"
#include "tests/catch.hpp"
#include "tests/keeper/archive_maker.hpp"
#include "tests/keeper/temp_folder.hpp"

#include <sys/stat.h>
#include <unistd.h>

using namespace drover;
namespace fs = std::filesystem;

namespace {

struct unpack_fixture {
  temp_folder folder;
  std::string archive = folder.path + "/a.tar.gz";
  std::string into = folder.path + "/deep/er/into";
  unpack_fixture() { fs::create_directories(into); }

  std::optional<failure> unpack(const unpack_bounds& bounds = {}) const {
    return unpack_archive(archive, "a.tar.gz", into, bounds);
  }
  void refused(const std::string& part) const {
    auto problem = unpack();
    REQUIRE(problem);
    INFO(problem->text);
    CHECK(problem->text.find("source a.tar.gz: ") == 0);
    CHECK(problem->text.find(part) != std::string::npos);
    CHECK(problem->text.find('\n') == std::string::npos);
    // Nothing came to be beside the folder.
    CHECK(std::distance(fs::directory_iterator{folder.path + "/deep/er"}, {}) == 1);
    CHECK(std::distance(fs::directory_iterator{folder.path}, {}) == 2);
  }
};

} // namespace

TEST_CASE_METHOD(unpack_fixture, "unpack: files, folders and links inside come as they were",
                 "[unpack]") {
  archive_maker{archive}
    .folder("hello-1.0")
    .file("hello-1.0/configure", "#!/bin/sh\n", 0755)
    .file("hello-1.0/set", "x", 06755)
    .file("hello-1.0/n\xc3\xa4me", "utf-8")
    .folder("hello-1.0/closed", 0)
    .symlink("hello-1.0/link", "configure")
    .symlink("hello-1.0/closed/up", "../configure")
    .hardlink("hello-1.0/hard", "hello-1.0/configure");
  auto problem = unpack();
  INFO((problem ? problem->text : ""));
  REQUIRE_FALSE(problem);
  auto top = into + "/hello-1.0";
  CHECK(slurp(top + "/link") == "#!/bin/sh\n");
  CHECK(slurp(top + "/hard") == "#!/bin/sh\n");
  CHECK(slurp(top + "/n\xc3\xa4me") == "utf-8");
  struct stat info {};
  REQUIRE(stat((top + "/configure").c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0755);
  CHECK(info.st_mtime == 1'000'000'000); // what make goes by
  REQUIRE(stat((top + "/set").c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0755);
  CHECK(info.st_uid == getuid());
  REQUIRE(stat((top + "/closed").c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0700);
}

TEST_CASE_METHOD(unpack_fixture, "unpack: an entry that leaves by .. is refused", "[unpack]") {
  archive_maker{archive}.file("a/../../evil", "x");
  refused("entry a/../../evil would leave the workspace");
}

TEST_CASE_METHOD(unpack_fixture, "unpack: an absolute entry is refused", "[unpack]") {
  archive_maker{archive}.file(folder.path + "/evil", "x");
  refused("would leave the workspace");
}

TEST_CASE_METHOD(unpack_fixture, "unpack: a symlink out of it is refused", "[unpack]") {
  SECTION("upwards") {
    archive_maker{archive}.symlink("a/out", "../../x");
    refused("entry a/out is a link to ../../x, outside the archive");
  }
  SECTION("absolute") {
    archive_maker{archive}.symlink("out", "/etc").file("out/passwd", "x");
    refused("entry out is a link to /etc");
  }
  SECTION("by way of another link") {
    archive_maker{archive}.symlink("s", ".").symlink("t", "s/..").file("t/evil", "x");
    refused("entry t is a link to s/..");
  }
}

TEST_CASE_METHOD(unpack_fixture, "unpack: nothing is written through a symlink", "[unpack]") {
  archive_maker{archive}.folder("real").symlink("link", "real").file("link/file", "x");
  refused("entry link/file can't be written");
  CHECK(fs::is_empty(into + "/real"));
}

TEST_CASE_METHOD(unpack_fixture, "unpack: a hard link out of it is refused", "[unpack]") {
  spill(folder.path + "/deep/victim", "mine");
  archive_maker{archive}.hardlink("a", "../../victim");
  auto problem = unpack();
  REQUIRE(problem);
  CHECK(problem->text.find("outside the archive") != std::string::npos);
}

TEST_CASE_METHOD(unpack_fixture, "unpack: devices and pipes are refused", "[unpack]") {
  archive_maker{archive}.other("dev", GENERATE(AE_IFCHR, AE_IFBLK, AE_IFIFO, AE_IFSOCK));
  if (!fs::is_empty(archive))
    refused("entry dev is neither file, folder nor link");
}

TEST_CASE_METHOD(unpack_fixture, "unpack: hostile names are shown defanged", "[unpack]") {
  archive_maker{archive}.file("../a\nb\x1b[31m", "x");
  refused("../a\\x0Ab\\x1B[31m");
}

TEST_CASE_METHOD(unpack_fixture, "unpack: a truncated archive is an error", "[unpack]") {
  std::string noise;
  for (unsigned i = 0, x = 1; i < 100'000; ++i, x = x * 1103515245u + 12345u)
    noise += static_cast<char>(x >> 16);
  archive_maker{archive}.file("a/noise", noise).file("a/b", "x");
  auto bytes = slurp(archive);
  for (auto part : {bytes.size() / 2, bytes.size() - 20, size_t{15}, size_t{0}}) {
    spill(archive, bytes.substr(0, part));
    CHECK(*looks_like_archive(archive, "a.tar.gz"));
    fs::remove_all(into);
    fs::create_directories(into);
    INFO(part);
    refused("");
  }
}

TEST_CASE_METHOD(unpack_fixture, "unpack: a corrupted archive is an error", "[unpack]") {
  archive_maker{archive}.file("a/b", std::string(100'000, 'x'));
  auto bytes = slurp(archive);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 0x55);
  spill(archive, bytes);
  refused("");
}

TEST_CASE_METHOD(unpack_fixture, "unpack: bounds of bytes and entries hold", "[unpack]") {
  archive_maker{archive}.file("a", std::string(600, 'x')).file("b", std::string(600, 'x'));
  SECTION("bytes") {
    auto problem = unpack({1000, 10});
    REQUIRE(problem);
    CHECK(problem->text.find("entry b makes the content larger") != std::string::npos);
  }
  SECTION("entries") {
    auto problem = unpack({10'000, 1});
    REQUIRE(problem);
    CHECK(problem->text.find("holds more than 1 entries") != std::string::npos);
  }
  SECTION("at the bound") {
    CHECK_FALSE(unpack({1200, 2}));
  }
}

TEST_CASE_METHOD(unpack_fixture, "unpack: this process's working folder and umask stay",
                 "[unpack]") {
  archive_maker{archive}.file("a", "x");
  auto before = fs::current_path();
  auto mask = umask(077);
  REQUIRE_FALSE(unpack());
  CHECK(umask(mask) == 077);
  CHECK(fs::current_path() == before);
}

TEST_CASE_METHOD(unpack_fixture, "unpack: archives are told from other files", "[unpack]") {
  auto says = [&](const std::string& name, const std::string& bytes) {
    spill(folder.path + "/f", bytes);
    return *looks_like_archive(folder.path + "/f", name);
  };
  CHECK_FALSE(says("change.patch", "--- a\n+++ b\n"));
  CHECK_FALSE(says("empty", ""));
  CHECK_FALSE(says("change.patch.gz", "\x1f\x8b\x08"));
  CHECK(says("x-1.0.tar.xz", "not really"));
  CHECK(says("X-1.0.TGZ", ""));
  CHECK(says("noname", "\x1f\x8b\x08"));
  CHECK(says("x.bin", std::string(257, 'a') + "ustar" + std::string(10, '\0')));
}

TEST_CASE("unpack: where links lead", "[unpack]") {
  CHECK(link_stays_inside("a/b/c", "../d"));
  CHECK(link_stays_inside("a/b/c", "../../d"));
  CHECK(link_stays_inside("./a/b", "./../c"));
  CHECK_FALSE(link_stays_inside("a/b/c", "../../../d"));
  CHECK_FALSE(link_stays_inside("a", ".."));
  CHECK_FALSE(link_stays_inside("a", "/x"));
  CHECK_FALSE(link_stays_inside("a", ""));
  CHECK_FALSE(link_stays_inside("a/b", "x/../../.."));
}
