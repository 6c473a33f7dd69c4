// SPDX-License-Identifier: Apache-2.0
#include "schema/limits.hpp"
#include "storage/high_water.hpp"
#include "storage/memory_store.hpp"
#include "storage/tables.hpp"
#include "tests/schema/record_samples.hpp"
#include "tests/storage/store_folder.hpp"

#include <rocksdb/env.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>

using namespace drover;
using namespace drover::storage;
using namespace drover::test;

namespace {

constexpr const char* child_folder = "DROVER_TEST_CHILD_FOLDER";
constexpr uint64_t child_commits = 200;
constexpr std::string_view child_content = "content of a blob";

/// This program once more, in its hidden test below, until it says "ready" or ends; then killed.
void run_child_and_kill(const fs::path& folder) {
  int pipe_ends[2];
  REQUIRE(::pipe(pipe_ends) == 0);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addclose(&actions, pipe_ends[0]);
  ::setenv(child_folder, folder.c_str(), 1);
  std::string program = "/proc/self/exe", filter = "[child]";
  char* arguments[] = {program.data(), filter.data(), nullptr};
  pid_t child = -1;
  REQUIRE(::posix_spawn(&child, program.c_str(), &actions, nullptr, arguments, environ) == 0);
  posix_spawn_file_actions_destroy(&actions);
  ::unsetenv(child_folder);
  ::close(pipe_ends[1]);
  std::string said;
  char byte = 0;
  while (said.find("ready") == std::string::npos && ::read(pipe_ends[0], &byte, 1) == 1)
    said.push_back(byte);
  ::close(pipe_ends[0]);
  ::kill(child, SIGKILL);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  INFO(said);
  REQUIRE(said.find("ready") != std::string::npos);
  REQUIRE(WIFSIGNALED(status));
}

/// Syncs of the write-ahead log fail while `failing` is set.
class failing_env final : public rocksdb::EnvWrapper {
public:
  failing_env() : EnvWrapper{Env::Default()} {}
  const char* Name() const override { return "failing_env"; }
  rocksdb::Status NewWritableFile(const std::string& name,
                                  std::unique_ptr<rocksdb::WritableFile>* file,
                                  const rocksdb::EnvOptions& options) override {
    auto status = EnvWrapper::NewWritableFile(name, file, options);
    if (status.ok() && fs::path{name}.extension() == ".log")
      *file = std::make_unique<failing_file>(std::move(*file), failing);
    return status;
  }
  std::atomic<bool> failing = false;

private:
  class failing_file final : public rocksdb::WritableFileWrapper {
  public:
    failing_file(std::unique_ptr<rocksdb::WritableFile> file, const std::atomic<bool>& failing)
        : WritableFileWrapper{file.get()}, file_{std::move(file)}, failing_{failing} {}
    rocksdb::Status Sync() override { return failing_ ? no() : WritableFileWrapper::Sync(); }
    rocksdb::Status Fsync() override { return failing_ ? no() : WritableFileWrapper::Fsync(); }

  private:
    static rocksdb::Status no() { return rocksdb::Status::IOError("sync: injected failure"); }
    std::unique_ptr<rocksdb::WritableFile> file_;
    const std::atomic<bool>& failing_;
  };
};

/// Starts to measure the most memory that this process has had, and tells it.
void forget_peak() {
  std::ofstream{"/proc/self/clear_refs"} << "5";
}

size_t memory(const std::string& field) {
  std::ifstream status{"/proc/self/status"};
  for (std::string line; std::getline(status, line);)
    if (line.compare(0, field.size(), field) == 0)
      return std::stoul(line.substr(field.size() + 1)) * 1024;
  FAIL("no " << field << " in /proc/self/status");
  return 0;
}

/// A part of a log: binary bytes and lines, the same for the same offset.
std::string log_part(uint64_t offset) {
  sampler samples{offset + 1};
  auto bytes = samples.bytes(limits::log_chunk_bytes / 2);
  while (bytes.size() < limits::log_chunk_bytes)
    bytes += "a line of the log that is much like the one before it, number "
             + std::to_string(samples.below(1000)) + "\n";
  bytes.resize(limits::log_chunk_bytes);
  return bytes;
}

} // namespace

TEST_CASE("child: commits and says so, and waits to be killed", "[.child]") {
  const auto* folder = ::getenv(child_folder);
  if (folder == nullptr)
    return;
  auto store = open_store(fs::path{folder} / "store");
  commit_numbers(*store, 1, child_commits);
  blob_writer writer{*store};
  REQUIRE_FALSE(writer.append(child_content));
  REQUIRE(writer.finish().ok());
  REQUIRE(::write(STDOUT_FILENO, "ready", 5) == 5);
  ::alarm(60); // should the parent be gone, nobody else would end this
  ::pause();
}

TEST_CASE("rocks store: what was synced is there after kill -9, blobs too") {
  temporary_folder folder;
  run_child_and_kill(folder.path());
  auto store = open_store(folder.path() / "store");
  CHECK(count_numbers(*store) == child_commits);
  CHECK(store->sequence() == child_commits + 2); // the version, and the blob's manifest
  memory_store elsewhere;                        // tells the blob's name
  blob_writer writer{elsewhere};
  REQUIRE_FALSE(writer.append(child_content));
  auto content = read_blob(*store, *writer.finish(), 0, 100);
  REQUIRE(content.ok());
  CHECK(*content == child_content);
}

TEST_CASE("rocks store: a reopened store goes on where it was") {
  temporary_folder folder;
  auto path = folder.path() / "deep" / "store";
  {
    auto store = open_store(path);
    commit_numbers(*store, 1, 10);
    write_batch batch;
    put_epoch(batch, {5, 6});
    batch.remove(family::history, numbered_key(10));
    batch.add(family::active, "a", "b");
    REQUIRE_FALSE(store->commit(batch, durability::synced));
    REQUIRE_FALSE(store->close());
  }
  auto store = open_store(path);
  CHECK(store->notes().empty());
  CHECK(count_numbers(*store) == 9);
  CHECK(*read_epoch(*store) == epoch{5, 6});
  CHECK(*store->get(family::active, "a") == std::optional<std::string>{"b"});
  CHECK_FALSE(store->get(family::log, "a")->has_value());
  CHECK(store->sequence() == 12);
}

TEST_CASE("rocks store: scans keep to their range, their order and their visitor's word") {
  temporary_folder folder;
  auto store = open_store(folder.path() / "store");
  write_batch batch;
  for (auto key : {"a", "b", "c", "d", "e"})
    batch.add(family::active, key, "");
  REQUIRE_FALSE(store->commit(batch, durability::synced));
  auto keys_in = [&](std::string_view from, std::string_view to, scan_order order) {
    std::string keys;
    auto visit = [&](std::string_view key, std::string_view) {
      keys += key;
      return keys.size() < 3;
    };
    REQUIRE_FALSE(store->scan(family::active, from, to, order, visit));
    return keys;
  };
  CHECK(keys_in("b", "d", scan_order::ascending) == "bc");
  CHECK(keys_in("b", "d", scan_order::descending) == "cb");
  CHECK(keys_in("a", "z", scan_order::ascending) == "abc");
  CHECK(keys_in("a", "z", scan_order::descending) == "edc");
  CHECK(keys_in("d", "b", scan_order::ascending).empty());
}

TEST_CASE("rocks store: a second coordinator on it is told so at once") {
  temporary_folder folder;
  auto path = folder.path() / "store";
  auto store = open_store(path);
  auto why = why_not_opened(path);
  CHECK(why.code == ec::conflict);
  CHECK(why.text.find("another coordinator has it open") != std::string::npos);
  commit_numbers(*store, 1, 2); // and the first one is not disturbed
}

TEST_CASE("rocks store: after a failed sync nothing is accepted until it is opened anew") {
  temporary_folder folder;
  auto path = folder.path() / "store";
  failing_env env;
  auto options = still();
  options.env = &env;
  auto store = open_store(path, options);
  commit_numbers(*store, 1, 5);
  write_batch batch;
  batch.add(family::history, numbered_key(6), "");
  env.failing = true;
  auto problem = store->commit(batch, durability::synced);
  REQUIRE(problem);
  CHECK(problem->code == ec::io);
  env.failing = false;
  for (auto when : {durability::synced, durability::later}) {
    problem = store->commit(batch, when);
    REQUIRE(problem);
    CHECK(problem->code == ec::io);
  }
  CHECK(store->flush_content().has_value());
  store.reset();
  CHECK(count_numbers(*open_store(path)) >= 5);
}

TEST_CASE("rocks store: the high-water file is written once a second at most, and at close") {
  temporary_folder folder;
  auto path = folder.path() / "store";
  auto marked = [&] {
    auto file = high_water_file::open(path.string() + ".high-water");
    REQUIRE(file.ok());
    return (*file)->mark().value_or(high_water_mark{}).sequence;
  };
  milliseconds now{5000};
  open_options options;
  options.clock = [&now] { return now; };
  auto store = open_store(path, options);
  CHECK(marked() == 1);
  now += limits::high_water_interval - milliseconds{1};
  commit_numbers(*store, 1, 3);
  CHECK(marked() == 1);
  now += milliseconds{1};
  commit_numbers(*store, 4, 6);
  CHECK(marked() == 5);
  REQUIRE_FALSE(store->close());
  CHECK(marked() == 7);
}

TEST_CASE("rocks store: a log of 50 MB is written, sealed and read back in bounded memory") {
  constexpr uint64_t size = 50'003'968; // 763 parts
  constexpr attempt_id attempt{{1}, {0}, {1}};
  temporary_folder folder;
  auto store = open_store(folder.path() / "store");
  auto resident = memory("VmRSS:");
  forget_peak();
  for (uint64_t offset = 0; offset < size; offset += limits::log_chunk_bytes) {
    write_batch batch;
    put_log_chunk(batch, attempt, offset, log_part(offset));
    REQUIRE_FALSE(store->commit(batch, durability::synced));
    auto sealed = seal_log(*store, attempt, storage::remainder::leave);
    REQUIRE(sealed.ok());
    REQUIRE_FALSE(store->commit(*sealed, durability::later));
  }
  CHECK(*log_size(*store, attempt) == size);
  auto sealed = seal_log(*store, attempt, storage::remainder::seal);
  REQUIRE(sealed.ok());
  CHECK_FALSE(sealed->empty());
  REQUIRE_FALSE(store->commit(*sealed, durability::synced));
  CHECK(seal_log(*store, attempt, storage::remainder::seal)->empty());
  CHECK(*log_size(*store, attempt) == size);
  for (uint64_t offset = 0; offset < size; offset += 10 * limits::log_chunk_bytes) {
    auto bytes = read_log(*store, attempt, offset, 10 * limits::log_chunk_bytes);
    REQUIRE(bytes.ok());
    std::string expected;
    for (auto at = offset; at < size && at < offset + 10 * limits::log_chunk_bytes;
         at += limits::log_chunk_bytes)
      expected += log_part(at);
    REQUIRE((*bytes == expected));
  }
  auto growth = memory("VmHWM:") - resident;
  CAPTURE(growth);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  CHECK(growth < 64 * 1024 * 1024);
#endif
}
