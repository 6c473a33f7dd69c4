#pragma once
// The parts that stored records share, to Cap'n Proto and back; for record_codec.cpp alone.
//
// `read` throws kj::Exception for what no `write` of ours makes: the caller catches it.
// SPDX-License-Identifier: Apache-2.0

#include "schema/model.hpp"
#include "schema/record.capnp.h"

#include <capnp/list.h>
#include <kj/debug.h>

namespace drover::record {

// -- parts, outwards -----------------------------------------------------------------------------

inline kj::StringPtr text(const std::string& from) {
  return {from.c_str(), from.size()};
}

inline kj::ArrayPtr<const kj::byte> octets(const std::string& from) {
  return {reinterpret_cast<const kj::byte*>(from.data()), from.size()};
}

inline unsigned count(size_t entries) {
  return static_cast<unsigned>(entries);
}

inline void write(records::Epoch::Builder to, const epoch& from) {
  to.setCounter(from.counter);
  to.setIncarnation(from.incarnation);
}

inline void write(records::Source::Builder to, const source_ref& from) {
  to.setKind(static_cast<uint8_t>(from.kind));
  to.setId(text(from.id));
  to.setSha256(text(from.sha256));
  to.setRevision(text(from.revision));
  to.setSize(from.size);
}

inline void write(records::Artifact::Builder to, const artifact_ref& from) {
  to.setPath(text(from.path));
  to.setSha256(text(from.sha256));
  to.setSize(from.size);
}

inline void write(records::CampaignCell::Builder to, const campaign_cell& from) {
  to.setBuilder(text(from.builder));
  to.setHost(text(from.host.value));
  to.setHostClass(text(from.host_class));
  to.setBuild(from.build.value);
  to.setReason(text(from.reason));
}

inline void write(records::Usage::Builder to, const resource_usage& from) {
  to.setUserMs(from.user_ms);
  to.setSystemMs(from.system_ms);
  to.setMemoryPeak(from.memory_peak);
  to.setPidsPeak(from.pids_peak);
  to.setDiskPeak(from.disk_peak);
}

inline void write(records::AttemptRecord::Builder to, const attempt_record& from) {
  to.setNumber(from.number.value);
  to.setHost(text(from.host.value));
  write(to.initGrantedIn(), from.granted_in);
  to.setPlacement(from.placement);
  to.setRole(static_cast<uint8_t>(from.role));
  to.setState(static_cast<uint8_t>(from.state));
  to.setOutcome(static_cast<uint8_t>(from.outcome));
  to.setExitCode(from.exit_code);
  to.setReason(text(from.reason));
  to.setGrantedMs(from.granted_at.ms);
  to.setStartedMs(from.started_at.ms);
  to.setFinishedMs(from.finished_at.ms);
  to.setLogBytes(from.log_bytes);
  to.setKeeperLost(from.keeper_lost);
  write(to.initUsage(), from.usage);
  to.setLeftovers(text(from.leftovers));
  to.setHedge(from.hedge);
  to.setReusedFrom(from.reused_from.value);
  to.setCacheNote(text(from.cache_note));
  to.setOutEmpty(from.out_empty);
}

inline void write_each(capnp::List<records::Entry>::Builder to, const string_map& from) {
  unsigned i = 0;
  for (const auto& [key, value] : from) {
    to[i].setKey(text(key));
    to[i++].setValue(text(value));
  }
}

inline void write_each(capnp::List<capnp::Text>::Builder to, const std::vector<std::string>& from) {
  for (unsigned i = 0; i < from.size(); ++i)
    to.set(i, text(from[i]));
}

inline void write(records::StepLimits::Builder to, const step_limits& from) {
  to.setMemory(from.memory);
  to.setPids(from.pids);
  to.setCpus(from.cpus);
  to.setLog(from.log);
  to.setDisk(from.disk);
  to.setFiles(from.files);
}

inline void write(records::StepSpec::Builder to, const step_spec& from) {
  to.setName(text(from.name));
  to.setRun(text(from.run));
  write_each(to.initEnv(count(from.env.size())), from.env);
  to.setTimeoutMs(from.timeout.count());
  to.setSilenceMs(from.silence.count());
  write_each(to.initTests(count(from.tests.size())), from.tests);
  to.setExclusive(from.exclusive);
  to.setAlways(from.always);
  to.setWarnOnly(from.warn_only);
  write(to.initLimits(), from.limits);
  to.setSandbox(from.sandbox);
  to.setPty(from.pty);
  auto cache = to.initCache();
  cache.setOn(from.cache.on);
  write_each(cache.initInputs(count(from.cache.inputs.size())), from.cache.inputs);
  write_each(cache.initFacts(count(from.cache.facts.size())), from.cache.facts);
  write_each(cache.initOutputs(count(from.cache.outputs.size())), from.cache.outputs);
}

inline void write(records::ParamSpec::Builder to, const param_spec& from) {
  to.setName(text(from.name));
  to.setKind(static_cast<uint8_t>(from.kind));
  to.setFallback(text(from.fallback));
  to.setRequired(from.required);
  write_each(to.initChoices(count(from.choices.size())), from.choices);
  to.setAbout(text(from.about));
}

inline void write(records::Hold::Builder to, const host_hold& from) {
  to.setKind(static_cast<uint8_t>(from.kind));
  to.setBy(text(from.by));
  to.setReason(text(from.reason));
  to.setSinceMs(from.since.ms);
  to.setUntilMs(from.until.ms);
}

inline void write(records::Ladder::Builder to, const ladder_record& from) {
  to.setRung(static_cast<uint8_t>(from.rung));
  to.setTries(from.tries);
  auto runs = to.initRunsMs(count(from.runs.size()));
  for (unsigned i = 0; i < runs.size(); ++i)
    runs.set(i, from.runs[i].ms);
  to.setNote(text(from.note));
}

/// Fills a list of structs, each by its own `write`.
template <class List, class Values>
void write_each(List to, const Values& from) {
  unsigned i = 0;
  for (const auto& value : from)
    write(to[i++], value);
}

// -- parts, inwards --------------------------------------------------------------------------

inline std::string string(capnp::Text::Reader from) {
  return {from.begin(), from.size()};
}

/// The enumerator that `raw` stands for, which is `last` at most.
template <class Enum>
Enum checked(uint8_t raw, Enum last) {
  KJ_REQUIRE(raw <= static_cast<uint8_t>(last), "unknown enumerator");
  return static_cast<Enum>(raw);
}

inline result read_result(uint8_t raw) {
  return checked(raw, result::skipped);
}

inline string_map read(capnp::List<records::Entry>::Reader from) {
  string_map entries;
  for (auto entry : from) {
    auto fresh = entries.emplace(string(entry.getKey()), string(entry.getValue())).second;
    KJ_REQUIRE(fresh, "an entry stands twice");
  }
  return entries;
}

inline std::vector<std::string> read(capnp::List<capnp::Text>::Reader from) {
  std::vector<std::string> texts;
  for (auto entry : from)
    texts.push_back(string(entry));
  return texts;
}

inline epoch read(records::Epoch::Reader from) {
  return {from.getCounter(), from.getIncarnation()};
}

inline source_ref read(records::Source::Reader from) {
  return {checked(from.getKind(), source_kind::set), string(from.getId()), string(from.getSha256()),
          string(from.getRevision()), from.getSize()};
}

inline artifact_ref read(records::Artifact::Reader from) {
  return {string(from.getPath()), string(from.getSha256()), from.getSize()};
}

inline campaign_cell read(records::CampaignCell::Reader from) {
  campaign_cell to;
  to.builder = string(from.getBuilder());
  to.host.value = string(from.getHost());
  to.host_class = string(from.getHostClass());
  to.build.value = from.getBuild();
  to.reason = string(from.getReason());
  return to;
}

inline resource_usage read(records::Usage::Reader from) {
  return {from.getUserMs(), from.getSystemMs(), from.getMemoryPeak(), from.getPidsPeak(),
          from.getDiskPeak()};
}

inline attempt_record read(records::AttemptRecord::Reader from) {
  attempt_record to;
  to.number.value = from.getNumber();
  to.host.value = string(from.getHost());
  to.granted_in = read(from.getGrantedIn());
  to.placement = from.getPlacement();
  to.role = checked(from.getRole(), attempt_role::repeats);
  to.state = checked(from.getState(), attempt_state::lost);
  to.outcome = read_result(from.getOutcome());
  to.exit_code = from.getExitCode();
  to.reason = string(from.getReason());
  to.granted_at.ms = from.getGrantedMs();
  to.started_at.ms = from.getStartedMs();
  to.finished_at.ms = from.getFinishedMs();
  to.log_bytes = from.getLogBytes();
  to.keeper_lost = from.getKeeperLost();
  to.usage = read(from.getUsage());
  to.leftovers = string(from.getLeftovers());
  to.hedge = from.getHedge();
  to.reused_from.value = from.getReusedFrom();
  to.cache_note = string(from.getCacheNote());
  to.out_empty = from.getOutEmpty();
  return to;
}

inline step_limits read(records::StepLimits::Reader from) {
  return {from.getMemory(), from.getPids(), from.getCpus(),
          from.getLog(),    from.getDisk(), from.getFiles()};
}

inline step_spec read(records::StepSpec::Reader from) {
  step_spec to;
  to.name = string(from.getName());
  to.run = string(from.getRun());
  to.env = read(from.getEnv());
  to.timeout = milliseconds{from.getTimeoutMs()};
  to.silence = milliseconds{from.getSilenceMs()};
  to.tests = read(from.getTests());
  to.exclusive = from.getExclusive();
  to.always = from.getAlways();
  to.warn_only = from.getWarnOnly();
  to.limits = read(from.getLimits());
  to.sandbox = from.getSandbox();
  to.pty = from.getPty();
  auto cache = from.getCache();
  to.cache = {cache.getOn(), read(cache.getInputs()), read(cache.getFacts()),
              read(cache.getOutputs())};
  return to;
}

inline param_spec read(records::ParamSpec::Reader from) {
  return {string(from.getName()),     checked(from.getKind(), param_kind::yes_no),
          string(from.getFallback()), from.getRequired(),
          read(from.getChoices()),    string(from.getAbout())};
}

inline host_hold read(records::Hold::Reader from) {
  return {checked(from.getKind(), hold_kind::health),
          string(from.getBy()),
          string(from.getReason()),
          {from.getSinceMs()},
          {from.getUntilMs()}};
}

inline ladder_record read(records::Ladder::Reader from) {
  ladder_record to{
    checked(from.getRung(), ladder_rung::given_up), from.getTries(), {}, string(from.getNote())};
  for (auto run : from.getRunsMs())
    to.runs.push_back({run});
  return to;
}

template <class List, class Value>
void read_each(List from, std::vector<Value>& to) {
  to.reserve(from.size());
  for (auto entry : from)
    to.push_back(read(entry));
}

} // namespace drover::record
