// Records that stand one after the other in the two files of an attempt: what a crash leaves of
// them, and what the next agent makes of it.
// SPDX-License-Identifier: Apache-2.0
#include "tests/keeper/keeper_fixture.hpp"

#include <filesystem>
#include <set>

using namespace drover;

namespace {

std::string told(const std::string& reason) {
  return encode_cancel(reason);
}

std::string last_told(const std::string& file) {
  auto record = last_of("cancel", file, &decode_cancel);
  return record ? *record : record.error().text;
}

/// The names in the attempt's folder.
std::set<std::string> names_in(const std::string& folder) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator{folder})
    names.insert(entry.path().filename().string());
  return names;
}

/// As if the machine had lost its power since: all of its records are of another boot.
void move_to_another_boot(const std::string& folder) {
  for (const auto* name : {spool_file::attempt, spool_file::keeper}) {
    auto path = folder + "/" + name;
    if (!std::filesystem::exists(path))
      continue;
    auto records = slurp(path);
    auto bytes = std::string{};
    if (auto came = last_of("entered", records, &decode_entry))
      bytes += encode(attempt_entry{(*came).at_ns, "another boot"});
    if (auto keeper = last_of("process", records, &decode_identity))
      bytes += encode(process_identity{(*keeper).pid, (*keeper).start_ticks, "another boot"});
    for (const auto* kind : {"assignment", "order", "start", "exit", "confirmed"})
      if (auto record = last_record(kind, records))
        bytes += *record;
    spill(path, bytes);
  }
}

} // namespace

TEST_CASE("records: the last whole one of a kind counts", "[spool]") {
  auto file = told("one") + "\n" + encode_confirmed({7}) + told("two");
  CHECK(last_told(file) == "two");
  CHECK(*last_of("confirmed", file, &decode_confirmed) == wall_time{7});
  CHECK(last_record("exit", file).error().code == ec::not_found);
  CHECK(last_record("exit", "").error().code == ec::not_found);
}

TEST_CASE("records: one that was cut short spoils none behind it", "[spool]") {
  auto whole = told("a reason with\ndrover lines in it\nsum of all\n");
  for (size_t size = 0; size < whole.size(); ++size) {
    INFO(size);
    CHECK(last_told(whole.substr(0, size) + "\n" + told("after")) == "after");
    CHECK(last_told(told("before") + "\n" + whole.substr(0, size)) == "before");
  }
  CHECK(last_told(whole) == "a reason with\ndrover lines in it\nsum of all\n");
  CHECK(last_record("cancel", whole.substr(0, whole.size() - 1)).error().code == ec::damaged);
}

TEST_CASE("records: a damaged byte costs the one that it is in", "[spool]") {
  auto first = encode_confirmed({7}), second = told("why");
  for (size_t at = 0; at < first.size(); ++at) {
    INFO(at);
    auto file = first + "\n" + second;
    file[at] = static_cast<char>(file[at] ^ 4);
    CHECK_FALSE(last_record("confirmed", file));
    CHECK(last_told(file) == "why");
  }
}

TEST_CASE("records: what a keeper prints beside them is passed over", "[spool]") {
  CHECK(last_told("drover-keeper: oops\n" + told("why") + "terminate called\n") == "why");
}

TEST_CASE_METHOD(keeper_fixture, "spool: a silent step makes two files", "[keeper]") {
  run(order("true"));
  CHECK(names_in(spool->folder_of(token())) == std::set<std::string>{"attempt", "keeper"});
  CHECK(log().empty());
}

TEST_CASE_METHOD(keeper_fixture, "spool: what came in another boot is never started", "[keeper]") {
  enter(order("touch $D/ran"));
  auto found = spool->find(token());
  REQUIRE(found);
  CHECK_FALSE(found->keeper_started);
  spool.reset();
  move_to_another_boot(folder.path + "/spool/" + folder_name(token()));
  restart_agent();
  REQUIRE(spool->list().size() == 1);
  CHECK(spool->list()[0].keeper_started); // perhaps: nobody knows, so it counts as lost
  CHECK_FALSE(spool->list()[0].keeper_alive);
}

TEST_CASE_METHOD(keeper_fixture, "spool: an exit of another boot counts only if it was synced",
                 "[keeper]") {
  SECTION("that of a short step was not") {
    run(order("true"));
    move_to_another_boot(spool->folder_of(token()));
    restart_agent();
    CHECK_FALSE(spool->exit_of(token()));
    keeper_exit lost{result::exception, -1, "keeper lost", {}, wall_now(), {}};
    REQUIRE_FALSE(spool->close(token(), lost));
    CHECK(spool->exit_of(token())->reason == "keeper lost");
  }
  SECTION("that of a longer one was") {
    run(order("sleep 1.02"));
    move_to_another_boot(spool->folder_of(token()));
    restart_agent();
    REQUIRE(spool->exit_of(token()));
    CHECK(spool->exit_of(token())->outcome == result::success);
  }
}

TEST_CASE("spool: which exits are synced before anybody hears of them", "[spool]") {
  auto took = [](int64_t from, int64_t to) {
    keeper_exit account;
    account.started_at.ms = from;
    account.finished_at.ms = to;
    return account;
  };
  CHECK_FALSE(outlives_power(took(5000, 5000)));
  CHECK_FALSE(outlives_power(took(5000, 5999)));
  CHECK(outlives_power(took(5000, 6000)));
  CHECK(outlives_power(took(5000, 4999))); // the clock was set
  CHECK(outlives_power(took(0, 5000)));    // it never started
}

TEST_CASE_METHOD(keeper_fixture, "keeper: a plain command runs as a shell would run it",
                 "[keeper]") {
  SECTION("its words") {
    run(order("/bin/echo a=1  -x,y /b@c\n"));
    CHECK(log() == "a=1 -x,y /b@c\n");
  }
  SECTION("its environment says where it is") {
    run(order("/usr/bin/env"));
    CHECK(log().find("PWD=" + folder.path + "\n") != std::string::npos);
  }
  SECTION("one that is not there is told by the shell") {
    auto account = run(order("/nowhere/program --help"));
    CHECK(account.exit_code == 127);
    CHECK(log() == "sh: 1: /nowhere/program: not found\n");
  }
  SECTION("a file that is not to be run, as well") {
    auto account = run(order("/etc/passwd"));
    CHECK(account.exit_code == 126);
  }
  SECTION("a script without an interpreter's name is the shell's") {
    spill(folder.path + "/script", "echo from $0\n");
    std::filesystem::permissions(folder.path + "/script", std::filesystem::perms::owner_all);
    run(order(folder.path + "/script"));
    CHECK(log() == "from " + folder.path + "/script\n");
  }
}
