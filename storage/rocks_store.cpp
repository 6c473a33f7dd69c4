// SPDX-License-Identifier: Apache-2.0
#include "storage/rocks_store.hpp"

#include "schema/limits.hpp"
#include "schema/record_codec.hpp"
#include "storage/high_water.hpp"
#include "storage/keys.hpp"
#include "storage/rocks_chunks.hpp"
#include "storage/rocks_failures.hpp"
#include "storage/rocks_options.hpp"
#include "storage/tables.hpp"

#include <rocksdb/db.h>
#include <rocksdb/utilities/checkpoint.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <filesystem>
#include <mutex>

namespace drover::storage {

namespace {

constexpr uint32_t layout_version = 2; // see KEYS.md
constexpr size_t families = 4;
constexpr std::array<const char*, families> family_names{"default", "active", "log", "content"};

constexpr size_t index_of(family where) {
  return static_cast<size_t>(where);
}

bool is_content(const std::variant<put, erase>& operation) {
  return std::visit([](const auto& op) { return op.where == family::content; }, operation);
}

rocksdb::Slice slice(std::string_view bytes) {
  return {bytes.data(), bytes.size()};
}
std::string_view view(const rocksdb::Slice& bytes) {
  return {bytes.data(), bytes.size()};
}

} // namespace

struct rocks_store::state {
  std::string path;
  open_options options;
  std::unique_ptr<rocksdb::DB> database;
  std::array<rocksdb::ColumnFamilyHandle*, families> handles{};
  std::unique_ptr<high_water_file> high_water;
  std::unique_ptr<chunk_files> chunks;
  std::vector<std::string> notes;

  std::mutex synced; // held by a synced commit: its sequence number must be the last on disk
  high_water_mark now;
  std::optional<milliseconds> mark_written_at;
  std::atomic<bool> broken = false;

  std::optional<failure> open_database();
  std::optional<failure> open_chunks();
  std::optional<failure> check_high_water(const rocks_store& self);
  std::optional<failure> check_version(rocks_store& self);
  /// `mark`: written in the same stroke, if it is not null. (Batches can be megabytes of logs: they
  /// are not copied to add it.)
  std::optional<failure> write(const write_batch& batch, const rocksdb::WriteOptions& how,
                               const put* mark = nullptr);
  std::optional<failure> write_synced(const write_batch& batch);
  std::optional<failure> write_mark();
  expected<uint64_t> copy_to(const std::string& to);
  failure broken_by(const failure& why);
  failure is_broken() const { return at(path, ec::io, "an earlier write failed; restart"); }
};

// -- opening and closing -------------------------------------------------------------------------

expected<std::unique_ptr<rocks_store>> rocks_store::open(const std::string& path,
                                                         open_options options) {
  std::error_code why;
  std::filesystem::create_directories(path, why);
  if (why)
    return at(path, ec::io, "cannot make the folder: " + why.message());
  if (!options.clock)
    return at(path, ec::internal, "opened without a clock");
  auto opening = std::make_unique<state>();
  opening->path = path;
  opening->options = std::move(options);
  if (auto problem = opening->open_database())
    return *problem;
  std::unique_ptr<rocks_store> opened{new rocks_store{std::move(opening)}};
  auto& state = *opened->state_;
  auto problem = state.open_chunks();
  if (!problem)
    problem = state.check_high_water(*opened);
  if (!problem)
    problem = state.check_version(*opened);
  if (problem) {
    state.high_water.reset(); // so that closing leaves the mark as it is
    return *problem;
  }
  return opened;
}

std::optional<failure> rocks_store::state::open_database() {
  auto cache = new_cache();
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  for (size_t i = 0; i < families; ++i)
    descriptors.emplace_back(family_names[i], family_options(static_cast<family>(i), cache));
  std::vector<rocksdb::ColumnFamilyHandle*> opened;
  rocksdb::DB* raw = nullptr;
  auto status = rocksdb::DB::Open(database_options(options.env), path, descriptors, &opened, &raw);
  if (!status.ok())
    return explain_open(path, status);
  database.reset(raw);
  std::copy(opened.begin(), opened.end(), handles.begin());
  return std::nullopt;
}

std::optional<failure> rocks_store::state::open_chunks() {
  auto files = chunk_files::open(path + "/chunks", options.env);
  if (!files)
    return files.error();
  chunks = *std::move(files);
  if (auto problem = count_places(*database, *handles[index_of(family::log)], *chunks)) {
    chunks->hold(); // which are needed is not known
    notes.push_back("store " + path + ": no chunk file is removed: " + problem->text);
  }
  return std::nullopt;
}

std::optional<failure> rocks_store::state::check_high_water(const rocks_store& self) {
  auto stored = self.get(family::history, keys::commit_mark());
  if (!stored)
    return stored.error();
  if (*stored) {
    auto mark = record::decode_commit_mark(**stored);
    if (!mark)
      return at(path, ec::damaged, "its commit mark: " + mark.error().text);
    now.sequence = mark->sequence;
  }
  auto epoch = read_epoch(self);
  if (!epoch)
    return at(path, epoch.error().code, epoch.error().text);
  now.written_in = *epoch;
  auto file = high_water_file::open(path + ".high-water");
  if (!file)
    return file.error();
  high_water = *std::move(file);
  if (high_water->damaged())
    notes.push_back("store " + path + ": one slot of its high-water file was damaged");
  if (!high_water->mark() && now.sequence > 0)
    notes.push_back("store " + path
                    + ": its high-water file is missing or damaged, so that a "
                      "short store would not be noticed; a new one begins");
  auto short_by = high_water->mark() ? shortfall(*high_water->mark(), now) : std::nullopt;
  if (!short_by)
    return std::nullopt;
  if (!options.accept_short)
    return at(path, ec::damaged,
              "it is short: " + *short_by
                + "; restore the newest copy, or accept the loss knowingly");
  notes.push_back("store " + path + ": accepted although " + *short_by);
  return write_mark();
}

std::optional<failure> rocks_store::state::check_version(rocks_store& self) {
  auto stored = self.get(family::history, keys::store_version());
  if (!stored)
    return stored.error();
  auto version = *stored ? record::decode_store_version(**stored) : record::store_version{0};
  if (!version)
    return at(path, ec::damaged, "its version: " + version.error().text);
  if (version->version > layout_version)
    return at(path, ec::conflict,
              "it has version " + std::to_string(version->version) + ", this program knows version "
                + std::to_string(layout_version) + "; install a newer one");
  if (version->version == layout_version)
    return std::nullopt;
  write_batch raise; // a new store, or one of version 1, which has no chunk files
  raise.add(family::history, keys::store_version(),
            record::encode(record::store_version{layout_version}));
  return self.commit(raise, durability::synced);
}

rocks_store::rocks_store(std::unique_ptr<state> opened) : state_{std::move(opened)} {}

rocks_store::~rocks_store() {
  close(); // whoever wants to know what fails has called it before
}

std::optional<failure> rocks_store::close() {
  if (!state_->database)
    return std::nullopt;
  std::optional<failure> problem;
  if (state_->high_water && !state_->broken)
    problem = state_->write_mark();
  for (auto* handle : state_->handles)
    if (auto status = state_->database->DestroyColumnFamilyHandle(handle); !status.ok())
      problem = explain(state_->path, status);
  if (auto status = state_->database->Close(); !status.ok())
    problem = explain(state_->path, status);
  state_->database.reset();
  return problem;
}

// -- writing -------------------------------------------------------------------------------------

std::optional<failure> rocks_store::commit(const write_batch& batch, durability when) {
  if (state_->broken)
    return state_->is_broken();
  if (when == durability::synced)
    return state_->write_synced(batch);
  rocksdb::WriteOptions how;
  how.disableWAL = std::all_of(batch.operations.begin(), batch.operations.end(), is_content);
  return state_->write(batch, how);
}

std::optional<failure> rocks_store::state::write_synced(const write_batch& batch) {
  std::lock_guard lock{synced};
  if (broken)
    return is_broken();
  auto next = now;
  ++next.sequence;
  rocksdb::WriteOptions how;
  how.sync = true;
  put mark{family::history, keys::commit_mark(),
           record::encode(record::commit_mark{next.sequence})};
  if (auto problem = write(batch, how, &mark))
    return problem;
  for (const auto& operation : batch.operations)
    if (const auto* value = std::get_if<put>(&operation); value && value->key == keys::epoch())
      if (auto epoch = record::decode_epoch(value->value))
        next.written_in = *epoch;
  now = next;
  auto time = options.clock();
  if (mark_written_at && time - *mark_written_at < limits::high_water_interval)
    return std::nullopt;
  mark_written_at = time;
  return write_mark();
}

std::optional<failure> rocks_store::state::write(const write_batch& batch,
                                                 const rocksdb::WriteOptions& how,
                                                 const put* mark) {
  rocksdb::WriteBatch changes;
  chunk_changes apart{*database, *handles[index_of(family::log)], *chunks};
  rocksdb::Status status;
  for (const auto& operation : batch.operations) {
    if (auto problem = apart.look_at(operation))
      return broken_by(*problem);
    if (const auto* value = std::get_if<put>(&operation))
      status = changes.Put(handles[index_of(value->where)], slice(value->key),
                           slice(apart.placed() ? *apart.placed() : value->value));
    else if (const auto* gone = std::get_if<erase>(&operation))
      status = changes.Delete(handles[index_of(gone->where)], slice(gone->key));
    if (!status.ok())
      return broken_by(explain(path, status));
  }
  if (auto problem = chunks->sync()) // before anything refers to it
    return broken_by(*problem);
  if (mark != nullptr)
    status = changes.Put(handles[index_of(mark->where)], slice(mark->key), slice(mark->value));
  if (status.ok())
    status = database->Write(how, &changes);
  if (!status.ok())
    return broken_by(explain(path, status));
  apart.written(how.sync ? durability::synced : durability::later);
  return std::nullopt;
}

std::optional<failure> rocks_store::state::write_mark() {
  if (high_water->mark() == now)
    return std::nullopt;
  if (auto problem = high_water->write(now))
    return broken_by(*problem);
  return std::nullopt;
}

/// A full disk is survivable: RocksDB itself goes on once there is room. Nothing else is.
failure rocks_store::state::broken_by(const failure& why) {
  if (why.code != ec::unavailable)
    broken = true;
  return why;
}

std::optional<failure> rocks_store::flush_content() {
  if (state_->broken)
    return state_->is_broken();
  auto status =
    state_->database->Flush(rocksdb::FlushOptions{}, state_->handles[index_of(family::content)]);
  if (!status.ok())
    return state_->broken_by(explain(state_->path, status));
  return std::nullopt;
}

// -- reading -------------------------------------------------------------------------------------

expected<std::optional<std::string>> rocks_store::get(family where, std::string_view key) const {
  rocksdb::ReadOptions how;
  how.fill_cache = where == family::history || where == family::active;
  std::string value;
  auto status = state_->database->Get(how, state_->handles[index_of(where)], slice(key), &value);
  if (status.IsNotFound())
    return std::optional<std::string>{};
  if (!status.ok())
    return explain(state_->path, status);
  if (where != family::log || !is_chunk_place(value))
    return std::optional{std::move(value)};
  return read_chunk(*state_->database, *state_->handles[index_of(where)], *state_->chunks, key,
                    std::move(value));
}

std::optional<failure>
rocks_store::scan(family where, std::string_view from, std::string_view to, scan_order order,
                  const std::function<bool(std::string_view, std::string_view)>& visit) const {
  if (from >= to)
    return std::nullopt;
  auto lower = slice(from);
  auto upper = slice(to);
  rocksdb::ReadOptions how;
  how.fill_cache = where == family::history || where == family::active;
  how.iterate_lower_bound = &lower;
  how.iterate_upper_bound = &upper;
  std::unique_ptr<rocksdb::Iterator> at_key{
    state_->database->NewIterator(how, state_->handles[index_of(where)])};
  auto ascending = order == scan_order::ascending;
  ascending ? at_key->SeekToFirst() : at_key->SeekToLast();
  for (; at_key->Valid(); ascending ? at_key->Next() : at_key->Prev()) {
    auto value = view(at_key->value());
    std::optional<std::string> apart;
    if (where == family::log && is_chunk_place(value)) {
      auto read = read_chunk(*state_->database, *state_->handles[index_of(where)], *state_->chunks,
                             view(at_key->key()), std::string{value});
      if (!read)
        return read.error();
      if (!*read)
        continue;
      apart = std::move(*read);
      value = *apart;
    }
    if (!visit(view(at_key->key()), value))
      break;
  }
  if (auto status = at_key->status(); !status.ok())
    return explain(state_->path, status);
  return std::nullopt;
}

expected<uint64_t> rocks_store::copy_to(const std::string& path) {
  state_->chunks->hold();
  auto copied = state_->copy_to(path);
  state_->chunks->release();
  return copied;
}

expected<uint64_t> rocks_store::state::copy_to(const std::string& to) {
  high_water_mark mark;
  {
    std::lock_guard lock{synced};
    mark = now;
  } // the copy has all of this, and perhaps more
  rocksdb::Checkpoint* raw = nullptr;
  auto status = rocksdb::Checkpoint::Create(database.get(), &raw);
  std::unique_ptr<rocksdb::Checkpoint> checkpoint{raw};
  // Memtables are flushed first, always: content is not in the log.
  if (status.ok())
    status = checkpoint->CreateCheckpoint(to, 0);
  if (!status.ok())
    return at(to, ec::io, "cannot copy the store there: " + status.ToString());
  std::optional<failure> problem;
  {
    std::lock_guard lock{synced};
    problem = chunks->finish_file();
  } // what the copy refers to is in files that are written no more
  if (!problem)
    problem = chunks->copy_to(to + "/chunks");
  if (problem)
    return *problem;
  auto file = high_water_file::open(to + ".high-water");
  if (!file)
    return file.error();
  if (auto wrong = (*file)->write(mark))
    return *wrong;
  return mark.sequence;
}

uint64_t rocks_store::sequence() const {
  std::lock_guard lock{state_->synced};
  return state_->now.sequence;
}

const std::vector<std::string>& rocks_store::notes() const {
  return state_->notes;
}

} // namespace drover::storage
