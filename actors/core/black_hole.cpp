// SPDX-License-Identifier: Apache-2.0
#include "actors/core/black_hole.hpp"

#include "actors/core/liveness.hpp"
#include "actors/core/mutants.hpp"
#include "schema/limits_healing.hpp"
#include "schema/names.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace drover::core {

namespace {

struct proof {
  host_name host;
  const red_build* red = nullptr;
};

/// Where the same builder passed after this one had begun, on another host of the same kind.
const host_name* passed_elsewhere(const fault_book& book, const host_name& host,
                                  const red_build& red) {
  auto known = book.passes.find(red.builder);
  if (known == book.passes.end())
    return nullptr;
  for (const auto& [other, pass] : known->second) {
    if (other == host || pass.ended.ms < red.began.ms)
      continue;
    auto page = book.hosts.find(other);
    if (page != book.hosts.end() && page->second.kind == book.hosts.at(host).kind)
      return &other;
  }
  return nullptr;
}

std::string told(const std::vector<proof>& proofs) {
  int64_t slowest = 0;
  std::string list;
  for (const auto& one : proofs) {
    slowest = std::max(slowest, one.red->took_ms);
    list += (list.empty() ? "" : ", ") + one.red->builder + " (build " + to_string(one.red->build)
            + ", passed on " + one.host.value + ")";
  }
  return "failed " + std::to_string(proofs.size()) + " builds in a row within "
         + spoken(milliseconds{slowest}) + " each, which other hosts pass: " + list;
}

} // namespace

void note_end(fault_book& book, const build_record& build, const std::string& kind) {
  if (build.host.value.empty())
    return;
  auto& page = book.hosts[build.host];
  page.kind = kind;
  auto took = build.finished_at.ms - build.started_at.ms;
  switch (build.outcome) {
  case result::success:
  case result::warnings:
    page.streak.clear();
    if (book.passes.contains(build.builder) || book.passes.size() < limits::passes_kept_max)
      book.passes[build.builder][build.host] = {build.id, build.finished_at};
    return;
  case result::failure:
  case result::exception:
    page.last_red = build.id;
    if (took > limits::black_hole_fast.count()) {
      page.streak.clear(); // whatever is wrong, it does not eat the queue
      return;
    }
    page.streak.push_back({build.id, build.builder, build.started_at, took,
                           !build.pinned.value.empty(), build.requested_by == "farm"});
    if (page.streak.size() > limits::streak_kept_max)
      page.streak.erase(page.streak.begin());
    return;
  default:
    return; // it tells nothing of the host
  }
}

std::vector<black_hole> find_black_holes(const fault_book& book) {
  std::vector<black_hole> found;
  if (is_mutant(mutant::no_quarantine))
    return found;
  for (const auto& [host, page] : book.hosts) {
    std::vector<proof> proofs;
    for (const auto& red : page.streak)
      if (const auto* other = passed_elsewhere(book, host, red))
        proofs.push_back({*other, &red});
    if (proofs.size() >= limits::black_hole_streak)
      found.push_back({host, told(proofs), page.streak});
  }
  return found;
}

std::vector<red_build> owed_repeats(const host_name& host, std::vector<build_record> known) {
  std::set<build_id> begun_again;
  for (const auto& build : known)
    begun_again.insert(build.retry_of);
  std::sort(known.begin(), known.end(), [](const build_record& a, const build_record& b) {
    return std::pair{a.finished_at.ms, a.id} < std::pair{b.finished_at.ms, b.id};
  });
  fault_book book;
  for (const auto& build : known)
    if (build.host == host && build.state == build_state::finished)
      note_end(book, build, {});
  auto owed = std::move(book.hosts[host].streak);
  std::erase_if(owed, [&](const red_build& red) { return begun_again.contains(red.build); });
  return owed;
}

void forget_streak(fault_book& book, const host_name& host) {
  if (auto page = book.hosts.find(host); page != book.hosts.end())
    page->second.streak.clear();
}

} // namespace drover::core
