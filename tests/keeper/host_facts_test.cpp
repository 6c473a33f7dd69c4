// What a machine says of itself.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/host_facts.hpp"
#include "nodes/spool_folder.hpp"
#include "nodes/vital_signs.hpp"
#include "schema/limits.hpp"
#include "tests/catch.hpp"
#include "tests/keeper/temp_folder.hpp"

#include <sys/utsname.h>

using namespace drover;

TEST_CASE("facts: this machine is described", "[facts]") {
  temp_folder folder;
  auto facts = probe_facts(folder.path);
  utsname kernel{};
  uname(&kernel);
  CHECK(facts["os"] == "linux");
  CHECK(facts["arch"] == kernel.machine);
  CHECK(std::stoull(facts["cores"]) >= 1);
  CHECK(std::stoull(facts["ram"]) > 64 * 1024 * 1024);
  CHECK(std::stoull(facts["disk"]) > 0);
  CHECK(facts["libc"].starts_with("glibc 2."));
  CHECK(facts["gcc"].find('.') != std::string::npos); // it has just compiled this
  CHECK((facts["sandbox"] == "none" || facts["sandbox"] == "bubblewrap"));
  add_step_facts(facts, {}, {});
  CHECK(facts["cgroup"] == "none");
  CHECK(facts["step_limits"] == "log disk files");
  CHECK(facts["steps_run_as"] == "the agent's user");
  for (const auto& [name, value] : facts)
    CHECK_FALSE(value.empty());
}

TEST_CASE("facts: a program that is not installed makes no fact", "[facts]") {
  temp_folder folder;
  std::string path = getenv("PATH");
  setenv("PATH", folder.path.c_str(), 1);
  auto facts = probe_facts(folder.path);
  setenv("PATH", path.c_str(), 1);
  CHECK(facts.count("gcc") == 0);
  CHECK(facts.count("make") == 0);
}

TEST_CASE("facts: versions are found in what programs print", "[facts]") {
  CHECK(version_in("gcc (Debian 12.2.0-14+deb12u1) 12.2.0") == "12.2.0");
  CHECK(version_in("Python 3.11.2") == "3.11.2");
  CHECK(version_in("GNU Make 4.3") == "4.3");
  CHECK(version_in("Debian clang version 14.0.6") == "14.0.6");
  CHECK(version_in("nothing of that kind 7").empty());
  CHECK(version_in("").empty());
}

TEST_CASE("facts: os-release values lose their quotes", "[facts]") {
  auto text = "PRETTY_NAME=\"Debian GNU/Linux 12\"\nVERSION_ID=\"12\"\nID=debian\n";
  CHECK(os_release_value(text, "ID") == "debian");
  CHECK(os_release_value(text, "VERSION_ID") == "12");
  CHECK(os_release_value(text, "NAME").empty());
}

TEST_CASE("facts: the machine id belongs to the state folder and stays", "[facts]") {
  temp_folder one, other;
  auto id = machine_id(one.path);
  REQUIRE(id);
  CHECK((*id).size() == 32);
  CHECK(*machine_id(one.path) == *id);
  CHECK(*machine_id(other.path) != *id);
  spill(one.path + "/machine-id", "garbage");
  CHECK(machine_id(one.path).error().code == ec::damaged);
}

TEST_CASE("facts: the boot id is the kernel's", "[facts]") {
  CHECK(current_boot_id().size() == 36);
  CHECK(current_boot_id() == current_boot_id());
}

TEST_CASE("vital signs: this machine has some of everything, and its compiler works") {
  auto seen = read_vital_signs("/", true);
  CHECK(seen.disk_free.value_or(0) > 0);
  CHECK(seen.memory_free.value_or(0) > 0);
  CHECK(seen.load.value_or(-1) >= 0);
  CHECK(seen.cores > 0);
  CHECK(seen.compiler_trouble == ""); // tests were compiled with it
}

TEST_CASE("vital signs: memory is what processes can get") {
  CHECK(memory_in("MemTotal: 8 kB\nMemAvailable:    1234 kB\n") == 1234 * 1024);
  CHECK_FALSE(memory_in("MemTotal: 8 kB\n"));
  CHECK_FALSE(memory_in("MemAvailable: \n"));
}

TEST_CASE("facts: words are put in order, each once, as many as fit", "[facts]") {
  CHECK(words_that_fit("sse2 avx  fpu\tavx", 100) == "avx fpu sse2");
  CHECK(words_that_fit("sse2 avx fpu", 8) == "avx fpu");
  CHECK(words_that_fit("", 8).empty());
}

TEST_CASE("facts: a machine knows its byte order, its clock, and the programs that are asked for",
          "[facts]") {
  temp_folder folder;
  auto facts = probe_facts(folder.path, {"sh", "no-such-program-anywhere"});
  CHECK((facts.at("endianness") == "little" || facts.at("endianness") == "big"));
  CHECK(facts.at("clock").find("synchronised") != std::string::npos);
  CHECK(facts.contains("sh"));
  CHECK_FALSE(facts.contains("no-such-program-anywhere"));
  CHECK(facts.at("cpu_flags").size() <= limits::value_bytes_max);
  if (facts.contains("gcc"))
    CHECK(facts.at("cc").find('.') != std::string::npos);
}
