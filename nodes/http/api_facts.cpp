// What the hosts of a build were like when it came to them.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/http/routes.hpp"
#include "storage/build_facts.hpp"

#include <nlohmann/json.hpp>

namespace drover::http {

answer get_build_facts(api_call& call) {
  if (auto wrong = unknown_parameter(call.asked, {}))
    co_return failure_answer(*wrong);
  auto file = find_build(call.api, call.captures[0]);
  if (!file)
    co_return failure_answer(file.error());
  auto hosts = storage::read_build_facts(*call.api.parts.store, file->build.id);
  if (!hosts)
    co_return failure_answer(hosts.error());
  auto out = json::object();
  out["id"] = file->build.id.value;
  out["placements"] = json::array();
  for (const auto& [placement, host] : *hosts)
    out["placements"].push_back({{"placement", placement},
                                 {"host", host.name.value},
                                 {"machine", host.machine_id},
                                 {"version", host.version},
                                 {"labels", host.labels},
                                 {"facts", host.facts}});
  co_return json_answer(out);
}

} // namespace drover::http
