#pragma once
// Small files that survive a crash: fields with a checksum, written aside, synced and renamed.
//
//   file     := "drover " kind " 1\n" field* "sum " checksum "\n"
//   field    := key " " length "\n" bytes "\n"      length: of bytes, decimal
//   checksum := FNV-1a 64 of everything before "sum", 16 hex digits
//
// Values are any bytes. A reader takes fields in the order in which they were written; fields that
// a later version adds stand at the end, where earlier readers pass over them.
//
// Records that belong together may stand one after the other in one file, which only grows: making
// a file costs more than all that is written into a small one. There each begins on a line of its
// own, so that one which a crash cut short spoils none that is appended behind it.
// SPDX-License-Identifier: Apache-2.0

#include "schema/error.hpp"

#include <charconv>
#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace drover {

/// Collects fields and makes the file's bytes of them.
class record_writer {
public:
  explicit record_writer(std::string_view kind);
  void put(std::string_view key, std::string_view value);
  template <std::integral Number>
  void put(std::string_view key, Number number) {
    put(key, std::string_view{std::to_string(number)});
  }
  /// The whole file; the writer is used up.
  std::string finish();

private:
  std::string bytes_;
};

/// Takes fields in order. The first wrong one makes all later ones empty; ask `problem` at the end.
class record_reader {
public:
  record_reader(std::string_view kind, std::string_view bytes);
  std::string take(std::string_view key);
  template <std::integral Number>
  Number take_number(std::string_view key) {
    std::string text = take(key);
    Number number{};
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size())
      fail("field " + std::string{key} + " is not a number in range");
    return number;
  }
  /// Why the record can't be read, if so.
  const std::optional<failure>& problem() const { return problem_; }
  void fail(const std::string& why);
  /// Whether no field is left: a record of an earlier version ends here.
  bool at_end() const { return rest_.empty(); }

private:
  std::string_view rest_;
  std::string kind_;
  std::optional<failure> problem_;
};

/// The text of a system error: "No space left on device".
std::string system_text(int error_number);
failure io_failure(const std::string& what, int error_number);

/// A whole file of at most `max` bytes; ec::not_found if it is not there.
expected<std::string> read_whole(const std::string& path, size_t max);

/// At most `max` bytes of a file from `offset` on: fewer at its end.
expected<std::string> read_part(const std::string& path, uint64_t offset, size_t max);

enum class durability { synced, unsynced };
/// Replaces FOLDER/name by `bytes` at one stroke. `synced`: it survives a power loss as well, name
/// and all, once this returns.
std::optional<failure> replace_file(const std::string& folder, const std::string& name,
                                    std::string_view bytes, durability level);
/// Appends a record to an open file; it survives the death of this process, not a power loss.
/// `where` names the file in the error.
std::optional<failure> append_record(int fd, std::string_view record, const std::string& where);
/// The last whole record of `kind` in a file of records. ec::not_found if there is none,
/// ec::damaged if what there is of it does not match its checksum or is cut short.
expected<std::string_view> last_record(std::string_view kind, std::string_view file);
/// How many bytes the whole record at the beginning of `text` has; 0 if there is none.
size_t whole_record(std::string_view text);
/// Makes the names in a folder survive a power loss.
std::optional<failure> sync_folder(const std::string& folder);
/// Writes all of `bytes`; the error number, or 0.
int write_all(int fd, std::string_view bytes);

/// A file descriptor that is closed at the end.
class unique_fd {
public:
  unique_fd() = default;
  explicit unique_fd(int fd) : fd_{fd} {}
  unique_fd(unique_fd&& other) noexcept : fd_{other.release()} {}
  unique_fd& operator=(unique_fd&& other) noexcept {
    reset(other.release());
    return *this;
  }
  ~unique_fd() { reset(); }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() {
    int fd = fd_;
    fd_ = -1;
    return fd;
  }
  void reset(int fd = -1);

private:
  int fd_ = -1;
};

} // namespace drover
