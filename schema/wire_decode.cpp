// Cap'n Proto to values: the door at which a stranger's bytes are checked.
// SPDX-License-Identifier: Apache-2.0
#include "schema/limits_log.hpp"
#include "schema/wire_codec.hpp"
#include "schema/wire_take.hpp"

#include <kj/exception.h>

namespace drover {
namespace {

#ifdef DROVER_PROTOCOL_MINOR // a program of an earlier version, made for tests
constexpr size_t host_kinds = DROVER_HOST_KINDS, farm_kinds = DROVER_FARM_KINDS;
constexpr bool knows_out_empty = DROVER_PROTOCOL_MINOR > 4;
#else
constexpr size_t host_kinds = std::variant_size_v<host_message>;
constexpr size_t farm_kinds = std::variant_size_v<farm_message>;
constexpr bool knows_out_empty = true;
#endif

std::vector<known_attempt> take(door& at, capnp::List<wire::KnownAttempt>::Reader from) {
  return at.list("known", from, limits::known_attempts_max, [&](wire::KnownAttempt::Reader one) {
    known_attempt value{take(at, one.getToken()), {}, 0};
    value.state = at.one_of("state", one.getState(), known_state::ended);
    value.log_bytes = at.at_most("logBytes", one.getLogBytes(), limits::log_bytes_max);
    return value;
  });
}

/// A piece of something larger must lie within it.
void check_piece(door& at, uint64_t offset, uint64_t total, size_t size) {
  at.at_most("total", total, limits::blob_bytes_max);
  at.at_most("offset", offset, total);
  if (!at.failed() && size > total - offset)
    at.refuse("bytes", "reach beyond the total");
}

/// The protocol of the other side; every later field may mean something else in another one.
void check_protocol(door& at, uint16_t major) {
  if (major != wire::MAJOR)
    at.refuse("protocol", fmt::format("is version {}, this program speaks {}: update the older one",
                                      major, uint16_t{wire::MAJOR}));
}

hello take(door& at, wire::Hello::Reader from) {
  hello value;
  check_protocol(at, from.getProtocolMajor());
  if (at.failed())
    return value;
  value.host = {at.name("host", from.getHost())};
  value.machine_id = at.line("machineId", from.getMachineId(), limits::name_bytes_max);
  value.boot_id = at.line("bootId", from.getBootId(), limits::name_bytes_max);
  value.agent_incarnation = from.getAgentIncarnation();
  value.version = at.line("version", from.getVersion(), limits::reason_bytes_max);
  value.slots = at.at_most("slots", from.getSlots(), limits::slots_max);
  value.facts = take(at, "facts", from.getFacts());
  value.known = take(at, from.getKnown());
  value.workspaces =
    at.list("workspaces", from.getWorkspaces(), limits::workspaces_told_max,
            [&](wire::Workspace::Reader one) {
              return workspace_id{{at.counted("build", one.getBuild())}, one.getPlacement()};
            });
  return value;
}

beat take(door& at, wire::Beat::Reader from) {
  return {from.getSequence(), from.getSentMs(), take(at, from.getKnown())};
}

attempt_started take(door& at, wire::AttemptStarted::Reader from) {
  return {take(at, from.getToken()), at.moment("atMs", from.getAtMs())};
}

log_chunk take(door& at, wire::LogChunk::Reader from) {
  return {take(at, from.getToken()), at.at_most("offset", from.getOffset(), limits::log_bytes_max),
          at.bytes("bytes", from.getBytes(), limits::log_piece_bytes)};
}

resource_usage take(door& at, wire::Usage::Reader from) {
  return {at.moment("userMs", from.getUserMs()).ms, at.moment("systemMs", from.getSystemMs()).ms,
          from.getMemoryPeak(), from.getPidsPeak(), from.getDiskPeak()};
}

attempt_ended take(door& at, wire::AttemptEnded::Reader from) {
  attempt_ended value;
  value.token = take(at, from.getToken());
  value.outcome = at.one_of("outcome", from.getOutcome(), result::skipped);
  switch (value.outcome) {
  case result::success:
  case result::failure:
  case result::timeout:
  case result::cancelled:
  case result::exception:
    break;
  default:
    at.refuse("outcome",
              fmt::format("is '{}', which is not for a host to say", to_string(value.outcome)));
  }
  value.exit_code = from.getExitCode();
  value.reason = sentence(from.getReason());
  value.keeper_lost = from.getKeeperLost();
  value.log_bytes = at.at_most("logBytes", from.getLogBytes(), limits::log_bytes_max);
  value.started_at = at.moment("startedMs", from.getStartedMs());
  value.finished_at = at.moment("finishedMs", from.getFinishedMs());
  value.usage = take(at, from.getUsage());
  value.leftovers = sentence(from.getLeftovers());
  value.reused_from = {from.getReusedFrom()};
  value.cache_note = sentence(from.getCacheNote());
  value.out_empty = knows_out_empty && from.getOutEmpty();
  return value;
}

blob_want take(door& at, wire::BlobWant::Reader from) {
  return {{at.counted("build", from.getBuild())},
          at.sha256("sha256", from.getSha256()),
          at.at_most("offset", from.getOffset(), limits::blob_bytes_max)};
}

blob_part take(door& at, wire::BlobPart::Reader from) {
  auto bytes = from.getBytes();
  check_piece(at, from.getOffset(), from.getTotal(), bytes.size());
  return {{at.counted("build", from.getBuild())},
          at.sha256("sha256", from.getSha256()),
          from.getOffset(),
          from.getTotal(),
          at.bytes("bytes", bytes, limits::blob_piece_bytes)};
}

build_closed take(door& at, wire::BuildClosed::Reader from) {
  build_closed value;
  value.build = {at.counted("build", from.getBuild())};
  value.placement = from.getPlacement();
  value.artifacts = at.list(
    "artifacts", from.getArtifacts(), limits::artifacts_max, [&](wire::Artifact::Reader one) {
      return artifact_ref{at.path("path", one.getPath()), at.sha256("sha256", one.getSha256()),
                          at.at_most("size", one.getSize(), limits::blob_bytes_max)};
    });
  value.problem = sentence(from.getProblem());
  return value;
}

census_answer take(door& at, wire::CensusAnswer::Reader from) {
  census_answer value{from.getQuery(), {}};
  value.actors = at.list(
    "actors", from.getActors(), limits::census_entries_max, [](wire::ActorEntry::Reader one) {
      return actor_entry{sentence(one.getNode()),  sentence(one.getName()),
                         sentence(one.getKind()),  sentence(one.getParent()),
                         sentence(one.getState()), one.getRestarts(),
                         one.getUptimeMs(),        sentence(one.getActivity())};
    });
  return value;
}

cache_ask take(door& at, wire::CacheAsk::Reader from) {
  return {take(at, from.getToken()), at.sha256("key", from.getKey()),
          take(at, "parts", from.getParts())};
}

cache_keep take(door& at, wire::CacheKeep::Reader from) {
  return {take(at, from.getToken()), at.sha256("key", from.getKey()),
          take(at, "parts", from.getParts()), at.sha256("sha256", from.getSha256()),
          at.at_most("size", from.getSize(), limits::blob_bytes_max)};
}

host_news_told take(door& at, wire::HostNews::Reader from) {
  return {take(at, "facts", from.getFacts()), sentence(from.getTrouble())};
}

cache_answer take(door& at, wire::CacheAnswer::Reader from) {
  cache_answer value;
  value.token = take(at, from.getToken());
  value.hit = from.getHit();
  if (value.hit) // of a miss there is no blob
    value.sha256 = at.sha256("sha256", from.getSha256());
  value.size = at.at_most("size", from.getSize(), limits::blob_bytes_max);
  value.from = {from.getFrom()};
  value.note = sentence(from.getNote());
  return value;
}

welcome take(door& at, wire::Welcome::Reader from) {
  check_protocol(at, from.getProtocolMajor());
  if (at.failed())
    return {};
  return {drover::take(from.getCoordinator()),
          {from.getSession()},
          at.span("beatEveryMs", from.getBeatEveryMs()),
          at.span("leaseMs", from.getLeaseMs())};
}

step_limits take(door& at, wire::StepLimits::Reader from) {
  return at.within("limits", [&] {
    return step_limits{at.at_most("memory", from.getMemory(), limits::step_memory_max),
                       at.at_most("pids", from.getPids(), limits::step_pids_max),
                       at.at_most("cpus", from.getCpus(), limits::step_cpus_max),
                       at.at_most("log", from.getLog(), limits::log_bytes_max),
                       at.at_most("disk", from.getDisk(), limits::step_disk_max),
                       at.at_most("files", from.getFiles(), limits::step_files_max)};
  });
}

step_spec take(door& at, wire::StepSpec::Reader from) {
  return at.within("step", [&] {
    step_spec value;
    value.name = at.name("name", from.getName());
    value.run = at.text("run", from.getRun(), limits::command_bytes_max);
    value.env = take(at, "env", from.getEnv());
    value.timeout = at.span("timeoutMs", from.getTimeoutMs());
    value.silence = at.span("silenceMs", from.getSilenceMs());
    value.tests = take(at, "tests", from.getTests());
    value.exclusive = from.getExclusive();
    value.always = from.getAlways();
    value.warn_only = from.getWarnOnly();
    value.limits = take(at, from.getLimits());
    value.sandbox = from.getSandbox();
    value.pty = from.getPty();
    auto cache = from.getCache();
    value.cache = {cache.getOn(), take(at, "inputs", cache.getInputs()),
                   take(at, "facts", cache.getFacts()), take(at, "outputs", cache.getOutputs())};
    return value;
  });
}

source_ref take(door& at, wire::SourceRef::Reader from) {
  return at.within("source", [&] {
    source_ref value;
    value.kind = at.one_of("kind", from.getKind(), source_kind::set);
    value.id = at.line("id", from.getId(), limits::value_bytes_max);
    if (from.getSha256().size() > 0)
      value.sha256 = at.sha256("sha256", from.getSha256());
    value.revision = at.line("revision", from.getRevision(), limits::value_bytes_max);
    value.size = at.at_most("size", from.getSize(), limits::blob_bytes_max);
    return value;
  });
}

assignment take(door& at, wire::Assignment::Reader from) {
  return {take(at, from.getToken()), from.getPlacement(), at.name("builder", from.getBuilder()),
          take(at, from.getStep()), take(at, from.getSource())};
}

blob_piece take(door& at, wire::BlobPiece::Reader from) {
  auto bytes = from.getBytes();
  check_piece(at, from.getOffset(), from.getTotal(), bytes.size());
  return {at.sha256("sha256", from.getSha256()), from.getOffset(), from.getTotal(),
          at.bytes("bytes", bytes, limits::blob_piece_bytes), sentence(from.getProblem())};
}

blob_stored take(door& at, wire::BlobStored::Reader from) {
  return {at.sha256("sha256", from.getSha256()),
          at.at_most("offset", from.getOffset(), limits::blob_bytes_max), from.getDurable(),
          sentence(from.getProblem())};
}

close_build take(door& at, wire::CloseBuild::Reader from) {
  return {{at.counted("build", from.getBuild())},
          from.getPlacement(),
          from.getKeepArtifacts(),
          take(at, "globs", from.getGlobs()),
          from.getBytesMax()};
}

/// Decodes with `decode`; what the library throws at broken pointers and exhausted limits becomes
/// a failure.
template <class T, class Decode>
expected<T> guarded(std::string_view where, Decode decode) {
  try {
    door at{fmt::format("{}: ", where)};
    auto value = decode(at);
    return std::move(at).template result<T>(std::move(value));
  } catch (const kj::Exception& problem) {
    auto why = problem.getDescription();
    return failure{ec::bad_input,
                   fmt::format("{}: broken encoding: {}", where,
                               printable({why.begin(), why.size()}, limits::reason_bytes_max))};
  }
}

host_message take(door& at, wire::HostMessage::Reader from) {
  using tag = wire::HostMessage::Which;
  switch (from.which()) {
  case tag::HELLO:
    return at.within("hello", [&] { return take(at, from.getHello()); });
  case tag::BEAT:
    return at.within("beat", [&] { return take(at, from.getBeat()); });
  case tag::ATTEMPT_STARTED:
    return at.within("attemptStarted", [&] { return take(at, from.getAttemptStarted()); });
  case tag::LOG_CHUNK:
    return at.within("logChunk", [&] { return take(at, from.getLogChunk()); });
  case tag::ATTEMPT_ENDED:
    return at.within("attemptEnded", [&] { return take(at, from.getAttemptEnded()); });
  case tag::BLOB_WANT:
    return at.within("blobWant", [&] { return take(at, from.getBlobWant()); });
  case tag::BLOB_PART:
    return at.within("blobPart", [&] { return take(at, from.getBlobPart()); });
  case tag::BUILD_CLOSED:
    return at.within("buildClosed", [&] { return take(at, from.getBuildClosed()); });
  case tag::CENSUS_ANSWER:
    return at.within("censusAnswer", [&] { return take(at, from.getCensusAnswer()); });
  case tag::CACHE_ASK:
    return at.within("cacheAsk", [&] { return take(at, from.getCacheAsk()); });
  case tag::CACHE_KEEP:
    return at.within("cacheKeep", [&] { return take(at, from.getCacheKeep()); });
  case tag::HOST_NEWS:
    return at.within("hostNews", [&] { return take(at, from.getHostNews()); });
  }
  at.refuse("kind", "is not known to this version");
  return {};
}

farm_message take(door& at, wire::FarmMessage::Reader from) {
  using tag = wire::FarmMessage::Which;
  switch (from.which()) {
  case tag::WELCOME:
    return at.within("welcome", [&] { return take(at, from.getWelcome()); });
  case tag::REFUSAL:
    return refusal{sentence(from.getRefusal().getReason())};
  case tag::BEAT_ANSWER:
    return beat_answer{from.getBeatAnswer().getSequence()};
  case tag::ASSIGNMENT:
    return at.within("assignment", [&] { return take(at, from.getAssignment()); });
  case tag::CANCEL_ATTEMPT: {
    auto cancel = from.getCancelAttempt();
    return cancel_attempt{take(at, cancel.getToken()), sentence(cancel.getReason())};
  }
  case tag::LOG_DURABLE: {
    auto log = from.getLogDurable();
    return log_durable{take(at, log.getToken()),
                       at.at_most("offset", log.getOffset(), limits::log_bytes_max)};
  }
  case tag::RESULT_DURABLE:
    return result_durable{take(at, from.getResultDurable().getToken())};
  case tag::BLOB_PIECE:
    return at.within("blobPiece", [&] { return take(at, from.getBlobPiece()); });
  case tag::BLOB_STORED:
    return at.within("blobStored", [&] { return take(at, from.getBlobStored()); });
  case tag::CLOSE_BUILD:
    return at.within("closeBuild", [&] { return take(at, from.getCloseBuild()); });
  case tag::CENSUS_ASK:
    return census_ask{from.getCensusAsk().getQuery()};
  case tag::RESTART_AGENT:
    return restart_agent{sentence(from.getRestartAgent().getReason())};
  case tag::CACHE_ANSWER:
    return at.within("cacheAnswer", [&] { return take(at, from.getCacheAnswer()); });
  case tag::CACHE_KEPT: {
    auto kept = from.getCacheKept();
    return cache_kept{take(at, kept.getToken()), sentence(kept.getProblem())};
  }
  }
  at.refuse("kind", "is not known to this version");
  return {};
}

} // namespace

bool is_known(wire::HostMessage::Reader from) {
  return static_cast<uint16_t>(from.which()) < host_kinds;
}

bool is_known(wire::FarmMessage::Reader from) {
  return static_cast<uint16_t>(from.which()) < farm_kinds;
}

expected<hello> read(wire::Hello::Reader from) {
  return guarded<hello>("hello", [&](door& at) { return take(at, from); });
}

expected<welcome> read(wire::Welcome::Reader from) {
  return guarded<welcome>("welcome", [&](door& at) { return take(at, from); });
}

expected<refusal> read(wire::Refusal::Reader from) {
  return guarded<refusal>("refusal", [&](door&) { return refusal{sentence(from.getReason())}; });
}

expected<host_message> read(wire::HostMessage::Reader from) {
  return guarded<host_message>("message", [&](door& at) { return take(at, from); });
}

expected<farm_message> read(wire::FarmMessage::Reader from) {
  return guarded<farm_message>("message", [&](door& at) { return take(at, from); });
}

} // namespace drover
