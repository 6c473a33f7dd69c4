// Readers beside the writer: whoever reads a log sees all of it, at any moment.
// SPDX-License-Identifier: Apache-2.0
#include "schema/limits.hpp"
#include "storage/memory_store.hpp"
#include "storage/tables.hpp"
#include "tests/schema/record_samples.hpp"
#include "tests/storage/store_folder.hpp"

#include <atomic>
#include <thread>

using namespace drover;
using namespace drover::storage;
using namespace drover::test;

namespace {

constexpr attempt_id attempt{{1}, {0}, {1}};
constexpr uint64_t parts = 120;

std::string part(uint64_t number) {
  return sampler{number}.bytes(limits::log_chunk_bytes - number);
}

struct observed {
  std::string problem;
  uint64_t size = 0;
};

/// Reads the log's size and its last bytes until the log has `whole`'s size.
observed watch(const store& from, const std::string& whole, const std::atomic<bool>& stop) {
  observed seen;
  while (seen.size < whole.size() && !stop) {
    auto size = log_size(from, attempt);
    if (!size || *size < seen.size)
      return {size ? "the log became shorter" : size.error().text, seen.size};
    seen.size = *size;
    auto offset = seen.size - std::min<uint64_t>(seen.size, 100'000);
    auto bytes = read_log(from, attempt, offset, seen.size - offset);
    if (!bytes || *bytes != std::string_view{whole}.substr(offset, seen.size - offset))
      return {bytes ? "the log has other bytes" : bytes.error().text, seen.size};
  }
  return seen;
}

/// Writes and seals a log while another thread watches it.
void check_reader_beside_writer(store& into) {
  std::string whole;
  for (uint64_t number = 0; number < parts; ++number)
    whole += part(number);
  std::atomic<bool> stop = false;
  observed seen;
  std::thread reader{[&] { seen = watch(into, whole, stop); }};
  std::optional<failure> problem;
  uint64_t offset = 0;
  for (uint64_t number = 0; number < parts && !problem; ++number) {
    write_batch batch;
    put_log_chunk(batch, attempt, offset, part(number));
    offset += part(number).size();
    problem = into.commit(batch, durability::synced);
    auto sealed = seal_log(into, attempt,
                           number % 5 == 0 ? storage::remainder::seal : storage::remainder::leave);
    if (!problem)
      problem = sealed ? into.commit(*sealed, durability::synced) : sealed.error();
  }
  stop = problem.has_value();
  reader.join();
  CHECK_FALSE(problem);
  CHECK(seen.problem == "");
  CHECK(seen.size == whole.size());
}

} // namespace

TEST_CASE("logs: a reader beside writing and sealing sees every byte, in memory") {
  memory_store store;
  check_reader_beside_writer(store);
}

TEST_CASE("logs: a reader beside writing and sealing sees every byte, on disk") {
  temporary_folder folder;
  auto store = open_store(folder.path() / "store");
  check_reader_beside_writer(*store);
}
