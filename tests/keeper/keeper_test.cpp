// Keepers as real processes: how commands end, what is recorded, what the log holds.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/sha256.hpp"
#include "tests/keeper/keeper_fixture.hpp"

#include <sys/wait.h>

using namespace drover;

TEST_CASE_METHOD(keeper_fixture, "keeper: a command that succeeds is a success", "[keeper]") {
  auto account = run(order("echo out; echo err >&2"));
  CHECK(account.outcome == result::success);
  CHECK(account.exit_code == 0);
  CHECK(account.reason.empty());
  CHECK(account.leftovers.empty());
  CHECK(account.started_at.ms > 0);
  CHECK(account.finished_at >= account.started_at);
  CHECK(log() == "out\nerr\n");
  CHECK(spool->log_size(token()) == 8);
}

TEST_CASE_METHOD(keeper_fixture, "keeper: an exit code is kept and named", "[keeper]") {
  auto account = run(order("exit 2"));
  CHECK(account.outcome == result::failure);
  CHECK(account.exit_code == 2);
  CHECK(account.reason == "exit code 2");
}

TEST_CASE_METHOD(keeper_fixture, "keeper: a signal is kept and named", "[keeper]") {
  auto account = run(order("kill -SEGV $$"));
  CHECK(account.outcome == result::failure);
  CHECK(account.exit_code == 139);
  CHECK(account.reason == "killed by signal 11 (SIGSEGV)");
}

TEST_CASE_METHOD(keeper_fixture, "keeper: a command gets its environment and nothing else",
                 "[keeper]") {
  setenv("LEAKED", "from the agent", 1);
  auto work = order("env | sort; pwd; test -t 0 || wc -c");
  work.env["MULTI"] = "two\nlines";
  run(work);
  auto text = log();
  CHECK(text.find("LEAKED") == std::string::npos);
  CHECK(text.find("MULTI=two\n") != std::string::npos);
  CHECK(text.find("DROVER_ATTEMPT_TOKEN=" + folder_name(token()) + "\n") != std::string::npos);
  CHECK(text.find(folder.path + "\n0\n") != std::string::npos); // its folder, nothing on stdin
}

TEST_CASE_METHOD(keeper_fixture, "keeper: a command inherits no descriptor and no ignored signal",
                 "[keeper]") {
  auto old = signal(SIGPIPE, SIG_IGN);
  run(order("ls /proc/self/fd | wc -l; grep -E 'Sig(Ign|Blk)' /proc/self/status"));
  signal(SIGPIPE, old);
  CHECK(log() == "4\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

TEST_CASE_METHOD(keeper_fixture, "keeper: a workspace that is not there is an exception",
                 "[keeper]") {
  auto work = order("echo never");
  work.workspace = folder.path + "/nowhere";
  auto account = run(work);
  CHECK(account.outcome == result::exception);
  CHECK(account.reason
        == "can't start the command: can't enter the workspace: No such file or directory");
}

TEST_CASE_METHOD(keeper_fixture, "keeper: a script with a NUL byte is an exception", "[keeper]") {
  auto account = run(order(std::string{"echo a\0b", 8}));
  CHECK(account.outcome == result::exception);
  CHECK(account.reason.find("NUL byte") != std::string::npos);
}

TEST_CASE_METHOD(keeper_fixture, "keeper: a damaged order is an exception, not silence",
                 "[keeper]") {
  auto work = order("echo never");
  enter(work);
  auto path = spool->folder_of(token());
  auto bytes = encode(work);
  bytes[bytes.size() / 2] ^= 1;
  spill(path + "/attempt", slurp(path + "/attempt") + "\n" + bytes);
  REQUIRE(std::system((std::string{DROVER_KEEPER} + " " + path).c_str()) == 0);
  auto account = spool->exit_of(token());
  REQUIRE(account);
  CHECK(account->outcome == result::exception);
  CHECK(account->reason.find("checksum") != std::string::npos);
}

TEST_CASE_METHOD(keeper_fixture, "keeper: a command over its time is ended and says so",
                 "[keeper]") {
  auto work = order("while :; do echo tick; sleep 0.02; done");
  work.timeout = 300ms;
  auto account = run(work);
  CHECK(account.outcome == result::timeout);
  CHECK(account.reason == "ran longer than 300ms");
  CHECK(account.exit_code == 128 + SIGTERM);
}

TEST_CASE_METHOD(keeper_fixture, "keeper: a silent command is ended, one that prints is not",
                 "[keeper]") {
  auto work = order("for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.1; done; exec sleep 60");
  work.silence = 500ms;
  auto account = run(work);
  CHECK(account.outcome == result::timeout);
  CHECK(account.reason == "printed nothing for 500ms");
  CHECK(log() == "1\n2\n3\n4\n5\n6\n7\n8\n");
}

TEST_CASE_METHOD(keeper_fixture, "keeper: a command that ignores TERM is killed after its grace",
                 "[keeper]") {
  auto work = order("trap '' TERM; echo $$ > $D/pid; while :; do sleep 0.05; done");
  work.timeout = 200ms;
  work.grace = 300ms;
  auto begun = clock::now();
  auto account = run(work);
  CHECK(clock::now() - begun >= 500ms);
  CHECK(account.outcome == result::timeout);
  CHECK(account.exit_code == 128 + SIGKILL);
  CHECK(account.leftovers.find("killed after 300ms of grace: sh (pid") == 0);
  CHECK_FALSE(alive(await_pid("pid")));
}

TEST_CASE_METHOD(keeper_fixture, "keeper: what is ended has its grace to tidy up", "[keeper]") {
  auto work =
    order("trap 'sleep 0.3; echo tidy; exit 0' TERM; echo up; while :; do sleep 0.02; done");
  work.timeout = 200ms;
  auto account = run(work);
  CHECK(account.outcome == result::timeout);
  CHECK(log().ends_with("tidy\n"));
  CHECK(account.leftovers.empty());
}

TEST_CASE_METHOD(keeper_fixture, "keeper: a log over its bound ends the command at that byte",
                 "[keeper]") {
  auto work = order("yes");
  work.log_bytes_max = 1'000'001;
  auto account = run(work);
  CHECK(account.outcome == result::failure);
  CHECK(account.reason == "printed more than 976.5KiB, the limit of a step's log");
  auto text = log();
  CHECK(text.substr(0, 1'000'001).find_first_not_of("y\n") == std::string::npos);
  CHECK(
    text.substr(1'000'001).starts_with("\n[drover: here the log passed its limit of 976.5KiB; "));
}

TEST_CASE_METHOD(keeper_fixture, "keeper: a log over its bound is seen after a quick exit too",
                 "[keeper]") {
  auto work = order("printf 12345678901");
  work.log_bytes_max = 10;
  auto account = run(work);
  CHECK(account.outcome == result::failure);
  CHECK(log()
        == "1234567890\n[drover: here the log passed its limit of 10 bytes; nothing is left out, "
           "the last 1 bytes follow]\n1");
  SECTION("and one of just that size is whole") {
    work.token.attempt.attempt.value = 2;
    work.run = "printf 1234567890";
    enter(work);
    REQUIRE_FALSE(spool->start(work));
    await([&] { return spool->exit_of(work.token).has_value(); });
    CHECK(spool->exit_of(work.token)->outcome == result::success);
  }
}

TEST_CASE_METHOD(keeper_fixture, "keeper: binary output of 20 MB is kept byte for byte",
                 "[keeper]") {
  auto account = run(order("head -c 20000000 /dev/urandom | tee $D/witness"));
  REQUIRE(account.outcome == result::success);
  auto witness = slurp(folder.path + "/witness");
  REQUIRE(witness.size() == 20'000'000);
  CHECK(spool->log_size(token()) == witness.size());
  CHECK(log() == witness);
  auto piece = spool->read_log(token(), 12'345'678, 1000);
  REQUIRE(piece);
  CHECK(*piece == witness.substr(12'345'678, 1000));
}

TEST_CASE_METHOD(keeper_fixture, "keeper: cancel before the start runs nothing", "[keeper]") {
  auto work = order("touch $D/ran");
  enter(work);
  spool->cancel(token(), "superseded by build 8");
  REQUIRE_FALSE(spool->start(work));
  auto account = await_exit();
  CHECK(account.outcome == result::cancelled);
  CHECK(account.reason == "superseded by build 8");
  CHECK_FALSE(std::filesystem::exists(folder.path + "/ran"));
}

TEST_CASE_METHOD(keeper_fixture, "keeper: cancel ends a running command", "[keeper]") {
  begin(order("echo $$ > $D/pid; exec sleep 60"));
  auto pid = await_pid("pid");
  spool->cancel(token(), "asked by ann\nand bob");
  auto account = await_exit();
  CHECK(account.outcome == result::cancelled);
  CHECK(account.reason == "asked by ann\nand bob");
  CHECK_FALSE(alive(pid));
}

TEST_CASE_METHOD(keeper_fixture, "keeper: a signal from elsewhere is no cancel but an exception",
                 "[keeper]") {
  begin(order("echo $$ > $D/pid; exec sleep 60"));
  await_pid("pid");
  kill(keeper().pid, SIGTERM);
  auto account = await_exit();
  CHECK(account.outcome == result::exception);
  CHECK(account.reason == "the keeper was told to stop by signal 15");
}

TEST_CASE_METHOD(keeper_fixture, "keeper: an attempt runs once, however often it is started",
                 "[keeper]") {
  auto work = order("echo run >> $D/runs; echo $$ > $D/pid; exec sleep 60");
  begin(work);
  await_pid("pid");
  CHECK(spool->start(work)->code == ec::conflict);
  auto by_hand = std::string{DROVER_KEEPER} + " " + spool->folder_of(token());
  CHECK(WEXITSTATUS(std::system(by_hand.c_str())) == 3);
  spool->cancel(token(), "enough");
  await_exit();
  CHECK(spool->start(work)->code == ec::conflict);
  CHECK(WEXITSTATUS(std::system(by_hand.c_str())) == 3);
  CHECK(slurp(folder.path + "/runs") == "run\n");
}
