// SPDX-License-Identifier: Apache-2.0
#include "storage/identities.hpp"

#include "schema/record_codec.hpp"
#include "schema/record_enrolment.hpp"
#include "storage/read_records.hpp"

namespace drover::storage {

void put_identity(write_batch& batch, const host_identity& identity) {
  batch.add(family::history, keys::host_identity(identity.name), record::encode(identity));
}

expected<std::optional<host_identity>> read_identity(const store& from, const host_name& name) {
  return read_record(from, keys::host_identity(name), record::decode_host_identity,
                     "certificates of host " + name.value);
}

expected<std::vector<host_identity>> read_identities(const store& from) {
  key_range all{std::string{static_cast<char>(keys::tag::host_identity)},
                keys::end_of(keys::tag::host_identity)};
  auto found = read_range(from, all, record::decode_host_identity, everything);
  if (!found)
    return about("certificates of hosts", found.error());
  return found;
}

expected<bool> has_worked(const store& from, const host_name& name) {
  auto found = read_record(from, keys::host(name), record::decode_host, "host " + name.value);
  if (!found)
    return found.error();
  return *found && (*found)->first_seen.ms != 0;
}

} // namespace drover::storage
