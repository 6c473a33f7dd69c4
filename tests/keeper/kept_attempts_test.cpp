// Attempts that are confirmed: kept in a file with others, their folders used again.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/disk_spool.hpp"
#include "nodes/spool_folder.hpp"
#include "tests/catch.hpp"
#include "tests/keeper/temp_folder.hpp"

#include <sys/stat.h>

#include <filesystem>

using namespace drover;

namespace {

assignment work_of(uint32_t attempt) {
  assignment work;
  work.token = {{1, 0xfeed}, {{4}, {2}, {attempt}}};
  work.builder = "check";
  return work;
}

/// As the keeper leaves an attempt that ran for `took`.
void end_after(const disk_spool& spool, const assignment& work, milliseconds took) {
  auto folder = spool.folder_of(work.token);
  keeper_exit account;
  account.started_at = {1000};
  account.finished_at = {1000 + took.count()};
  spill(folder + "/keeper", encode(account));
  spill(folder + "/log", "what it printed");
  REQUIRE(spool.exit_of(work.token));
}

/// And told and confirmed.
void run_short(disk_spool& spool, const assignment& work, milliseconds took) {
  REQUIRE_FALSE(spool.enter(work));
  end_after(spool, work, took);
  spool.confirm(work.token, {1});
}

void run_and_forget(disk_spool& spool, const assignment& work, milliseconds took) {
  run_short(spool, work, took);
  spool.forget(work.token);
  REQUIRE_FALSE(spool.find(work.token));
}

ino_t inode_of(const std::string& path) {
  struct stat info {};
  REQUIRE(stat(path.c_str(), &info) == 0);
  return info.st_ino;
}

} // namespace

TEST_CASE("spool: the folder of a short attempt is used again, with nothing in it", "[spool]") {
  temp_folder folder;
  disk_spool spool{folder.path, "/nowhere/drover-keeper"};
  run_and_forget(spool, work_of(1), milliseconds{5});
  auto next = work_of(2);
  auto files = std::distance(std::filesystem::directory_iterator{folder.path}, {});
  REQUIRE_FALSE(spool.enter(next));
  CHECK(std::distance(std::filesystem::directory_iterator{folder.path}, {}) == files);
  auto found = spool.find(next.token);
  REQUIRE(found);
  CHECK(found->work == next);
  CHECK_FALSE(found->keeper_started);
  CHECK_FALSE(found->confirmed);
  CHECK_FALSE(spool.exit_of(next.token));
  CHECK(spool.log_size(next.token) == 0);
  CHECK((*spool.read_log(next.token, 0, 10)).empty());
  // Once more, and it is the same folder.
  auto inode = inode_of(spool.folder_of(next.token));
  spill(spool.folder_of(next.token) + "/keeper", encode(keeper_exit{}));
  spool.confirm(next.token, {1});
  spool.forget(next.token);
  REQUIRE_FALSE(spool.enter(work_of(3)));
  CHECK(inode_of(spool.folder_of(work_of(3).token)) == inode);
}

TEST_CASE("spool: what an exit that was synced lies in is not used again", "[spool]") {
  temp_folder folder;
  disk_spool spool{folder.path, "/nowhere/drover-keeper"};
  run_and_forget(spool, work_of(1), limits::exit_synced_from);
  CHECK(std::filesystem::is_empty(folder.path));
}

namespace {

void check_kept(const disk_spool& spool, const assignment& work) {
  auto found = spool.find(work.token);
  REQUIRE(found);
  CHECK(found->work == work);
  CHECK(found->confirmed);
  CHECK(found->confirmed_at == wall_time{1});
  CHECK(found->keeper_started);
  REQUIRE(spool.exit_of(work.token));
  CHECK(spool.exit_of(work.token)->finished_at == wall_time{1005});
  CHECK(spool.log_size(work.token) == 15);
  CHECK(*spool.read_log(work.token, 5, 2) == "it");
  CHECK((*spool.read_log(work.token, 99, 2)).empty());
}

} // namespace

TEST_CASE("spool: a short attempt that is confirmed can be told again without its folder",
          "[spool]") {
  temp_folder folder;
  {
    disk_spool spool{folder.path, "/nowhere/drover-keeper"};
    run_short(spool, work_of(1), milliseconds{5});
    CHECK_FALSE(std::filesystem::exists(spool.folder_of(work_of(1).token)));
    check_kept(spool, work_of(1));
    REQUIRE_FALSE(spool.enter(work_of(1))); // known already
    keeper_order order;
    order.token = work_of(1).token;
    CHECK(spool.start(order)->code == ec::conflict);
    CHECK_FALSE(spool.close(order.token, {}));
    spool.confirm(order.token, {2});
    check_kept(spool, work_of(1));
    REQUIRE_FALSE(spool.enter(work_of(2)));
  }
  disk_spool spool{folder.path, "/nowhere/drover-keeper"};
  check_kept(spool, work_of(1));
  REQUIRE(spool.list().size() == 2);
  CHECK(spool.list()[0].work == work_of(1));
  spool.forget(work_of(1).token);
  CHECK_FALSE(spool.find(work_of(1).token));
  CHECK(std::filesystem::is_empty(folder.path + "/.kept"));
}

TEST_CASE("spool: an agent that ends between keeping an attempt and emptying its folder",
          "[spool]") {
  temp_folder folder;
  auto work = work_of(1);
  auto aside = folder.path + "/aside";
  {
    disk_spool spool{folder.path + "/spool", "/nowhere/drover-keeper"};
    REQUIRE_FALSE(spool.enter(work));
    end_after(spool, work, milliseconds{5});
    std::filesystem::copy(spool.folder_of(work.token), aside);
    spool.confirm(work.token, {1});
    std::filesystem::rename(aside, spool.folder_of(work.token));
  }
  disk_spool spool{folder.path + "/spool", "/nowhere/drover-keeper"};
  CHECK(spool.list().size() == 1);
  check_kept(spool, work);
  CHECK_FALSE(std::filesystem::exists(spool.folder_of(work.token)));
}

TEST_CASE("spool: a record of a kept attempt that was cut short leaves the others", "[spool]") {
  temp_folder folder;
  {
    disk_spool spool{folder.path, "/nowhere/drover-keeper"};
    for (uint32_t attempt : {1u, 2u})
      run_short(spool, work_of(attempt), milliseconds{5});
  }
  auto file = folder.path + "/.kept/1";
  auto bytes = slurp(file);
  spill(file, bytes.substr(0, bytes.size() - 9));
  disk_spool spool{folder.path, "/nowhere/drover-keeper"};
  check_kept(spool, work_of(1));
  CHECK_FALSE(spool.find(work_of(2).token));
}

TEST_CASE("kept attempts: those of another boot go at the start", "[spool]") {
  temp_folder folder;
  auto path = folder.path + "/kept";
  kept_attempt one{"its records", "its keeper's", std::string("a \0 log", 7)};
  {
    kept_attempts kept{path, "this boot"};
    REQUIRE_FALSE(kept.add("1-a-1-0-1", one));
    CHECK(*kept.read("1-a-1-0-1") == one);
  }
  {
    kept_attempts kept{path, "this boot"};
    CHECK(*kept.read("1-a-1-0-1") == one);
    REQUIRE_FALSE(kept.add("1-a-1-0-2", one)); // in a file of its own: the other may end anyhow
    CHECK(kept.names().size() == 2);
  }
  kept_attempts kept{path, "another boot"};
  CHECK(kept.names().empty());
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("kept attempts: what is too large for a file of many is refused", "[spool]") {
  temp_folder folder;
  kept_attempts kept{folder.path, "boot"};
  kept_attempt large{"", "", std::string(limits::kept_attempt_bytes_max + 1, 'x')};
  CHECK(kept.add("1-a-1-0-1", large)->code == ec::unavailable);
  CHECK(kept.names().empty());
}

TEST_CASE("kept attempts: a file that is full is followed by another", "[spool]") {
  temp_folder folder;
  kept_attempts kept{folder.path, "boot"};
  kept_attempt one{"", "", std::string(limits::kept_attempt_bytes_max, 'x')};
  auto count = limits::kept_file_bytes / limits::kept_attempt_bytes_max + 1;
  for (size_t i = 0; i < count; ++i)
    REQUIRE_FALSE(kept.add(std::to_string(i), one));
  CHECK(std::filesystem::exists(folder.path + "/2"));
  CHECK(*kept.read(std::to_string(count - 1)) == one);
  for (size_t i = 0; i + 1 < count; ++i)
    kept.forget(std::to_string(i));
  CHECK_FALSE(std::filesystem::exists(folder.path + "/1"));
  CHECK(*kept.read(std::to_string(count - 1)) == one);
}

TEST_CASE("spool: a folder that holds another one's assignment goes at the start", "[spool]") {
  temp_folder folder;
  {
    disk_spool spool{folder.path, "/nowhere/drover-keeper"};
    run_and_forget(spool, work_of(1), milliseconds{5});
    REQUIRE_FALSE(spool.enter(work_of(2)));
    // As a loss of power leaves it: the name is new, what is in it is not.
    std::filesystem::rename(spool.folder_of(work_of(2).token), spool.folder_of(work_of(3).token));
  }
  disk_spool spool{folder.path, "/nowhere/drover-keeper"};
  CHECK(spool.list().empty());
  CHECK(std::filesystem::is_empty(folder.path));
}
