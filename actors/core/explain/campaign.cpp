// Campaigns: how many cells are green, and of each other cell why it is not.
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/explain/explain.hpp"
#include "actors/core/explain/words.hpp"
#include "schema/limits_explain.hpp"
#include "schema/names.hpp"

#include <algorithm>
#include <iterator>

namespace drover::core {

namespace {

/// What a cell shows at one look, the most urgent first.
enum class colour : uint8_t { red, hole, yellow, grey, waits, runs, green };

const build_record* find(const std::vector<build_record>& builds, build_id id) {
  auto found = std::find_if(builds.begin(), builds.end(),
                            [id](const build_record& build) { return build.id == id; });
  return id.value == 0 || found == builds.end() ? nullptr : &*found;
}

colour colour_of(const build_record& build) {
  switch (build.state) {
  case build_state::queued:
  case build_state::waiting:
    return colour::waits;
  case build_state::running:
    return colour::runs;
  case build_state::finished:
    break;
  }
  switch (build.outcome) {
  case result::success:
    return colour::green;
  case result::warnings:
    return colour::yellow;
  case result::cancelled:
  case result::skipped:
    return colour::grey;
  case result::none:
  case result::failure:
  case result::exception:
  case result::host_lost:
  case result::timeout:
    break;
  }
  return colour::red;
}

std::string words_of(colour what, size_t count) {
  auto number = std::to_string(count);
  switch (what) {
  case colour::red:
    return number + " red";
  case colour::hole:
    return counted(count, "hole");
  case colour::yellow:
    return number + " with warnings";
  case colour::grey:
    return number + " cancelled or skipped";
  case colour::waits:
    return number + (count == 1 ? " waits" : " wait");
  case colour::runs:
    return number + (count == 1 ? " runs" : " run");
  case colour::green:
    return number + " green";
  }
  return number;
}

std::string place_of(const campaign_cell& cell) {
  auto text = printable(cell.builder, 64);
  if (!cell.host.value.empty())
    return text + " on " + cell.host.value;
  return cell.host_class.empty() ? text : text + " on " + printable(cell.host_class, 64);
}

struct told_cell {
  colour what;
  std::string line;
};

/// "7 of 9 green, 1 red, 1 waits".
std::string tally(const std::vector<told_cell>& cells) {
  auto count = [&](colour what) {
    return static_cast<size_t>(std::count_if(
      cells.begin(), cells.end(), [what](const told_cell& cell) { return cell.what == what; }));
  };
  auto text =
    std::to_string(count(colour::green)) + " of " + std::to_string(cells.size()) + " green";
  for (auto what :
       {colour::red, colour::hole, colour::yellow, colour::grey, colour::runs, colour::waits})
    if (auto number = count(what); number > 0)
      text += ", " + words_of(what, number);
  return text;
}

} // namespace

result worse(result a, result b) {
  // From best to worst: what a person must look at first comes last.
  static constexpr result order[] = {result::none,      result::skipped,   result::success,
                                     result::warnings,  result::cancelled, result::host_lost,
                                     result::exception, result::timeout,   result::failure};
  auto rank = [](result value) {
    return std::find(std::begin(order), std::end(order), value) - std::begin(order);
  };
  return rank(a) < rank(b) ? b : a;
}

campaign_verdict judge_campaign(const std::vector<build_record>& builds) {
  campaign_verdict out{build_state::finished, result::none};
  for (const auto& build : builds) {
    if (build.state != build_state::finished)
      out.state = build_state::running;
    out.outcome = worse(out.outcome, build.outcome);
  }
  if (out.state == build_state::running)
    out.outcome = result::none;
  else if (out.outcome == result::none)
    out.outcome = result::skipped;
  return out;
}

std::string explain_cell(const campaign_cell& cell, const build_record* build) {
  if (build == nullptr) {
    auto why = cell.reason.empty() ? "its build is not stored any more" : cell.reason;
    return one_line(place_of(cell) + " is not built: " + why);
  }
  return colour_of(*build) == colour::green ? std::string{} : build_sentence(*build);
}

explanation explain_campaign(const campaign_record& campaign,
                             const std::vector<build_record>& builds) {
  std::vector<told_cell> cells;
  for (const auto& cell : campaign.cells) {
    const auto* build = find(builds, cell.build);
    cells.push_back(
      {build == nullptr ? colour::hole : colour_of(*build), explain_cell(cell, build)});
  }
  explanation out;
  out.sentence = "campaign " + to_string(campaign.id);
  if (!campaign.source.id.empty())
    out.sentence += " of " + printable(campaign.source.id, 100);
  out.sentence += cells.empty() ? " has no cells" : ": " + tally(cells);
  std::stable_sort(cells.begin(), cells.end(),
                   [](const told_cell& a, const told_cell& b) { return a.what < b.what; });
  if (!cells.empty() && !cells.front().line.empty())
    out.sentence += ": " + cells.front().line;
  out.sentence = one_line(out.sentence);
  size_t left_out = 0;
  for (const auto& cell : cells)
    if (cell.line.empty())
      continue;
    else if (out.evidence.size() < limits::evidence_cells_max)
      out.evidence.push_back(cell.line);
    else
      ++left_out;
  if (left_out > 0)
    out.evidence.push_back("and " + counted(left_out, "more cell") + " not green");
  if (!campaign.requested_by.empty())
    out.evidence.push_back(
      one_line("asked for by " + campaign.requested_by
               + (campaign.requested_because.empty() ? "" : ": " + campaign.requested_because)));
  return out;
}

} // namespace drover::core
