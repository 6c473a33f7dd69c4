// SPDX-License-Identifier: Apache-2.0
#include "storage/notices.hpp"

#include "schema/incident_codec.hpp"
#include "schema/record_codec.hpp"
#include "storage/read_records.hpp"

namespace drover::storage {

void put_notice(write_batch& batch, const notice_record& notice) {
  batch.add(family::history, keys::notice(notice.id), record::encode(notice));
  auto waiting = keys::notice_waiting(notice.reporter, notice.id);
  if (notice.state == notice_state::waiting)
    batch.add(family::history, std::move(waiting), {});
  else
    batch.remove(family::history, std::move(waiting));
}

void remove_notice(write_batch& batch, const notice_record& notice) {
  batch.remove(family::history, keys::notice(notice.id));
  batch.remove(family::history, keys::notice_waiting(notice.reporter, notice.id));
}

expected<std::optional<notice_record>> read_notice(const store& from, uint64_t id) {
  return read_record(from, keys::notice(id), record::decode_notice, "notice " + std::to_string(id));
}

expected<std::vector<notice_record>>
list_notices(const store& from, uint64_t before, size_t rows,
             const std::function<bool(const notice_record&)>& accept) {
  auto end = before == 0 ? keys::end_of(keys::tag::notice) : keys::notice(before);
  key_range newest_first{keys::notice(0), end, scan_order::descending, rows};
  auto notices = read_range(from, newest_first, record::decode_notice, accept);
  if (!notices)
    return about("notices", notices.error());
  return notices;
}

expected<std::vector<notice_record>> waiting_notices(const store& from, const std::string& reporter,
                                                     size_t rows) {
  std::vector<uint64_t> ids;
  bool readable = true;
  auto visit = [&](std::string_view key, std::string_view) {
    auto id = keys::read_notice_waiting(key);
    readable = id.has_value();
    if (id)
      ids.push_back(*id);
    return readable && ids.size() < rows;
  };
  auto first = keys::notice_waiting(reporter, 0);
  auto last = keys::after(keys::notice_waiting(reporter, highest_id));
  if (auto problem = from.scan(family::history, first, last, scan_order::ascending, visit))
    return about("notices", *problem);
  if (!readable)
    return failure{ec::damaged, "notices: a key is malformed; run admin verify"};
  std::vector<notice_record> out;
  for (auto id : ids) {
    auto notice = read_notice(from, id);
    if (!notice)
      return notice.error();
    if (*notice)
      out.push_back(std::move(**notice));
  }
  return out;
}

expected<std::vector<std::string>> reporters_awaited(const store& from) {
  std::vector<std::string> names;
  auto next = std::string{static_cast<char>(keys::tag::notice_waiting)};
  while (true) {
    std::string found;
    auto visit = [&](std::string_view key, std::string_view) {
      found = std::string{key.substr(1, key.find('\0') - 1)};
      return false;
    };
    auto problem = from.scan(family::history, next, keys::end_of(keys::tag::notice_waiting),
                             scan_order::ascending, visit);
    if (problem)
      return about("notices", *problem);
    if (found.empty())
      return names;
    next = keys::after(keys::notice_waiting(found, highest_id));
    names.push_back(std::move(found));
  }
}

void put_incident(write_batch& batch, const incident_record& incident) {
  batch.add(family::history, keys::incident(incident.builder, incident.place),
            record::encode(incident));
}

expected<std::vector<incident_record>> read_incidents(const store& from) {
  std::string first{static_cast<char>(keys::tag::incident)};
  auto incidents = read_range(from, {first, keys::end_of(keys::tag::incident)},
                              record::decode_incident, everything);
  if (!incidents)
    return about("incidents", incidents.error());
  return incidents;
}

void put_outbox_mark(write_batch& batch, const outbox_mark& mark) {
  batch.add(family::history, keys::outbox_mark(), record::encode(mark));
}

expected<std::optional<outbox_mark>> read_outbox_mark(const store& from) {
  return read_record(from, keys::outbox_mark(), record::decode_outbox_mark, "the outbox's mark");
}

} // namespace drover::storage
