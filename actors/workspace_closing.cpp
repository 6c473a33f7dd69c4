// How a workspace ends: artifacts are handed over, then it is removed or kept; and the care for
// free space.
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/mutants.hpp"
#include "actors/workspace.hpp"
#include "schema/limits.hpp"
#include "schema/limits_workspaces.hpp"
#include "schema/names.hpp"

#include <caf/stateful_actor.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>

namespace drover {

namespace {

core::log_window upload_window() {
  return core::log_window{limits::blob_piece_bytes,
                          limits::blob_pieces_in_flight * limits::blob_piece_bytes};
}

} // namespace

// -- handing over --------------------------------------------------------------------------------

void workspace_state::close(const end_workspace& end) {
  const auto& order = end.order;
  auto same = [&](const auto& other) {
    return other.build == order.build && other.placement == order.placement;
  };
  auto said = std::find_if(closed.begin(), closed.end(), same);
  if (said != closed.end())
    return say(*said);
  if (std::any_of(closings.begin(), closings.end(),
                  [&](const closing& one) { return same(one.end.order); }))
    return; // answered when it is done
  drop_waiters({order.build, order.placement});
  if (auto before = port->answer_of(order.build, order.placement))
    return release(*before, end); // from before a restart of the agent
  build_closed answer;
  answer.build = order.build;
  answer.placement = order.placement;
  closings.push_back({end, std::move(answer), {}, upload_window(), false});
  go_on_closing();
}

void workspace_state::go_on_closing() {
  while (!closings.empty()) {
    auto& one = closings.front();
    if (!one.collected)
      collect(one);
    if (!one.uploads.empty())
      upload(one);
    if (!one.uploads.empty())
      return arm();
    finish(one);
    closings.pop_front();
  }
}

void workspace_state::collect(closing& one) {
  one.collected = true;
  if (!one.end.order.keep_artifacts)
    return;
  auto [build, placement] = place{one.end.order.build, one.end.order.placement};
  note("collecting artifacts of build " + to_string(build));
  auto found = port->collect(build, placement, one.end.order.globs);
  if (!found) {
    one.answer.problem = found.error().text;
    return;
  }
  one.answer.artifacts = *std::move(found);
  if (one.answer.artifacts.size() > limits::artifacts_max) {
    one.answer.problem = "kept the first " + std::to_string(limits::artifacts_max) + " of "
                         + std::to_string(one.answer.artifacts.size()) + " artifacts";
    one.answer.artifacts.resize(limits::artifacts_max);
  }
  bound_artifacts(one);
  std::map<std::string, artifact_ref> contents;
  for (const auto& artifact : one.answer.artifacts)
    contents.emplace(artifact.sha256, artifact);
  for (auto& [_, artifact] : contents)
    one.uploads.push_back(std::move(artifact));
  if (online())
    one.window.connected();
}

void workspace_state::bound_artifacts(closing& one) {
  auto bound = one.end.order.bytes_max;
  auto& artifacts = one.answer.artifacts;
  uint64_t all = 0, kept = 0;
  std::map<std::string, bool> taken; // by content, which is handed over once
  std::vector<artifact_ref> fitting;
  for (const auto& artifact : artifacts) {
    auto [known, fresh] = taken.emplace(artifact.sha256, false);
    if (fresh) {
      all += artifact.size;
      known->second = bound == 0 || artifact.size <= bound - kept;
      kept += known->second ? artifact.size : 0;
    }
    if (known->second)
      fitting.push_back(artifact);
  }
  if (fitting.size() == artifacts.size())
    return;
  auto told = "kept " + std::to_string(fitting.size()) + " of " + std::to_string(artifacts.size())
              + " artifacts: together they have " + std::to_string(all)
              + " bytes, and limits.artifacts_per_build allows " + std::to_string(bound);
  spdlog::warn("build={} {}", to_string(one.end.order.build), told);
  one.answer.problem += (one.answer.problem.empty() ? "" : "; ") + told;
  artifacts = std::move(fitting);
}

void workspace_state::upload(closing& one) {
  if (!online())
    return;
  if (one.window.overdue(now_ms()))
    activity.did("asks again how much of an artifact is stored", self->clock().now());
  while (!one.uploads.empty()) {
    auto span = one.window.next(one.uploads.front().size);
    if (!span)
      return;
    send_part(one, *span);
  }
}

void workspace_state::send_part(closing& one, const core::log_span& span) {
  const auto& artifact = one.uploads.front();
  blob_part part{one.end.order.build, artifact.sha256, span.offset, artifact.size, {}};
  if (span.bytes > 0) {
    note("reading artifact " + artifact.path);
    auto bytes = port->read_artifact(one.end.order.build, one.end.order.placement, artifact,
                                     span.offset, span.bytes);
    if (!bytes || (*bytes).empty())
      return skip_upload(one, bytes ? "it ends early" : bytes.error().text);
    part.bytes = *std::move(bytes);
  }
  one.window.sent(part.bytes.size(), now_ms());
  self->send(link, host_message{std::move(part)});
}

void workspace_state::stored(const blob_stored& news) {
  if (closings.empty() || closings.front().uploads.empty()
      || closings.front().uploads.front().sha256 != news.sha256)
    return;
  auto& one = closings.front();
  if (!news.problem.empty()) {
    skip_upload(one, news.problem);
  } else if (news.durable) {
    activity.did("handed over " + one.uploads.front().path, self->clock().now());
    next_upload(one);
  } else {
    one.window.durable(news.offset, now_ms());
  }
  go_on_closing();
}

void workspace_state::next_upload(closing& one) {
  one.uploads.pop_front();
  one.window = upload_window();
  if (online())
    one.window.connected();
}

void workspace_state::skip_upload(closing& one, const std::string& why) {
  const auto sha256 = one.uploads.front().sha256;
  auto told = "artifact " + one.uploads.front().path + " is missing: " + why;
  one.answer.problem = printable(
    (one.answer.problem.empty() ? "" : one.answer.problem + "; ") + told, limits::reason_bytes_max);
  std::erase_if(one.answer.artifacts, [&](const auto& ref) { return ref.sha256 == sha256; });
  spdlog::warn("build={} {}", to_string(one.end.order.build), told);
  next_upload(one);
}

void workspace_state::finish(closing& one) {
  // They can't be listed any more once the workspace is removed. That there were none can.
  if (!one.answer.artifacts.empty() || !one.answer.problem.empty())
    if (auto problem = port->remember_answer(one.answer))
      spdlog::warn("build={} a restart of the agent now would forget its artifacts: {}",
                   to_string(one.end.order.build), problem->text);
  release(one.answer, one.end);
}

void workspace_state::release(const build_closed& answer, const end_workspace& end) {
  note("removing the workspace of build " + to_string(answer.build));
  std::optional<failure> kept_not;
  if (!end.failed.empty())
    kept_not = port->keep(answer.build, answer.placement, end.builder, end.failed);
  if (kept_not)
    spdlog::warn("build={} its workspace can't be kept for people: {}", to_string(answer.build),
                 kept_not->text);
  if (end.failed.empty() || kept_not)
    if (auto problem = core::is_mutant(core::mutant::no_clean_up)
                         ? std::nullopt
                         : port->remove(answer.build, answer.placement))
      spdlog::error("build={} its workspace can't be removed, remove it by hand: {}",
                    to_string(answer.build), problem->text);
  if (!end.failed.empty())
    tend(care::whole);
  activity.did("released build " + to_string(answer.build), self->clock().now());
  closed.push_back(answer);
  if (closed.size() > limits::closed_builds_kept)
    closed.pop_front();
  say(answer);
}

void workspace_state::say(const build_closed& answer) {
  if (online()) // asked again after a reconnect otherwise
    self->send(link, host_message{answer});
}

// -- free space ----------------------------------------------------------------------------------

void workspace_state::tend(care how) {
  auto disk = port->room();
  if (how == care::if_short && disk.free >= core::free_target(disk))
    return;
  note("looking for what may go from the disk");
  auto spares = port->spares();
  for (auto& one : spares)
    one.busy = std::any_of(downloads.begin(), downloads.end(), [&](const auto& open) {
      return one.kind == core::spare_kind::source && one.name.starts_with(open.first);
    });
  auto plan = core::plan_care(disk, std::move(spares));
  for (const auto& [what, because] : plan.removals) {
    if (auto problem = port->drop(what)) {
      spdlog::warn("disk path={} can't be removed: {}", what.path, problem->text);
      plan.missing += what.bytes;
    } else {
      spdlog::info("disk path={} bytes={} removed: {}", what.path, what.bytes, because);
    }
  }
  auto now = core::care_facts(port->room(), port->spares(), plan.missing);
  if (now["disk_short"].empty() != facts["disk_short"].empty())
    spdlog::warn("disk {}",
                 now["disk_short"].empty() ? "has enough space again" : now["disk_short"]);
  facts = std::move(now);
}

void workspace_state::begin_care() {
  tend(care::whole);
  tell_facts();
}

void workspace_state::tend_in_time() {
  // Once short, it is looked whether there is space again.
  tend(facts["disk_short"].empty() ? care::if_short : care::whole);
  tell_facts();
}

/// In intervals alone: the farm takes news of facts seldom.
void workspace_state::tell_facts() {
  self->send(agent, disk_news{facts}); // which passes on what is new to it
  care_timer.arm(self, limits::care_every);
}

} // namespace drover
