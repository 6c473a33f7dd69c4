// sources, changes.
// SPDX-License-Identifier: Apache-2.0
#include "tools/drover/command.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace drover::cli {

namespace {

/// Where it looks; of a timer when, by which clocks, and what it takes.
std::string where_text(const json& source) {
  if (field_text(source, "cron", "").empty())
    return field_text(source, "location", "-");
  auto of = field_text(source, "of", "");
  return field_text(source, "cron", "") + " " + field_text(source, "zone", "")
         + (of.empty() ? "" : ", of " + of);
}

std::string render_sources(const json& answer, const screen& out) {
  table rows{{"SOURCE", "KIND", "WHERE", "LAST LOOK", "NEXT LOOK", "ERROR"}};
  for (const auto& source : field_list(answer, "sources")) {
    auto error = field_text(source, "last_error", "");
    rows.add({field_text(source, "name", "-"), field_text(source, "kind", "-"), where_text(source),
              when_text(source, "last_look", out), short_time(field_text(source, "next_look", "")),
              cell{error, error.empty() ? colour::none : colour::red}});
  }
  return rows.empty() ? "no sources; farm.yaml has them\n" : rows.text(out.colours, out.width);
}

/// What was built of it: a campaign, a build, or nothing and why.
std::string built_text(const json& change) {
  auto campaign = field_text(change, "campaign", "");
  if (!campaign.empty())
    return campaign;
  auto builds = field_list(change, "builds");
  return builds.empty() ? "-" : "#" + builds.front().dump();
}

std::string render_changes(const json& answer, const screen& out) {
  table rows{{"CHANGE", "SOURCE", "BRANCH", "BUILT", "SEEN", "AUTHOR", "TITLE", "NOTE"}};
  for (const auto& change : field_list(answer, "changes"))
    rows.add({field_text(change, "id", "-"), field_text(change, "source", "-"),
              field_text(change, "branch", ""), built_text(change),
              when_text(change, "seen_at", out), field_text(change, "author", ""),
              field_text(change, "title", ""), field_text(change, "note", "")});
  return rows.empty() ? "no changes yet\n" : rows.text(out.colours, out.width);
}

struct changes_options {
  query_options shown;
  std::string source;
  std::string limit;
};

} // namespace

void add_sources(CLI::App& app, command_line& line) {
  auto shown = std::make_shared<query_options>();
  auto look = std::make_shared<std::string>();
  auto* list =
    app.add_subcommand("sources", "Where changes come from: last look, last error, next")
      ->group(groups::look);
  list->footer("Example: drover sources");
  list->add_option("--look", *look, "Look at this source now");
  add_query_options(*list, *shown, watchable::yes);
  list->callback([shown, look, &line] {
    if (look->empty())
      line.exit_code = run_query(line, *shown, {route({"sources"}), render_sources});
    else
      line.exit_code =
        run_order(line, {with_params(route({"sources", *look, "look"}), {{"by", who()}}), "",
                         shown->as_json});
  });

  auto given = std::make_shared<changes_options>();
  auto* changes =
    app.add_subcommand("changes", "What sources noticed, newest first, and what was built of it")
      ->group(groups::look);
  changes->footer("Example: drover changes --limit 5");
  changes->add_option("--source", given->source, "Of this source alone");
  changes->add_option("--limit", given->limit, "So many at most (50)");
  add_query_options(*changes, given->shown, watchable::yes);
  changes->callback([given, &line] {
    auto target =
      with_params(route({"changes"}), {{"source", given->source}, {"limit", given->limit}});
    line.exit_code = run_query(line, given->shown, {target, render_changes});
  });
}

} // namespace drover::cli
