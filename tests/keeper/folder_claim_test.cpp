// SPDX-License-Identifier: Apache-2.0
#include "nodes/folder_claim.hpp"
#include "tests/catch.hpp"
#include "tests/keeper/temp_folder.hpp"

using namespace drover;
namespace fs = std::filesystem;

TEST_CASE("folder claim: a host's folder is claimed at its first start and at every later one") {
  temp_folder top;
  CHECK_FALSE(claim_folder(top.path + "/h1"));
  CHECK(fs::exists(top.path + "/h1/here"));
  CHECK_FALSE(claim_folder(top.path + "/h1"));
  CHECK_FALSE(claim_folder(top.path + "/./h1/"));
}

TEST_CASE("folder claim: a copy beside its original is refused, and the original is not") {
  temp_folder top;
  REQUIRE_FALSE(claim_folder(top.path + "/h1"));
  fs::copy(top.path + "/h1", top.path + "/copy", fs::copy_options::recursive);
  auto problem = claim_folder(top.path + "/copy");
  REQUIRE(problem);
  CHECK(problem->code == ec::conflict);
  CHECK(problem->text.find(top.path + "/h1") != std::string::npos);
  CHECK(claim_folder(top.path + "/copy")); // asking again changes nothing
  CHECK_FALSE(claim_folder(top.path + "/h1"));
}

TEST_CASE("folder claim: a folder that was moved, or restored where it stood, is the host's own") {
  temp_folder top;
  REQUIRE_FALSE(claim_folder(top.path + "/h1"));
  fs::rename(top.path + "/h1", top.path + "/moved");
  CHECK_FALSE(claim_folder(top.path + "/moved"));
  fs::copy(top.path + "/moved", top.path + "/restored", fs::copy_options::recursive);
  fs::remove_all(top.path + "/moved");
  CHECK_FALSE(claim_folder(top.path + "/restored"));
}

TEST_CASE("folder claim: a damaged claim is written anew") {
  temp_folder top;
  fs::create_directories(top.path + "/h1");
  spill(top.path + "/h1/here", "drover folder-claim 1\npath 3\nab");
  CHECK_FALSE(claim_folder(top.path + "/h1"));
  CHECK(slurp(top.path + "/h1/here").find(top.path + "/h1") != std::string::npos);
}
