// Who steps are, and that workspaces are theirs alone.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/disk_workspaces.hpp"
#include "nodes/step_users.hpp"
#include "schema/limits.hpp"
#include "tests/catch.hpp"
#include "tests/keeper/temp_folder.hpp"

#include <sys/stat.h>
#include <unistd.h>

using namespace drover;

namespace {

struct stat look(const std::string& path) {
  struct stat info {};
  REQUIRE(lstat(path.c_str(), &info) == 0);
  return info;
}

/// False, with a word, where these tests can't be made.
bool is_root() {
  if (geteuid() != 0)
    WARN("not tested: only root can run steps as another user");
  return geteuid() == 0;
}

} // namespace

TEST_CASE("step users: none is the agent's own", "[users]") {
  auto users = step_users::open("none", "/nowhere");
  REQUIRE(users);
  CHECK(users->what() == step_users::kind::of_agent);
  CHECK(users->text() == "the agent's user");
  CHECK(*users->user_of("/nowhere/7-1") == step_user{});
}

TEST_CASE("step users: a folder that is closed is said, and refused where a user is named",
          "[users]") {
  if (!is_root())
    return;
  temp_folder folder;
  chmod(folder.path.c_str(), 0700);
  CHECK(closed_folder(folder.path + "/w") == folder.path);
  auto users = step_users::open("auto", folder.path + "/w");
  REQUIRE(users);
  CHECK(users->what() == step_users::kind::of_agent);
  CHECK(users->text().find("others may not pass " + folder.path) != std::string::npos);
  auto named = step_users::open("nobody", folder.path + "/w");
  REQUIRE_FALSE(named);
  CHECK(named.error().text.find("--step-user nobody: others may not pass") == 0);
}

TEST_CASE("step users: root and nobody known are refused", "[users]") {
  if (!is_root())
    return;
  temp_folder folder;
  chmod(folder.path.c_str(), 0711);
  CHECK(step_users::open("root", folder.path).error().text == "--step-user root: root is root");
  CHECK(step_users::open("no-such-user", folder.path).error().text
        == "--step-user no-such-user: there is no such user");
}

TEST_CASE("workspaces: each has a user of its own, who keeps it", "[users]") {
  if (!is_root())
    return;
  temp_folder folder;
  chmod(folder.path.c_str(), 0711);
  auto users = step_users::open("auto", folder.path + "/w");
  REQUIRE(users);
  if (users->what() != step_users::kind::one_a_workspace)
    return; // this machine has a user drover-step
  disk_workspaces workspaces{folder.path + "/w", {}, *users};
  auto first = *workspaces.make({7}, 1);
  auto second = *workspaces.make({8}, 1);
  CHECK(first.user >= limits::step_user_first);
  CHECK(second.user >= limits::step_user_first);
  CHECK(first.user != second.user);
  CHECK((*workspaces.make({7}, 1)).user == first.user);
  for (const auto& part : {first.workspace, first.outputs, first.temporary, first.home}) {
    CHECK(look(part).st_uid == first.user);
    CHECK((look(part).st_mode & 0777) == 0700);
  }
  // What surrounds it is the agent's: passed through, not looked into, not renamed.
  CHECK(look(folder.path + "/w/7-1").st_uid == 0);
  CHECK((look(folder.path + "/w/7-1").st_mode & 0777) == 0711);
  CHECK((look(folder.path + "/w").st_mode & 0777) == 0711);
  CHECK((look(folder.path + "/w/sources").st_mode & 0777) == 0700);
}

TEST_CASE("workspaces: a tree changes hands, the targets of its links do not", "[users]") {
  if (!is_root())
    return;
  temp_folder folder;
  std::filesystem::create_directories(folder.path + "/tree/a/b");
  spill(folder.path + "/tree/a/b/file", "x");
  spill(folder.path + "/outside", "x");
  std::filesystem::create_symlink(folder.path + "/outside", folder.path + "/tree/link");
  step_user mine{limits::step_user_first, limits::step_user_first};
  REQUIRE_FALSE(give_tree(folder.path + "/tree", mine));
  for (auto path : {"/tree", "/tree/a", "/tree/a/b", "/tree/a/b/file", "/tree/link"})
    CHECK(look(folder.path + path).st_uid == mine.user);
  CHECK(look(folder.path + "/outside").st_uid == 0);
}
