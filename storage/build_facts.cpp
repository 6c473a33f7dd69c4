// SPDX-License-Identifier: Apache-2.0
#include "storage/build_facts.hpp"

#include "schema/record_codec.hpp"
#include "storage/read_records.hpp"

namespace drover::storage {

void put_build_facts(write_batch& batch, build_id build, uint32_t placement,
                     const host_record& host) {
  host_record kept;
  kept.name = host.name;
  kept.machine_id = host.machine_id;
  kept.boot_id = host.boot_id;
  kept.labels = host.labels;
  kept.facts = host.facts;
  kept.version = host.version;
  batch.add(family::history, keys::build_facts(build, placement), record::encode(kept));
}

expected<std::map<uint32_t, host_record>> read_build_facts(const store& from, build_id build) {
  std::map<uint32_t, host_record> found;
  std::optional<failure> problem;
  auto visit = [&](std::string_view key, std::string_view bytes) {
    auto at = keys::read_build_facts(key);
    auto host = record::decode_host(bytes);
    if (!at || !host)
      problem = about(named(build) + ", facts",
                      host ? failure{ec::damaged, "a key is malformed"} : host.error());
    else
      found[at->second] = *std::move(host);
    return !problem;
  };
  auto failed =
    from.scan(family::history, keys::build_facts(build, 0),
              keys::after(keys::build_facts(build, ~uint32_t{0})), scan_order::ascending, visit);
  if (failed || problem)
    return failed ? *failed : *problem;
  return found;
}

} // namespace drover::storage
