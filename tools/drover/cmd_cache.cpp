// admin cache: results of steps that are kept for later builds.
// SPDX-License-Identifier: Apache-2.0
#include "schema/names.hpp"
#include "tools/drover/cmd_admin.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace drover::cli {

namespace {

/// Of a key as people see it: enough to tell entries apart.
constexpr size_t key_shown = 12;

uint64_t count_of(const json& entry, const std::string& name) {
  return static_cast<uint64_t>(std::max<int64_t>(0, field_number(entry, name, 0)));
}

std::string render_cache(const json& answer, const screen& out) {
  table rows{
    {"KEY", "BUILDER", "STEP", "FROM BUILD", "HOST", "SIZE", "SAVES", "USES", "LAST USED"}};
  for (const auto& entry : field_list(answer, "entries"))
    rows.add({field_text(entry, "key", "-").substr(0, key_shown), field_text(entry, "builder", "-"),
              field_text(entry, "step", "-"), field_text(entry, "build", "-"),
              field_text(entry, "host", "-"), size_text(count_of(entry, "size")),
              duration_text(field_number(entry, "took_ms", 0)), field_text(entry, "uses", "0"),
              when_text(entry, "used_at", out)});
  if (rows.empty())
    return "nothing is kept; steps with `cache:` keep what they made\n";
  return rows.text(out.colours, out.width) + "\n" + size_text(count_of(answer, "bytes"))
         + " in all\n";
}

struct drop_options {
  std::string key;
  bool all = false;
};

int drop(const command_line& line, const drop_options& given) {
  if (given.all != given.key.empty())
    return complain({ec::bad_input, "say which: `drover admin cache drop KEY`, or --all"});
  auto farm = open_farm(line);
  if (!farm)
    return complain(farm.error());
  auto target = given.all ? route({"cache"}) : route({"cache", given.key});
  auto answer = read_answer(farm->remove(target));
  if (!answer)
    return complain(answer.error());
  put_out(printable(field_text(*answer, "text", "dropped"), 1000) + "\n");
  return exits::green;
}

} // namespace

void add_cache(CLI::App& admin, command_line& line) {
  auto* cache = admin.add_subcommand("cache", "Results of steps that are kept for later builds:"
                                              " list, drop");
  cache->require_subcommand(1);
  cache->footer("Example: drover admin cache list");

  auto shown = std::make_shared<query_options>();
  auto* list = cache->add_subcommand("list", "What is kept, of which builds, and what it saves");
  list->footer("Example: drover admin cache list");
  add_query_options(*list, *shown, watchable::no);
  list->callback([shown, &line] {
    line.exit_code = run_query(line, *shown, {route({"cache"}), render_cache});
  });

  auto given = std::make_shared<drop_options>();
  auto* dropped = cache->add_subcommand("drop", "Forget kept results: the steps run again");
  dropped->footer("Example: drover admin cache drop 3fa94c0d11e2");
  dropped->add_option("KEY", given->key, "As `drover admin cache list` has it, or its beginning");
  dropped->add_flag("--all", given->all, "All of them");
  dropped->callback([given, &line] { line.exit_code = drop(line, *given); });
}

} // namespace drover::cli
