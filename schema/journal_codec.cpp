// Stored values of the journal, of configurations, keys, sources and test reports.
// SPDX-License-Identifier: Apache-2.0
#include "schema/record.capnp.h"
#include "schema/record_envelope.hpp"
#include "schema/record_parts.hpp"

namespace drover::record {

std::string encode(const event_record& value) {
  record_builder message;
  auto to = message.initRoot<records::EventRecord>();
  to.setSequence(value.sequence);
  to.setAtMs(value.at.ms);
  to.setKind(static_cast<uint8_t>(value.kind));
  to.setBuild(value.build.value);
  to.setCampaign(value.campaign.value);
  to.setBuilder(text(value.builder));
  to.setHost(text(value.host.value));
  to.setStep(text(value.step));
  to.setAttempt(value.attempt.value);
  to.setState(text(value.state));
  to.setOutcome(static_cast<uint8_t>(value.outcome));
  to.setBy(text(value.by));
  to.setText(text(value.text));
  return finish(kind::event, message);
}

expected<event_record> decode_event(std::string_view bytes) {
  auto read_root = [](records::EventRecord::Reader from) {
    event_record to;
    to.sequence = from.getSequence();
    to.at.ms = from.getAtMs();
    to.kind = checked(from.getKind(), event_kind::host_misbehaved);
    to.build.value = from.getBuild();
    to.campaign.value = from.getCampaign();
    to.builder = string(from.getBuilder());
    to.host.value = string(from.getHost());
    to.step = string(from.getStep());
    to.attempt.value = from.getAttempt();
    to.state = string(from.getState());
    to.outcome = read_result(from.getOutcome());
    to.by = string(from.getBy());
    to.text = string(from.getText());
    return to;
  };
  return decode<records::EventRecord, event_record>(kind::event, bytes, read_root);
}

std::string encode(const config_record& value) {
  record_builder message;
  auto to = message.initRoot<records::ConfigRecord>();
  to.setGeneration(value.generation);
  to.setAtMs(value.at.ms);
  to.setBy(text(value.by));
  to.setPath(text(value.path));
  write_each(to.initFiles(count(value.files.size())), value.files);
  to.setSummary(text(value.summary));
  return finish(kind::config, message);
}

expected<config_record> decode_config(std::string_view bytes) {
  auto read_root = [](records::ConfigRecord::Reader from) {
    config_record to;
    to.generation = from.getGeneration();
    to.at.ms = from.getAtMs();
    to.by = string(from.getBy());
    to.path = string(from.getPath());
    to.files = read(from.getFiles());
    to.summary = string(from.getSummary());
    return to;
  };
  return decode<records::ConfigRecord, config_record>(kind::config, bytes, read_root);
}

std::string encode(const token_record& value) {
  record_builder message;
  auto to = message.initRoot<records::TokenRecord>();
  to.setId(text(value.id));
  to.setSha256(text(value.sha256));
  to.setName(text(value.name));
  to.setRole(text(value.role));
  to.setMadeBy(text(value.made_by));
  to.setMadeMs(value.made_at.ms);
  to.setExpiresMs(value.expires_at.ms);
  to.setUsesLeft(value.uses_left);
  write_each(to.initLabels(count(value.labels.size())), value.labels);
  return finish(kind::token, message);
}

expected<token_record> decode_token(std::string_view bytes) {
  auto read_root = [](records::TokenRecord::Reader from) {
    return token_record{string(from.getId()),   string(from.getSha256()), string(from.getName()),
                        string(from.getRole()), string(from.getMadeBy()), {from.getMadeMs()},
                        {from.getExpiresMs()},  from.getUsesLeft(),       read(from.getLabels())};
  };
  return decode<records::TokenRecord, token_record>(kind::token, bytes, read_root);
}

std::string encode(const change_record& value) {
  record_builder message;
  auto to = message.initRoot<records::ChangeRecord>();
  to.setId(value.id.value);
  to.setSource(text(value.source));
  to.setIdentity(text(value.identity));
  write(to.initRef(), value.ref);
  to.setBranch(text(value.branch));
  to.setAuthor(text(value.author));
  to.setTitle(text(value.title));
  to.setNote(text(value.note));
  write_each(to.initCovers(count(value.covers.size())), value.covers);
  to.setMadeMs(value.made_at.ms);
  to.setSeenMs(value.seen_at.ms);
  to.setCampaign(value.campaign.value);
  auto builds = to.initBuilds(count(value.builds.size()));
  for (unsigned i = 0; i < builds.size(); ++i)
    builds.set(i, value.builds[i].value);
  return finish(kind::change, message);
}

expected<change_record> decode_change(std::string_view bytes) {
  auto read_root = [](records::ChangeRecord::Reader from) {
    change_record to;
    to.id.value = from.getId();
    to.source = string(from.getSource());
    to.identity = string(from.getIdentity());
    to.ref = read(from.getRef());
    to.branch = string(from.getBranch());
    to.author = string(from.getAuthor());
    to.title = string(from.getTitle());
    to.note = string(from.getNote());
    to.covers = read(from.getCovers());
    to.made_at.ms = from.getMadeMs();
    to.seen_at.ms = from.getSeenMs();
    to.campaign.value = from.getCampaign();
    for (auto build : from.getBuilds())
      to.builds.push_back({build});
    return to;
  };
  return decode<records::ChangeRecord, change_record>(kind::change, bytes, read_root);
}

std::string encode(const source_status& value) {
  record_builder message;
  auto to = message.initRoot<records::SourceStatus>();
  to.setName(text(value.name));
  to.setLookMs(value.last_look.ms);
  to.setSuccessMs(value.last_success.ms);
  to.setError(text(value.last_error));
  to.setNextMs(value.next_look.ms);
  write_each(to.initCursor(count(value.cursor.size())), value.cursor);
  return finish(kind::source_status, message);
}

expected<source_status> decode_source_status(std::string_view bytes) {
  auto read_root = [](records::SourceStatus::Reader from) {
    return source_status{string(from.getName()),  {from.getLookMs()}, {from.getSuccessMs()},
                         string(from.getError()), {from.getNextMs()}, read(from.getCursor())};
  };
  return decode<records::SourceStatus, source_status>(kind::source_status, bytes, read_root);
}

// -- test reports --------------------------------------------------------------------------------

namespace {

void write(records::TestCase::Builder to, const test_case& from) {
  to.setName(text(from.name));
  to.setSuite(text(from.suite));
  to.setOutcome(static_cast<uint8_t>(from.outcome));
  to.setSeconds(from.seconds);
  to.setMessage(text(from.message));
  to.setFile(text(from.file));
  to.setLine(from.line);
}

void write(records::ToolSummary::Builder to, const tool_summary& from) {
  to.setDialect(text(from.dialect));
  to.setRan(from.ran);
  to.setFailures(from.failures);
  to.setErrors(from.errors);
  to.setSkipped(from.skipped);
}

test_case read_case(records::TestCase::Reader from) {
  return {string(from.getName()),
          string(from.getSuite()),
          checked(from.getOutcome(), test_outcome::expected_failure),
          from.getSeconds(),
          string(from.getMessage()),
          string(from.getFile()),
          from.getLine()};
}

} // namespace

std::string encode(const test_report& value) {
  record_builder message;
  auto to = message.initRoot<records::TestReport>();
  to.setDialect(text(value.dialect));
  auto tests = to.initTests(count(value.tests.size()));
  for (unsigned i = 0; i < tests.size(); ++i)
    write(tests[i], value.tests[i]);
  auto counts = to.initCounts(count(value.counts.by_outcome.size()));
  for (unsigned i = 0; i < counts.size(); ++i)
    counts.set(i, value.counts.by_outcome[i]);
  auto summaries = to.initSummaries(count(value.summaries.size()));
  for (unsigned i = 0; i < summaries.size(); ++i)
    write(summaries[i], value.summaries[i]);
  write_each(to.initNotes(count(value.notes.size())), value.notes);
  to.setTruncated(value.truncated);
  to.setOnlyFailuresNamed(value.only_failures_named);
  return finish(kind::test_report, message);
}

expected<test_report> decode_test_report(std::string_view bytes) {
  auto read_root = [](records::TestReport::Reader from) {
    test_report to;
    to.dialect = string(from.getDialect());
    for (auto one : from.getTests())
      to.tests.push_back(read_case(one));
    auto counts = from.getCounts();
    KJ_REQUIRE(counts.size() <= to.counts.by_outcome.size(), "unknown outcomes are counted");
    for (unsigned i = 0; i < counts.size(); ++i)
      to.counts.by_outcome[i] = counts[i];
    for (auto one : from.getSummaries())
      to.summaries.push_back({string(one.getDialect()), one.getRan(), one.getFailures(),
                              one.getErrors(), one.getSkipped()});
    to.notes = read(from.getNotes());
    to.truncated = from.getTruncated();
    to.only_failures_named = from.getOnlyFailuresNamed();
    return to;
  };
  return decode<records::TestReport, test_report>(kind::test_report, bytes, read_root);
}

} // namespace drover::record
