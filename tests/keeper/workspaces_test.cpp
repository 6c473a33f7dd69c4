// Workspaces: downloads, installs, artifacts, clean-up; globs.
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/glob.hpp"
#include "nodes/closed_answers.hpp"
#include "nodes/disk_workspaces.hpp"
#include "nodes/record_file.hpp"
#include "nodes/sha256.hpp"
#include "tests/catch.hpp"
#include "tests/keeper/archive_maker.hpp"
#include "tests/keeper/temp_folder.hpp"

#include <sys/stat.h>
#include <unistd.h>

using namespace drover;
namespace fs = std::filesystem;

namespace {

std::string digest(const std::string& bytes) {
  sha256 sum;
  sum.add(bytes);
  return sum.hex();
}

struct workspace_fixture {
  temp_folder folder;
  disk_workspaces spaces{folder.path + "/ws"};
  build_id build{7};
  std::string work, out;

  workspace_fixture() {
    auto made = spaces.make(build, 1);
    REQUIRE(made);
    work = (*made).workspace;
    out = (*made).outputs;
  }

  source_ref fetch(const std::string& name, const std::string& bytes) {
    source_ref source{source_kind::tarball, name, digest(bytes), "", bytes.size()};
    for (size_t at = spaces.source_bytes(source); at < bytes.size(); at += 1000)
      REQUIRE_FALSE(spaces.add_source(source, at, bytes.substr(at, 1000)));
    return source;
  }

  source_ref fetch_archive(const std::string& name = "hello-1.0.tar.gz") {
    auto path = folder.path + "/made.tar.gz";
    archive_maker{path}
      .folder("hello-1.0")
      .file("hello-1.0/configure", "#!/bin/sh\n", 0755)
      .file("hello-1.0/src/main.c", "int main;");
    return fetch(name, slurp(path));
  }
};

std::vector<std::string> paths(const expected<std::vector<artifact_ref>>& found) {
  std::vector<std::string> names;
  INFO((found ? "" : found.error().text));
  REQUIRE(found);
  for (const auto& artifact : *found)
    names.push_back(artifact.path);
  return names;
}

} // namespace

TEST_CASE_METHOD(workspace_fixture, "workspaces: a tarball is unpacked without its top folder",
                 "[workspaces]") {
  auto source = fetch_archive();
  CHECK_FALSE(spaces.has_source(build, 1));
  REQUIRE_FALSE(spaces.install_source(build, 1, source));
  CHECK(spaces.has_source(build, 1));
  CHECK(slurp(work + "/configure") == "#!/bin/sh\n");
  CHECK(slurp(work + "/src/main.c") == "int main;");
  CHECK(fs::is_directory(out));
  SECTION("once: what steps changed stays") {
    spill(work + "/configure", "changed");
    REQUIRE_FALSE(spaces.install_source(build, 1, source));
    CHECK(slurp(work + "/configure") == "changed");
  }
  SECTION("for another build without a second download") {
    CHECK(spaces.source_bytes(source) == source.size);
    REQUIRE_FALSE(spaces.install_source({8}, 1, source));
    CHECK(spaces.has_source({8}, 1));
    CHECK(fs::exists(folder.path + "/ws/8-1/work/configure"));
  }
}

TEST_CASE_METHOD(workspace_fixture, "workspaces: several top entries are kept as they are",
                 "[workspaces]") {
  auto path = folder.path + "/made.tar.gz";
  archive_maker{path}.file("a/x", "1").file("b", "2");
  REQUIRE_FALSE(spaces.install_source(build, 1, fetch("two.tar.gz", slurp(path))));
  CHECK(slurp(work + "/a/x") == "1");
  CHECK(slurp(work + "/b") == "2");
}

TEST_CASE_METHOD(workspace_fixture, "workspaces: archives of the tar program are unpacked",
                 "[workspaces]") {
  auto kind = GENERATE(as<std::string>{}, "z gz", "j bz2", "J xz");
  fs::create_directories(folder.path + "/up-2/dir");
  spill(folder.path + "/up-2/dir/file", "content");
  auto archive = folder.path + "/up.tar." + kind.substr(2);
  auto command = "tar -C " + folder.path + " -c" + kind[0] + "f " + archive + " up-2";
  REQUIRE(std::system(command.c_str()) == 0);
  REQUIRE_FALSE(spaces.install_source(build, 1, fetch("up.tar." + kind.substr(2), slurp(archive))));
  CHECK(slurp(work + "/dir/file") == "content");
}

TEST_CASE_METHOD(workspace_fixture,
                 "workspaces: a revision is unpacked, whatever dots are in its repository's name",
                 "[workspaces]") {
  auto source = fetch_archive("https://hg.example.org/hello.hg");
  source.kind = GENERATE(source_kind::hg, source_kind::git);
  source.revision = std::string(40, 'a');
  REQUIRE_FALSE(spaces.install_source(build, 1, source));
  CHECK(slurp(work + "/src/main.c") == "int main;");
}

TEST_CASE_METHOD(workspace_fixture, "workspaces: a file that is no archive lies there by its name",
                 "[workspaces]") {
  SECTION("a patch") {
    REQUIRE_FALSE(spaces.install_source(build, 1, fetch("fix.patch", "--- a\n+++ b\n")));
    CHECK(slurp(work + "/fix.patch") == "--- a\n+++ b\n");
  }
  SECTION("an empty file") {
    source_ref source{source_kind::tarball, "empty", digest(""), "", 0};
    REQUIRE_FALSE(spaces.add_source(source, 0, ""));
    REQUIRE_FALSE(spaces.install_source(build, 1, source));
    CHECK(fs::file_size(work + "/empty") == 0);
  }
  SECTION("but not by a name that leads elsewhere") {
    for (const auto& name : {"../evil", "/evil", "..", "a\nb", ""}) {
      auto problem = spaces.install_source(build, 1, fetch(name, "text"));
      REQUIRE(problem);
      CHECK(problem->code == ec::bad_input);
      CHECK(problem->text.find('\n') == std::string::npos);
    }
    CHECK_FALSE(spaces.has_source(build, 1));
    CHECK(fs::is_empty(work));
  }
}

TEST_CASE_METHOD(workspace_fixture, "workspaces: a wrong digest drops the download",
                 "[workspaces]") {
  source_ref source{source_kind::tarball, "x.tar.gz", digest("right"), "", 5};
  REQUIRE_FALSE(spaces.add_source(source, 0, "wrong"));
  auto problem = spaces.install_source(build, 1, source);
  REQUIRE(problem);
  CHECK(problem->code == ec::damaged);
  CHECK(spaces.source_bytes(source) == 0);
  CHECK_FALSE(spaces.has_source(build, 1));
  SECTION("also where it came to be wrong in the cache") {
    auto good = fetch_archive();
    REQUIRE_FALSE(spaces.install_source(build, 1, good));
    spill(folder.path + "/ws/sources/" + good.sha256, std::string(good.size, 'x'));
    CHECK(spaces.install_source({8}, 1, good)->code == ec::damaged);
    CHECK(spaces.source_bytes(good) == 0);
  }
}

TEST_CASE_METHOD(workspace_fixture, "workspaces: pieces come in order and no more than announced",
                 "[workspaces]") {
  source_ref source{source_kind::tarball, "x", digest("abcdef"), "", 6};
  REQUIRE_FALSE(spaces.add_source(source, 0, "abc"));
  CHECK(spaces.add_source(source, 0, "abc")->code == ec::conflict);
  CHECK(spaces.add_source(source, 4, "ef")->code == ec::conflict);
  CHECK(spaces.add_source(source, 3, "defg")->code == ec::bad_input);
  CHECK(spaces.install_source(build, 1, source)->code == ec::unavailable);
  disk_workspaces later{folder.path + "/ws"}; // an agent's restart: the download goes on
  CHECK(later.source_bytes(source) == 3);
  REQUIRE_FALSE(later.add_source(source, 3, "def"));
  CHECK_FALSE(later.install_source(build, 1, source));
  source.sha256 = "../../evil";
  CHECK(spaces.add_source(source, 0, "x")->code == ec::bad_input);
}

TEST_CASE_METHOD(workspace_fixture, "workspaces: a half-done install does not count",
                 "[workspaces]") {
  auto path = folder.path + "/made.tar.gz";
  archive_maker{path}.file("top/good", "1").file("top/../../evil", "2");
  auto bad = fetch("bad.tar.gz", slurp(path));
  REQUIRE(spaces.install_source(build, 1, bad));
  CHECK_FALSE(spaces.has_source(build, 1));
  CHECK(fs::is_empty(work));
  // A crash amid an earlier try left these.
  fs::create_directories(work + "/stale");
  fs::create_directories(folder.path + "/ws/7-1/unpack/stale");
  REQUIRE_FALSE(spaces.install_source(build, 1, fetch_archive()));
  CHECK_FALSE(fs::exists(work + "/stale"));
  SECTION("nor does one of an earlier boot, which may not have reached the disk") {
    record_writer marker{"source"};
    marker.put("sha256", "");
    marker.put("boot-id", "another boot");
    spill(folder.path + "/ws/7-1/source", marker.finish());
    CHECK_FALSE(spaces.has_source(build, 1));
  }
}

TEST_CASE_METHOD(workspace_fixture, "workspaces: the cache keeps what was used last",
                 "[workspaces]") {
  disk_workspaces small{folder.path + "/small", {{2, 1000}, {}}};
  std::vector<source_ref> sources;
  for (std::string text : {"one", "two", "three"}) {
    source_ref source{source_kind::tarball, text, digest(text), "", text.size()};
    REQUIRE_FALSE(small.add_source(source, 0, text));
    REQUIRE_FALSE(small.install_source({sources.size()}, 1, source));
    sources.push_back(source);
  }
  CHECK(small.source_bytes(sources[0]) == 0);
  CHECK(small.source_bytes(sources[1]) == 3);
  CHECK(small.source_bytes(sources[2]) == 5);
}

TEST_CASE_METHOD(workspace_fixture, "workspaces: artifacts are found, named and hashed",
                 "[workspaces]") {
  fs::create_directories(out + "/sub");
  fs::create_directories(work + "/dist/deep/er");
  spill(out + "/sub/result.txt", "result");
  spill(work + "/dist/a.deb", "deb");
  spill(work + "/dist/deep/er/b.deb", "deb2");
  spill(work + "/dist/a.txt", "txt");
  fs::create_symlink("/etc", work + "/dist/etc");
  fs::create_symlink("/etc/passwd", work + "/dist/p.deb");
  fs::create_symlink("/etc/passwd", out + "/p");
  REQUIRE(mkfifo((out + "/pipe").c_str(), 0600) == 0);
  auto found = spaces.collect(build, 1, {"dist/**/*.deb"});
  CHECK(paths(found)
        == std::vector<std::string>{"sub/result.txt", "dist/a.deb", "dist/deep/er/b.deb"});
  CHECK((*found)[0].sha256 == digest("result"));
  CHECK((*found)[0].size == 6);
  CHECK(*spaces.read_artifact(build, 1, (*found)[0], 2, 3) == "sul");
  CHECK(*spaces.read_artifact(build, 1, (*found)[1], 0, 100) == "deb");
  for (const auto& path : {"../work/dist/a.deb", "/etc/passwd", "p", "dist/etc/passwd", "pipe", ""})
    CHECK_FALSE(spaces.read_artifact(build, 1, {path, "", 0}, 0, 10).ok());
}

TEST_CASE_METHOD(workspace_fixture, "workspaces: names that can't be shown are errors that say so",
                 "[workspaces]") {
  auto name = GENERATE(as<std::string>{}, "a\nb", "bad\xff", "esc\x1b[31m");
  spill(out + "/" + name, "x");
  auto found = spaces.collect(build, 1, {});
  REQUIRE_FALSE(found.ok());
  CHECK(found.error().code == ec::bad_input);
  CHECK(found.error().text.find("rename the file") != std::string::npos);
  CHECK(found.error().text.find('\n') == std::string::npos);
}

TEST_CASE_METHOD(workspace_fixture, "workspaces: a glob that leaves the workspace is refused",
                 "[workspaces]") {
  for (const auto& glob : {"../*", "/etc/*", "a/../../b", ""})
    CHECK_FALSE(spaces.collect(build, 1, {glob}).ok());
  CHECK(paths(spaces.collect({99}, 1, {"**"})).empty());
}

TEST_CASE_METHOD(workspace_fixture, "workspaces: removed with folders that forbid it",
                 "[workspaces]") {
  fs::create_directories(work + "/closed/in");
  spill(work + "/closed/in/file", "x");
  REQUIRE(chmod((work + "/closed/in").c_str(), 0500) == 0);
  REQUIRE(chmod((work + "/closed").c_str(), 0000) == 0);
  CHECK_FALSE(spaces.remove(build, 1));
  CHECK_FALSE(fs::exists(folder.path + "/ws/7-1"));
  CHECK_FALSE(spaces.remove(build, 1));
}

TEST_CASE("glob: stars stay within a name, double stars don't", "[glob]") {
  CHECK(glob_matches("*.deb", "a.deb"));
  CHECK_FALSE(glob_matches("*.deb", "d/a.deb"));
  CHECK(glob_matches("**/*.deb", "a.deb"));
  CHECK(glob_matches("**/*.deb", "x/y/a.deb"));
  CHECK(glob_matches("out/**", "out/x/y"));
  CHECK_FALSE(glob_matches("out/**", "out"));
  CHECK_FALSE(glob_matches("out/**", "outer/x"));
  CHECK(glob_matches("a/**/b/*.c", "a/b/x.c"));
  CHECK(glob_matches("a/**/b/*.c", "a/1/2/b/x.c"));
  CHECK(glob_matches("**", "any/thing"));
  CHECK(glob_matches("a?c", "abc"));
  CHECK_FALSE(glob_matches("a?c", "a/c"));
  CHECK(glob_matches("[a-c]x[!0-9]", "bxy"));
  CHECK_FALSE(glob_matches("[a-c]x[!0-9]", "bx5"));
  CHECK(glob_matches("[]]", "]"));
  CHECK(glob_matches("a[b", "a[b"));
  CHECK(glob_matches("\\*", "*"));
  CHECK_FALSE(glob_matches("\\*", "x"));
  CHECK(glob_matches("*a*b", "xaxab"));
  CHECK_FALSE(glob_matches("", "a"));
}

TEST_CASE("glob: a hostile pattern costs a bounded time", "[glob]") {
  std::string glob, path;
  for (int i = 0; i < 30; ++i) {
    glob += "**/a*/";
    path += "aaaaaaaaaaaa/";
  }
  CHECK_FALSE(glob_matches(glob + "x", path + "y"));
}

TEST_CASE_METHOD(workspace_fixture, "workspaces: the answer to a close outlives agent and folder") {
  build_closed answer{build, 1, {{"pkg/a b.deb", std::string(64, 'a'), 7}}, "one\nis missing"};
  REQUIRE_FALSE(spaces.remember_answer(answer));
  REQUIRE_FALSE(spaces.remove(build, 1));
  disk_workspaces later{folder.path + "/ws"};
  CHECK(later.answer_of(build, 1) == answer);
  CHECK_FALSE(later.answer_of(build, 2));
  CHECK_FALSE(later.answer_of({8}, 1));
}

TEST_CASE_METHOD(workspace_fixture, "workspaces: one that was left bare is the next build's") {
  struct stat before {
  }, after{};
  REQUIRE(stat(work.c_str(), &before) == 0);
  REQUIRE_FALSE(spaces.remove(build, 1));
  CHECK_FALSE(fs::exists(work));
  CHECK(spaces.held().empty());
  auto next = spaces.make({8}, 1);
  REQUIRE(next);
  REQUIRE(stat((*next).workspace.c_str(), &after) == 0);
  CHECK(after.st_ino == before.st_ino);
  CHECK(fs::is_empty((*next).workspace));
  // What a step changed stays with its build.
  REQUIRE(chmod((*next).workspace.c_str(), 0700) == 0);
  REQUIRE_FALSE(spaces.remove({8}, 1));
  REQUIRE(stat((*spaces.make({9}, 1)).workspace.c_str(), &after) == 0);
  CHECK((after.st_mode & 07777) == (before.st_mode & 07777));
}

TEST_CASE_METHOD(workspace_fixture, "workspaces: a new build in a place forgets the old answer") {
  REQUIRE_FALSE(spaces.remember_answer({build, 1, {}, ""}));
  REQUIRE(spaces.make(build, 1));
  CHECK_FALSE(spaces.answer_of(build, 1));
}

TEST_CASE_METHOD(workspace_fixture, "workspaces: a damaged answer is no answer") {
  REQUIRE_FALSE(spaces.remember_answer({build, 1, {}, "text"}));
  auto path = folder.path + "/ws/closed/7-1";
  auto bytes = slurp(path);
  bytes[bytes.find("text")] = 'n';
  REQUIRE_FALSE(replace_file(folder.path + "/ws/closed", "7-1", bytes, durability::unsynced));
  CHECK_FALSE(spaces.answer_of(build, 1));
}

TEST_CASE("workspaces: only the newest answers are kept") {
  temp_folder folder;
  closed_answers answers{folder.path + "/closed", 3};
  auto long_ago = fs::file_time_type::clock::now() - std::chrono::hours{1};
  for (uint64_t i = 1; i <= 5; ++i) {
    REQUIRE_FALSE(answers.remember({{i}, 1, {}, ""}));
    fs::last_write_time(folder.path + "/closed/" + std::to_string(i) + "-1",
                        long_ago + std::chrono::seconds{i});
  }
  CHECK_FALSE(answers.find({2}, 1));
  CHECK(answers.find({3}, 1));
  CHECK(answers.find({5}, 1));
}

TEST_CASE_METHOD(workspace_fixture, "workspaces: that of a failed build is kept where it was",
                 "[workspaces]") {
  spill(work + "/core.dump", std::string(100'000, 'x'));
  REQUIRE(spaces.make({9}, 2));
  CHECK(spaces.held() == std::vector<workspace_id>{{{7}, 1}, {{9}, 2}});
  REQUIRE_FALSE(spaces.keep(build, 1, "check", "step test"));
  CHECK(spaces.held() == std::vector<workspace_id>{{{9}, 2}});
  auto kept = disk_workspaces{folder.path + "/ws"}.spares(); // durable
  REQUIRE(kept.size() == 1);
  CHECK(kept[0].builder == "check");
  CHECK(kept[0].why == "step test");
  CHECK(kept[0].bytes >= 100'000);
  CHECK(slurp(std::filesystem::path{kept[0].path} / "work" / "core.dump").size() == 100'000);
  SECTION("a late release leaves it") {
    REQUIRE_FALSE(spaces.remove(build, 1));
    CHECK(fs::exists(work));
  }
  SECTION("it goes when it is dropped") {
    REQUIRE_FALSE(spaces.drop(kept[0]));
    CHECK_FALSE(fs::exists(kept[0].path));
    CHECK(spaces.spares().empty());
  }
  SECTION("another build in its place begins with nothing of it") {
    REQUIRE(spaces.make(build, 1));
    CHECK_FALSE(fs::exists(work + "/core.dump"));
    CHECK(spaces.held().size() == 2);
  }
}

TEST_CASE_METHOD(workspace_fixture, "workspaces: downloads may go, and the disk is measured",
                 "[workspaces]") {
  auto source = fetch_archive();
  REQUIRE_FALSE(spaces.install_source(build, 1, source));
  auto spares = spaces.spares();
  REQUIRE(spares.size() == 1);
  CHECK(spares[0].name == source.sha256);
  CHECK(spares[0].bytes == source.size);
  CHECK(spares[0].used_ms > 0);
  auto room = spaces.room();
  CHECK(room.free > 0);
  CHECK(room.total >= room.free);
  REQUIRE_FALSE(spaces.drop(spares[0]));
  CHECK(spaces.source_bytes(source) == 0);
}
