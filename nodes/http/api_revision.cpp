// Sources that the farm fetches by itself: revisions of its repositories, files at addresses.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/http/routes.hpp"
#include "schema/limits_sources.hpp"
#include "schema/names.hpp"

#include <nlohmann/json.hpp>

namespace drover::http {

namespace {

/// The repository behind a source; behind a timer that of the source that it is of.
expected<source_spec> repository_of(const farm_config& config, const std::string& name) {
  std::string wanted = name;
  for (int hops = 0; hops < 2; ++hops)
    for (const auto& spec : config.sources) {
      if (spec.name != wanted)
        continue;
      if (spec.kind == source_kind::git || spec.kind == source_kind::hg)
        return spec;
      if (spec.kind != source_kind::timer || spec.of.empty())
        return failure{ec::bad_input,
                       "source " + wanted + " is no repository: it has no revisions"};
      wanted = spec.of;
      break;
    }
  return failure{ec::not_found, "there is no source '" + printable(name, 80) + "'"};
}

/// A look that is under way at the same source, then a clone: both may take their time.
constexpr auto patience = 2 * limits::source_command_max + limits::request_timeout;

} // namespace

answer post_revision(api_call& call) {
  if (auto wrong = unknown_parameter(call.asked, {"revision"}))
    co_return failure_answer(*wrong);
  auto name = call.asked.parameter("revision").value_or("");
  if (name.empty())
    co_return failure_answer({ec::bad_input, "parameter 'revision' is missing: a branch, a tag or "
                                             "a revision"});
  auto live = co_await ask_config(call.api.parts);
  if (!live)
    co_return failure_answer(live.error());
  auto spec = repository_of((*live)->config, call.captures[0]);
  if (!spec)
    co_return failure_answer(spec.error());
  fetch_revision wish{*spec, name};
  auto source = co_await ask_for<source_ref>(call.api.parts.door, call.api.parts.fetcher, patience,
                                             std::move(wish));
  co_return source ? json_answer(json_of(*source), 201) : failure_answer(source.error());
}

answer post_address(api_call& call) {
  auto url = call.asked.parameter("url").value_or("");
  auto name = call.asked.parameter("name").value_or("");
  if (name.empty()) {
    auto path = url.substr(0, url.find_first_of("?#"));
    name = path.substr(path.rfind('/') + 1); // npos + 1 is 0
  }
  fetch_address wish{url, name};
  auto source = co_await ask_for<source_ref>(call.api.parts.door, call.api.parts.fetcher, patience,
                                             std::move(wish));
  co_return source ? json_answer(json_of(*source), 201) : failure_answer(source.error());
}

} // namespace drover::http
