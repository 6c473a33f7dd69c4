// Chunks of logs in files beside the database: they last as the database does, and go with it.
// SPDX-License-Identifier: Apache-2.0
#include "schema/limits.hpp"
#include "schema/limits_log.hpp"
#include "storage/chunk_files.hpp"
#include "storage/maintenance.hpp"
#include "storage/tables.hpp"
#include "tests/schema/record_samples.hpp"
#include "tests/storage/store_folder.hpp"

#include <rocksdb/env.h>

#include <atomic>

using namespace drover;
using namespace drover::storage;
using namespace drover::test;

namespace {

constexpr attempt_id attempt{{1}, {0}, {1}};

std::optional<failure> append(store& into, uint64_t offset, std::string_view bytes) {
  write_batch batch;
  put_log_chunk(batch, attempt, offset, bytes);
  return into.commit(batch, durability::synced);
}

void seal_all(store& in) {
  while (true) {
    auto batch = seal_log(in, attempt, storage::remainder::seal);
    REQUIRE(batch.ok());
    if (batch->empty())
      return;
    REQUIRE_FALSE(in.commit(*batch, durability::synced));
  }
}

std::string whole_log(const store& from) {
  auto bytes = read_log(from, attempt, 0, 100 << 20);
  if (!bytes)
    FAIL(bytes.error().text);
  return *bytes;
}

uint64_t bytes_in(const fs::path& folder) {
  uint64_t bytes = 0;
  for (const auto& entry : fs::directory_iterator{folder})
    bytes += entry.file_size();
  return bytes;
}

std::string some_log(size_t size) {
  return sampler{9}.bytes(size);
}

/// Syncs of chunk files fail while `failing` is set, or writing to them finds the disk full.
class troubled_env final : public rocksdb::EnvWrapper {
public:
  troubled_env() : EnvWrapper{Env::Default()} {}
  const char* Name() const override { return "troubled_env"; }
  rocksdb::Status NewWritableFile(const std::string& name,
                                  std::unique_ptr<rocksdb::WritableFile>* file,
                                  const rocksdb::EnvOptions& options) override {
    auto status = target()->NewWritableFile(name, file, options);
    if (status.ok() && name.ends_with(".chunks"))
      *file = std::make_unique<troubled_file>(std::move(*file), *this);
    return status;
  }
  std::atomic<bool> failing = false;
  std::atomic<bool> full = false;

private:
  class troubled_file final : public rocksdb::WritableFileWrapper {
  public:
    troubled_file(std::unique_ptr<rocksdb::WritableFile> file, const troubled_env& env)
        : WritableFileWrapper{file.get()}, file_{std::move(file)}, env_{env} {}
    rocksdb::Status Append(const rocksdb::Slice& data) override {
      if (!env_.full)
        return WritableFileWrapper::Append(data);
      auto half = WritableFileWrapper::Append({data.data(), data.size() / 2});
      return half.ok() ? rocksdb::Status::NoSpace("injected") : half;
    }
    rocksdb::Status Sync() override {
      return env_.failing ? rocksdb::Status::IOError("injected") : WritableFileWrapper::Sync();
    }

  private:
    std::unique_ptr<rocksdb::WritableFile> file_;
    const troubled_env& env_;
  };
};

} // namespace

TEST_CASE("chunk place: it is read back as it was, and nothing else is one") {
  chunk_place place{3, 70'000, 65'544};
  auto value = encode(place);
  CHECK(is_chunk_place(value));
  CHECK(*decode_chunk_place(value) == place);
  value.back() ^= 1;
  CHECK(decode_chunk_place(value).error().code == ec::damaged);
  write_batch batch;
  put_log_chunk(batch, attempt, 0, "a short chunk, as many bytes");
  CHECK_FALSE(is_chunk_place(std::get<put>(batch.operations[0]).value));
}

TEST_CASE("chunk files: large chunks lie there, small ones in the database") {
  temporary_folder folder;
  auto path = folder.path() / "store";
  auto store = open_store(path);
  auto log = some_log(limits::chunk_apart_bytes / 2);
  REQUIRE_FALSE(append(*store, 0, log));
  CHECK(bytes_in(path / "chunks") == 0);
  auto more = some_log(3 * limits::log_chunk_bytes);
  REQUIRE_FALSE(append(*store, log.size(), more));
  CHECK(bytes_in(path / "chunks") > more.size());
  CHECK((whole_log(*store) == log + more));
}

TEST_CASE("chunk files: a crash loses nothing that was committed") {
  temporary_folder folder;
  auto path = folder.path() / "store";
  auto store = open_store(path);
  auto log = some_log(10 * limits::log_chunk_bytes);
  REQUIRE_FALSE(append(*store, 0, log));
  auto again = open_store(crash_image(path));
  CHECK((whole_log(*again) == log));
  REQUIRE_FALSE(append(*again, log.size(), log));
  CHECK((whole_log(*again) == log + log));
  seal_all(*again);
  CHECK((whole_log(*again) == log + log));
}

TEST_CASE("chunk files: they go when all of them is sealed, also in a store that is opened again") {
  temporary_folder folder;
  auto path = folder.path() / "store";
  {
    auto store = open_store(path);
    REQUIRE_FALSE(append(*store, 0, some_log(10 * limits::log_chunk_bytes)));
  }
  auto store = open_store(path);
  auto held = bytes_in(path / "chunks");
  CHECK(held > 10 * limits::log_chunk_bytes);
  seal_all(*store);
  CHECK(bytes_in(path / "chunks") == 0);
  CHECK((whole_log(*store) == some_log(10 * limits::log_chunk_bytes)));
  REQUIRE_FALSE(append(*store, 10 * limits::log_chunk_bytes, some_log(50'000)));
  seal_all(*store);
  store.reset();
  store = open_store(path); // the file that was written to
  CHECK(bytes_in(path / "chunks") == 0);
}

TEST_CASE("chunk files: a full one is followed by the next") {
  temporary_folder folder;
  auto path = folder.path() / "store";
  auto store = open_store(path);
  auto log = some_log(8 << 20);
  uint64_t size = 0;
  for (; size < limits::chunk_file_bytes + log.size(); size += log.size())
    REQUIRE_FALSE(append(*store, size, log));
  CHECK(std::distance(fs::directory_iterator{path / "chunks"}, {}) == 2);
  auto bytes = read_log(*store, attempt, size - 100, 200);
  REQUIRE(bytes.ok());
  CHECK(*bytes == log.substr(log.size() - 100));
  seal_all(*store);
  CHECK(std::distance(fs::directory_iterator{path / "chunks"}, {}) == 1);
}

TEST_CASE("chunk files: a copy of the store has them, and keeps them when the store's are gone") {
  temporary_folder folder;
  auto path = folder.path() / "store";
  auto store = open_store(path);
  auto log = some_log(10 * limits::log_chunk_bytes);
  REQUIRE_FALSE(append(*store, 0, log));
  auto to = (folder.path() / "copy").string();
  REQUIRE(store->copy_to(to).ok());
  REQUIRE_FALSE(append(*store, log.size(), log));
  seal_all(*store);
  auto copy = open_store(to);
  CHECK(copy->notes().empty());
  CHECK((whole_log(*copy) == log));
  CHECK(verify(*copy, [] { return true; })->damages == 0);
  CHECK((whole_log(*store) == log + log));
}

TEST_CASE("chunk files: a lost file and a flipped bit are damage, never other bytes") {
  temporary_folder folder;
  auto path = folder.path() / "store";
  {
    auto store = open_store(path);
    REQUIRE_FALSE(append(*store, 0, some_log(limits::log_chunk_bytes)));
  }
  auto file = fs::directory_iterator {
    path / "chunks"
    } -> path();
  SECTION("lost") {
    fs::remove(file);
  }
  SECTION("flipped") {
    std::fstream bytes{file, std::ios::in | std::ios::out | std::ios::binary};
    bytes.seekp(1000);
    auto byte = static_cast<char>(bytes.peek() ^ 1);
    bytes.put(byte);
  }
  auto store = open_store(path);
  auto other = some_log(2 * limits::log_chunk_bytes);
  write_batch batch;
  put_log_chunk(batch, {{2}, {0}, {1}}, 0, other); // may not take the lost one's place
  REQUIRE_FALSE(store->commit(batch, durability::synced));
  auto bytes = read_log(*store, attempt, 0, 100);
  REQUIRE_FALSE(bytes.ok());
  CHECK(bytes.error().code == ec::damaged);
  CHECK(verify(*store, [] { return true; })->damages > 0);
}

TEST_CASE("chunk files: after a failed sync nothing is accepted; what came before is there") {
  temporary_folder folder;
  auto path = folder.path() / "store";
  troubled_env env;
  auto options = still();
  options.env = &env;
  auto store = open_store(path, options);
  auto log = some_log(limits::log_chunk_bytes);
  REQUIRE_FALSE(append(*store, 0, log));
  env.failing = true;
  auto problem = append(*store, log.size(), log);
  REQUIRE(problem);
  CHECK(problem->code == ec::io);
  env.failing = false;
  CHECK(append(*store, log.size(), log)->code == ec::io);
  store.reset();
  CHECK((whole_log(*open_store(path)) == log));
}

TEST_CASE("chunk files: a full disk is survived") {
  temporary_folder folder;
  troubled_env env;
  auto options = still();
  options.env = &env;
  auto store = open_store(folder.path() / "store", options);
  auto log = some_log(limits::log_chunk_bytes);
  REQUIRE_FALSE(append(*store, 0, log));
  env.full = true;
  auto problem = append(*store, log.size(), log);
  REQUIRE(problem);
  CHECK(problem->code == ec::unavailable);
  env.full = false;
  REQUIRE_FALSE(append(*store, log.size(), log));
  CHECK((whole_log(*store) == log + log));
}
