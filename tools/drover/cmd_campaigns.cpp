// campaigns, campaign.
// SPDX-License-Identifier: Apache-2.0
#include "schema/names.hpp"
#include "tools/drover/checks.hpp"
#include "tools/drover/command.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace drover::cli {

namespace {

std::string render_campaigns(const json& answer, const screen& out) {
  table rows{{"ID", "RESULT", "DONE", "SOURCE", "ASKED BY", "CREATED"}};
  for (const auto& campaign : field_list(answer, "campaigns")) {
    rows.add({field_text(campaign, "id", "-"), verdict_cell(campaign),
              field_text(campaign, "finished", "?") + "/" + field_text(campaign, "cells", "?"),
              field_text(field_object(campaign, "source"), "id", "-"),
              field_text(campaign, "requested_by", ""), when_text(campaign, "created_at", out)});
  }
  return rows.empty() ? "no campaigns\n" : rows.text(out.colours, out.width);
}

/// The cell's host, else its class of hosts, else "any".
std::string column_of(const json& each) {
  return field_text(each, "host", field_text(each, "class", "any"));
}

std::string builder_of(const json& each) {
  return field_text(each, "builder", "?");
}

/// Each once, in the order in which they come.
std::vector<std::string> distinct(const json& cells, std::string (*value_of)(const json&)) {
  std::vector<std::string> out;
  for (const auto& each : cells) {
    auto value = value_of(each);
    if (std::find(out.begin(), out.end(), value) == out.end())
      out.push_back(value);
  }
  return out;
}

cell table_cell(const json& cells, const std::string& builder, const std::string& host) {
  cell out{""};
  for (const auto& each : cells) {
    if (builder_of(each) != builder || column_of(each) != host)
      continue;
    auto build = field_text(each, "build", "");
    auto word = build.empty() ? "none" : field_text(each, "result", field_text(each, "state", "-"));
    if (!out.text.empty())
      out.text += ", ";
    out.text += word + (build.empty() ? "" : " #" + build);
    out.shade = build.empty() ? colour::grey : colour_of(word);
  }
  return out;
}

/// One line for each cell that is not green and says why.
std::string reasons(const json& cells, size_t width) {
  std::string out;
  for (const auto& each : cells) {
    auto reason = field_text(each, "reason", "");
    if (reason.empty() || field_text(each, "result", "") == "success")
      continue;
    auto build = field_text(each, "build", "");
    out +=
      hang("  ",
           printable(field_text(each, "builder", "?"), 80) + " on " + printable(column_of(each), 80)
             + (build.empty() ? ", no build" : ", build " + build) + ": " + printable(reason, 1000),
           width);
  }
  return out;
}

std::string render_campaign(const json& campaign, const screen& out) {
  auto word = field_text(campaign, "result", field_text(campaign, "state", "-"));
  auto source = field_text(field_object(campaign, "source"), "id", "");
  auto text = "campaign " + printable(field_text(campaign, "id", "?"), 80)
              + (source.empty() ? "" : " of " + printable(source, 200)) + ": "
              + paint(printable(word, 80), colour_of(word), out.colours) + "\n\n";
  auto cells = field_list(campaign, "cells");
  auto hosts = distinct(cells, column_of);
  std::vector<std::string> headings{"BUILDER"};
  for (const auto& host : hosts)
    headings.push_back(printable(host, 80));
  table rows{headings};
  for (const auto& builder : distinct(cells, builder_of)) {
    std::vector<cell> row{cell{builder}};
    for (const auto& host : hosts)
      row.push_back(table_cell(cells, builder, host));
    rows.add(std::move(row));
  }
  auto why = reasons(cells, out.width);
  return text + rows.text(out.colours, out.width) + (why.empty() ? "" : "\n" + why);
}

} // namespace

std::string campaign_progress(const json& campaign) {
  size_t over = 0, red = 0, all = 0;
  for (const auto& each : field_list(campaign, "cells")) {
    ++all;
    over += is_over(each) || field_text(each, "build", "").empty();
    red += is_over(each) && !is_green(each);
  }
  auto text = "campaign " + printable(field_text(campaign, "id", "?"), 80) + ": "
              + std::to_string(over) + " of " + std::to_string(all) + " over";
  if (red > 0)
    text += ", " + std::to_string(red) + " red";
  if (auto begun = parse_time(field_text(campaign, "created_at", "")))
    text += ", " + duration_text(now_ms() - *begun);
  return text;
}

void add_campaigns(CLI::App& app, command_line& line) {
  auto shown = std::make_shared<query_options>();
  auto limit = std::make_shared<unsigned>(0);
  auto* list = app.add_subcommand("campaigns", "Campaigns, newest first")->group(groups::look);
  list->footer("Example: drover campaigns --limit 5");
  list->add_option("--limit", *limit, "So many at most; else 50")
    ->type_name("N")
    ->check(above_zero());
  add_query_options(*list, *shown, watchable::yes);
  list->callback([shown, limit, &line] {
    auto target = route({"campaigns"});
    if (*limit != 0)
      target += "?limit=" + std::to_string(*limit);
    line.exit_code = run_query(line, *shown, {target, render_campaigns, nullptr});
  });

  auto one_shown = std::make_shared<query_options>();
  auto id = std::make_shared<std::string>();
  auto* one = app.add_subcommand("campaign", "One change through builders and hosts, as a table")
                ->group(groups::look);
  one->footer("Example: drover campaign c1 --wait");
  one->add_option("ID", *id, "The campaign's id, as c3")->required();
  add_query_options(*one, *one_shown, watchable::yes);
  add_wait_options(*one, *one_shown);
  one->callback([one_shown, id, &line] {
    line.exit_code = run_query(
      line, *one_shown, {route({"campaigns", *id}), render_campaign, is_over, campaign_progress});
  });
}

} // namespace drover::cli
