// campaigns, campaign.
// SPDX-License-Identifier: Apache-2.0
#include "schema/names.hpp"
#include "tools/drover/command.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace drover::cli {

namespace {

bool is_over(const json& campaign) {
  return field_text(campaign, "state", "") == "finished";
}

std::string render_campaigns(const json& answer, const screen& out) {
  table rows{{"ID", "RESULT", "DONE", "SOURCE", "ASKED BY", "CREATED"}};
  for (const auto& campaign : answer.value("campaigns", json::array())) {
    auto word = field_text(campaign, "result", field_text(campaign, "state", "-"));
    rows.add({field_text(campaign, "id", "-"), cell{word, colour_of(word)},
              field_text(campaign, "finished", "?") + "/" + field_text(campaign, "cells", "?"),
              field_text(campaign.value("source", json::object()), "id", "-"),
              field_text(campaign, "requested_by", ""),
              short_time(field_text(campaign, "created_at", "-"))});
  }
  return rows.empty() ? "no campaigns\n" : rows.text(out.colours);
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
std::string reasons(const json& cells) {
  std::string out;
  for (const auto& each : cells) {
    auto reason = field_text(each, "reason", "");
    if (reason.empty() || field_text(each, "result", "") == "success")
      continue;
    auto build = field_text(each, "build", "");
    out += "  " + printable(field_text(each, "builder", "?"), 80) + " on "
           + printable(column_of(each), 80) + (build.empty() ? ", no build" : ", build " + build)
           + ": " + printable(reason, 1000) + "\n";
  }
  return out;
}

std::string render_campaign(const json& campaign, const screen& out) {
  auto word = field_text(campaign, "result", field_text(campaign, "state", "-"));
  auto source = field_text(campaign.value("source", json::object()), "id", "");
  auto text = "campaign " + printable(field_text(campaign, "id", "?"), 80)
              + (source.empty() ? "" : " of " + printable(source, 200)) + ": "
              + paint(printable(word, 80), colour_of(word), out.colours) + "\n\n";
  auto cells = campaign.value("cells", json::array());
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
  auto why = reasons(cells);
  return text + rows.text(out.colours) + (why.empty() ? "" : "\n" + why);
}

} // namespace

void add_campaigns(CLI::App& app, command_line& line) {
  auto shown = std::make_shared<query_options>();
  auto limit = std::make_shared<unsigned>(0);
  auto* list = app.add_subcommand("campaigns", "Campaigns, newest first");
  list->footer("Example: drover campaigns --limit 5");
  list->add_option("--limit", *limit, "So many at most")->check(CLI::PositiveNumber);
  add_query_options(*list, *shown, watchable::yes);
  list->callback([shown, limit, &line] {
    auto target = route({"campaigns"});
    if (*limit != 0)
      target += "?limit=" + std::to_string(*limit);
    line.exit_code = run_query(line, *shown, {target, render_campaigns, nullptr});
  });

  auto one_shown = std::make_shared<query_options>();
  auto id = std::make_shared<std::string>();
  auto* one = app.add_subcommand("campaign", "One change through builders and hosts, as a table");
  one->footer("Example: drover campaign c3 --watch");
  one->add_option("ID", *id, "The campaign's id, as c3")->required();
  add_query_options(*one, *one_shown, watchable::yes);
  add_wait_options(*one, *one_shown);
  one->callback([one_shown, id, &line] {
    line.exit_code =
      run_query(line, *one_shown, {route({"campaigns", *id}), render_campaign, is_over});
  });
}

} // namespace drover::cli
