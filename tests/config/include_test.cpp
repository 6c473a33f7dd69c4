// SPDX-License-Identifier: Apache-2.0
#include "config/config.hpp"
#include "config/include.hpp"
#include "schema/limits.hpp"
#include "tests/catch.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>

using namespace drover;

namespace {

/// A folder that is only a map; folders in it are known by their files.
config_files files_of(const string_map& texts) {
  config_files files;
  files.read = [texts](const std::string& path) -> expected<std::string> {
    auto found = texts.find(path);
    if (found == texts.end())
      return failure{ec::io, "can't be opened: No such file or directory"};
    return found->second;
  };
  files.list = [texts](const std::string& folder) -> expected<std::vector<std::string>> {
    std::vector<std::string> names;
    auto begin = folder.empty() ? "" : folder + "/";
    for (const auto& [path, text] : texts)
      if (path.rfind(begin, 0) == 0 && path.find('/', begin.size()) == std::string::npos)
        names.push_back(path.substr(begin.size()));
    if (names.empty())
      return failure{ec::io, "can't be listed: No such file or directory"};
    return names;
  };
  return files;
}

config_report check(const string_map& texts) {
  return check_config("farm.yaml", files_of(texts));
}

std::string errors_of(const config_report& report) {
  std::string text;
  for (const auto& error : report.errors)
    text += (text.empty() ? "" : "\n") + format(error, "d/farm.yaml");
  return text;
}

std::string builder(const std::string& name) {
  return "builders: {" + name + ": {steps: [{name: s, run: make}]}}\n";
}

struct scratch {
  scratch()
      : path{(std::filesystem::temp_directory_path()
              / ("drover-include-" + std::to_string(std::random_device{}())))
               .string()} {
    std::filesystem::create_directories(path + "/builders");
  }
  ~scratch() { std::filesystem::remove_all(path); }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream{path + "/" + name, std::ios::binary} << text;
  }
  std::string path;
};

} // namespace

TEST_CASE("include: sections of all files come together, and their texts are kept") {
  string_map texts{{"farm.yaml", "farm: x\ninclude: [hosts.yaml, \"builders/*.yaml\"]\n"
                                 "hosts: {h1: {}}\n"},
                   {"hosts.yaml", "hosts: {h2: {slots: 2}}\n"},
                   {"builders/a.yaml", builder("a")},
                   {"builders/b.yaml", builder("b") + "limits: {log_per_step: 1GiB}\n"},
                   {"builders/.c.yaml", "not read"},
                   {"builders/d.yaml~", "not read"}};
  auto report = check(texts);
  CHECK(errors_of(report).empty());
  REQUIRE(report.config);
  CHECK(report.config->farm == "x");
  CHECK(report.config->hosts.size() == 2);
  CHECK(report.config->hosts[1].slots == 2);
  CHECK(report.config->builders.size() == 2);
  CHECK(report.config->limits.log_per_step == 1u << 30);
  texts.erase("builders/.c.yaml");
  texts.erase("builders/d.yaml~");
  CHECK(report.files == texts);
}

TEST_CASE("include: a path is relative to the file that names it") {
  auto report = check({{"farm.yaml", "include: a/a.yaml\n"},
                       {"a/a.yaml", "include: [b.yaml, ../c.yaml]\n"},
                       {"a/b.yaml", builder("b")},
                       {"c.yaml", builder("c")}});
  CHECK(errors_of(report).empty());
  REQUIRE(report.config);
  CHECK(report.config->builders.size() == 2);
}

TEST_CASE("include: mistakes carry the included file's name, in the order of reading") {
  auto report = check({{"farm.yaml", "include: [b.yaml]\nfrm: x\n"},
                       {"b.yaml", "builders:\n  b: {source: s, steps: [{name: s, run: make, "
                                  "timout: 1m}]}\n"}});
  CHECK(errors_of(report)
        == "d/farm.yaml:2:1: unknown key 'frm' (did you mean 'farm'?)\n"
           "d/b.yaml:2:15: source 's' is not known; there is none\n"
           "d/b.yaml:2:47: unknown key 'timout' (did you mean 'timeout'?)");
  CHECK(format(report.errors[1], "farm.yaml").rfind("b.yaml:2:15: ", 0) == 0);
}

TEST_CASE("include: a name defined twice names both places") {
  auto report = check({{"farm.yaml", "farm: x\ninclude: [b.yaml]\n" + builder("check")},
                       {"b.yaml", "farm: y\n" + builder("check")}});
  CHECK(errors_of(report)
        == "d/b.yaml:1:1: 'farm' is said twice, first at farm.yaml:1:1\n"
           "d/b.yaml:2:12: 'check' is defined in builders twice, first at farm.yaml:3:12");
  CHECK(errors_of(check({{"farm.yaml", "include: b.yaml\nlimits: {log_per_step: 1GiB}\n"},
                         {"b.yaml", "limits: {log_per_step: 2GiB}\n"}}))
        == "d/b.yaml:1:10: 'log_per_step' is defined in limits twice, first at farm.yaml:2:10");
}

TEST_CASE("include: a circle is told with its way; a pattern leaves out who reads it") {
  CHECK(errors_of(check({{"farm.yaml", "include: a.yaml\n"},
                         {"a.yaml", "include: b.yaml\n"},
                         {"b.yaml", "include: a.yaml\n"}}))
        == "d/b.yaml:1:10: include: goes in a circle, a.yaml -> b.yaml -> a.yaml; take one out");
  CHECK(errors_of(check({{"farm.yaml", "include: ./farm.yaml\n"}}))
        == "d/farm.yaml:1:10: include: goes in a circle, farm.yaml -> farm.yaml; take one out");
  CHECK(
    errors_of(check({{"farm.yaml", "include: \"*.yaml\"\n"}, {"b.yaml", builder("b")}})).empty());
}

TEST_CASE("include: a file named twice is read once") {
  auto report =
    check({{"farm.yaml", "include: [b.yaml, \"*.yaml\", ./b.yaml]\n"}, {"b.yaml", builder("b")}});
  CHECK(errors_of(report).empty());
  CHECK(report.files.size() == 2);
}

TEST_CASE("include: what may not be named") {
  auto error_of = [](const std::string& entry) {
    return errors_of(check({{"farm.yaml", "include: [" + entry + "]\n"}}));
  };
  auto at = std::string{"d/farm.yaml:1:11: include: "};
  CHECK(error_of("/etc/drover/b.yaml")
        == at
             + "'/etc/drover/b.yaml' is absolute; name a file in the main file's folder or below "
               "it");
  CHECK(error_of("~/b.yaml").rfind(at + "'~/b.yaml' is absolute", 0) == 0);
  CHECK(error_of("../b.yaml") == at + "'../b.yaml' leads out of the main file's folder");
  CHECK(error_of("a/../../b.yaml") == at + "'a/../../b.yaml' leads out of the main file's folder");
  CHECK(error_of("notes.txt") == at + "'notes.txt' must end in .yaml or .yml");
  CHECK(error_of("builders") == at + "'builders' must end in .yaml or .yml");
  CHECK(error_of("\"*/b.yaml\"")
        == at + "'*/b.yaml': '*' and '?' may stand only behind the last '/'");
  CHECK(error_of("\"http://x/b.yaml\"") == at + "'http://x/b.yaml' is no path of a file");
  CHECK(error_of("\"\"") == at + "'' is no path of a file");
  CHECK(error_of("[x]") == at + "expected the path of a file, e.g. hosts.yaml");
  CHECK(errors_of(check({{"farm.yaml", "include: {a: b.yaml}\n"}}))
        == "d/farm.yaml:1:10: include: expected a list, e.g. [hosts.yaml, \"builders/*.yaml\"], "
           "not a mapping");
}

TEST_CASE("include: a missing file says which one was perhaps meant") {
  CHECK(errors_of(check({{"farm.yaml", "include: [hots.yaml]\n"}, {"hosts.yaml", "hosts: {}\n"}}))
        == "d/farm.yaml:1:11: include: 'hots.yaml' can't be opened: No such file or directory "
           "(did you mean 'hosts.yaml'?)");
  auto none = check({{"farm.yaml", "include: [\"b*.yml\"]\n"}});
  CHECK(errors_of(none).empty());
  REQUIRE(none.warnings.size() == 1);
  CHECK(none.warnings[0].message == "include: no file fits 'b*.yml'");
  CHECK(errors_of(check({{"farm.yaml", "include: [\"builders/*.yml\"]\n"}}))
        == "d/farm.yaml:1:11: include: 'builders' can't be listed: No such file or directory");
}

TEST_CASE("include: an included file holds sections") {
  CHECK(errors_of(check({{"farm.yaml", "include: [b.yaml]\n"}, {"b.yaml", "- x\n"}}))
        == "d/b.yaml:1:1: an included file holds sections, e.g. builders: {...}, as the main file "
           "does");
  CHECK(errors_of(check({{"farm.yaml", "include: [b.yaml]\n"}, {"b.yaml", ""}}))
          .rfind("d/b.yaml:1:1: the file is empty; ", 0)
        == 0);
  CHECK(errors_of(check({{"farm.yaml", "include: [b.yaml]\n"}, {"b.yaml", "a: \"x\n"}}))
        == "d/b.yaml:1:4: this quote is never closed");
}

TEST_CASE("include: a text alone can't include anything") {
  auto report = check_config("include: [b.yaml]\n");
  CHECK(errors_of(report)
        == "d/farm.yaml:1:11: include: 'b.yaml' is not there: this is a text without a folder");
}

TEST_CASE("include: endless files, names and texts end at a bound") {
  size_t reads = 0;
  config_files endless;
  endless.read = [&reads](const std::string&) -> expected<std::string> {
    return "include: [x" + std::to_string(++reads) + ".yaml]\n";
  };
  endless.list = [](const std::string&) -> expected<std::vector<std::string>> {
    return std::vector<std::string>{};
  };
  auto chain = check_config("farm.yaml", endless);
  CHECK(reads == limits::config_files_max);
  REQUIRE(chain.errors.size() == 1);
  CHECK(chain.errors[0].message == "include: more than 64 files; put some together");

  config_files wide;
  wide.read = [](const std::string& path) -> expected<std::string> {
    return path == "farm.yaml" ? std::string{"include: [\"*.yaml\"]\n"}
                               : std::string{"hosts: {}\n"};
  };
  wide.list = [](const std::string&) -> expected<std::vector<std::string>> {
    std::vector<std::string> names;
    for (int i = 0; i < 5000; ++i)
      names.push_back("b" + std::to_string(i) + ".yaml");
    return names;
  };
  CHECK(check_config("farm.yaml", wide).errors.size() == 1);

  std::string big(limits::config_bytes_max / 2, '#');
  auto large = check({{"farm.yaml", "include: [a.yaml, b.yaml, c.yaml]\n"},
                      {"a.yaml", "hosts: {}\n" + big},
                      {"b.yaml", "hosts: {}\n" + big},
                      {"c.yaml", "hosts: {}\n"}});
  REQUIRE(large.errors.size() == 2);
  CHECK(large.errors[0].message
        == "include: with 'b.yaml' the files are larger than 1048576 bytes together");
}

TEST_CASE("include: aliases of many files share one budget") {
  std::string bomb = "users: {u: &a {roles: &b [";
  for (int i = 0; i < 30'000; ++i)
    bomb += "x,";
  bomb += "]}}\n";
  string_map texts{{"farm.yaml", "include: [\"*.yaml\"]\n"}};
  for (int i = 0; i < 8; ++i)
    texts["b" + std::to_string(i) + ".yaml"] = bomb;
  auto report = check(texts);
  bool told = false;
  for (const auto& error : report.errors)
    told = told || error.message.find("100000 values") != std::string::npos;
  CHECK(told);
}

TEST_CASE("include: hostile names of files are shown in one harmless line") {
  auto report =
    check_config("include: [\"\\e[31mx\\n.yaml\", \"a\\tb.yaml\", \"\\u202Ex.yaml\"]\n");
  CHECK(report.errors.size() == 3);
  for (const auto& error : report.errors) {
    CHECK(error.message.find('\x1B') == std::string::npos);
    CHECK(error.message.find('\n') == std::string::npos);
    CHECK(error.message.find("\xE2\x80\xAE") == std::string::npos);
  }
}

TEST_CASE("patterns: any text, one character, hidden files only if asked for") {
  CHECK(fits_pattern("a.yaml", "*.yaml"));
  CHECK(fits_pattern(".yaml", ".*"));
  CHECK(fits_pattern("a1.yaml", "a?.yaml"));
  CHECK(fits_pattern("abcabc.yaml", "*abc.yaml"));
  CHECK_FALSE(fits_pattern(".a.yaml", "*.yaml"));
  CHECK_FALSE(fits_pattern("a.yaml~", "*.yaml"));
  CHECK_FALSE(fits_pattern("a.yaml", "a?.yaml"));
  CHECK_FALSE(fits_pattern(std::string(200, 'a') + "b", "*a*a*a*a*a*a*a*a*a*a*c"));
}

TEST_CASE("include: files of a disk, by their paths from the main file's folder") {
  scratch place;
  place.write("farm.yaml", "include: [\"builders/*.yaml\"]\n");
  place.write("builders/a.yaml", builder("a"));
  auto report = load_config(place.path + "/farm.yaml");
  CHECK(errors_of(report).empty());
  CHECK(report.files
        == string_map{{"farm.yaml", "include: [\"builders/*.yaml\"]\n"},
                      {"builders/a.yaml", builder("a")}});
  place.write("builders/a.yaml", "builders: {a: 1}\n");
  report = load_config(place.path + "/farm.yaml");
  REQUIRE(report.errors.size() == 1);
  CHECK(format(report.errors[0], place.path + "/farm.yaml")
          .rfind(place.path + "/builders/a.yaml:1:15: ", 0)
        == 0);
}

TEST_CASE("include: a pipe or a folder with a file's name can't hang or be read") {
  scratch place;
  place.write("farm.yaml", "include: [pipe.yaml, builders.yaml]\n");
  REQUIRE(mkfifo((place.path + "/pipe.yaml").c_str(), 0600) == 0);
  std::filesystem::create_directory(place.path + "/builders.yaml");
  CHECK(errors_of(load_config(place.path + "/farm.yaml"))
        == "d/farm.yaml:1:11: include: 'pipe.yaml' is no plain file\n"
           "d/farm.yaml:1:22: include: 'builders.yaml' is a folder; name the file in it, e.g. "
           "farm.yaml");
}

TEST_CASE("include: a file without permission says so") {
  scratch place;
  place.write("farm.yaml", "farm: x\n");
  auto path = place.path + "/farm.yaml";
  REQUIRE(chmod(path.c_str(), 0000) == 0);
  auto nobody = uid_t{65534};
  bool root = geteuid() == 0;
  if (root)
    REQUIRE(seteuid(nobody) == 0);
  auto report = load_config(path);
  if (root)
    REQUIRE(seteuid(0) == 0);
  REQUIRE(report.errors.size() == 1);
  CHECK(format(report.errors[0], "farm.yaml") == "farm.yaml: can't be opened: Permission denied");
}
