// Campaigns: is this candidate good everywhere? One table, every hole explained.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/pages/page.hpp"
#include "schema/limits_web.hpp"

#include <algorithm>

namespace drover::pages {

namespace {

struct tally {
  size_t good = 0, bad = 0, open = 0, holes = 0, aside = 0;
};

tally count_cells(const json& cells) {
  tally out;
  for (const auto& cell : cells) {
    auto result = word(cell, "result");
    if (member(cell, "build").is_null())
      ++out.holes;
    else if (word(cell, "state") != "finished")
      ++out.open;
    else if (is_red(result))
      ++out.bad;
    else if (result == "success" || result == "warnings")
      ++out.good;
    else
      ++out.aside;
  }
  return out;
}

std::string readiness(const tally& seen, size_t all) {
  auto good = std::to_string(seen.good) + " of " + std::to_string(all);
  if (all == 0)
    return "There is nothing in this campaign";
  if (seen.bad > 0)
    return "No: it is bad in " + count_words(seen.bad, "place", "places") + " and good in " + good
           + (seen.open > 0 ? "; " + std::to_string(seen.open) + " are not over yet" : "");
  if (seen.open > 0)
    return "Not known yet: good in " + good + ", "
           + count_words(seen.open, "build is", "builds are") + " not over";
  if (seen.holes + seen.aside > 0)
    return "Good where it ran, in " + good + "; "
           + count_words(seen.holes + seen.aside, "place says", "places say") + " nothing";
  return "Yes: it is good everywhere, in " + good + " places";
}

literal readiness_tone(const tally& seen, size_t all) {
  if (seen.bad > 0)
    return "verdict bad";
  if (seen.open > 0)
    return "verdict busy";
  return seen.holes + seen.aside > 0 || all == 0 ? literal{"verdict warn"}
                                                 : literal{"verdict good"};
}

/// Where a cell stands in the table: its host, its class of hosts, or anywhere.
std::string column_of(const json& cell) {
  if (auto host = word(cell, "host"); !host.empty())
    return host;
  if (auto kind = word(cell, "class"); !kind.empty())
    return kind;
  return "any host";
}

void add_once(std::vector<std::string>& names, const std::string& name) {
  if (std::find(names.begin(), names.end(), name) == names.end())
    names.push_back(name);
}

void write_cell(html& out, const json& cell) {
  if (member(cell, "build").is_null()) {
    auto box = out.in("td", {{"class", "hole"}});
    mark(out, "not built", "");
    out.element("span", {{"class", "why"}}, word(cell, "reason"));
    return;
  }
  auto state = word(cell, "state");
  auto result = word(cell, "result");
  auto box = out.in("td", {{"class", "cell " + std::string{tone_of(state, result).text()}}});
  {
    auto link = out.in("a", {{"href", path_of({"builds", word(cell, "build")})}});
    mark(out, state, result);
    out.element("span", {{"class", "number"}}, "#" + word(cell, "build"));
  }
  if (auto placed = word(cell, "placed_on"); !placed.empty())
    out.element("span", {{"class", "quiet"}}, "on " + placed);
  if (result != "success")
    if (auto reason = word(cell, "reason"); !reason.empty())
      out.element("span", {{"class", "why"}}, reason);
}

void readiness_table(html& out, const json& cells) {
  std::vector<std::string> builders, columns;
  for (const auto& cell : cells) {
    add_once(builders, word(cell, "builder"));
    add_once(columns, column_of(cell));
  }
  std::sort(columns.begin(), columns.end());
  auto box = out.in("div", {{"class", "scroll"}});
  auto table = out.in("table", {{"class", "matrix"}});
  out.element("caption", "What each builder says, on each host or class of hosts");
  {
    auto head = out.in("thead");
    auto row = out.in("tr");
    out.element("th", {{"scope", "col"}}, "Builder");
    for (const auto& column : columns)
      out.element("th", {{"scope", "col"}}, column);
  }
  auto body = out.in("tbody");
  for (const auto& builder : builders) {
    auto row = out.in("tr", {{"id", "row-" + builder}});
    {
      auto cell = out.in("th", {{"scope", "row"}});
      out.link(path_of({"builders", builder}), builder);
    }
    for (const auto& column : columns) {
      auto found = std::find_if(cells.begin(), cells.end(), [&](const json& cell) {
        return word(cell, "builder") == builder && column_of(cell) == column;
      });
      if (found == cells.end())
        out.element("td", {{"class", "hole quiet"}}, "not asked for");
      else
        write_cell(out, *found);
    }
  }
}

} // namespace

page_answer show_campaigns(page_call& call) {
  auto query = with("limit", std::to_string(limits::page_list_rows));
  if (auto before = call.asked.parameter("before"))
    query["before"] = *before;
  auto campaigns = co_await ask_api(call, segments("campaigns"), query);
  if (!campaigns.ok())
    co_return refused_page(call, campaigns);
  page made{call, place::campaigns, "Campaigns", "builds"};
  auto& out = made.out;
  out.element("h1", "Campaigns");
  const auto& rows = list(campaigns.body, "campaigns");
  if (rows.empty())
    nothing_here(out, "No campaign yet: a submission that makes more than one build becomes one.");
  {
    auto all = out.in("ul", {{"class", "rows"}});
    for (const auto& campaign : rows) {
      auto id = word(campaign, "id");
      auto row = out.in("li", {{"id", "campaign-" + id}});
      mark(out, word(campaign, "state"), word(campaign, "result"));
      out.link(path_of({"campaigns", id}), id + " " + source_words(member(campaign, "source")));
      out.element("span", {{"class", "quiet"}},
                  word(campaign, "finished") + " of " + word(campaign, "cells")
                    + " cells are over");
      out.element("span", {{"class", "why"}}, word(campaign, "requested_because"));
      auto time = out.in("span", {{"class", "end"}});
      ago(out, time_of(campaign, "created_at"), call.now);
    }
  }
  pager(out, "/campaigns", member(campaigns.body, "next"), {});
  co_return made.finish();
}

page_answer show_campaign(page_call& call) {
  auto campaign = co_await ask_api(call, segments("campaigns", call.captures[0]));
  if (!campaign.ok())
    co_return refused_page(call, campaign);
  auto why = co_await ask_api(call, segments("campaigns", call.captures[0], "why"));
  auto id = word(campaign.body, "id");
  const auto& cells = list(campaign.body, "cells");
  auto source = source_words(member(campaign.body, "source"));
  if (source.empty())
    source = "campaign " + id;
  page made{call, place::campaigns, "Is " + source + " good everywhere?", "campaign=" + id};
  auto& out = made.out;
  out.element("p", {{"class", "crumbs"}}, "campaign " + id);
  out.element("h1", "Is " + source + " good everywhere?");
  auto seen = count_cells(cells);
  out.element("p", {{"class", readiness_tone(seen, cells.size()).text()}},
              readiness(seen, cells.size()));
  if (why.ok() && seen.bad + seen.holes > 0) {
    out.element("p", {{"class", "lead"}}, word(why.body, "reason"));
    evidence_list(out, why.body);
  }
  campaign_orders(out, call, campaign.body);
  readiness_table(out, cells);
  {
    auto facts = out.in("dl", {{"class", "facts"}});
    if (auto by = word(campaign.body, "requested_by"); !by.empty())
      fact(out, "Asked for by", by);
    if (auto because = word(campaign.body, "requested_because"); !because.empty())
      fact(out, "Because", because);
    auto pair = out.in("div");
    out.element("dt", "Since");
    auto value = out.in("dd");
    ago(out, time_of(campaign.body, "created_at"), call.now);
  }
  co_return made.finish();
}

} // namespace drover::pages
