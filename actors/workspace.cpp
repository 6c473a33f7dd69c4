// SPDX-License-Identifier: Apache-2.0
#include "actors/workspace.hpp"

#include "schema/limits.hpp"
#include "schema/names.hpp"

#include <caf/stateful_actor.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>

namespace drover {

using place = workspace_state::place;

namespace {

core::log_window upload_window() {
  return core::log_window{limits::blob_piece_bytes,
                          limits::blob_pieces_in_flight * limits::blob_piece_bytes};
}

/// The archive may be fine where it is stored: not the code's fault.
failure arrives_damaged(const workspace_state::download& one, const failure& why) {
  return {ec::unavailable, one.source.id + " arrived damaged " + std::to_string(one.damaged)
                             + " times: " + why.text};
}

} // namespace

// -- fetching ------------------------------------------------------------------------------------

expected<prepared> workspace_state::make_folders(const prepare_workspace& request) {
  auto kind = request.source.kind;
  if (kind != source_kind::none && kind != source_kind::tarball)
    return failure{ec::refused, "source kind '" + std::string{to_string(kind)}
                                  + "' is not supported by this host yet"};
  std::erase_if(closed, [&](const build_closed& answer) { // of another build in this place
    return answer.build == request.build && answer.placement == request.placement;
  });
  return port->make(request.build, request.placement);
}

caf::result<expected<prepared>> workspace_state::prepare(const prepare_workspace& request) {
  const auto& source = request.source;
  auto folders = make_folders(request);
  if (!folders || source.kind == source_kind::none
      || port->has_source(request.build, request.placement))
    return folders;
  auto have = port->source_bytes(source);
  auto [found, fresh] = downloads.try_emplace(
    source.sha256, download{source, core::piece_window{source.size, have}, {}, 0});
  auto answer = self->make_response_promise<expected<prepared>>();
  found->second.waiters.push_back({{request.build, request.placement}, *folders, answer});
  if (found->second.window.complete())
    install(source.sha256);
  else if (fresh)
    fetch(found->second);
  return answer;
}

void workspace_state::fetch(download& one) {
  if (!online() || one.waiters.empty())
    return;
  for (auto offset : one.window.wants(now_ms()))
    self->send(link,
               host_message{blob_want{one.waiters.front().where.first, one.source.sha256, offset}});
  arm();
}

void workspace_state::piece(const blob_piece& news) {
  auto found = downloads.find(news.sha256);
  if (found == downloads.end())
    return;
  auto& one = found->second;
  if (!news.problem.empty())
    return give_up(news.sha256, {ec::unavailable, one.source.id + ": " + news.problem});
  if (news.total != one.source.size)
    return give_up(news.sha256,
                   {ec::damaged, one.source.id + ": the farm holds " + std::to_string(news.total)
                                   + " bytes, expected " + std::to_string(one.source.size)});
  if (!one.window.arrived(news.offset, news.bytes))
    return;
  auto offset = one.window.written();
  while (auto bytes = one.window.take()) {
    if (auto problem = port->add_source(one.source, offset, *bytes))
      return give_up(news.sha256, *problem);
    offset = one.window.written();
  }
  activity.did("fetched " + std::to_string(offset) + " bytes of " + one.source.id,
               self->clock().now());
  if (one.window.complete())
    install(news.sha256);
  else
    fetch(one);
}

void workspace_state::install(const std::string& sha256) {
  auto& one = downloads.find(sha256)->second;
  while (!one.waiters.empty()) {
    auto first = one.waiters.front();
    auto [build, placement] = first.where;
    std::optional<failure> problem;
    if (!port->has_source(build, placement)) { // another step of the build may have waited as well
      note("unpacking " + one.source.id + " for build " + to_string(build));
      problem = port->install_source(build, placement, one.source);
    }
    // A wrong digest has dropped the download: it came damaged, which may have been an accident.
    if (problem && port->source_bytes(one.source) < one.source.size
        && ++one.damaged < limits::downloads_damaged_max) {
      spdlog::warn("source={} fetched again: {}", one.source.id, problem->text);
      one.window = core::piece_window{one.source.size, port->source_bytes(one.source)};
      return fetch(one);
    }
    if (problem)
      return give_up(sha256, one.damaged == 0 ? *problem : arrives_damaged(one, *problem));
    one.waiters.erase(one.waiters.begin());
    first.answer.deliver(expected<prepared>{first.folders});
  }
  activity.did("unpacked " + one.source.id, self->clock().now());
  downloads.erase(sha256);
}

void workspace_state::give_up(const std::string& sha256, const failure& why) {
  auto node = downloads.extract(sha256);
  spdlog::warn("source={} can't be had: {}", node.mapped().source.id, why.text);
  for (auto& one : node.mapped().waiters)
    one.answer.deliver(expected<prepared>{why});
}

void workspace_state::drop_waiters(const place& where) {
  for (auto one = downloads.begin(); one != downloads.end();) {
    std::erase_if(one->second.waiters, [&](waiter& waiting) {
      if (waiting.where != where)
        return false;
      waiting.answer.deliver(expected<prepared>{failure{ec::conflict, "the build is over"}});
      return true;
    });
    one = one->second.waiters.empty() ? downloads.erase(one) : std::next(one);
  }
}

// -- handing over --------------------------------------------------------------------------------

void workspace_state::close(const close_build& order) {
  auto same = [&](const auto& other) {
    return other.build == order.build && other.placement == order.placement;
  };
  auto said = std::find_if(closed.begin(), closed.end(), same);
  if (said != closed.end())
    return say(*said);
  if (std::any_of(closings.begin(), closings.end(),
                  [&](const closing& one) { return same(one.order); }))
    return; // answered when it is done
  drop_waiters({order.build, order.placement});
  if (auto before = port->answer_of(order.build, order.placement))
    return release(*before); // from before a restart of the agent
  build_closed answer;
  answer.build = order.build;
  answer.placement = order.placement;
  closings.push_back({order, std::move(answer), {}, upload_window(), false});
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
  if (!one.order.keep_artifacts)
    return;
  auto [build, placement] = place{one.order.build, one.order.placement};
  note("collecting artifacts of build " + to_string(build));
  auto found = port->collect(build, placement, one.order.globs);
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
  std::map<std::string, artifact_ref> contents;
  for (const auto& artifact : one.answer.artifacts)
    contents.emplace(artifact.sha256, artifact);
  for (auto& [_, artifact] : contents)
    one.uploads.push_back(std::move(artifact));
  if (online())
    one.window.connected();
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
  blob_part part{one.order.build, artifact.sha256, span.offset, artifact.size, {}};
  if (span.bytes > 0) {
    note("reading artifact " + artifact.path);
    auto bytes =
      port->read_artifact(one.order.build, one.order.placement, artifact, span.offset, span.bytes);
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
  spdlog::warn("build={} {}", to_string(one.order.build), told);
  next_upload(one);
}

void workspace_state::finish(closing& one) {
  if (one.order.keep_artifacts) // they can't be listed any more once the workspace is removed
    if (auto problem = port->remember_answer(one.answer))
      spdlog::warn("build={} a restart of the agent now would forget its artifacts: {}",
                   to_string(one.order.build), problem->text);
  release(one.answer);
}

void workspace_state::release(const build_closed& answer) {
  note("removing the workspace of build " + to_string(answer.build));
  if (auto problem = port->remove(answer.build, answer.placement))
    spdlog::error("build={} its workspace can't be removed, remove it by hand: {}",
                  to_string(answer.build), problem->text);
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

// -- link, timer, census -------------------------------------------------------------------------

void workspace_state::connect(const connected& news) {
  link = news.link;
  for (auto& [_, one] : downloads) {
    one.window.forget_asked();
    fetch(one);
  }
  for (auto& one : closings)
    one.window.connected();
  go_on_closing();
}

void workspace_state::disconnect() {
  link = farm_link_actor{};
  for (auto& one : closings)
    one.window.disconnected();
}

void workspace_state::tick() {
  for (auto& [_, one] : downloads)
    fetch(one);
  go_on_closing();
}

void workspace_state::note(const std::string& what) {
  self->send(census, actor_note{"workspace", what});
}

void workspace_state::arm() {
  if (online() && !timer.armed())
    timer.arm(self, limits::resend_after);
}

int64_t workspace_state::now_ms() const {
  auto since = self->clock().now().time_since_epoch();
  return std::chrono::duration_cast<milliseconds>(since).count();
}

actor_entry workspace_state::describe() const {
  std::string state = "idle";
  if (!downloads.empty()) {
    const auto& one = downloads.begin()->second;
    state = "fetching " + one.source.id + ", " + std::to_string(one.window.written()) + " of "
            + std::to_string(one.window.size()) + " bytes";
  } else if (!closings.empty()) {
    state = "handing over artifacts of build " + to_string(closings.front().order.build) + ", "
            + std::to_string(closings.front().uploads.size()) + " left";
  }
  if (!online() && state != "idle")
    state += ", not connected";
  return describe_as("workspace", "workspace", std::move(state),
                     activity.told(self->clock().now()));
}

workspace_actor::behavior_type workspace(workspace_state::pointer self,
                                         std::shared_ptr<workspace_port> port,
                                         census_actor census) {
  self->state.port = std::move(port);
  self->state.census = std::move(census);
  return {
    [self](const prepare_workspace& request) { return self->state.prepare(request); },
    [self](const close_build& order) { self->state.close(order); },
    [self](const blob_piece& news) { self->state.piece(news); },
    [self](const blob_stored& news) { self->state.stored(news); },
    [self](const connected& news) { self->state.connect(news); },
    [self](const not_connected&) { self->state.disconnect(); },
    [self](atom::tick) {
      if (self->state.timer.due(self))
        self->state.tick();
    },
    [self](atom::describe) { return self->state.describe(); },
  };
}

} // namespace drover
