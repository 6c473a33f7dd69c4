// SPDX-License-Identifier: Apache-2.0
#include "nodes/process.hpp"
#include "schema/limits.hpp"
#include "tests/catch.hpp"
#include "tools/drover/up_folder.hpp"
#include "tools/drover/up_programs.hpp"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>

using namespace drover;
using namespace drover::cli;

namespace {

/// A folder that goes with the test.
struct scratch {
  scratch() {
    std::string name = (std::filesystem::temp_directory_path() / "drover-up-XXXXXX").string();
    path = mkdtemp(name.data());
  }
  ~scratch() {
    std::error_code ignored; // what is left in a temporary folder harms no test
    std::filesystem::remove_all(path, ignored);
  }
  scratch(const scratch&) = delete;
  scratch& operator=(const scratch&) = delete;
  std::string path;
};

std::string text_of(const std::string& path) {
  std::ifstream file{path};
  return {std::istreambuf_iterator<char>{file}, {}};
}

/// Runs it to its end.
child_end finish(const program& what) {
  auto pid = spawn(what);
  REQUIRE(pid);
  auto ended = watch_process(*pid);
  REQUIRE(ended.valid());
  pollfd waiting{ended.get(), POLLIN, 0};
  REQUIRE(poll(&waiting, 1, 30'000) == 1);
  auto all = reap();
  REQUIRE(all.size() == 1);
  REQUIRE(all[0].pid == *pid);
  return all[0];
}

} // namespace

TEST_CASE("up: hosts are those of the config and h1 to hN, each once") {
  farm_config config;
  config.hosts = {{"big", 8, {{"class", "fast"}}}, {"h2", 4, {}}};
  auto hosts = plan_hosts(config, 3, std::nullopt);
  REQUIRE(hosts.size() == 4);
  CHECK(hosts[0] == host_spec{"big", 8, {{"class", "fast"}}});
  CHECK(hosts[1] == host_spec{"h2", 4, {}});
  CHECK(hosts[2] == host_spec{"h1", 1, {}});
  CHECK(hosts[3] == host_spec{"h3", 1, {}});
}

TEST_CASE("up: --slots counts for h1 to hN and no other host") {
  farm_config config;
  config.hosts = {{"big", 8, {}}, {"h1", 4, {}}};
  auto hosts = plan_hosts(config, 2, 3);
  REQUIRE(hosts.size() == 3);
  CHECK(hosts[0].slots == 8);
  CHECK(hosts[1].slots == 3);
  CHECK(hosts[2].slots == 3);
}

TEST_CASE("up: a config without hosts gets one, one with hosts no more") {
  farm_config config;
  CHECK(plan_hosts(config, std::nullopt, std::nullopt).size() == 1);
  CHECK(plan_hosts(config, 0, std::nullopt).empty());
  config.hosts = {{"big", 8, {}}};
  CHECK(plan_hosts(config, std::nullopt, std::nullopt) == config.hosts);
}

TEST_CASE("up: a farm that is started again has the hosts that it had") {
  scratch folder;
  auto farm = make_farm_folder(folder.path + "/farm");
  REQUIRE(farm.ok());
  REQUIRE(settle_choice(*farm, {3, 2, "auto"}).ok());
  auto again = settle_choice(*farm, {});
  REQUIRE(again.ok());
  CHECK(*again == host_choice{3, 2, "auto"});
  auto fewer = settle_choice(*farm, {1, {}, {}});
  REQUIRE(fewer.ok());
  CHECK(*fewer == host_choice{1, 2, "auto"});
  CHECK(settle_choice(*farm, {})->hosts == 1u);
}

TEST_CASE("up: restarts come soon at first, then later, and never oftener than the limit") {
  core::restart_history history;
  CHECK(restart_delay(history, 0, 0.0) == limits::program_backoff_first / 2);
  CHECK(restart_delay(history, 1, 0.999) > limits::program_backoff_first * 19 / 10);
  for (uint32_t death = 2; death < limits::program_restarts_max; ++death)
    CHECK(restart_delay(history, death, 0.5) <= limits::program_backoff_max);
  CHECK(restart_delay(history, 1000, 0.5) == limits::program_restart_period);
  auto later = 1000 + 2 * limits::program_restart_period.count();
  CHECK(restart_delay(history, later, 0.0) == limits::program_backoff_first / 2);
}

TEST_CASE("up: a folder is held by one at a time, and the refusal names the holder") {
  scratch place;
  auto farm = make_farm_folder(place.path + "/farm/");
  REQUIRE(farm);
  CHECK(farm->top == place.path + "/farm");
  {
    auto first = lock_farm_folder(*farm);
    REQUIRE(first);
    auto second = lock_farm_folder(*farm);
    REQUIRE(!second);
    CHECK(second.error().code == ec::conflict);
    CHECK(second.error().text.find(std::to_string(getpid())) != std::string::npos);
  }
  CHECK(lock_farm_folder(*farm));
}

TEST_CASE("up: the coordinator's address stays the same from one life to the next") {
  scratch place;
  auto farm = make_farm_folder(place.path);
  REQUIRE(farm);
  auto first = choose_listen_address(*farm);
  REQUIRE(first);
  auto second = choose_listen_address(*farm);
  REQUIRE(second);
  CHECK(*first == *second);
  CHECK(first->rfind("127.0.0.1:", 0) == 0);
}

TEST_CASE("up: hosts and browsers never get one address, which nobody listens on yet") {
  scratch place;
  auto farm = make_farm_folder(place.path);
  REQUIRE(farm);
  auto listen = choose_listen_address(*farm);
  REQUIRE(listen);
  CHECK(!write_file(farm->web_file(), *listen + "\n"));
  auto web = choose_web_address(*farm, *listen);
  REQUIRE(web);
  CHECK(*web != *listen);
}

TEST_CASE("up: a farm's own config stays unless another one is given") {
  scratch place;
  auto farm = make_farm_folder(place.path);
  REQUIRE(farm);
  CHECK(!install_default_config(*farm));
  CHECK(text_of(farm->config()).find("builders:") != std::string::npos);
  CHECK(!write_file(farm->config(), "farm: mine\n"));
  CHECK(!install_default_config(*farm));
  CHECK(text_of(farm->config()) == "farm: mine\n");
  CHECK(!install_files(*farm, {{"other.yaml", "farm: other\n"}}, "other.yaml", {}));
  CHECK(text_of(farm->config()) == "farm: other\n");
}

TEST_CASE("folder: a config is put in place with what it includes") {
  scratch place;
  auto farm = make_farm_folder(place.path + "/f");
  REQUIRE(farm);
  string_map first{{"mine.yaml", "include: [\"b/*.yaml\"]\n"}, {"b/old.yaml", "users: {}\n"}};
  CHECK(!install_files(*farm, first, "mine.yaml", {}));
  CHECK(text_of(farm->config()) == first["mine.yaml"]);
  CHECK(text_of(farm->top + "/b/old.yaml") == "users: {}\n");
  string_map until_now{{"farm.yaml", first["mine.yaml"]}, {"b/old.yaml", "users: {}\n"}};
  string_map next{{"mine.yaml", first["mine.yaml"]}, {"b/new.yaml", "hosts: {}\n"}};
  CHECK(!install_files(*farm, next, "mine.yaml", until_now));
  CHECK(text_of(farm->top + "/b/new.yaml") == "hosts: {}\n");
  CHECK(!std::filesystem::exists(farm->top + "/b/old.yaml"));
  auto clash = install_files(*farm, {{"mine.yaml", ""}, {"farm.yaml", ""}}, "mine.yaml", {});
  REQUIRE(clash);
  CHECK(clash->text.find("includes a file called farm.yaml") != std::string::npos);
}

TEST_CASE("process: a child's end and output are told as they were") {
  scratch place;
  auto log = place.path + "/log";
  CHECK(describe(finish({{"/bin/sh", "-c", "echo out; echo err >&2; exit 3"}, log}))
        == "exit code 3");
  CHECK(describe(finish({{"/bin/sh", "-c", "kill -9 $$"}, log})) == "signal 9 (Killed)");
  CHECK(text_of(log) == "out\nerr\n");
}

TEST_CASE("process: a child has no input and none of our blocked signals") {
  scratch place;
  sigset_t term, before;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  REQUIRE(sigprocmask(SIG_BLOCK, &term, &before) == 0);
  auto log = place.path + "/log";
  auto end = finish({{"/bin/sh", "-c", "cat; kill $$; echo still here"}, log});
  REQUIRE(sigprocmask(SIG_SETMASK, &before, nullptr) == 0);
  CHECK(describe(end) == "signal 15 (Terminated)");
  CHECK(text_of(log).empty());
}

TEST_CASE("process: a program that is not there is an error, not a child") {
  auto pid = spawn({{"/no/such/program"}, ""});
  REQUIRE(!pid);
  CHECK(pid.error().text.find("/no/such/program") != std::string::npos);
  CHECK(reap().empty());
}
