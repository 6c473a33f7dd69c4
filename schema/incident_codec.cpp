// SPDX-License-Identifier: Apache-2.0
#include "schema/incident_codec.hpp"

#include "schema/incident.capnp.h"
#include "schema/record_envelope.hpp"
#include "schema/record_parts.hpp"

namespace drover::record {

std::string encode(const incident_record& value) {
  record_builder message;
  auto to = message.initRoot<records::IncidentRecord>();
  to.setBuilder(text(value.builder));
  to.setPlace(text(value.place));
  to.setOpen(value.open);
  to.setNewest(value.newest.value);
  to.setLastGreen(value.last_green.value);
  to.setCampaign(value.campaign.value);
  to.setEvent(value.event);
  to.setThread(text(value.thread));
  to.setCause(text(value.cause));
  to.setSinceMs(value.since.ms);
  to.setTellMs(value.tell_at.ms);
  write_each(to.initCausesTold(count(value.causes_told.size())), value.causes_told);
  write_each(to.initAuthorsTold(count(value.authors_told.size())), value.authors_told);
  return finish(kind::incident, message);
}

expected<incident_record> decode_incident(std::string_view bytes) {
  auto read_root = [](records::IncidentRecord::Reader from) {
    incident_record to;
    to.builder = string(from.getBuilder());
    to.place = string(from.getPlace());
    to.open = from.getOpen();
    to.newest.value = from.getNewest();
    to.last_green.value = from.getLastGreen();
    to.campaign.value = from.getCampaign();
    to.event = from.getEvent();
    to.thread = string(from.getThread());
    to.cause = string(from.getCause());
    to.since.ms = from.getSinceMs();
    to.tell_at.ms = from.getTellMs();
    to.causes_told = read(from.getCausesTold());
    to.authors_told = read(from.getAuthorsTold());
    return to;
  };
  return decode<records::IncidentRecord, incident_record>(kind::incident, bytes, read_root);
}

std::string encode(const outbox_mark& value) {
  record_builder message;
  auto to = message.initRoot<records::OutboxMark>();
  to.setEvent(value.event);
  to.setNotice(value.notice);
  return finish(kind::outbox_mark, message);
}

expected<outbox_mark> decode_outbox_mark(std::string_view bytes) {
  auto read_root = [](records::OutboxMark::Reader from) {
    return outbox_mark{from.getEvent(), from.getNotice()};
  };
  return decode<records::OutboxMark, outbox_mark>(kind::outbox_mark, bytes, read_root);
}

} // namespace drover::record
