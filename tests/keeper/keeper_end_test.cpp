// Nobody left behind, keepers killed, agents replaced.
// SPDX-License-Identifier: Apache-2.0
#include "tests/keeper/keeper_fixture.hpp"

#include <sys/wait.h>

using namespace drover;

TEST_CASE_METHOD(keeper_fixture, "keeper: what passed says whether its $DROVER_OUT is empty",
                 "[keeper]") {
  auto out_empty = [this](const std::string& script, bool asked = true) {
    temp_folder outputs;
    auto work = order(script);
    work.env["OUT"] = outputs.path;
    work.outputs = asked ? outputs.path : "";
    auto account = run(work);
    spool->confirm(token(), {1});
    spool->forget(token());
    return account.out_empty;
  };
  CHECK(out_empty("true"));
  CHECK_FALSE(out_empty("echo x > $OUT/.hidden"));
  CHECK_FALSE(out_empty("mkdir $OUT/folder"));
  CHECK_FALSE(out_empty("exit 1"));
  // Whatever else has come in its place may lead to something.
  CHECK_FALSE(out_empty("rmdir $OUT"));
  CHECK_FALSE(out_empty("mkdir $D/there && rmdir $OUT && ln -s $D/there $OUT"));
  CHECK_FALSE(out_empty("true", false));
}

TEST_CASE_METHOD(keeper_fixture, "keeper: an orphan with its own session and no environment dies",
                 "[keeper]") {
  auto account = run(order("(setsid env -i /bin/sh -c 'echo $$ > '$D'/pid; exec sleep 60' "
                           ">/dev/null 2>&1 &); while ! test -s $D/pid; do sleep 0.01; done"));
  CHECK(account.outcome == result::success);
  CHECK_FALSE(alive(await_pid("pid")));
  CHECK(account.leftovers.find("killed, left running by the step: sleep (pid") == 0);
  CHECK(log().empty());
}

TEST_CASE_METHOD(keeper_fixture, "keeper: output held open by a grandchild ends with the drain",
                 "[keeper]") {
  auto begun = clock::now();
  auto account = run(order("sleep 60 & echo $! > $D/pid; echo done"));
  auto took = clock::now() - begun;
  CHECK(account.outcome == result::success);
  CHECK(took >= 1s);
  CHECK(took < 5s);
  CHECK(log() == "done\n");
  CHECK_FALSE(alive(await_pid("pid")));
}

TEST_CASE_METHOD(keeper_fixture, "keeper: a late line of a grandchild within the drain is kept",
                 "[keeper]") {
  auto account = run(order("(sleep 0.2; echo late) & echo done"));
  CHECK(account.outcome == result::success);
  CHECK(account.leftovers.empty());
  CHECK(log() == "done\nlate\n");
}

TEST_CASE_METHOD(keeper_fixture, "keeper: output closed early does not end the command",
                 "[keeper]") {
  auto account = run(order("exec >/dev/null 2>&1; sleep 0.2; touch $D/end; exit 3"));
  CHECK(account.exit_code == 3);
  CHECK(std::filesystem::exists(folder.path + "/end"));
}

TEST_CASE_METHOD(keeper_fixture, "keeper: its death kills the command and is told", "[keeper]") {
  begin(order("echo $$ > $D/pid; exec sleep 60"));
  auto pid = await_pid("pid");
  kill(keeper().pid, SIGKILL);
  await_gone();
  CHECK_FALSE(spool->exit_of(token()));
  CHECK_FALSE(spool->find(token())->keeper_alive);
  CHECK(spool->find(token())->keeper_started);
  await([&] { return !alive(pid); });
}

TEST_CASE_METHOD(keeper_fixture, "spool: close kills what a dead keeper left and records the end",
                 "[keeper]") {
  begin(order("sleep 61 & echo $! > $D/same; setsid sleep 62 & "
              "(setsid sh -c 'echo $$ > '$D'/away; sleep 63; true' &); echo up; exec sleep 60"));
  std::vector<int32_t> left{await_pid("same"), await_pid("away")};
  auto dead = keeper();
  kill(dead.pid, SIGKILL);
  await_gone();
  CHECK(alive(left[0]));
  CHECK(alive(left[1]));
  keeper_exit account;
  account.outcome = result::exception;
  account.reason = "keeper lost";
  account.finished_at = wall_now();
  REQUIRE_FALSE(spool->close(token(), account));
  CHECK_FALSE(alive(left[0]));
  CHECK_FALSE(alive(left[1]));
  auto recorded = spool->exit_of(token());
  REQUIRE(recorded);
  CHECK(recorded->reason == "keeper lost");
  CHECK(recorded->started_at.ms > 0);
  CHECK(recorded->leftovers.find("sleep (pid") != std::string::npos);
  CHECK(spool->start(order("true"))->code == ec::conflict);
}

TEST_CASE_METHOD(keeper_fixture, "spool: close of an attempt that never started refuses its keeper",
                 "[keeper]") {
  enter(order("touch $D/ran"));
  keeper_exit account;
  account.outcome = result::exception;
  account.reason = "the source could not be unpacked";
  REQUIRE_FALSE(spool->close(token(), account));
  CHECK(*spool->exit_of(token()) == account);
  CHECK(spool->start(order("touch $D/ran"))->code == ec::conflict);
}

TEST_CASE_METHOD(keeper_fixture, "spool: close is refused while the keeper lives", "[keeper]") {
  begin(order("echo $$ > $D/pid; exec sleep 60"));
  auto pid = await_pid("pid");
  CHECK(spool->close(token(), {})->code == ec::conflict);
  CHECK(alive(pid));
  spool->cancel(token(), "enough");
  CHECK(await_exit().outcome == result::cancelled);
}

TEST_CASE_METHOD(keeper_fixture, "spool: pids of an earlier boot are left alone", "[keeper]") {
  begin(order("true"));
  await_exit();
  auto path = spool->folder_of(token());
  // As if the machine had been restarted and these pids were somebody else's: ours.
  auto itself = find_process(getpid());
  command_start start{{itself->session, 1, "another boot"}, {1}};
  REQUIRE_FALSE(replace_file(path, "keeper",
                             encode(process_identity{1, 1, "another boot"}) + encode(start),
                             durability::unsynced));
  REQUIRE_FALSE(spool->close(token(), {result::exception, -1, "rebooted", {}, {}}));
  CHECK(spool->exit_of(token())->leftovers.empty());
}

TEST_CASE_METHOD(keeper_fixture, "spool: a number that is now another's is left alone",
                 "[keeper]") {
  begin(order("true"));
  await_exit();
  auto path = spool->folder_of(token());
  pid_t bystander = fork();
  if (bystander == 0) {
    setsid();
    pause();
    _exit(0);
  }
  await([&] { return find_process(bystander)->session == bystander; });
  auto now = *find_process(bystander);
  // The command had this pid, but started earlier.
  command_start start{{bystander, now.start_ticks - 1, current_boot_id()}, {1}};
  auto keeper = read_record(path, spool_file::keeper, "process", &decode_identity);
  REQUIRE(keeper);
  REQUIRE_FALSE(
    replace_file(path, "keeper", encode(*keeper) + encode(start), durability::unsynced));
  REQUIRE_FALSE(spool->close(token(), {result::exception, -1, "keeper lost", {}, {}}));
  CHECK(alive(bystander));
  kill(bystander, SIGKILL);
  waitpid(bystander, nullptr, 0);
}

TEST_CASE_METHOD(keeper_fixture, "spool: a new agent adopts a keeper, which never noticed",
                 "[keeper]") {
  begin(order("echo $$ > $D/pid; while ! test -e $D/go; do sleep 0.02; done; echo two; exit 4"));
  auto pid = await_pid("pid");
  auto before = keeper();
  restart_agent();
  auto found = spool->list();
  REQUIRE(found.size() == 1);
  CHECK(found[0].work.token == token());
  CHECK(found[0].work.builder == "check");
  CHECK(found[0].keeper_alive);
  CHECK_FALSE(found[0].confirmed);
  CHECK(keeper() == before);
  CHECK(alive(pid));
  spill(folder.path + "/go", "");
  auto account = await_exit();
  CHECK(account.exit_code == 4);
  CHECK(log() == "two\n");
}

TEST_CASE_METHOD(keeper_fixture, "spool: a new agent can cancel an adopted keeper's step",
                 "[keeper]") {
  begin(order("echo $$ > $D/pid; exec sleep 60"));
  await_pid("pid");
  restart_agent();
  spool->cancel(token(), "asked after the restart");
  CHECK(await_exit().reason == "asked after the restart");
}

TEST_CASE_METHOD(keeper_fixture, "spool: an ended keeper leaves no zombie and is told at once",
                 "[keeper]") {
  begin(order("true"));
  auto pid = keeper().pid;
  await_exit();
  await_gone(); // asked again: still told
  await([&] { return !find_process(pid); });
}

TEST_CASE_METHOD(keeper_fixture, "spool: a fork bomb is over when its step is", "[keeper]") {
  auto work =
    order("n=0; while test $n -lt 60; do (while :; do sleep 0.01; done) & n=$((n+1)); done; "
          "echo up; wait");
  work.timeout = 400ms;
  work.grace = 200ms;
  auto account = run(work);
  CHECK(account.outcome == result::timeout);
  auto mark = std::string{attempt_token_variable} + "=" + folder_name(token());
  for (const auto& entry : all_processes()) {
    auto environment = slurp("/proc/" + std::to_string(entry.pid) + "/environ");
    CHECK(environment.find(mark) == std::string::npos);
  }
}
