// SPDX-License-Identifier: Apache-2.0
#include "nodes/far/far_host.hpp"

#include "nodes/far/far_spool.hpp"
#include "nodes/far/far_workspaces.hpp"
#include "nodes/record_file.hpp"
#include "schema/limits.hpp"
#include "schema/limits_far.hpp"

#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <ctime>
#include <filesystem>

namespace drover {
namespace {

constexpr std::string_view facts_kind = "far-facts";
constexpr const char* facts_file = "facts";

std::string notes_folder(const std::string& dir) {
  return dir + "/far";
}

std::string encode_facts(const host_facts& facts) {
  record_writer out{facts_kind};
  out.put("count", facts.size());
  for (const auto& [name, value] : facts) {
    out.put("name", name);
    out.put("value", value);
  }
  return out.finish();
}

expected<host_facts> read_facts(const std::string& folder) {
  auto bytes = read_whole(folder + "/" + facts_file, limits::spool_record_bytes_max);
  if (!bytes)
    return bytes.error();
  record_reader in{facts_kind, *bytes};
  host_facts facts;
  auto count = in.take_number<size_t>("count");
  for (size_t i = 0; i < count && !in.problem(); ++i) {
    auto name = in.take("name");
    facts[name] = in.take("value");
  }
  if (in.problem())
    return *in.problem();
  return facts;
}

} // namespace

expected<std::shared_ptr<const far_machine>> open_far_machine(const far_choice& chosen) {
  auto where = parse_far_address(chosen.via);
  if (!where)
    return where.error();
  for (const auto& path : {chosen.dir, chosen.config})
    if (path.find_first_of(" \t\n'\"\\*?[$`") != std::string::npos)
      return failure{ec::bad_input, path + ": its name holds what a shell would not take as it is"};
  return std::shared_ptr<const far_machine>{
    std::make_shared<far_machine>(*where, chosen.host, chosen.config)};
}

expected<host_facts> far_facts(const far_machine& far, const std::string& dir) {
  auto folder = notes_folder(dir);
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error)
    return failure{ec::io, folder + ": " + error.message()};
  // An agent that comes back is not to keep its steps waiting for the answer.
  struct stat noted {};
  if (stat((folder + "/" + facts_file).c_str(), &noted) == 0
      && std::time(nullptr) - noted.st_mtime < limits::far_facts_seconds)
    if (auto fresh = read_facts(folder); fresh && (*fresh)["via"] == far.address().text)
      return fresh;
  auto facts = far.probe(folder);
  if (!facts) {
    auto before = read_facts(folder);
    if (!before)
      return facts.error();
    spdlog::warn("its facts are those of before: {}", facts.error().text);
    return before;
  }
  if (auto problem = replace_file(folder, facts_file, encode_facts(*facts), durability::synced))
    return *problem;
  return facts;
}

void work_by_ssh(host_settings& settings, const std::shared_ptr<const far_machine>& far,
                 const std::string& dir, const std::string& keeper_program) {
  settings.spool =
    std::make_shared<far_spool>(dir + "/spool", keeper_program, notes_folder(dir) + "/steps", far);
  settings.workspaces =
    std::make_shared<far_workspaces>(dir + "/workspaces", workspace_bounds{}, far);
  settings.cache = nullptr; // its results would have to come here and go there
  settings.base_env = {};   // that of a login over there
  settings.trouble = {};
  settings.vital_signs = [far] {
    core::vital_signs seen;
    seen.compiler_trouble = far->trouble();
    return seen;
  };
}

} // namespace drover
