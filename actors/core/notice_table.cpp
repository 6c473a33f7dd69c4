// The words of a campaign's end: its table.
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/explain/words.hpp"
#include "actors/core/json_text.hpp"
#include "actors/core/notices.hpp"
#include "schema/limits_notices.hpp"
#include "schema/names.hpp"

#include <algorithm>

namespace drover::core {

namespace {

struct table_row {
  std::string builder, place, outcome, build;
};

const build_record* find(const std::vector<build_record>& builds, build_id id) {
  auto found = std::find_if(builds.begin(), builds.end(),
                            [id](const build_record& build) { return build.id == id; });
  return id.value == 0 || found == builds.end() ? nullptr : &*found;
}

table_row row_of(const campaign_cell& cell, const build_record* build) {
  table_row row;
  row.builder = printable(cell.builder, limits::name_bytes_max);
  row.place = cell.host.value.empty() ? cell.host_class : cell.host.value;
  if (row.place.empty() && build != nullptr)
    row.place = build->host.value;
  row.place = printable(row.place, limits::name_bytes_max);
  row.outcome = build == nullptr ? "not built" : plain(build->outcome);
  row.build = build == nullptr ? printable(cell.reason, limits::name_bytes_max)
                               : "build " + to_string(build->id);
  return row;
}

std::string padded(const std::string& text, size_t width) {
  return text + std::string(width - std::min(width, text.size()) + 2, ' ');
}

std::string table_of(const std::vector<table_row>& rows) {
  size_t builder = 0, place = 0, outcome = 0;
  for (const auto& row : rows) {
    builder = std::max(builder, row.builder.size());
    place = std::max(place, row.place.size());
    outcome = std::max(outcome, row.outcome.size());
  }
  std::string text;
  for (const auto& row : rows)
    text += "  " + padded(row.builder, builder) + padded(row.place, place)
            + padded(row.outcome, outcome) + row.build + "\n";
  return text;
}

std::string json_of(const campaign_cell& cell, const build_record* build) {
  json_object out;
  out.text("builder", cell.builder)
    .text_or_null("host", cell.host.value)
    .text_or_null("class", cell.host_class)
    .id("build", cell.build.value)
    .text_or_null("result", build == nullptr ? "" : to_string(build->outcome))
    .text_or_null("reason", build == nullptr ? cell.reason : build->reason);
  return out.done();
}

} // namespace

notice_words campaign_words(const notice_heading& heading, const campaign_record& campaign,
                            const std::vector<build_record>& builds) {
  auto why = explain_campaign(campaign, builds);
  auto path = "/campaigns/" + to_string(campaign.id);
  auto url = heading.url.empty() ? std::string{} : heading.url + path;
  notice_words out;
  out.subject = one_line(why.sentence);
  std::vector<table_row> rows;
  json_array cells;
  for (const auto& cell : campaign.cells) {
    if (rows.size() == limits::notice_cells_told)
      break;
    const auto* build = find(builds, cell.build);
    rows.push_back(row_of(cell, build));
    cells.raw(json_of(cell, build));
  }
  out.text = out.subject + "\n\n" + table_of(rows);
  if (campaign.cells.size() > rows.size())
    out.text +=
      "  and " + counted(campaign.cells.size() - rows.size(), "more cell") + " on its page\n";
  for (size_t i = 0; i < why.evidence.size() && i < limits::notice_evidence_told; ++i)
    out.text += (i == 0 ? "\n" : "") + one_line(why.evidence[i]) + "\n";
  if (!url.empty())
    out.text += "\nLook: " + url;
  out.text += "\nAsk:  drover campaign " + to_string(campaign.id) + "\n";
  json_object json;
  json.text("kind", to_string(heading.kind))
    .text("farm", heading.farm)
    .text("at", to_string(heading.at))
    .text("thread", heading.thread)
    .text("subject", out.subject)
    .text("campaign", to_string(campaign.id))
    .text("source", campaign.source.id)
    .text("result", to_string(judge_campaign(builds).outcome))
    .raw("cells", cells.done())
    .text_or_null("url", url);
  out.payload = json.done();
  return out;
}

} // namespace drover::core
