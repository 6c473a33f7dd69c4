// SPDX-License-Identifier: Apache-2.0
#include "nodes/reporters/irc_view.hpp"

#include "nodes/http/explain.hpp"
#include "schema/limits_irc.hpp"
#include "schema/names.hpp"
#include "storage/tables.hpp"

#include <caf/scoped_actor.hpp>

#include <algorithm>

namespace drover {

template <class Answer, class Question>
expected<Answer> irc_view::ask(Question question) const {
  expected<Answer> out = failure{ec::unavailable, "the coordinator does not answer; try again"};
  caf::scoped_actor self{farm_.system};
  self->request(farm_.coordinator, limits::irc_question_timeout, std::move(question))
    .receive([&out](Answer& answer) { out = std::move(answer); },
             [](const caf::error&) {}); // `out` says so
  return out;
}

expected<farm_config> irc_view::config() const {
  auto live = ask<std::shared_ptr<const live_config>>(config_query{});
  if (!live)
    return live.error();
  if (!*live)
    return failure{ec::unavailable, "the farm has no configuration yet; try again"};
  return (*live)->config;
}

expected<std::vector<host_view>> irc_view::hosts() const {
  return ask<std::vector<host_view>>(hosts_query{});
}

std::optional<failure> irc_view::bring_up_to_date(std::vector<build_record>& builds) const {
  waiting_query question;
  for (const auto& build : builds)
    if (build.state != build_state::finished)
      question.builds.push_back(build.id);
  if (question.builds.empty())
    return std::nullopt;
  auto views = ask<std::vector<waiting_view>>(std::move(question));
  if (!views)
    return views.error();
  for (auto& build : builds)
    http::merge(build, *views);
  return std::nullopt;
}

expected<std::vector<build_record>> irc_view::builds(const std::string& builder,
                                                     size_t rows) const {
  std::vector<build_record> out;
  build_id before;
  for (size_t looked = 0; looked < limits::irc_builds_searched && out.size() < rows;) {
    auto page = storage::list_builds(
      *farm_.store, before, std::min(limits::page_rows_max, limits::irc_builds_searched - looked),
      [](const build_record&) { return true; });
    if (!page)
      return page.error();
    if (page->empty())
      break;
    looked += page->size();
    before = page->back().id;
    for (auto& build : *page)
      if ((builder.empty() || build.builder == builder) && out.size() < rows)
        out.push_back(std::move(build));
  }
  if (auto wrong = bring_up_to_date(out))
    return *wrong;
  return out;
}

expected<std::optional<build_record>> irc_view::build(build_id id) const {
  auto found = storage::read_build(*farm_.store, id);
  if (!found || !*found)
    return found;
  std::vector<build_record> one{std::move(**found)};
  if (auto wrong = bring_up_to_date(one))
    return *wrong;
  return std::optional{std::move(one.front())};
}

expected<std::vector<change_record>> irc_view::changes(const std::string& source,
                                                       size_t rows) const {
  return storage::list_changes(*farm_.store, {}, rows, source);
}

expected<core::explanation> irc_view::why(build_id id) const {
  auto file = storage::read_build_file(*farm_.store, id);
  if (!file)
    return file.error();
  if (!*file)
    return failure{ec::not_found, "there is no build " + to_string(id)};
  auto around = http::look_around(*farm_.store, **file);
  around.now = farm_.clock();
  if ((*file)->build.state == build_state::finished)
    return core::explain_build(**file, nullptr, around);
  auto views = ask<std::vector<waiting_view>>(waiting_query{{id}});
  auto herd = hosts();
  auto live = ask<std::shared_ptr<const live_config>>(config_query{});
  if (!views || !herd || !live)
    return !views ? views.error() : !herd ? herd.error() : live.error();
  around.generation = *live ? (*live)->generation : 0;
  for (const auto& host : *herd)
    if (host.record.name == (*file)->build.host)
      around.host = host;
  return core::explain_build(**file, views->empty() ? nullptr : &views->front(), around);
}

expected<core::explanation> irc_view::why(const host_view& host) const {
  auto around = http::look_around(*farm_.store, host);
  around.now = farm_.clock();
  return core::explain_host(host, around);
}

} // namespace drover
