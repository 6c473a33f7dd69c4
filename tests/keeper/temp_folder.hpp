#pragma once
// A folder of its own for each test, gone afterwards.
// SPDX-License-Identifier: Apache-2.0

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

namespace drover {

struct temp_folder {
  temp_folder() {
    auto pattern = (std::filesystem::temp_directory_path() / "drover-test-XXXXXX").string();
    if (!mkdtemp(pattern.data()))
      throw std::runtime_error{"no temporary folder"};
    path = pattern;
  }
  ~temp_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  temp_folder(const temp_folder&) = delete;
  temp_folder& operator=(const temp_folder&) = delete;
  std::string path;
};

inline std::string slurp(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

inline void spill(const std::string& path, const std::string& bytes) {
  std::ofstream file{path, std::ios::binary | std::ios::trunc};
  file << bytes;
  if (!file.flush())
    throw std::runtime_error{"can't write " + path};
}

} // namespace drover
