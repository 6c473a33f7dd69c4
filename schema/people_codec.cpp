// Stored values of accounts, sessions, notices and the step cache.
// SPDX-License-Identifier: Apache-2.0
#include "schema/record.capnp.h"
#include "schema/record_envelope.hpp"
#include "schema/record_parts.hpp"

namespace drover::record {

std::string encode(const user_record& value) {
  record_builder message;
  auto to = message.initRoot<records::UserRecord>();
  to.setName(text(value.name));
  to.setPassword(text(value.password));
  to.setMadeBy(text(value.made_by));
  to.setMadeMs(value.made_at.ms);
  to.setChangedMs(value.changed_at.ms);
  return finish(kind::user, message);
}

expected<user_record> decode_user(std::string_view bytes) {
  auto read_root = [](records::UserRecord::Reader from) {
    return user_record{string(from.getName()),
                       string(from.getPassword()),
                       string(from.getMadeBy()),
                       {from.getMadeMs()},
                       {from.getChangedMs()}};
  };
  return decode<records::UserRecord, user_record>(kind::user, bytes, read_root);
}

std::string encode(const session_record& value) {
  record_builder message;
  auto to = message.initRoot<records::SessionRecord>();
  to.setSha256(text(value.sha256));
  to.setUser(text(value.user));
  to.setCsrf(text(value.csrf));
  to.setMadeMs(value.made_at.ms);
  to.setSeenMs(value.last_seen.ms);
  to.setExpiresMs(value.expires_at.ms);
  return finish(kind::session, message);
}

expected<session_record> decode_session(std::string_view bytes) {
  auto read_root = [](records::SessionRecord::Reader from) {
    return session_record{string(from.getSha256()), string(from.getUser()), string(from.getCsrf()),
                          {from.getMadeMs()},       {from.getSeenMs()},     {from.getExpiresMs()}};
  };
  return decode<records::SessionRecord, session_record>(kind::session, bytes, read_root);
}

std::string encode(const notice_record& value) {
  record_builder message;
  auto to = message.initRoot<records::NoticeRecord>();
  to.setId(value.id);
  to.setReporter(text(value.reporter));
  to.setKind(static_cast<uint8_t>(value.kind));
  to.setState(static_cast<uint8_t>(value.state));
  to.setEvent(value.event);
  to.setBuild(value.build.value);
  to.setCampaign(value.campaign.value);
  to.setHost(text(value.host.value));
  to.setBuilder(text(value.builder));
  to.setThread(text(value.thread));
  to.setSubject(text(value.subject));
  to.setText(text(value.text));
  to.setPayload(text(value.payload));
  write_each(to.initTo(count(value.to.size())), value.to);
  to.setTries(value.tries);
  to.setLastError(text(value.last_error));
  to.setMadeMs(value.made_at.ms);
  to.setNextTryMs(value.next_try.ms);
  to.setDoneMs(value.done_at.ms);
  return finish(kind::notice, message);
}

expected<notice_record> decode_notice(std::string_view bytes) {
  auto read_root = [](records::NoticeRecord::Reader from) {
    notice_record to;
    to.id = from.getId();
    to.reporter = string(from.getReporter());
    to.kind = checked(from.getKind(), notice_kind::test);
    to.state = checked(from.getState(), notice_state::failed);
    to.event = from.getEvent();
    to.build.value = from.getBuild();
    to.campaign.value = from.getCampaign();
    to.host.value = string(from.getHost());
    to.builder = string(from.getBuilder());
    to.thread = string(from.getThread());
    to.subject = string(from.getSubject());
    to.text = string(from.getText());
    to.payload = string(from.getPayload());
    to.to = read(from.getTo());
    to.tries = from.getTries();
    to.last_error = string(from.getLastError());
    to.made_at.ms = from.getMadeMs();
    to.next_try.ms = from.getNextTryMs();
    to.done_at.ms = from.getDoneMs();
    return to;
  };
  return decode<records::NoticeRecord, notice_record>(kind::notice, bytes, read_root);
}

std::string encode(const cache_record& value) {
  record_builder message;
  auto to = message.initRoot<records::CacheRecord>();
  to.setKey(text(value.key));
  to.setBuilder(text(value.builder));
  to.setStep(text(value.step));
  write_each(to.initParts(count(value.parts.size())), value.parts);
  to.setSha256(text(value.sha256));
  to.setSize(value.size);
  to.setBuild(value.build.value);
  to.setHost(text(value.host.value));
  to.setTookMs(value.took_ms);
  to.setMadeMs(value.made_at.ms);
  to.setUsedMs(value.used_at.ms);
  to.setUses(value.uses);
  return finish(kind::cache_entry, message);
}

expected<cache_record> decode_cache_entry(std::string_view bytes) {
  auto read_root = [](records::CacheRecord::Reader from) {
    cache_record to;
    to.key = string(from.getKey());
    to.builder = string(from.getBuilder());
    to.step = string(from.getStep());
    to.parts = read(from.getParts());
    to.sha256 = string(from.getSha256());
    to.size = from.getSize();
    to.build.value = from.getBuild();
    to.host.value = string(from.getHost());
    to.took_ms = from.getTookMs();
    to.made_at.ms = from.getMadeMs();
    to.used_at.ms = from.getUsedMs();
    to.uses = from.getUses();
    return to;
  };
  return decode<records::CacheRecord, cache_record>(kind::cache_entry, bytes, read_root);
}

} // namespace drover::record
