// Values to Cap'n Proto. The way back, where the checks are, is wire_decode.cpp.
// SPDX-License-Identifier: Apache-2.0
#include "schema/wire_codec.hpp"

namespace drover {
namespace {

#ifdef DROVER_PROTOCOL_MINOR // a program of an earlier version, made for tests
constexpr uint16_t minor_spoken = DROVER_PROTOCOL_MINOR;
#else
constexpr uint16_t minor_spoken = wire::MINOR;
#endif
constexpr bool knows_out_empty = minor_spoken > 4;

kj::StringPtr text(const std::string& from) {
  return {from.c_str(), from.size()};
}

kj::ArrayPtr<const kj::byte> data(const std::string& from) {
  return kj::arrayPtr(reinterpret_cast<const kj::byte*>(from.data()), from.size());
}

/// Lists are counted by 32 bits on the wire; ours are bounded far below.
template <class Range>
unsigned count(const Range& from) {
  return static_cast<unsigned>(from.size());
}

void put(const epoch& from, wire::Epoch::Builder to) {
  to.setCounter(from.counter);
  to.setIncarnation(from.incarnation);
}

void put(const grant_token& from, wire::GrantToken::Builder to) {
  put(from.granted_in, to.initGrantedIn());
  auto attempt = to.initAttempt();
  attempt.setBuild(from.attempt.build.value);
  attempt.setStep(from.attempt.step.value);
  attempt.setAttempt(from.attempt.attempt.value);
}

void put(const string_map& from, capnp::List<wire::Entry>::Builder to) {
  unsigned i = 0;
  for (const auto& [key, value] : from) {
    auto entry = to[i++];
    entry.setKey(text(key));
    entry.setValue(text(value));
  }
}

void put(const std::vector<std::string>& from, capnp::List<capnp::Text>::Builder to) {
  unsigned i = 0;
  for (const auto& line : from)
    to.set(i++, text(line));
}

void put(const std::vector<known_attempt>& from, capnp::List<wire::KnownAttempt>::Builder to) {
  unsigned i = 0;
  for (const auto& one : from) {
    auto known = to[i++];
    put(one.token, known.initToken());
    known.setState(static_cast<wire::KnownState>(one.state));
    known.setLogBytes(one.log_bytes);
  }
}

void put(const source_ref& from, wire::SourceRef::Builder to) {
  to.setKind(static_cast<wire::SourceKind>(from.kind));
  to.setId(text(from.id));
  to.setSha256(text(from.sha256));
  to.setRevision(text(from.revision));
  to.setSize(from.size);
}

void put(const step_spec& from, wire::StepSpec::Builder to) {
  to.setName(text(from.name));
  to.setRun(text(from.run));
  put(from.env, to.initEnv(count(from.env)));
  to.setTimeoutMs(from.timeout.count());
  to.setSilenceMs(from.silence.count());
  put(from.tests, to.initTests(count(from.tests)));
  to.setExclusive(from.exclusive);
  to.setAlways(from.always);
  to.setWarnOnly(from.warn_only);
  auto limits = to.initLimits();
  limits.setMemory(from.limits.memory);
  limits.setPids(from.limits.pids);
  limits.setCpus(from.limits.cpus);
  limits.setLog(from.limits.log);
  limits.setDisk(from.limits.disk);
  limits.setFiles(from.limits.files);
  to.setSandbox(from.sandbox);
  to.setPty(from.pty);
  auto cache = to.initCache();
  cache.setOn(from.cache.on);
  put(from.cache.inputs, cache.initInputs(count(from.cache.inputs)));
  put(from.cache.facts, cache.initFacts(count(from.cache.facts)));
  put(from.cache.outputs, cache.initOutputs(count(from.cache.outputs)));
}

void put(const actor_entry& from, wire::ActorEntry::Builder to) {
  to.setNode(text(from.node));
  to.setName(text(from.name));
  to.setKind(text(from.kind));
  to.setParent(text(from.parent));
  to.setState(text(from.state));
  to.setRestarts(from.restarts);
  to.setUptimeMs(from.uptime_ms);
  to.setActivity(text(from.activity));
}

/// One overload for each alternative of `host_message`.
struct host_writer {
  wire::HostMessage::Builder to;

  void operator()(const hello& from) { write(from, to.initHello()); }

  void operator()(const beat& from) {
    auto out = to.initBeat();
    out.setSequence(from.sequence);
    out.setSentMs(from.sent_ms);
    put(from.known, out.initKnown(count(from.known)));
  }

  void operator()(const attempt_started& from) {
    auto out = to.initAttemptStarted();
    put(from.token, out.initToken());
    out.setAtMs(from.at.ms);
  }

  void operator()(const log_chunk& from) {
    auto out = to.initLogChunk();
    put(from.token, out.initToken());
    out.setOffset(from.offset);
    out.setBytes(data(from.bytes));
  }

  void operator()(const attempt_ended& from) {
    auto out = to.initAttemptEnded();
    put(from.token, out.initToken());
    out.setOutcome(static_cast<wire::Result>(from.outcome));
    out.setExitCode(from.exit_code);
    out.setReason(text(from.reason));
    out.setKeeperLost(from.keeper_lost);
    out.setLogBytes(from.log_bytes);
    out.setStartedMs(from.started_at.ms);
    out.setFinishedMs(from.finished_at.ms);
    auto usage = out.initUsage();
    usage.setUserMs(from.usage.user_ms);
    usage.setSystemMs(from.usage.system_ms);
    usage.setMemoryPeak(from.usage.memory_peak);
    usage.setPidsPeak(from.usage.pids_peak);
    usage.setDiskPeak(from.usage.disk_peak);
    out.setLeftovers(text(from.leftovers));
    out.setReusedFrom(from.reused_from.value);
    out.setCacheNote(text(from.cache_note));
    out.setOutEmpty(knows_out_empty && from.out_empty);
  }

  void operator()(const blob_want& from) {
    auto out = to.initBlobWant();
    out.setBuild(from.build.value);
    out.setSha256(text(from.sha256));
    out.setOffset(from.offset);
  }

  void operator()(const blob_part& from) {
    auto out = to.initBlobPart();
    out.setBuild(from.build.value);
    out.setSha256(text(from.sha256));
    out.setOffset(from.offset);
    out.setTotal(from.total);
    out.setBytes(data(from.bytes));
  }

  void operator()(const build_closed& from) {
    auto out = to.initBuildClosed();
    out.setBuild(from.build.value);
    out.setPlacement(from.placement);
    auto list = out.initArtifacts(count(from.artifacts));
    unsigned i = 0;
    for (const auto& one : from.artifacts) {
      auto artifact = list[i++];
      artifact.setPath(text(one.path));
      artifact.setSha256(text(one.sha256));
      artifact.setSize(one.size);
    }
    out.setProblem(text(from.problem));
  }

  void operator()(const census_answer& from) {
    auto out = to.initCensusAnswer();
    out.setQuery(from.query);
    auto list = out.initActors(count(from.actors));
    unsigned i = 0;
    for (const auto& one : from.actors)
      put(one, list[i++]);
  }

  void operator()(const cache_ask& from) {
    auto out = to.initCacheAsk();
    put(from.token, out.initToken());
    out.setKey(text(from.key));
    put(from.parts, out.initParts(count(from.parts)));
  }

  void operator()(const cache_keep& from) {
    auto out = to.initCacheKeep();
    put(from.token, out.initToken());
    out.setKey(text(from.key));
    put(from.parts, out.initParts(count(from.parts)));
    out.setSha256(text(from.sha256));
    out.setSize(from.size);
  }

  void operator()(const host_news_told& from) {
    auto out = to.initHostNews();
    put(from.facts, out.initFacts(count(from.facts)));
    out.setTrouble(text(from.trouble));
  }
};

/// One overload for each alternative of `farm_message`.
struct farm_writer {
  wire::FarmMessage::Builder to;

  void operator()(const welcome& from) { write(from, to.initWelcome()); }
  void operator()(const refusal& from) { write(from, to.initRefusal()); }
  void operator()(const beat_answer& from) { to.initBeatAnswer().setSequence(from.sequence); }

  void operator()(const assignment& from) {
    auto out = to.initAssignment();
    put(from.token, out.initToken());
    out.setPlacement(from.placement);
    out.setBuilder(text(from.builder));
    put(from.step, out.initStep());
    put(from.source, out.initSource());
  }

  void operator()(const cancel_attempt& from) {
    auto out = to.initCancelAttempt();
    put(from.token, out.initToken());
    out.setReason(text(from.reason));
  }

  void operator()(const log_durable& from) {
    auto out = to.initLogDurable();
    put(from.token, out.initToken());
    out.setOffset(from.offset);
  }

  void operator()(const result_durable& from) {
    put(from.token, to.initResultDurable().initToken());
  }

  void operator()(const blob_piece& from) {
    auto out = to.initBlobPiece();
    out.setSha256(text(from.sha256));
    out.setOffset(from.offset);
    out.setTotal(from.total);
    out.setBytes(data(from.bytes));
    out.setProblem(text(from.problem));
  }

  void operator()(const blob_stored& from) {
    auto out = to.initBlobStored();
    out.setSha256(text(from.sha256));
    out.setOffset(from.offset);
    out.setDurable(from.durable);
    out.setProblem(text(from.problem));
  }

  void operator()(const close_build& from) {
    auto out = to.initCloseBuild();
    out.setBuild(from.build.value);
    out.setPlacement(from.placement);
    out.setKeepArtifacts(from.keep_artifacts);
    put(from.globs, out.initGlobs(count(from.globs)));
    out.setBytesMax(from.bytes_max);
  }

  void operator()(const census_ask& from) { to.initCensusAsk().setQuery(from.query); }
  void operator()(const restart_agent& from) { to.initRestartAgent().setReason(text(from.reason)); }

  void operator()(const cache_answer& from) {
    auto out = to.initCacheAnswer();
    put(from.token, out.initToken());
    out.setHit(from.hit);
    out.setSha256(text(from.sha256));
    out.setSize(from.size);
    out.setFrom(from.from.value);
    out.setNote(text(from.note));
  }

  void operator()(const cache_kept& from) {
    auto out = to.initCacheKept();
    put(from.token, out.initToken());
    out.setProblem(text(from.problem));
  }
};

} // namespace

void write(const hello& from, wire::Hello::Builder to) {
  to.setProtocolMajor(wire::MAJOR);
  to.setProtocolMinor(minor_spoken);
  to.setHost(text(from.host.value));
  to.setMachineId(text(from.machine_id));
  to.setBootId(text(from.boot_id));
  to.setAgentIncarnation(from.agent_incarnation);
  to.setVersion(text(from.version));
  to.setSlots(from.slots);
  put(from.facts, to.initFacts(count(from.facts)));
  put(from.known, to.initKnown(count(from.known)));
  auto kept = to.initWorkspaces(count(from.workspaces));
  unsigned i = 0;
  for (const auto& one : from.workspaces) {
    auto workspace = kept[i++];
    workspace.setBuild(one.build.value);
    workspace.setPlacement(one.placement);
  }
}

void write(const welcome& from, wire::Welcome::Builder to) {
  to.setProtocolMajor(wire::MAJOR);
  to.setProtocolMinor(minor_spoken);
  put(from.coordinator, to.initCoordinator());
  to.setSession(from.session.value);
  to.setBeatEveryMs(from.beat_every.count());
  to.setLeaseMs(from.lease.count());
}

void write(const refusal& from, wire::Refusal::Builder to) {
  to.setReason(text(from.reason));
}

void write(const host_message& from, wire::HostMessage::Builder to) {
  std::visit(host_writer{to}, from);
}

void write(const farm_message& from, wire::FarmMessage::Builder to) {
  std::visit(farm_writer{to}, from);
}

} // namespace drover
