# What the store keeps (storage/KEYS.md says under which keys). Stored for years: fields are only
# appended, numbers are never reused; enumerations are the numbers of schema/model.hpp.
# SPDX-License-Identifier: Apache-2.0
@0xd1a0c1e6a94b7f35;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("drover::records");

struct Entry {
  key @0 :Text;
  value @1 :Text;
}

struct Epoch {
  counter @0 :UInt64;
  incarnation @1 :UInt64;
}

struct StoreVersion {
  # The layout of keys and values; a program opens only versions that it knows.
  version @0 :UInt32;
}

struct CommitMark {
  # Counts synced commits. Compared with the high-water file at open.
  sequence @0 :UInt64;
}

struct Source {
  kind @0 :UInt8;
  id @1 :Text;
  sha256 @2 :Text;
  revision @3 :Text;
  size @4 :UInt64;
}

struct Artifact {
  path @0 :Text;
  sha256 @1 :Text;
  size @2 :UInt64;
}

struct BuildRecord {
  id @0 :UInt64;
  builder @1 :Text;
  campaign @2 :UInt64;
  state @3 :UInt8;
  outcome @4 :UInt8;
  reason @5 :Text;
  source @6 :Source;
  params @7 :List(Entry);
  requestedBy @8 :Text;
  requestedBecause @9 :Text;
  pinned @10 :Text;
  host @11 :Text;
  placement @12 :UInt32;
  cancelRequested @13 :Bool;
  cancelReason @14 :Text;
  createdMs @15 :Int64;
  startedMs @16 :Int64;
  finishedMs @17 :Int64;
  artifacts @18 :List(Artifact);
  artifactProblem @19 :Text;
  retryOf @20 :UInt64;
  generation @21 :UInt64;
  opinionOf @22 :UInt64;
  fault @23 :UInt8;
  faultEvidence @24 :Text;
  artifactsDropped @25 :Bool;
}

struct AttemptRecord {
  number @0 :UInt32;
  host @1 :Text;
  grantedIn @2 :Epoch;
  placement @3 :UInt32;
  role @4 :UInt8;
  state @5 :UInt8;
  outcome @6 :UInt8;
  exitCode @7 :Int32;
  reason @8 :Text;
  grantedMs @9 :Int64;
  startedMs @10 :Int64;
  finishedMs @11 :Int64;
  logBytes @12 :UInt64;
  keeperLost @13 :Bool;
  usage @14 :Usage;
  leftovers @15 :Text;
  hedge @16 :Bool;
  reusedFrom @17 :UInt64;
  cacheNote @18 :Text;
  outEmpty @19 :Bool;
}

struct Usage {
  userMs @0 :Int64;
  systemMs @1 :Int64;
  memoryPeak @2 :UInt64;
  pidsPeak @3 :UInt32;
  diskPeak @4 :UInt64;
}

struct StepRecord {
  index @0 :UInt32;
  name @1 :Text;
  state @2 :UInt8;
  outcome @3 :UInt8;
  exitCode @4 :Int32;
  accepted @5 :UInt32;
  reason @6 :Text;
  attempts @7 :List(AttemptRecord);
}

struct StepSpec {
  name @0 :Text;
  run @1 :Text;
  env @2 :List(Entry);
  timeoutMs @3 :Int64;
  silenceMs @4 :Int64;
  tests @5 :List(Text);
  exclusive @6 :Bool;
  always @7 :Bool;
  warnOnly @8 :Bool;
  limits @9 :StepLimits;
  sandbox @10 :Bool;
  pty @11 :Bool;
  cache @12 :StepCache;
}

struct StepCache {
  on @0 :Bool;
  inputs @1 :List(Text);
  facts @2 :List(Text);
  outputs @3 :List(Text);
}

struct Retention {
  ageMs @0 :Int64;
  budget @1 :UInt64;
  keepLast @2 :UInt32;
}

struct StepLimits {
  memory @0 :UInt64;
  pids @1 :UInt32;
  cpus @2 :UInt32;
  log @3 :UInt64;
  disk @4 :UInt64;
  files @5 :UInt32;
}

struct BuilderSpec {
  name @0 :Text;
  source @1 :Text;
  placement @2 :UInt8;
  classKeys @3 :List(Text);
  requirement @4 :Text;
  steps @5 :List(StepSpec);
  artifacts @6 :List(Text);
  params @7 :List(Entry);
  # Of stores made before parameters had types: names and fallbacks.
  paramSpecs @8 :List(ParamSpec);
  keep @9 :Retention;
  secondOpinion @10 :Bool = true;
  canary @11 :Bool;
  moreSources @12 :List(Text);
}

struct ParamSpec {
  name @0 :Text;
  kind @1 :UInt8;
  fallback @2 :Text;
  required @3 :Bool;
  choices @4 :List(Text);
  about @5 :Text;
}

struct CampaignCell {
  builder @0 :Text;
  host @1 :Text;
  build @2 :UInt64;
  reason @3 :Text;
  hostClass @4 :Text;
}

struct CampaignRecord {
  id @0 :UInt64;
  source @1 :Source;
  cells @2 :List(CampaignCell);
  requestedBy @3 :Text;
  requestedBecause @4 :Text;
  createdMs @5 :Int64;
}

struct HostRecord {
  name @0 :Text;
  machineId @1 :Text;
  bootId @2 :Text;
  slots @3 :UInt32;
  labels @4 :List(Entry);
  facts @5 :List(Entry);
  version @6 :Text;
  restarts @7 :UInt32;
  firstSeenMs @8 :Int64;
  lastSeenMs @9 :Int64;
  hold @10 :Hold;
  stage @11 :UInt8;
  stageNote @12 :Text;
  ladder @13 :Ladder;
}

struct Ladder {
  rung @0 :UInt8;
  tries @1 :UInt32;
  runsMs @2 :List(Int64);
  note @3 :Text;
}

struct Hold {
  kind @0 :UInt8;
  by @1 :Text;
  reason @2 :Text;
  sinceMs @3 :Int64;
  untilMs @4 :Int64;
}

struct EventRecord {
  # Its sequence is in its key as well.
  sequence @0 :UInt64;
  atMs @1 :Int64;
  kind @2 :UInt8;
  build @3 :UInt64;
  campaign @4 :UInt64;
  builder @5 :Text;
  host @6 :Text;
  step @7 :Text;
  attempt @8 :UInt32;
  state @9 :Text;
  outcome @10 :UInt8;
  by @11 :Text;
  text @12 :Text;
}

struct ConfigRecord {
  generation @0 :UInt64;
  atMs @1 :Int64;
  by @2 :Text;
  path @3 :Text;
  files @4 :List(Entry);
  summary @5 :Text;
}

struct ChangeRecord {
  id @0 :UInt64;
  source @1 :Text;
  identity @2 :Text;
  ref @3 :Source;
  branch @4 :Text;
  author @5 :Text;
  title @6 :Text;
  note @7 :Text;
  covers @8 :List(Text);
  madeMs @9 :Int64;
  seenMs @10 :Int64;
  campaign @11 :UInt64;
  builds @12 :List(UInt64);
}

struct SourceStatus {
  name @0 :Text;
  lookMs @1 :Int64;
  successMs @2 :Int64;
  error @3 :Text;
  nextMs @4 :Int64;
  cursor @5 :List(Entry);
}

struct TestCase {
  name @0 :Text;
  suite @1 :Text;
  outcome @2 :UInt8;
  seconds @3 :Float64;
  message @4 :Text;
  file @5 :Text;
  line @6 :UInt32;
}

struct ToolSummary {
  dialect @0 :Text;
  ran @1 :UInt64;
  failures @2 :UInt64;
  errors @3 :UInt64;
  skipped @4 :UInt64;
}

struct TestReport {
  dialect @0 :Text;
  tests @1 :List(TestCase);
  counts @2 :List(UInt64);
  # By outcome.
  summaries @3 :List(ToolSummary);
  notes @4 :List(Text);
  truncated @5 :Bool;
  onlyFailuresNamed @6 :Bool;
}

struct TokenRecord {
  id @0 :Text;
  sha256 @1 :Text;
  name @2 :Text;
  role @3 :Text;
  madeBy @4 :Text;
  madeMs @5 :Int64;
  expiresMs @6 :Int64;
  usesLeft @7 :UInt32;
  labels @8 :List(Entry);
}

struct UserRecord {
  name @0 :Text;
  password @1 :Text;
  madeBy @2 :Text;
  madeMs @3 :Int64;
  changedMs @4 :Int64;
}

struct SessionRecord {
  sha256 @0 :Text;
  user @1 :Text;
  csrf @2 :Text;
  madeMs @3 :Int64;
  seenMs @4 :Int64;
  expiresMs @5 :Int64;
}

struct NoticeRecord {
  id @0 :UInt64;
  reporter @1 :Text;
  kind @2 :UInt8;
  state @3 :UInt8;
  event @4 :UInt64;
  build @5 :UInt64;
  campaign @6 :UInt64;
  host @7 :Text;
  builder @8 :Text;
  thread @9 :Text;
  subject @10 :Text;
  text @11 :Text;
  payload @12 :Text;
  to @13 :List(Text);
  tries @14 :UInt32;
  lastError @15 :Text;
  madeMs @16 :Int64;
  nextTryMs @17 :Int64;
  doneMs @18 :Int64;
}

struct CacheRecord {
  key @0 :Text;
  builder @1 :Text;
  step @2 :Text;
  parts @3 :List(Entry);
  sha256 @4 :Text;
  size @5 :UInt64;
  build @6 :UInt64;
  host @7 :Text;
  tookMs @8 :Int64;
  madeMs @9 :Int64;
  usedMs @10 :Int64;
  uses @11 :UInt64;
}

struct BlobManifest {
  size @0 :UInt64;
  pieces @1 :Data;
  # SHA-256 digests of 32 bytes each, in order.
  storedMs @2 :Int64;
  # When somebody stored it last; 0: not known.
}

struct LogSegment {
  # A stretch of an attempt's log. Its start is in its key.
  size @0 :UInt64;
  # Uncompressed.
  lines @1 :UInt32;
  # Line ends within it.
  lineStarts @2 :List(UInt32);
  # Where every 1000th line starts, from the segment's start.
  frameBytes @3 :UInt32;
  # What each frame but the last holds, uncompressed.
  frames @4 :List(Data);
  # Zstandard frames, each readable alone.
}
