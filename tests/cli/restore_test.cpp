// SPDX-License-Identifier: Apache-2.0
#include "tests/catch.hpp"
#include "tools/drover/restore.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

using namespace drover;
using namespace drover::cli;
namespace fs = std::filesystem;

namespace {

struct scratch_farm {
  std::string top;
  scratch_farm() {
    char pattern[] = "/tmp/drover-restore-XXXXXX";
    top = ::mkdtemp(pattern);
    write("farm/coordinator/store/CURRENT", "old");
    write("farm/coordinator/store.high-water", "mark");
    write("farm/lock", "");
    write("backup/store/CURRENT", "new");
    write("backup/store/000001.sst", "records");
    write("backup/farm.yaml", "farm: of the backup");
    write("backup/keys/ca.crt", "certificate");
    write("farm/farm.yaml", "farm: as it is");
  }
  ~scratch_farm() { fs::remove_all(top); }
  void write(const std::string& path, const std::string& text) const {
    fs::create_directories(fs::path{top + "/" + path}.parent_path());
    std::ofstream{top + "/" + path} << text;
  }
  std::string read(const std::string& path) const {
    std::ifstream file{top + "/" + path};
    return {std::istreambuf_iterator<char>{file}, {}};
  }
  expected<std::string> restore() const { return restore_store(top + "/backup", top + "/farm"); }
};

} // namespace

TEST_CASE("restore: the backup takes the store's place, the old store and its mark are kept") {
  scratch_farm farm;
  auto done = farm.restore();
  REQUIRE(done);
  CHECK(farm.read("farm/coordinator/store/CURRENT") == "new");
  CHECK(farm.read("farm/coordinator/store/000001.sst") == "records");
  CHECK_FALSE(fs::exists(farm.top + "/farm/coordinator/store.high-water"));
  CHECK(farm.read("farm/coordinator/keys/ca.crt") == "certificate");
  CHECK(farm.read("farm/farm.yaml") == "farm: as it is");
  auto at = done->find("kept as ");
  REQUIRE(at != std::string::npos);
  auto old = done->substr(at + 8);
  CHECK(fs::exists(old + "/CURRENT"));
  CHECK(fs::exists(old + ".high-water"));
}

TEST_CASE("restore: a farm that runs is left alone") {
  scratch_farm farm;
  auto fd = ::open((farm.top + "/farm/lock").c_str(), O_RDWR);
  REQUIRE(::flock(fd, LOCK_EX | LOCK_NB) == 0);
  auto done = farm.restore();
  REQUIRE_FALSE(done);
  CHECK(done.error().code == ec::conflict);
  CHECK(farm.read("farm/coordinator/store/CURRENT") == "old");
  ::close(fd);
  CHECK(farm.restore());
}

TEST_CASE("restore: what is no backup, or no farm, is refused and changes nothing") {
  scratch_farm farm;
  CHECK_FALSE(restore_store(farm.top + "/nothing", farm.top + "/farm"));
  CHECK_FALSE(restore_store(farm.top + "/farm", farm.top + "/farm"));
  CHECK_FALSE(restore_store(farm.top + "/backup", farm.top + "/nothing"));
  CHECK_FALSE(restore_store(farm.top + "/farm/coordinator", farm.top + "/farm"));
  CHECK(farm.read("farm/coordinator/store/CURRENT") == "old");
}
