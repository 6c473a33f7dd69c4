// Runs a fuzzed function over the files of a corpus: what a compiler without libFuzzer can do too.
// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/fuzz.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

int main(int count, char** arguments) {
  size_t runs = 0;
  for (int i = 1; i < count; ++i)
    for (const auto& entry : std::filesystem::directory_iterator{arguments[i]}) {
      std::ifstream file{entry.path(), std::ios::binary};
      std::string bytes{std::istreambuf_iterator<char>{file}, {}};
      if (!file) {
        std::fprintf(stderr, "replay: %s can't be read\n", entry.path().c_str());
        return 1;
      }
      // Said before: a crash must name its input.
      std::printf("%s\n", entry.path().filename().c_str());
      std::fflush(stdout);
      // Every prefix of a short input too: cheap, and where parsers stumble.
      size_t first = bytes.size() <= 512 ? 0 : bytes.size();
      for (size_t size = first; size <= bytes.size(); ++size, ++runs)
        LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()), size);
    }
  if (runs == 0) {
    std::fprintf(stderr, "replay: nothing to replay: give it folders with files\n");
    return 1;
  }
  std::printf("%zu inputs\n", runs);
  return 0;
}
