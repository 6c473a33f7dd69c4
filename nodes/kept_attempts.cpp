// SPDX-License-Identifier: Apache-2.0
#include "nodes/kept_attempts.hpp"

#include "nodes/attempt_folders.hpp"
#include "schema/limits_keeper.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <filesystem>

namespace drover {

namespace fs = std::filesystem;

namespace {

constexpr auto kind = "kept";

/// A file may pass its size by one attempt.
constexpr size_t file_bytes_max = limits::kept_file_bytes + 2 * limits::kept_attempt_bytes_max;

struct kept_record {
  std::string name, boot_id;
  kept_attempt what;
};

std::string encode(const kept_record& value) {
  record_writer out{kind};
  out.put("name", value.name);
  out.put("boot-id", value.boot_id);
  out.put("attempt", value.what.attempt);
  out.put("keeper", value.what.keeper);
  out.put("log", value.what.log);
  return out.finish();
}

expected<kept_record> decode(std::string_view bytes) {
  record_reader in{kind, bytes};
  kept_record value;
  value.name = in.take("name");
  value.boot_id = in.take("boot-id");
  value.what.attempt = in.take("attempt");
  value.what.keeper = in.take("keeper");
  value.what.log = in.take("log");
  if (in.problem())
    return *in.problem();
  return value;
}

/// Nothing for other names.
std::optional<uint64_t> number_of(const std::string& name) {
  uint64_t number = 0;
  auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc{} || end != name.data() + name.size() || number == 0)
    return std::nullopt;
  return number;
}

} // namespace

kept_attempts::kept_attempts(std::string folder, std::string boot_id)
    : folder_{std::move(folder)}, boot_id_{std::move(boot_id)} {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator{folder_, error})
    if (auto number = number_of(entry.path().filename().string())) {
      last_ = std::max(last_, *number);
      look_into(*number);
    }
  rmdir(folder_.c_str()); // fails, as it should, if something is kept
}

/// What is damaged is no loss but to a coordinator whose store was damaged in these minutes.
void kept_attempts::look_into(uint64_t file) {
  auto bytes = read_whole(path_of(file), file_bytes_max);
  if (!bytes) // it may be readable at the next start
    return complain_of_spool("kept", bytes.error());
  std::string_view rest{*bytes};
  size_t held = 0;
  for (size_t at = 0; at < rest.size();) {
    auto size = whole_record(rest.substr(at));
    if (size == 0) {
      auto line = rest.find('\n', at);
      at = line == std::string_view::npos ? rest.size() : line + 1;
      continue;
    }
    auto found = decode(rest.substr(at, size));
    place where{file, static_cast<uint32_t>(at), static_cast<uint32_t>(size)};
    if (found && (*found).boot_id == boot_id_)
      held += places_.emplace((*found).name, where).second ? 1 : 0;
    at += size;
  }
  if (held > 0)
    held_[file] = held;
  else
    unlink(path_of(file).c_str());
}

std::string kept_attempts::path_of(uint64_t file) const {
  return folder_ + "/" + std::to_string(file);
}

std::optional<failure> kept_attempts::begin_file() {
  if (mkdir(folder_.c_str(), 0700) != 0 && errno != EEXIST)
    return io_failure(folder_, errno);
  auto path = path_of(last_ + 1);
  unique_fd file{open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600)};
  if (!file)
    return io_failure(path, errno);
  current_file_ = std::move(file);
  current_ = ++last_;
  current_bytes_ = 0;
  return std::nullopt;
}

std::optional<failure> kept_attempts::append(std::string_view bytes) {
  if (!current_file_ || current_bytes_ >= limits::kept_file_bytes)
    if (auto problem = begin_file())
      return problem;
  auto problem = append_record(current_file_.get(), bytes, path_of(current_));
  if (!problem)
    return std::nullopt;
  // A full disk: what there is of the record goes, or the next one would not stand where we say.
  if (ftruncate(current_file_.get(), static_cast<off_t>(current_bytes_)) != 0)
    current_file_.reset();
  return problem;
}

std::optional<failure> kept_attempts::add(const std::string& name, const kept_attempt& what) {
  if (what.attempt.size() + what.keeper.size() + what.log.size() > limits::kept_attempt_bytes_max)
    return failure{ec::unavailable, name + ": too large to be kept beside others"};
  auto bytes = encode(kept_record{name, boot_id_, what});
  std::lock_guard guard{mutex_};
  if (places_.size() >= limits::kept_attempts_max)
    return failure{ec::unavailable, folder_ + ": holds enough attempts"};
  if (auto problem = append(bytes))
    return problem;
  constexpr size_t line_end = 1; // each record begins on a line of its own
  place where{current_, static_cast<uint32_t>(current_bytes_ + line_end),
              static_cast<uint32_t>(bytes.size())};
  current_bytes_ += line_end + bytes.size();
  places_.emplace(name, where);
  ++held_[current_];
  return std::nullopt;
}

bool kept_attempts::holds(const std::string& name) const {
  std::lock_guard guard{mutex_};
  return places_.contains(name);
}

expected<kept_attempt> kept_attempts::read(const std::string& name) const {
  std::lock_guard guard{mutex_}; // or the file could go meanwhile
  auto found = places_.find(name);
  if (found == places_.end())
    return failure{ec::not_found, name + ": not kept"};
  auto [number, offset, size] = found->second;
  auto path = path_of(number);
  auto bytes = read_part(path, offset, size);
  auto record = bytes ? decode(*bytes) : expected<kept_record>{bytes.error()};
  if (!record)
    return failure{record.error().code, path + ": " + record.error().text};
  return std::move((*record).what);
}

std::vector<std::string> kept_attempts::names() const {
  std::lock_guard guard{mutex_};
  std::vector<std::string> names;
  for (const auto& [name, _] : places_)
    names.push_back(name);
  return names;
}

void kept_attempts::forget(const std::string& name) {
  std::lock_guard guard{mutex_};
  auto node = places_.extract(name);
  if (node.empty())
    return;
  auto file = node.mapped().file;
  if (--held_[file] > 0)
    return;
  held_.erase(file);
  unlink(path_of(file).c_str()); // one that stays is found again, and dropped, at the next start
  if (file == current_)
    current_file_.reset();
}

} // namespace drover
