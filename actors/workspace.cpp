// SPDX-License-Identifier: Apache-2.0
#include "actors/workspace.hpp"

#include "schema/limits.hpp"
#include "schema/names.hpp"

#include <caf/stateful_actor.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>

namespace drover {

namespace {

/// The archive may be fine where it is stored: not the code's fault.
failure arrives_damaged(const workspace_state::download& one, const failure& why) {
  return {ec::unavailable, one.source.id + " arrived damaged " + std::to_string(one.damaged)
                             + " times: " + why.text};
}

} // namespace

// -- fetching ------------------------------------------------------------------------------------

expected<prepared> workspace_state::make_folders(const prepare_workspace& request) {
  // A revision comes as an archive of its tree, which the farm made: fetched as a tarball is.
  if (request.source.kind != source_kind::none && request.source.sha256.empty())
    return failure{ec::refused, "the farm named no content for source '"
                                  + printable(request.source.id, limits::name_bytes_max) + "'"};
  std::erase_if(closed, [&](const build_closed& answer) { // of another build in this place
    return answer.build == request.build && answer.placement == request.placement;
  });
  tend(care::if_short);
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
    state = "handing over artifacts of build " + to_string(closings.front().end.order.build) + ", "
            + std::to_string(closings.front().uploads.size()) + " left";
  }
  if (!online() && state != "idle")
    state += ", not connected";
  auto told = activity.told(self->clock().now());
  for (const auto& [fact, value] : facts)
    if (!value.empty())
      told += (told.empty() ? "" : "; ") + (fact == "disk_short" ? value : "keeps " + value);
  return describe_as("workspace", "workspace", std::move(state), std::move(told));
}

workspace_actor::behavior_type workspace(workspace_state::pointer self,
                                         std::shared_ptr<workspace_port> port, census_actor census,
                                         host_agent_actor agent) {
  self->state.port = std::move(port);
  self->state.census = std::move(census);
  self->state.agent = std::move(agent);
  self->state.begin_care();
  return {
    [self](const prepare_workspace& request) { return self->state.prepare(request); },
    [self](const end_workspace& end) { self->state.close(end); },
    [self](const blob_piece& news) { self->state.piece(news); },
    [self](const blob_stored& news) { self->state.stored(news); },
    [self](const connected& news) { self->state.connect(news); },
    [self](const not_connected&) { self->state.disconnect(); },
    [self](atom::tick) {
      bool repeats = self->state.timer.due(self);
      if (self->state.care_timer.due(self))
        self->state.tend_in_time();
      if (repeats)
        self->state.tick();
    },
    [self](atom::describe) { return self->state.describe(); },
  };
}

} // namespace drover
