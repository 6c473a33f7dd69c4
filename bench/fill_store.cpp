// bench_fill_store: makes a store as a farm has it after many builds, or opens one as bare as can
// be.
//
//   bench_fill_store FOLDER COUNT      writes COUNT finished builds into the store in FOLDER
//   bench_fill_store --open FOLDER     opens it by RocksDB alone and prints {"ms": ...}
// SPDX-License-Identifier: Apache-2.0

#include "storage/rocks_store.hpp"
#include "storage/tables.hpp"

#include <rocksdb/db.h>

#include <chrono>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace drover {
namespace {

/// Builds that are committed together.
constexpr uint64_t batch_builds = 1000;
/// What a short step prints.
constexpr size_t log_bytes = 300;

[[noreturn]] void fail(const std::string& why) {
  throw std::runtime_error(why);
}

builder_spec some_recipe() {
  builder_spec recipe;
  recipe.name = "noop";
  for (const char* name : {"configure", "build", "check"}) {
    step_spec step;
    step.name = name;
    step.run = "make -j$DROVER_CORES " + step.name;
    recipe.steps.push_back(step);
  }
  return recipe;
}

step_record some_step(const builder_spec& recipe, uint32_t index, wall_time at) {
  attempt_record attempt;
  attempt.number = {1};
  attempt.host = {"h1"};
  attempt.granted_in = {1, 1};
  attempt.placement = 1;
  attempt.state = attempt_state::finished;
  attempt.outcome = result::success;
  attempt.exit_code = 0;
  attempt.granted_at = attempt.started_at = attempt.finished_at = at;
  attempt.log_bytes = log_bytes;
  step_record step;
  step.index = {index};
  step.name = recipe.steps[index].name;
  step.state = step_state::finished;
  step.outcome = result::success;
  step.exit_code = 0;
  step.accepted = {1};
  step.attempts = {attempt};
  return step;
}

void add_build(storage::write_batch& batch, const builder_spec& recipe, uint64_t number) {
  wall_time at{1'700'000'000'000 + static_cast<int64_t>(number) * 1000};
  build_record build;
  build.id = {number};
  build.builder = recipe.name;
  build.state = build_state::finished;
  build.outcome = result::success;
  build.requested_by = "bench";
  build.host = {"h1"};
  build.placement = 1;
  build.created_at = build.started_at = build.finished_at = at;
  storage::put_build(batch, build);
  storage::put_recipe(batch, build.id, recipe);
  for (uint32_t index = 0; index < recipe.steps.size(); ++index) {
    storage::put_step(batch, build.id, some_step(recipe, index, at));
    std::string text(log_bytes, static_cast<char>('a' + number % 26));
    storage::put_log_chunk(batch, {build.id, {index}, {1}}, 0, text);
  }
}

int fill(const std::string& folder, uint64_t count) {
  storage::open_options how;
  how.clock = [] {
    return std::chrono::duration_cast<milliseconds>(
      std::chrono::steady_clock::now().time_since_epoch());
  };
  auto store = storage::rocks_store::open(folder, how);
  if (!store)
    fail(store.error().text);
  auto recipe = some_recipe();
  for (uint64_t first = 1; first <= count; first += batch_builds) {
    storage::write_batch batch;
    for (auto number = first; number < first + batch_builds && number <= count; ++number)
      add_build(batch, recipe, number);
    if (auto problem = (*store)->commit(batch, storage::durability::synced))
      fail(problem->text);
  }
  if (auto problem = (*store)->close())
    fail(problem->text);
  return 0;
}

int open_bare(const std::string& folder) {
  auto begin = std::chrono::steady_clock::now();
  rocksdb::Options options;
  std::vector<std::string> names;
  auto status = rocksdb::DB::ListColumnFamilies(options, folder, &names);
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const auto& name : names)
    families.emplace_back(name, rocksdb::ColumnFamilyOptions{});
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* opened = nullptr;
  if (status.ok())
    status = rocksdb::DB::Open(options, folder, families, &handles, &opened);
  if (!status.ok())
    fail(folder + ": " + status.ToString());
  std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
  std::cout << "{\"ms\": " << took.count() << "}" << std::endl;
  std::unique_ptr<rocksdb::DB> database{opened};
  for (auto* handle : handles)
    database->DestroyColumnFamilyHandle(handle);
  return 0;
}

} // namespace
} // namespace drover

int main(int argc, char** argv) {
  try {
    std::vector<std::string> arguments{argv + 1, argv + argc};
    if (arguments.size() != 2)
      drover::fail("usage: bench_fill_store FOLDER COUNT | --open FOLDER");
    if (arguments[0] == "--open")
      return drover::open_bare(arguments[1]);
    return drover::fill(arguments[0], std::stoull(arguments[1]));
  } catch (const std::exception& problem) {
    std::cerr << "bench_fill_store: " << problem.what() << "\n";
    return 1;
  }
}
