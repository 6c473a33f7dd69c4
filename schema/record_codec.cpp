// SPDX-License-Identifier: Apache-2.0
#include "schema/record_codec.hpp"

#include "schema/crc32c.hpp"
#include "schema/limits.hpp"
#include "schema/record.capnp.h"
#include "schema/record_envelope.hpp"
#include "schema/record_parts.hpp"

namespace drover::record {

namespace {

constexpr char envelope_version = 1;
constexpr size_t checked_head_bytes = 4; // kind, version, two zero bytes; then the checksum
constexpr size_t digest_bytes = 32;

uint32_t checksum(std::string_view head, std::string_view payload) {
  return crc32c(payload, crc32c(head));
}

} // namespace

// -- envelopes -----------------------------------------------------------------------------------

std::string wrap(kind what, std::string_view payload) {
  std::string value;
  value.reserve(envelope_bytes + payload.size());
  value.push_back(static_cast<char>(what));
  value.push_back(envelope_version);
  value.append(2, '\0');
  auto sum = checksum(value, payload);
  for (int shift = 24; shift >= 0; shift -= 8)
    value.push_back(static_cast<char>(sum >> shift));
  value.append(payload);
  return value;
}

expected<std::string_view> unwrap(kind what, std::string_view value) {
  if (value.size() < envelope_bytes)
    return damaged("the value is cut short");
  auto head = value.substr(0, checked_head_bytes);
  auto payload = value.substr(envelope_bytes);
  uint32_t stored = 0;
  for (size_t i = checked_head_bytes; i < envelope_bytes; ++i)
    stored = stored << 8 | static_cast<uint8_t>(value[i]);
  if (stored != checksum(head, payload))
    return damaged("the value does not match its checksum");
  if (head[0] != static_cast<char>(what))
    return damaged("the value is of another kind");
  if (head[1] != envelope_version)
    return damaged("the value was written by a newer program");
  return payload;
}

// -- records -------------------------------------------------------------------------------------

std::string encode(const store_version& value) {
  record_builder message;
  message.initRoot<records::StoreVersion>().setVersion(value.version);
  return finish(kind::store_version, message);
}

expected<store_version> decode_store_version(std::string_view bytes) {
  return decode<records::StoreVersion, store_version>(
    kind::store_version, bytes,
    [](records::StoreVersion::Reader from) { return store_version{from.getVersion()}; });
}

std::string encode(const commit_mark& value) {
  record_builder message;
  message.initRoot<records::CommitMark>().setSequence(value.sequence);
  return finish(kind::commit_mark, message);
}

expected<commit_mark> decode_commit_mark(std::string_view bytes) {
  return decode<records::CommitMark, commit_mark>(
    kind::commit_mark, bytes,
    [](records::CommitMark::Reader from) { return commit_mark{from.getSequence()}; });
}

std::string encode(const epoch& value) {
  record_builder message;
  write(message.initRoot<records::Epoch>(), value);
  return finish(kind::epoch, message);
}

expected<epoch> decode_epoch(std::string_view bytes) {
  return decode<records::Epoch, epoch>(kind::epoch, bytes,
                                       [](records::Epoch::Reader from) { return read(from); });
}

std::string encode(const build_record& value) {
  record_builder message;
  auto to = message.initRoot<records::BuildRecord>();
  to.setId(value.id.value);
  to.setBuilder(text(value.builder));
  to.setCampaign(value.campaign.value);
  to.setState(static_cast<uint8_t>(value.state));
  to.setOutcome(static_cast<uint8_t>(value.outcome));
  to.setReason(text(value.reason));
  write(to.initSource(), value.source);
  write_each(to.initParams(count(value.params.size())), value.params);
  to.setRequestedBy(text(value.requested_by));
  to.setRequestedBecause(text(value.requested_because));
  to.setPinned(text(value.pinned.value));
  to.setHost(text(value.host.value));
  to.setPlacement(value.placement);
  to.setCancelRequested(value.cancel_requested);
  to.setCancelReason(text(value.cancel_reason));
  to.setCreatedMs(value.created_at.ms);
  to.setStartedMs(value.started_at.ms);
  to.setFinishedMs(value.finished_at.ms);
  write_each(to.initArtifacts(count(value.artifacts.size())), value.artifacts);
  to.setArtifactProblem(text(value.artifact_problem));
  to.setRetryOf(value.retry_of.value);
  to.setGeneration(value.generation);
  to.setOpinionOf(value.opinion_of.value);
  to.setFault(static_cast<uint8_t>(value.fault));
  to.setFaultEvidence(text(value.fault_evidence));
  to.setArtifactsDropped(value.artifacts_dropped);
  return finish(kind::build, message);
}

expected<build_record> decode_build(std::string_view bytes) {
  auto read_root = [](records::BuildRecord::Reader from) {
    build_record to;
    to.id.value = from.getId();
    to.builder = string(from.getBuilder());
    to.campaign.value = from.getCampaign();
    to.state = checked(from.getState(), build_state::finished);
    to.outcome = read_result(from.getOutcome());
    to.reason = string(from.getReason());
    to.source = read(from.getSource());
    to.params = read(from.getParams());
    to.requested_by = string(from.getRequestedBy());
    to.requested_because = string(from.getRequestedBecause());
    to.pinned.value = string(from.getPinned());
    to.host.value = string(from.getHost());
    to.placement = from.getPlacement();
    to.cancel_requested = from.getCancelRequested();
    to.cancel_reason = string(from.getCancelReason());
    to.created_at.ms = from.getCreatedMs();
    to.started_at.ms = from.getStartedMs();
    to.finished_at.ms = from.getFinishedMs();
    read_each(from.getArtifacts(), to.artifacts);
    to.artifact_problem = string(from.getArtifactProblem());
    to.retry_of.value = from.getRetryOf();
    to.generation = from.getGeneration();
    to.opinion_of.value = from.getOpinionOf();
    to.fault = checked(from.getFault(), blame::flaky);
    to.fault_evidence = string(from.getFaultEvidence());
    to.artifacts_dropped = from.getArtifactsDropped();
    return to;
  };
  return decode<records::BuildRecord, build_record>(kind::build, bytes, read_root);
}

std::string encode(const step_record& value) {
  record_builder message;
  auto to = message.initRoot<records::StepRecord>();
  to.setIndex(value.index.value);
  to.setName(text(value.name));
  to.setState(static_cast<uint8_t>(value.state));
  to.setOutcome(static_cast<uint8_t>(value.outcome));
  to.setExitCode(value.exit_code);
  to.setAccepted(value.accepted.value);
  to.setReason(text(value.reason));
  write_each(to.initAttempts(count(value.attempts.size())), value.attempts);
  return finish(kind::step, message);
}

expected<step_record> decode_step(std::string_view bytes) {
  auto read_root = [](records::StepRecord::Reader from) {
    step_record to;
    to.index.value = from.getIndex();
    to.name = string(from.getName());
    to.state = checked(from.getState(), step_state::finished);
    to.outcome = read_result(from.getOutcome());
    to.exit_code = from.getExitCode();
    to.accepted.value = from.getAccepted();
    to.reason = string(from.getReason());
    read_each(from.getAttempts(), to.attempts);
    return to;
  };
  return decode<records::StepRecord, step_record>(kind::step, bytes, read_root);
}

std::string encode(const builder_spec& value) {
  record_builder message;
  auto to = message.initRoot<records::BuilderSpec>();
  to.setName(text(value.name));
  to.setSource(text(value.source));
  to.setPlacement(static_cast<uint8_t>(value.on.kind));
  write_each(to.initClassKeys(count(value.on.class_keys.size())), value.on.class_keys);
  to.setRequirement(text(value.requirement));
  write_each(to.initSteps(count(value.steps.size())), value.steps);
  write_each(to.initArtifacts(count(value.artifacts.size())), value.artifacts);
  write_each(to.initParamSpecs(count(value.params.size())), value.params);
  auto keep = to.initKeep();
  keep.setAgeMs(value.keep.age.count());
  keep.setBudget(value.keep.budget);
  keep.setKeepLast(value.keep.keep_last);
  to.setSecondOpinion(value.second_opinion);
  to.setCanary(value.canary);
  write_each(to.initMoreSources(count(value.more_sources.size())), value.more_sources);
  return finish(kind::recipe, message);
}

expected<builder_spec> decode_recipe(std::string_view bytes) {
  auto read_root = [](records::BuilderSpec::Reader from) {
    builder_spec to;
    to.name = string(from.getName());
    to.source = string(from.getSource());
    to.on.kind = checked(from.getPlacement(), placement_kind::each_class);
    to.on.class_keys = read(from.getClassKeys());
    to.requirement = string(from.getRequirement());
    read_each(from.getSteps(), to.steps);
    to.artifacts = read(from.getArtifacts());
    read_each(from.getParamSpecs(), to.params);
    for (const auto& [name, fallback] : read(from.getParams()))
      to.params.push_back({name, param_kind::text, fallback, false, {}, {}});
    auto keep = from.getKeep();
    to.keep = {milliseconds{keep.getAgeMs()}, keep.getBudget(), keep.getKeepLast()};
    to.second_opinion = from.getSecondOpinion();
    to.canary = from.getCanary();
    to.more_sources = read(from.getMoreSources());
    return to;
  };
  return decode<records::BuilderSpec, builder_spec>(kind::recipe, bytes, read_root);
}

std::string encode(const campaign_record& value) {
  record_builder message;
  auto to = message.initRoot<records::CampaignRecord>();
  to.setId(value.id.value);
  write(to.initSource(), value.source);
  write_each(to.initCells(count(value.cells.size())), value.cells);
  to.setRequestedBy(text(value.requested_by));
  to.setRequestedBecause(text(value.requested_because));
  to.setCreatedMs(value.created_at.ms);
  return finish(kind::campaign, message);
}

expected<campaign_record> decode_campaign(std::string_view bytes) {
  auto read_root = [](records::CampaignRecord::Reader from) {
    campaign_record to;
    to.id.value = from.getId();
    to.source = read(from.getSource());
    read_each(from.getCells(), to.cells);
    to.requested_by = string(from.getRequestedBy());
    to.requested_because = string(from.getRequestedBecause());
    to.created_at.ms = from.getCreatedMs();
    return to;
  };
  return decode<records::CampaignRecord, campaign_record>(kind::campaign, bytes, read_root);
}

std::string encode(const host_record& value) {
  record_builder message;
  auto to = message.initRoot<records::HostRecord>();
  to.setName(text(value.name.value));
  to.setMachineId(text(value.machine_id));
  to.setBootId(text(value.boot_id));
  to.setSlots(value.slots);
  write_each(to.initLabels(count(value.labels.size())), value.labels);
  write_each(to.initFacts(count(value.facts.size())), value.facts);
  to.setVersion(text(value.version));
  to.setRestarts(value.restarts);
  to.setFirstSeenMs(value.first_seen.ms);
  to.setLastSeenMs(value.last_seen.ms);
  write(to.initHold(), value.hold);
  to.setStage(static_cast<uint8_t>(value.stage));
  to.setStageNote(text(value.stage_note));
  write(to.initLadder(), value.ladder);
  return finish(kind::host, message);
}

expected<host_record> decode_host(std::string_view bytes) {
  auto read_root = [](records::HostRecord::Reader from) {
    host_record to;
    to.name.value = string(from.getName());
    to.machine_id = string(from.getMachineId());
    to.boot_id = string(from.getBootId());
    to.slots = from.getSlots();
    to.labels = read(from.getLabels());
    to.facts = read(from.getFacts());
    to.version = string(from.getVersion());
    to.restarts = from.getRestarts();
    to.first_seen.ms = from.getFirstSeenMs();
    to.last_seen.ms = from.getLastSeenMs();
    to.hold = read(from.getHold());
    to.stage = checked(from.getStage(), host_stage::retired);
    to.stage_note = string(from.getStageNote());
    to.ladder = read(from.getLadder());
    return to;
  };
  return decode<records::HostRecord, host_record>(kind::host, bytes, read_root);
}

std::string encode(const manifest& value) {
  std::string digests;
  digests.reserve(value.pieces.size() * digest_bytes);
  for (const auto& piece : value.pieces)
    digests += piece;
  record_builder message;
  auto to = message.initRoot<records::BlobManifest>();
  to.setSize(value.size);
  to.setPieces(octets(digests));
  to.setStoredMs(value.stored_at.ms);
  return finish(kind::blob_manifest, message);
}

expected<manifest> decode_manifest(std::string_view bytes) {
  auto read_root = [](records::BlobManifest::Reader from) {
    manifest to;
    to.size = from.getSize();
    to.stored_at = {from.getStoredMs()};
    auto digests = from.getPieces().asChars();
    KJ_REQUIRE(digests.size() % digest_bytes == 0, "a digest is cut short");
    for (size_t i = 0; i < digests.size(); i += digest_bytes)
      to.pieces.emplace_back(digests.begin() + i, digest_bytes);
    return to;
  };
  return decode<records::BlobManifest, manifest>(kind::blob_manifest, bytes, read_root);
}

std::string encode(const log_segment& value) {
  record_builder message;
  auto to = message.initRoot<records::LogSegment>();
  to.setSize(value.size);
  to.setLines(value.lines);
  auto starts = to.initLineStarts(count(value.line_starts.size()));
  for (unsigned i = 0; i < starts.size(); ++i)
    starts.set(i, value.line_starts[i]);
  to.setFrameBytes(value.frame_bytes);
  auto frames = to.initFrames(count(value.frames.size()));
  for (unsigned i = 0; i < frames.size(); ++i)
    frames.set(i, octets(value.frames[i]));
  return finish(kind::log_segment, message);
}

expected<log_segment> decode_log_segment(std::string_view bytes) {
  auto read_root = [](records::LogSegment::Reader from) {
    log_segment to;
    to.size = from.getSize();
    to.lines = from.getLines();
    for (auto start : from.getLineStarts())
      to.line_starts.push_back(start);
    to.frame_bytes = from.getFrameBytes();
    for (auto frame : from.getFrames()) {
      auto compressed = frame.asChars();
      to.frames.emplace_back(compressed.begin(), compressed.size());
    }
    KJ_REQUIRE(to.size == 0 || to.frame_bytes > 0, "a segment without frames");
    KJ_REQUIRE(to.size <= uint64_t{to.frame_bytes} * to.frames.size(), "frames are missing");
    return to;
  };
  return decode<records::LogSegment, log_segment>(kind::log_segment, bytes, read_root);
}

} // namespace drover::record
