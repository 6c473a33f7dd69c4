// Limits, control groups, other users and leases, by real keepers. What this machine has no means
// for is left out with a word; degradation is forced.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/keeper/sandbox.hpp"
#include "schema/limits.hpp"
#include "schema/limits_keeper.hpp"
#include "tests/keeper/keeper_fixture.hpp"
#include "tests/keeper/sandbox_probe.hpp"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

using namespace drover;

namespace {

/// A keeper's folder with control groups, which are gone at the end.
struct group_fixture : keeper_fixture {
  cgroup_means means;

  group_fixture()
      : means{open_cgroups("test-" + std::to_string(getpid()) + "-"
                           + std::filesystem::path{folder.path}.filename().string())} {
    restart_with_groups();
  }
  ~group_fixture() { leave_cgroups(means.base); }

  void restart_with_groups() {
    spool.reset();
    spool = std::make_unique<disk_spool>(folder.path + "/spool", DROVER_KEEPER, means.base);
  }
  bool groups_left() const { return !groups_in(means.base).empty(); }
  bool lacks(const std::string& what) const {
    if (!what.empty())
      return false;
    WARN("not tested: no cgroup for this on this machine (" + means.kind + ")");
    return true;
  }
};

int seconds_of(clock::duration span) {
  return static_cast<int>(std::chrono::duration_cast<std::chrono::seconds>(span).count());
}

} // namespace

TEST_CASE_METHOD(group_fixture, "limits: a memory hog is killed and the verdict names the limit",
                 "[limits]") {
  if (lacks(means.base.memory))
    return;
  auto work = order("echo up; head -c 1G /dev/zero | tail -c 900M > /dev/null; echo survived");
  work.limits.memory = 64 * 1024 * 1024;
  auto account = run(work);
  CHECK(account.outcome == result::failure);
  CHECK(account.reason.find("killed at its memory limit of 64MiB (peak 6") == 0);
  CHECK(account.usage.memory_peak > 50 * 1024 * 1024);
  CHECK(account.usage.memory_peak <= 64 * 1024 * 1024);
  CHECK_FALSE(groups_left());
}

TEST_CASE_METHOD(group_fixture, "limits: a fork bomb hits its limit and is gone in a second",
                 "[limits]") {
  if (lacks(means.base.pids))
    return;
  auto work = order("bomb() { bomb | bomb & }; bomb; sleep 60");
  work.limits.pids = 50;
  work.grace = 200ms;
  auto begun = clock::now();
  auto account = run(work);
  CHECK(account.outcome == result::failure);
  CHECK(account.reason == "hit its limit of 50 processes");
  CHECK(account.usage.pids_peak == 50);
  CHECK(seconds_of(clock::now() - begun) < 5);
  CHECK_FALSE(groups_left());
}

TEST_CASE_METHOD(group_fixture, "limits: processor time is what was granted", "[limits]") {
  if (lacks(means.base.cpu))
    return;
  auto work = order("for i in 1 2 3 4; do (while :; do :; done) & done; sleep 1; kill 0");
  work.limits.cpus = 1;
  auto account = run(work);
  auto used = account.usage.user_ms + account.usage.system_ms;
  CHECK(used > 100);
  CHECK(used < 1900); // of some four seconds that four loops would take, if there are the cores
}

TEST_CASE_METHOD(group_fixture, "limits: endless printing ends at the bound of the log",
                 "[limits]") {
  auto work = order("yes");
  work.log_bytes_max = 8 * 1024 * 1024;
  auto account = run(work);
  CHECK(account.outcome == result::failure);
  CHECK(account.reason == "printed more than 8MiB, the limit of a step's log");
  CHECK(spool->log_size(token()) > 8 * 1024 * 1024);
  CHECK(spool->log_size(token())
        <= 8 * 1024 * 1024 + limits::log_note_bytes_max + limits::log_tail_bytes);
}

TEST_CASE_METHOD(group_fixture, "limits: a disk hog is ended while it writes", "[limits]") {
  std::filesystem::create_directories(folder.path + "/w/deep");
  auto work = order("echo up; i=0; while :; do head -c 1M /dev/zero > $D/w/deep/$i; "
                    "i=$((i+1)); sleep 0.02; done");
  work.disk_folders = {folder.path + "/w"};
  work.limits.disk = 10 * 1024 * 1024;
  auto account = run(work);
  CHECK(account.outcome == result::failure);
  CHECK(account.reason.find("used more than 10MiB of the disk, its limit") == 0);
  CHECK(account.usage.disk_peak > 10 * 1024 * 1024);
}

TEST_CASE_METHOD(keeper_fixture, "limits: open files are bounded and there are no core dumps",
                 "[limits]") {
  auto work = order("ulimit -n; ulimit -c");
  work.limits.files = 64;
  CHECK(run(work).outcome == result::success);
  CHECK(log() == "64\n0\n");
}

TEST_CASE_METHOD(keeper_fixture, "limits: without a cgroup the verdict says what is not enforced",
                 "[limits]") {
  auto work = order("exit 3");
  work.limits.memory = 64 * 1024 * 1024;
  work.limits.cpus = 1;
  auto account = run(work);
  CHECK(account.reason == "exit code 3; not enforced on this host: the limit of memory, cpu");
  CHECK(account.usage.memory_peak > 0); // of the largest process: the kernel tells that anyway
}

TEST_CASE("cgroup: none is what one gets where one is asked for none", "[limits]") {
  auto means = open_cgroups("test-none", cgroup_choice::none);
  CHECK(means.kind == "none");
  CHECK(means.base == cgroup_plan{});
  CHECK(groups_in(means.base).empty());
  CHECK(kill_groups(means.base));
}

TEST_CASE_METHOD(group_fixture,
                 "spool: close finds who cleared everything, by the cgroup, within a second",
                 "[limits]") {
  if (lacks(means.base.kill))
    return;
  begin(order("(setsid env -i /bin/sh -c '(setsid env -i /bin/sh -c \"echo \\$\\$ > '$D'/pid; "
              "exec sleep 66\" &) ; exit' >/dev/null 2>&1 &); exec sleep 60"));
  auto pid = await_pid("pid");
  // Its parents are gone and its environment is empty: nothing but the group knows it.
  kill(keeper().pid, SIGKILL);
  await_gone();
  CHECK(alive(pid));
  auto begun = clock::now();
  keeper_exit account;
  account.outcome = result::exception;
  account.reason = "keeper lost";
  REQUIRE_FALSE(spool->close(token(), account));
  CHECK(clock::now() - begun < 1s);
  CHECK_FALSE(alive(pid));
  CHECK(spool->exit_of(token())->leftovers.find("sleep (pid") != std::string::npos);
  CHECK_FALSE(groups_left());
}

TEST_CASE_METHOD(group_fixture, "spool: a new agent ends groups whose attempt it does not know",
                 "[limits]") {
  if (lacks(means.base.kill))
    return;
  begin(order("echo $$ > $D/pid; trap '' TERM; (setsid sleep 60 &); sleep 60"));
  auto pid = await_pid("pid");
  kill(keeper().pid, SIGKILL);
  await_gone();
  std::filesystem::remove_all(spool->folder_of(token()));
  restart_with_groups();
  CHECK_FALSE(groups_left());
  await([&] { return !alive(pid); });
}

TEST_CASE_METHOD(keeper_fixture, "lease: a step ends when nobody renews it", "[limits]") {
  auto work = order("echo up; exec sleep 60");
  work.lease = 300ms;
  auto account = run(work);
  CHECK(account.outcome == result::exception);
  CHECK(account.reason
        == "its lease of 300ms ended: this host has had no word from the coordinator");
}

TEST_CASE_METHOD(keeper_fixture, "lease: a step whose lease is renewed goes on", "[limits]") {
  auto work = order("while ! test -e $D/go; do sleep 0.02; done; exit 4");
  work.lease = 1s;
  begin(work);
  auto begun = clock::now();
  spool->renew_lease(token(), 1h);
  // Well past the first lease; the step itself proves that it lives.
  await([&] { return clock::now() - begun > 1500ms; });
  CHECK(spool->find(token())->keeper_alive);
  spill(folder.path + "/go", "");
  CHECK(await_exit().exit_code == 4);
}

TEST_CASE_METHOD(keeper_fixture, "user: a step can't read keys, end its keeper or write elsewhere",
                 "[limits]") {
  if (geteuid() != 0) {
    WARN("not tested: only root can run steps as another user");
    return;
  }
  constexpr uint32_t mine = limits::step_user_first + 7, other = limits::step_user_first + 8;
  chmod(folder.path.c_str(), 0711);
  for (auto [name, user] : {std::pair{"/w1", mine}, {"/w2", other}}) {
    std::filesystem::create_directory(folder.path + name);
    REQUIRE(chown((folder.path + name).c_str(), user, user) == 0);
    chmod((folder.path + name).c_str(), 0700);
  }
  spill(folder.path + "/host.key", "secret");
  chmod((folder.path + "/host.key").c_str(), 0600);
  auto work = order("id -u; id -G; cat $D/host.key; kill -9 $PPID; echo x > $D/w2/x; ls $D/spool; "
                    "echo x > $D/x; cat /proc/$PPID/environ; echo mine > here; cat here");
  work.workspace = folder.path + "/w1";
  work.user = work.group = mine;
  auto account = run(work);
  INFO(log());
  CHECK(account.outcome == result::success);
  auto said = log();
  CHECK(said.find(std::to_string(mine) + "\n" + std::to_string(mine) + "\n") == 0);
  CHECK(said.find("secret") == std::string::npos);
  CHECK(said.ends_with("mine\n"));
  CHECK_FALSE(std::filesystem::exists(folder.path + "/w2/x"));
  CHECK_FALSE(std::filesystem::exists(folder.path + "/x"));
}

TEST_CASE_METHOD(keeper_fixture, "user: privileges can't be had back", "[limits]") {
  if (geteuid() != 0)
    return;
  auto work = order("grep -E '^(NoNewPrivs|CapEff|Groups)' /proc/self/status");
  work.user = work.group = limits::step_user_first;
  chmod(folder.path.c_str(), 0755);
  run(work);
  auto said = log();
  CHECK(said.find("NoNewPrivs:\t1") != std::string::npos);
  CHECK(said.find("CapEff:\t0000000000000000") != std::string::npos);
  CHECK(said.find("Groups:\t \n") != std::string::npos);
}

TEST_CASE_METHOD(keeper_fixture, "sandbox: no network, nothing but its folders to write to",
                 "[limits]") {
  std::filesystem::create_directory(folder.path + "/w");
  auto work = order("echo mine > here; cat here; echo x > $D/outside; wc -l < /proc/net/dev; "
                    "ls -d /proc/[0-9]* | wc -l");
  work.workspace = folder.path + "/w";
  work.disk_folders = {work.workspace};
  work.sandbox = true;
  auto account = run(work);
  if (find_bubblewrap().empty()) {
    CHECK(account.outcome == result::exception);
    CHECK(account.reason == "this host has no bubblewrap, which the step's sandbox needs");
    return;
  }
  if (!sandbox_works())
    return;
  INFO(log() << account.reason);
  CHECK(account.outcome == result::success);
  CHECK(log().find("mine\n") == 0);
  CHECK_FALSE(std::filesystem::exists(folder.path + "/outside"));
  CHECK(log().find("\n3\n") != std::string::npos); // two lines of heading and the loopback
}

TEST_CASE_METHOD(keeper_fixture, "sandbox: it ends with its keeper", "[limits]") {
  if (find_bubblewrap().empty() || !sandbox_works())
    return;
  std::filesystem::create_directory(folder.path + "/w");
  auto work = order("echo up; (setsid sleep 67 &); exec sleep 68");
  work.workspace = folder.path + "/w";
  work.disk_folders = {work.workspace};
  work.sandbox = true;
  begin(work);
  await([&] { return log() == "up\n"; });
  spool->cancel(token(), "enough");
  auto account = await_exit();
  CHECK(account.outcome == result::cancelled);
  for (const auto& entry : all_processes())
    CHECK(slurp("/proc/" + std::to_string(entry.pid) + "/cmdline")
            .find(std::string("sleep\0"
                              "68",
                              8))
          == std::string::npos);
}

TEST_CASE_METHOD(keeper_fixture, "spool: others may not look into it", "[limits]") {
  struct stat info {};
  REQUIRE(stat((folder.path + "/spool").c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0700);
}

TEST_CASE_METHOD(group_fixture, "cgroup: an agent that stops leaves no group of its own behind",
                 "[limits]") {
  if (means.kind.find("v2") == std::string::npos || lacks(means.base.kill))
    return;
  // As if this were an agent's group under systemd, with the agent out of its way.
  auto own = means.base.kill + "/unit";
  auto before = std::filesystem::path{means.base.kill}.parent_path().string();
  std::filesystem::create_directories(own + "/drover-agent");
  auto enter_and_leave = [&] {
    spill(own + "/drover-agent/cgroup.procs", std::to_string(getpid()));
    come_back(own);
    return slurp("/proc/self/cgroup").find("/unit\n") != std::string::npos;
  };
  SECTION("if nobody else's is there") {
    auto child = fork();
    if (child == 0)
      _exit(enter_and_leave() ? 0 : 1);
    int status = -1;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    CHECK_FALSE(std::filesystem::exists(own + "/drover-agent"));
    // The parent of the same program was taken along: this one.
    CHECK(slurp("/proc/self/cgroup").find("/unit\n") != std::string::npos);
    spill(before + "/cgroup.procs", std::to_string(getpid()));
  }
  SECTION("but stays while steps have theirs") {
    std::filesystem::create_directory(own + "/drover-0123");
    come_back(own);
    CHECK(std::filesystem::exists(own + "/drover-agent"));
    std::filesystem::remove(own + "/drover-0123");
    std::filesystem::remove(own + "/drover-agent");
  }
  // The dead child is out of it a moment later.
  await([&] { return rmdir(own.c_str()) == 0; });
}
