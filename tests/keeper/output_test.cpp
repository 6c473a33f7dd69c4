// What steps print, by real keepers: more than is kept, without end, on full disks, to terminals.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/keeper/sandbox.hpp"
#include "schema/limits_keeper.hpp"
#include "tests/keeper/keeper_fixture.hpp"
#include "tests/keeper/sandbox_probe.hpp"

#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

using namespace drover;

namespace {

constexpr uint64_t mib = 1024 * 1024;
/// What a keeper may take of memory, whatever its step does.
#ifdef __OPTIMIZE__
constexpr uint64_t keeper_bytes_max = 2 * mib;
#else
constexpr uint64_t keeper_bytes_max = 5 * mib / 2; // code that is not optimised is larger
#endif

/// A line of /proc/PID/status in bytes: "VmRSS:     912 kB".
uint64_t status_bytes(int32_t pid, const std::string& key) {
  std::istringstream lines{slurp("/proc/" + std::to_string(pid) + "/status")};
  for (std::string word; lines >> word;)
    if (word == key + ":") {
      uint64_t kib = 0;
      lines >> kib;
      return kib * 1024;
    }
  return 0;
}

struct output_fixture : keeper_fixture {
  /// Runs a command that prints much, looks at its keeper's memory while it still runs, lets it go.
  keeper_exit run_and_weigh(const std::string& script, uint64_t log_bytes_max) {
    auto work = order(script + "; echo > $D/printed; while ! test -e $D/go; do sleep 0.02; done");
    work.log_bytes_max = log_bytes_max;
    work.timeout = 10min;
    work.grace = 10min; // the memory is what is looked at: it may go on printing
    begin(work);
    await([&] { return std::filesystem::exists(folder.path + "/printed"); }, 9min);
    weigh();
    spill(folder.path + "/go", "");
    return await_exit();
  }
  void weigh() {
    auto pid = keeper().pid;
    CHECK(status_bytes(pid, "VmRSS") > 0);
    CHECK(status_bytes(pid, "VmRSS") < keeper_bytes_max);
    CHECK(status_bytes(pid, "VmHWM") < keeper_bytes_max);
  }
  std::string piece_of_log(uint64_t offset, size_t bytes) const {
    auto piece = spool->read_log(token(), offset, bytes);
    REQUIRE(piece);
    return *piece;
  }
};

/// A spool and workspaces on a disk of their own, which is full soon.
struct small_disk_fixture : output_fixture {
  static constexpr auto disk_bytes = 16 * mib;
  bool mounted;

  small_disk_fixture() {
    spool.reset();
    auto size = "size=" + std::to_string(disk_bytes);
    mounted = mount("drover-test", folder.path.c_str(), "tmpfs", 0, size.c_str()) == 0;
    restart_agent();
  }
  ~small_disk_fixture() {
    spool.reset();
    if (mounted)
      umount2(folder.path.c_str(), MNT_DETACH);
  }
  bool lacks_a_disk() const {
    if (!mounted)
      WARN("not tested: only root can mount a small disk");
    return !mounted;
  }
  /// Somebody else takes all that is left.
  void fill() const {
    std::ofstream file{folder.path + "/hog", std::ios::binary};
    std::string piece(4096, 'x');
    while (file.write(piece.data(), 4096).flush())
      continue;
  }
};

/// A keeper whose order wants a terminal.
struct terminal_fixture : keeper_fixture {
  keeper_order terminal_order(const std::string& run) const {
    auto work = order(run);
    work.pty = true;
    return work;
  }
};

} // namespace

TEST_CASE_METHOD(output_fixture, "output: a keeper is small while its step is quiet", "[output]") {
  begin(order("echo up; exec sleep 60"));
  await([&] { return log() == "up\n"; });
  weigh();
  spool->cancel(token(), "seen enough");
  await_exit();
}

TEST_CASE_METHOD(output_fixture, "output: beyond the limit head and tail are kept", "[output]") {
  auto work = order("trap 'echo on my way out; exit 3' TERM; "
                    "i=0; while :; do i=$((i+1)); echo line $i; done");
  work.log_bytes_max = mib;
  auto account = run(work);
  CHECK(account.outcome == result::failure);
  CHECK(account.reason == "printed more than 1MiB, the limit of a step's log");
  CHECK(account.exit_code == 3);
  auto text = log();
  CHECK(text.starts_with("line 1\nline 2\n"));
  auto note = text.find("[drover: here the log passed its limit of 1MiB; ");
  REQUIRE(note != std::string::npos);
  CHECK(note >= mib);
  CHECK(note <= mib + 1);
  CHECK(text.ends_with("on my way out\n"));
}

TEST_CASE_METHOD(output_fixture, "output: how much is left out is told to the byte", "[output]") {
  // It takes its time to end, so that much more comes than a tail holds.
  auto work = order("trap '' TERM; head -c 3000000 /dev/zero | tr '\\0' x; printf %01000d 0; "
                    "touch $D/printed; exit 4");
  work.log_bytes_max = 100'000;
  auto account = run(work);
  CHECK(account.exit_code == 4);
  auto text = log();
  CHECK(text.substr(0, 100'000) == std::string(100'000, 'x'));
  auto left_out = 3'001'000 - 100'000 - limits::log_tail_bytes;
  auto note = "\n[drover: here the log passed its limit of 97.6KiB; " + std::to_string(left_out)
              + " bytes are left out, the last 256KiB follow]\n";
  CHECK(text.substr(100'000, note.size()) == note);
  CHECK(text.substr(100'000 + note.size())
        == std::string(limits::log_tail_bytes - 1000, 'x') + std::string(1000, '0'));
}

TEST_CASE_METHOD(output_fixture, "output: 300 MB are kept whole by a small keeper", "[output]") {
  auto account = run_and_weigh("yes | head -c 300000000", 1024 * mib);
  CHECK(account.outcome == result::success);
  CHECK(spool->log_size(token()) == 300'000'000);
  CHECK(piece_of_log(299'999'996, 4) == "y\ny\n");
  struct stat log {};
  auto path = spool->folder_of(token()) + "/" + spool_file::log;
  REQUIRE(stat(path.c_str(), &log) == 0);
  auto held = static_cast<uint64_t>(log.st_blocks) * 512;
  CHECK(held < 300'000'000 + mib); // what was set aside beyond its end is back
}

TEST_CASE_METHOD(output_fixture, "output: a line of 300 MB costs no memory", "[output]") {
  auto account = run_and_weigh("head -c 300000000 /dev/zero | tr '\\0' x", 1024 * mib);
  CHECK(account.outcome == result::success);
  CHECK(spool->log_size(token()) == 300'000'000);
}

TEST_CASE_METHOD(output_fixture, "output: what comes beyond the limit costs no memory",
                 "[output]") {
  auto account = run_and_weigh("trap '' TERM; yes | head -c 300000000", mib);
  CHECK(account.outcome == result::failure);
  CHECK(spool->log_size(token()) < 2 * mib);
}

TEST_CASE_METHOD(output_fixture, "output: 10 GB end at the limit, with memory flat", "[.][soak]") {
  auto account = run_and_weigh("trap '' TERM; yes | head -c 10000000000", 3000 * mib);
  CHECK(account.outcome == result::failure);
  CHECK(account.reason == "printed more than 2.9GiB, the limit of a step's log");
  CHECK(spool->log_size(token()) < 3001 * mib);
}

TEST_CASE_METHOD(output_fixture, "output: a line of 1 GB is kept, with memory flat", "[.][soak]") {
  auto account = run_and_weigh("head -c 1000000000 /dev/zero | tr '\\0' x", 3000 * mib);
  CHECK(account.outcome == result::success);
  CHECK(spool->log_size(token()) == 1'000'000'000);
}

TEST_CASE_METHOD(output_fixture, "output: a step that crashes leaves no core dump", "[output]") {
  std::filesystem::create_directory(folder.path + "/w");
  auto work = order("ulimit -c unlimited 2>/dev/null; ulimit -H -c; sh -c 'kill -SEGV $$'; ls");
  work.workspace = folder.path + "/w";
  CHECK(run(work).outcome == result::success);
  CHECK(log().starts_with("0\n"));
  CHECK(log().find("core") == std::string::npos);
  CHECK(std::filesystem::is_empty(work.workspace));
}

TEST_CASE_METHOD(small_disk_fixture, "output: a log that fills the disk ends its step",
                 "[output]") {
  if (lacks_a_disk())
    return;
  auto account = run(order("yes"));
  CHECK(account.outcome == result::exception);
  INFO(account.reason);
  CHECK(account.reason.starts_with("the host's disk is full: its spool keeps the first 1"));
  // A sixteenth is left to others, and for the tail.
  auto size = spool->log_size(token());
  CHECK(size > 13 * mib);
  CHECK(size < disk_bytes - mib / 2);
  auto end = piece_of_log(size - limits::log_tail_bytes - limits::log_note_bytes_max,
                          limits::log_tail_bytes + limits::log_note_bytes_max);
  CHECK(end.find("[drover: here the log could not be written on, No space left on device; ")
        != std::string::npos);
}

TEST_CASE_METHOD(small_disk_fixture,
                 "output: a disk that others fill ends a step, with its account", "[output]") {
  if (lacks_a_disk())
    return;
  auto work = order("echo up; while ! test -e $D/go; do sleep 0.02; done; yes | head -c 200000; "
                    "rm -f $D/hog; echo last words");
  spill(folder.path + "/go.later", "");
  begin(work);
  await([&] { return log() == "up\n"; });
  fill();
  std::filesystem::rename(folder.path + "/go.later", folder.path + "/go");
  auto account = await_exit();
  CHECK(account.outcome == result::exception);
  CHECK(account.reason.starts_with("the host's disk is full: its spool keeps the first "));
  CHECK(log().starts_with("up\n"));
}

TEST_CASE_METHOD(small_disk_fixture, "output: on a full disk a step does not start and says why",
                 "[output]") {
  if (lacks_a_disk())
    return;
  auto work = order("echo never");
  enter(work);
  fill();
  auto problem = spool->start(work);
  if (!problem) { // the order still found room; then the keeper finds none
    await_gone();
    CHECK_FALSE(read_record(spool->folder_of(token()), "keeper", "start", &decode_start));
    CHECK(log().empty());
    problem = spool->close(token(), {result::exception, -1, std::string(20'000, 'x'), {}, {}});
  }
  REQUIRE(problem);
  CHECK(problem->code == ec::io);
  CHECK(problem->text.find("No space left on device") != std::string::npos);
  SECTION("and once there is room it goes on") {
    std::filesystem::remove(folder.path + "/hog");
    REQUIRE_FALSE(spool->close(token(), {result::exception, -1, "no room", {}, {}}));
    CHECK(spool->exit_of(token())->reason == "no room");
  }
}

TEST_CASE_METHOD(terminal_fixture, "terminal: a step that asked for one writes to one",
                 "[output]") {
  auto account = run(terminal_order("test -t 1 && test -t 2 && echo both; test -t 0 || wc -c; "
                                    "stty size <&1; echo $TERM; printf 'a\\r\\nb\\n\\033[1mc'"));
  CHECK(account.outcome == result::success);
  CHECK(account.leftovers.empty());
  CHECK(log() == "both\n0\n40 120\nxterm-256color\na\r\nb\n\033[1mc");
}

TEST_CASE_METHOD(terminal_fixture,
                 "terminal: nobody is there to answer, and TERM is the step's own", "[output]") {
  auto work = terminal_order("echo $TERM; (: < /dev/tty) 2>&1 | grep -c 'No such device'");
  work.env["TERM"] = "dumb";
  run(work);
  CHECK(log() == "dumb\n1\n");
}

TEST_CASE_METHOD(terminal_fixture, "terminal: 20 MB come through byte for byte", "[output]") {
  auto account = run(terminal_order("head -c 20000000 /dev/urandom | tee $D/witness"));
  REQUIRE(account.outcome == result::success);
  CHECK(log() == slurp(folder.path + "/witness"));
}

TEST_CASE_METHOD(terminal_fixture, "terminal: held open by a grandchild it ends with the drain",
                 "[output]") {
  auto begun = clock::now();
  auto account = run(terminal_order("sleep 60 & echo $! > $D/pid; echo done"));
  CHECK(account.outcome == result::success);
  CHECK(clock::now() - begun < 5s);
  CHECK(log() == "done\n");
  CHECK(account.leftovers.find("sleep (pid") != std::string::npos);
  CHECK_FALSE(alive(await_pid("pid")));
}

TEST_CASE_METHOD(terminal_fixture,
                 "terminal: a late line of a grandchild is kept, closed early it "
                 "ends nothing",
                 "[output]") {
  CHECK(run(terminal_order("(sleep 0.2; echo late) & echo done")).leftovers.empty());
  CHECK(log() == "done\nlate\n");
  auto work = terminal_order("exec >/dev/null 2>&1; sleep 0.2; exit 3");
  work.token.attempt.attempt.value = 2;
  enter(work);
  REQUIRE_FALSE(spool->start(work));
  await([&] { return spool->exit_of(work.token).has_value(); });
  CHECK(spool->exit_of(work.token)->exit_code == 3);
}

TEST_CASE_METHOD(terminal_fixture, "terminal: it is the step's user who owns it", "[output]") {
  if (geteuid() != 0) {
    WARN("not tested: only root can run steps as another user");
    return;
  }
  chmod(folder.path.c_str(), 0755);
  auto work = terminal_order("stat -L -c %u /proc/self/fd/1; echo by its name > $(tty <&2); id -u");
  work.user = work.group = 61190;
  run(work);
  CHECK(log() == "61190\nby its name\n61190\n");
}

TEST_CASE_METHOD(terminal_fixture, "terminal: it is one in the sandbox too", "[output]") {
  if (find_bubblewrap().empty() || !sandbox_works())
    return;
  std::filesystem::create_directory(folder.path + "/w");
  auto work = terminal_order("test -t 1 && echo one; stty size <&1; sleep 60 &");
  work.workspace = folder.path + "/w";
  work.disk_folders = {work.workspace};
  work.sandbox = true;
  auto account = run(work);
  INFO(account.reason << log());
  CHECK(account.outcome == result::success);
  CHECK(log() == "one\n40 120\n");
}
