// SPDX-License-Identifier: Apache-2.0
#include "storage/garbage.hpp"

#include "schema/record_codec.hpp"
#include "storage/content_guard.hpp"
#include "storage/hex.hpp"
#include "storage/scan_pages.hpp"
#include "storage/tables.hpp"

#include <map>
#include <unordered_map>
#include <unordered_set>

namespace drover::storage {

namespace {

using digests = std::unordered_set<std::string>; // of 32 bytes

struct collector {
  store& in;
  const garbage_rules& rules;
  const keep_going& go;
  garbage_report report = {};
  /// Blobs that go, by digest, and how many of them use each piece.
  std::map<std::string, record::manifest> garbage = {};
  std::unordered_map<std::string, size_t> uses = {};

  expected<digests> references(build_id after);
  std::optional<failure> choose(const digests& wanted);
  std::optional<failure> keep_shared();
  void keep(const record::manifest& manifest);
  std::optional<failure> remove(content_sweep& sweep);
  expected<uint64_t> round();
};

stretch all_manifests() {
  return all_of(family::content, keys::tag::blob_manifest);
}

/// The content that builds after `after` which stay refer to, campaigns, and young changes.
expected<digests> collector::references(build_id after) {
  digests out;
  std::optional<failure> damaged;
  auto add = [&out](const std::string& sha256) {
    if (auto digest = from_hex(sha256))
      out.insert(*digest);
  };
  auto add_build = [&](std::string_view, std::string_view value) {
    auto build = record::decode_build(value);
    if (!build) {
      damaged = build.error();
      return;
    }
    if (rules.leaving.contains(build->id))
      return;
    add(build->source.sha256);
    if (build->artifacts_dropped)
      return;
    for (const auto& artifact : build->artifacts)
      add(artifact.sha256);
  };
  stretch later{family::history, keys::build({after.value + 1}), keys::end_of(keys::tag::build)};
  if (auto problem = scan_pages(in, later, go, add_build))
    return *problem;
  auto add_campaign = [&](std::string_view, std::string_view value) {
    auto campaign = record::decode_campaign(value);
    if (campaign)
      add(campaign->source.sha256);
    else
      damaged = campaign.error();
  };
  auto campaigns = all_of(family::history, keys::tag::campaign);
  if (auto problem = scan_pages(in, campaigns, go, add_campaign))
    return *problem;
  auto add_kept = [&](std::string_view, std::string_view value) {
    if (auto entry = record::decode_cache_entry(value)) // a damaged one is no hit any more
      add(entry->sha256);
  };
  if (auto problem = scan_pages(in, all_of(family::history, keys::tag::cache_entry), go, add_kept))
    return *problem;
  auto add_change = [&](std::string_view, std::string_view value) {
    auto change = record::decode_change(value);
    if (!change)
      damaged = change.error();
    else if (change->seen_at >= rules.changes_since)
      add(change->ref.sha256);
  };
  auto changes = all_of(family::history, keys::tag::change);
  if (auto problem = scan_pages(in, changes, go, add_change))
    return *problem;
  if (damaged)
    return *damaged;
  return out;
}

/// Takes garbage in mind, as much as may be at once.
std::optional<failure> collector::choose(const digests& wanted) {
  auto visit = [&](std::string_view key, std::string_view value) {
    auto digest = keys::read_blob_manifest(key);
    auto manifest = record::decode_manifest(value);
    if (!digest || !manifest || wanted.contains(*digest) || manifest->stored_at >= rules.young)
      return;
    if (rules.how == sweeping::count) {
      ++report.blobs;
      report.bytes += manifest->size;
    } else if (uses.size() < limits::garbage_pieces_max) {
      for (const auto& piece : digests(manifest->pieces.begin(), manifest->pieces.end()))
        ++uses[piece];
      garbage.emplace(*digest, std::move(*manifest));
    }
  };
  return scan_pages(in, all_manifests(), go, visit);
}

/// The pieces of `manifest` stay, whoever else of the garbage uses them.
void collector::keep(const record::manifest& manifest) {
  for (const auto& piece : manifest.pieces)
    uses.erase(piece);
}

/// Pieces that other blobs have too stay.
std::optional<failure> collector::keep_shared() {
  auto visit = [&](std::string_view key, std::string_view value) {
    auto digest = keys::read_blob_manifest(key);
    auto manifest = record::decode_manifest(value);
    if (digest && manifest && !garbage.contains(*digest))
      keep(*manifest);
  };
  if (garbage.empty())
    return std::nullopt;
  return scan_pages(in, all_manifests(), go, visit);
}

/// Blob by blob. A piece goes with the last blob that uses it, so that each blob that is still
/// there is whole: somebody may want it again in between.
std::optional<failure> collector::remove(content_sweep& sweep) {
  for (const auto& [digest, manifest] : garbage) {
    if (!go())
      return failure{ec::unavailable, "the farm is stopping; garbage was not all removed"};
    auto hold = sweep.hold();
    if (sweep.claimed(digest)) {
      keep(manifest);
      continue;
    }
    write_batch batch;
    batch.remove(family::content, keys::blob_manifest(digest));
    for (const auto& piece : digests(manifest.pieces.begin(), manifest.pieces.end())) {
      auto used = uses.find(piece);
      if (used != uses.end() && --used->second == 0 && !sweep.claimed(piece))
        batch.remove(family::content, keys::blob_piece(piece));
    }
    if (auto problem = in.commit(batch, durability::synced))
      return problem;
    ++report.blobs;
    report.bytes += manifest.size;
  }
  return std::nullopt;
}

/// Removes some garbage, and answers how many blobs went.
expected<uint64_t> collector::round() {
  content_sweep sweep;
  garbage.clear();
  uses.clear();
  auto newest = last_build(in);
  if (!newest)
    return newest.error();
  auto wanted = references({});
  if (!wanted)
    return wanted.error();
  if (auto problem = choose(*wanted))
    return *problem;
  if (auto problem = keep_shared())
    return *problem;
  // Builds that came meanwhile may name a source that was garbage.
  auto late = references(*newest);
  if (!late)
    return late.error();
  std::erase_if(garbage, [&](const auto& blob) {
    bool stays = late->contains(blob.first);
    if (stays)
      keep(blob.second);
    return stays;
  });
  auto before = report.blobs;
  if (auto problem = remove(sweep))
    return *problem;
  return report.blobs - before;
}

} // namespace

expected<garbage_report> remove_garbage(store& in, const garbage_rules& rules,
                                        const keep_going& go) {
  collector work{in, rules, go};
  while (true) {
    auto removed = work.round();
    if (!removed)
      return removed.error();
    if (*removed == 0 || rules.how == sweeping::count)
      return work.report;
  }
}

} // namespace drover::storage
