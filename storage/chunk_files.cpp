// SPDX-License-Identifier: Apache-2.0
#include "storage/chunk_files.hpp"

#include "schema/limits_log.hpp"
#include "schema/record_codec.hpp"

#include <rocksdb/env.h>

#include <charconv>
#include <filesystem>

namespace drover::storage {

namespace fs = std::filesystem;

namespace {

// file:u64be offset:u64be size:u32be
constexpr size_t place_bytes = 20;
constexpr std::string_view suffix = ".chunks";

void put_number(std::string& to, uint64_t value, int bits) {
  for (int shift = bits - 8; shift >= 0; shift -= 8)
    to.push_back(static_cast<char>(value >> shift));
}

uint64_t take_number(std::string_view& from, size_t bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < bytes; ++i)
    value = value << 8 | static_cast<uint8_t>(from[i]);
  from.remove_prefix(bytes);
  return value;
}

std::optional<uint64_t> number_of(std::string_view name) {
  if (!name.ends_with(suffix))
    return std::nullopt;
  name.remove_suffix(suffix.size());
  uint64_t number = 0;
  auto [end, problem] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (problem != std::errc{} || end != name.data() + name.size())
    return std::nullopt;
  return number;
}

} // namespace

std::string encode(const chunk_place& place) {
  std::string payload;
  put_number(payload, place.file, 64);
  put_number(payload, place.offset, 64);
  put_number(payload, place.size, 32);
  return record::wrap(record::kind::log_chunk_place, payload);
}

bool is_chunk_place(std::string_view value) {
  return value.size() == record::envelope_bytes + place_bytes
         && value[0] == static_cast<char>(record::kind::log_chunk_place);
}

expected<chunk_place> decode_chunk_place(std::string_view value) {
  auto payload = record::unwrap(record::kind::log_chunk_place, value);
  if (!payload)
    return payload.error();
  auto rest = *payload;
  if (rest.size() != place_bytes)
    return failure{ec::damaged, "the place of a chunk is cut short"};
  auto file = take_number(rest, 8);
  auto offset = take_number(rest, 8);
  return chunk_place{file, offset, static_cast<uint32_t>(take_number(rest, 4))};
}

// -- opening -------------------------------------------------------------------------------------

chunk_files::chunk_files(std::string folder, rocksdb::Env* env)
    : folder_{std::move(folder)}, env_{env} {}

chunk_files::~chunk_files() = default;

expected<std::unique_ptr<chunk_files>> chunk_files::open(const std::string& folder,
                                                         rocksdb::Env* env) {
  std::unique_ptr<chunk_files> opened{
    new chunk_files{folder, env != nullptr ? env : rocksdb::Env::Default()}};
  if (auto problem = opened->take_over())
    return *problem;
  return opened;
}

std::optional<failure> chunk_files::take_over() {
  std::error_code why;
  fs::create_directories(folder_, why);
  for (fs::directory_iterator entry{folder_, why}, end; !why && entry != end; entry.increment(why))
    if (auto number = number_of(entry->path().filename().string())) {
      references_[*number];
      newest_ = std::max(newest_, *number);
    }
  if (why)
    return failure{ec::io, folder_ + ": cannot read the folder of chunk files: " + why.message()};
  return std::nullopt;
}

std::string chunk_files::path_of(uint64_t file) const {
  return folder_ + "/" + std::to_string(file) + std::string{suffix};
}

failure chunk_files::explain(uint64_t file, const char* what, const rocksdb::Status& status) const {
  auto code = status.IsNoSpace() ? ec::unavailable : ec::io;
  return {code, path_of(file) + ": cannot " + what + ": " + status.ToString()};
}

// -- writing -------------------------------------------------------------------------------------

std::optional<failure> chunk_files::begin_file() {
  uint64_t number = 0;
  {
    std::lock_guard lock{table_};
    number = newest_ + 1;
  }
  auto status = env_->NewWritableFile(path_of(number), &current_, rocksdb::EnvOptions{});
  std::unique_ptr<rocksdb::Directory> folder;
  if (status.ok())
    status = env_->NewDirectory(folder_, &folder);
  if (status.ok())
    status = folder->Fsync(); // its name, before anything refers to it
  if (!status.ok()) {
    current_.reset();
    return explain(number, "make a chunk file", status);
  }
  current_->SetPreallocationBlockSize(limits::chunk_room_aside);
  current_bytes_ = 0;
  std::lock_guard lock{table_};
  newest_ = number;
  writing_to_newest_ = true;
  references_[number];
  return std::nullopt;
}

expected<chunk_place> chunk_files::append(std::string_view value) {
  std::lock_guard lock{writing_};
  if (!current_ || current_bytes_ >= limits::chunk_file_bytes) {
    if (unsynced_) // of the file that is full
      if (auto status = current_->Sync(); !status.ok())
        return explain(newest_, "sync the chunk file", status);
    unsynced_ = false;
    if (auto problem = begin_file())
      return *problem;
  }
  current_->PrepareWrite(current_bytes_, value.size());
  auto status = current_->Append({value.data(), value.size()});
  if (!status.ok()) {
    current_.reset(); // how much of it was written is not known
    unsynced_ = false;
    return explain(newest_, "append to the chunk file", status);
  }
  unsynced_ = true;
  chunk_place place{newest_, current_bytes_, static_cast<uint32_t>(value.size())};
  current_bytes_ += value.size();
  return place;
}

std::optional<failure> chunk_files::sync() {
  std::lock_guard lock{writing_};
  if (!std::exchange(unsynced_, false))
    return std::nullopt;
  if (auto status = current_->Sync(); !status.ok())
    return explain(newest_, "sync the chunk file", status);
  return std::nullopt;
}

// -- reading -------------------------------------------------------------------------------------

expected<std::string> chunk_files::read(const chunk_place& place) const {
  std::shared_ptr<rocksdb::RandomAccessFile> file;
  {
    std::lock_guard lock{table_};
    if (!references_.contains(place.file))
      return failure{ec::not_found, path_of(place.file) + ": the chunk file is gone"};
    if (auto known = readers_.find(place.file); known != readers_.end())
      file = known->second;
  }
  if (!file) {
    std::unique_ptr<rocksdb::RandomAccessFile> opened;
    auto status = env_->NewRandomAccessFile(path_of(place.file), &opened, rocksdb::EnvOptions{});
    std::lock_guard lock{table_};
    if (!references_.contains(place.file))
      return failure{ec::not_found, path_of(place.file) + ": the chunk file is gone"};
    if (status.IsPathNotFound() || status.IsNotFound())
      return failure{ec::damaged, path_of(place.file) + ": the chunk file is missing"};
    if (!status.ok())
      return explain(place.file, "open the chunk file", status);
    file = std::move(opened);
    readers_[place.file] = file;
  }
  std::string value(place.size, '\0');
  rocksdb::Slice got;
  auto status = file->Read(place.offset, value.size(), &got, value.data());
  if (!status.ok())
    return explain(place.file, "read the chunk file", status);
  if (got.size() != value.size())
    return failure{ec::damaged, path_of(place.file) + ": the chunk file ends early"};
  if (got.data() != value.data())
    value.assign(got.data(), got.size());
  return value;
}

// -- what is needed ------------------------------------------------------------------------------

void chunk_files::refer(uint64_t file) {
  std::lock_guard lock{table_};
  ++references_[file];
  if (file > newest_) { // of a file that is missing: its number is not for another one
    newest_ = file;
    writing_to_newest_ = false;
  }
}

void chunk_files::forget(uint64_t file) {
  std::lock_guard lock{table_};
  if (auto known = references_.find(file); known != references_.end() && known->second > 0)
    --known->second;
}

void chunk_files::remove_unused() {
  std::lock_guard lock{table_};
  if (holds_ > 0)
    return;
  std::erase_if(references_, [this](const auto& one) {
    auto [file, count] = one;
    if (count > 0 || (file == newest_ && writing_to_newest_))
      return false;
    readers_.erase(file);
    std::error_code why;
    fs::remove(path_of(file), why);
    return !why;
  });
}

void chunk_files::hold() {
  std::lock_guard lock{table_};
  ++holds_;
}

void chunk_files::release() {
  {
    std::lock_guard lock{table_};
    --holds_;
  }
  remove_unused();
}

std::optional<failure> chunk_files::finish_file() {
  std::lock_guard lock{writing_};
  if (auto status = unsynced_ ? current_->Sync() : rocksdb::Status::OK(); !status.ok())
    return explain(newest_, "sync the chunk file", status);
  unsynced_ = false;
  current_.reset();
  std::lock_guard also{table_};
  writing_to_newest_ = false;
  return std::nullopt;
}

std::optional<failure> chunk_files::copy_to(const std::string& path) const {
  std::vector<uint64_t> finished;
  {
    std::lock_guard lock{table_};
    for (const auto& [file, count] : references_)
      if (file != newest_ || !writing_to_newest_)
        finished.push_back(file);
  }
  std::error_code why;
  fs::create_directories(path, why);
  for (auto file : finished) {
    auto to = path + "/" + fs::path{path_of(file)}.filename().string();
    fs::create_hard_link(path_of(file), to, why);
    if (why) // another file system
      fs::copy_file(path_of(file), to, why);
    if (why)
      return failure{ec::io, to + ": cannot copy the chunk file: " + why.message()};
  }
  return std::nullopt;
}

} // namespace drover::storage
