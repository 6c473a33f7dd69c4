// SPDX-License-Identifier: Apache-2.0
#include "tests/catch.hpp"
#include "tools/drover/download.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

using namespace drover;
using namespace drover::cli;

namespace {

struct scratch {
  std::string path;
  scratch() {
    auto pattern = (std::filesystem::temp_directory_path() / "drover-cli-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()));
    path = pattern;
  }
  ~scratch() {
    std::error_code ignored; // what is left is under the system's folder for such things
    std::filesystem::remove_all(path, ignored);
  }
  size_t files() const {
    return static_cast<size_t>(std::distance(std::filesystem::directory_iterator{path}, {}));
  }
};

const std::string abc_digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

} // namespace

TEST_CASE("download: the right bytes appear under their name") {
  scratch folder;
  auto file = download::begin(folder.path + "/a");
  REQUIRE(file);
  CHECK_FALSE(file->take("ab"));
  CHECK_FALSE(file->take("c"));
  CHECK_FALSE(std::filesystem::exists(folder.path + "/a"));
  CHECK_FALSE(file->finish(abc_digest));
  std::ifstream read{folder.path + "/a"};
  CHECK(std::string{std::istreambuf_iterator<char>{read}, {}} == "abc");
  CHECK(folder.files() == 1);
}

TEST_CASE("download: wrong bytes, or none to the end, leave nothing behind") {
  scratch folder;
  {
    auto file = download::begin(folder.path + "/a");
    REQUIRE(file);
    CHECK_FALSE(file->take("abd"));
    auto wrong = file->finish(abc_digest);
    REQUIRE(wrong);
    CHECK(wrong->code == ec::damaged);
  }
  {
    auto file = download::begin(folder.path + "/b");
    REQUIRE(file);
    CHECK_FALSE(file->take("abc"));
  }
  CHECK(folder.files() == 0);
  CHECK_FALSE(download::begin(folder.path + "/no/such/folder/a"));
}

TEST_CASE("download: a path that leads out is refused, a deep one is kept by its last part") {
  CHECK(*local_name("out/deep/a.bin") == "a.bin");
  CHECK(*local_name("..a") == "..a");
  for (auto wrong : {"", "/etc/passwd", "..", "../a", "a/../../b", "a/", "a/."}) {
    INFO(wrong);
    CHECK_FALSE(local_name(wrong));
  }
}
