#pragma once
// A store in a folder of its own that a test can open, damage and copy as a crash would leave it.
// SPDX-License-Identifier: Apache-2.0

#include "storage/rocks_store.hpp"
#include "tests/catch.hpp"

#include <stdlib.h>

#include <filesystem>
#include <fstream>

namespace drover::test {

namespace fs = std::filesystem;

/// Removed with all that is in it when the test ends.
class temporary_folder {
public:
  temporary_folder() {
    auto name = (fs::temp_directory_path() / "drover-test-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~temporary_folder() {
    std::error_code ignored; // a leftover in the temporary folder hurts nobody
    fs::remove_all(path_, ignored);
  }
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  const fs::path& path() const { return path_; }

private:
  fs::path path_;
};

/// A clock that stands still: the high-water file is written at the first commit and at close.
inline storage::open_options still() {
  storage::open_options options;
  options.clock = [] { return milliseconds{0}; };
  return options;
}

inline std::unique_ptr<storage::rocks_store> open_store(const fs::path& path,
                                                        storage::open_options options = still()) {
  auto opened = storage::rocks_store::open(path.string(), std::move(options));
  if (!opened)
    FAIL(opened.error().text);
  return *std::move(opened);
}

inline failure why_not_opened(const fs::path& path, storage::open_options options = still()) {
  auto opened = storage::rocks_store::open(path.string(), std::move(options));
  REQUIRE_FALSE(opened.ok());
  return opened.error();
}

inline std::string numbered_key(uint64_t number) {
  auto digits = std::to_string(number);
  return std::string(8 - digits.size(), '0') + digits;
}

/// Commits keys first to last, each synced by itself, with a value of 100 bytes.
inline void commit_numbers(storage::store& into, uint64_t first, uint64_t last) {
  for (auto number = first; number <= last; ++number) {
    storage::write_batch batch;
    batch.add(storage::family::history, numbered_key(number), std::string(100, 'v'));
    auto problem = into.commit(batch, storage::durability::synced);
    if (problem)
      FAIL(problem->text);
  }
}

/// How many of the keys 1, 2, ... are there without a gap.
inline uint64_t count_numbers(const storage::store& from) {
  uint64_t count = 0;
  while (true) {
    auto found = from.get(storage::family::history, numbered_key(count + 1));
    REQUIRE(found.ok());
    if (!found->has_value())
      return count;
    ++count;
  }
}

/// What power loss would leave of the store now: a copy of its files and of its high-water file.
inline fs::path crash_image(const fs::path& store) {
  auto image = store;
  image += "-image";
  fs::remove_all(image);
  fs::copy(store, image, fs::copy_options::recursive);
  fs::copy_file(store.string() + ".high-water", image.string() + ".high-water",
                fs::copy_options::overwrite_existing);
  return image;
}

/// The largest file in the store whose name ends so.
inline fs::path largest_file(const fs::path& store, const std::string& extension) {
  fs::path largest;
  for (const auto& entry : fs::directory_iterator{store})
    if (entry.path().extension() == extension
        && (largest.empty() || entry.file_size() > fs::file_size(largest)))
      largest = entry.path();
  REQUIRE_FALSE(largest.empty());
  return largest;
}

inline void flip_bit(const fs::path& file, uint64_t offset) {
  std::fstream stream{file, std::ios::in | std::ios::out | std::ios::binary};
  stream.seekg(static_cast<std::streamoff>(offset));
  auto byte = static_cast<char>(stream.get() ^ 4);
  stream.seekp(static_cast<std::streamoff>(offset));
  stream.put(byte);
  REQUIRE(stream.flush().good());
}

} // namespace drover::test
