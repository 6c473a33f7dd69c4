# What goes over the links between a coordinator and its hosts (Cap'n Proto RPC over mutual TLS).
# SPDX-License-Identifier: Apache-2.0
#
# Each struct mirrors a plain value of schema/messages.hpp; schema/wire_codec turns one into the
# other and checks every field at the door. The limits named below are in schema/limits.hpp; a
# message that passes one is refused whole. Growing the protocol: add fields and alternatives with
# new ordinals, never change or reuse one, and raise `minor`; raise `major` only when the older side
# could not cope. A message whose alternative is not known is passed over and counted; a list or a
# number that grew beyond its limit, or an enumerant that is not known, is not.
#
# Calls answer when the receiving actor has taken the message, so that a sender's window of calls is
# its back-pressure. They are plain calls and not `-> stream`: a stream delivers one call at a time,
# and a beat would wait behind log chunks.
@0xcf2b0a1d5ce7d1a9;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("drover::wire");

const major :UInt16 = 1;
# The protocol that both sides must share; another major is refused at `join`, in words.
const minor :UInt16 = 5;
# Counts additions that the other side may ignore. Before 4, a log chunk had 64 KiB at most.

# -- capabilities ----------------------------------------------------------------------------------

interface Farm {
  # The bootstrap capability of a connection: all that a host can do before it is admitted.

  join @0 (hello :Hello, host :Host) -> (answer :JoinAnswer, session :Session);
  # Once a connection. `hello.host` must be the common name of the host's certificate. `session`
  # is set only with a welcome; a connection that is refused is closed.
}

struct JoinAnswer {
  union {
    refusal @0 :Refusal;
    welcome @1 :Welcome;
  }
}

interface Session {
  # What an admitted host holds: a way to speak of its own attempts, and nothing else.

  tell @0 (message :HostMessage) -> ();
}

interface Host {
  # What the coordinator holds of a host.

  tell @0 (message :FarmMessage) -> ();
}

# -- ids -------------------------------------------------------------------------------------------

struct Epoch {
  # A coordinator's life.
  counter @0 :UInt64;      # grows with each start on one store
  incarnation @1 :UInt64;  # random
}

struct AttemptId {
  build @0 :UInt64;    # from 1
  step @1 :UInt32;     # from 0, below steps_max
  attempt @2 :UInt32;  # from 1
}

struct GrantToken {
  # The right of one host to run one attempt.
  grantedIn @0 :Epoch;
  attempt @1 :AttemptId;
}

struct Entry {
  # One of a map; keys are in ascending order and differ.
  key @0 :Text;    # 1 to value_bytes_max bytes, no control characters
  value @1 :Text;  # at most value_bytes_max bytes, no NUL
}

# -- host to coordinator ---------------------------------------------------------------------------

struct HostMessage {
  # Ordinals follow the variant `host_message`.
  union {
    hello @0 :Hello;
    beat @1 :Beat;
    attemptStarted @2 :AttemptStarted;
    logChunk @3 :LogChunk;
    attemptEnded @4 :AttemptEnded;
    blobWant @5 :BlobWant;
    blobPart @6 :BlobPart;
    buildClosed @7 :BuildClosed;
    censusAnswer @8 :CensusAnswer;
    cacheAsk @9 :CacheAsk;
    cacheKeep @10 :CacheKeep;
    hostNews @11 :HostNews;
  }
}

enum KnownState {
  preparing @0;
  running @1;
  ended @2;
}

struct KnownAttempt {
  token @0 :GrantToken;
  state @1 :KnownState;
  logBytes @2 :UInt64;  # written so far; at most log_bytes_max
}

struct Hello {
  protocolMajor @0 :UInt16;      # must be `major`
  protocolMinor @1 :UInt16;
  host @2 :Text;                 # a valid name; the certificate's common name
  machineId @3 :Text;            # changes when the host is re-imaged; at most name_bytes_max
  bootId @4 :Text;               # changes when it reboots; at most name_bytes_max
  agentIncarnation @5 :UInt64;   # random for each start of the agent
  version @6 :Text;              # of the program, for people; at most reason_bytes_max
  slots @7 :UInt32;              # at most slots_max
  facts @8 :List(Entry);         # at most entries_max
  known @9 :List(KnownAttempt);  # at most known_attempts_max
  workspaces @10 :List(Workspace);  # oldest first, at most workspaces_told_max
}

struct Workspace {
  build @0 :UInt64;      # from 1
  placement @1 :UInt32;  # from 1
}

struct Beat {
  sequence @0 :UInt64;           # from 1, grows by one a beat
  sentMs @1 :Int64;              # the host's own monotonic clock
  known @2 :List(KnownAttempt);  # at most known_attempts_max
}

struct AttemptStarted {
  token @0 :GrantToken;
  atMs @1 :Int64;  # wall time, milliseconds since 1970
}

struct LogChunk {
  token @0 :GrantToken;
  offset @1 :UInt64;  # of the first byte in the attempt's log; at most log_bytes_max
  bytes @2 :Data;     # at most log_piece_bytes; empty: only asks for the confirmed offset
}

enum Result {
  # Numbers as in model.hpp.
  none @0;
  success @1;
  warnings @2;
  failure @3;
  exception @4;
  hostLost @5;
  timeout @6;
  cancelled @7;
  skipped @8;
}

struct AttemptEnded {
  token @0 :GrantToken;
  outcome @1 :Result;      # success failure timeout cancelled exception
  exitCode @2 :Int32 = -1; # 128 + n for signal n; -1: none
  reason @3 :Text;         # one sentence; cut at reason_bytes_max
  keeperLost @4 :Bool;
  logBytes @5 :UInt64;     # of the whole log; at most log_bytes_max
  startedMs @6 :Int64;
  finishedMs @7 :Int64;
  usage @8 :Usage;
  leftovers @9 :Text;      # what had to be killed at its end; cut at reason_bytes_max
  reusedFrom @10 :UInt64;  # the build whose result the step cache gave; 0: it ran
  cacheNote @11 :Text;     # where it came from, or what differed; cut at reason_bytes_max
  outEmpty @12 :Bool;      # it passed, and nothing lay in $DROVER_OUT then; false: not known
}

struct BlobWant {
  build @0 :UInt64;   # whose source it is; from 1
  sha256 @1 :Text;    # 64 lower-case hex digits
  offset @2 :UInt64;  # at most blob_bytes_max
}

struct BlobPart {
  build @0 :UInt64;
  sha256 @1 :Text;
  offset @2 :UInt64;
  total @3 :UInt64;  # size of the whole; at most blob_bytes_max; no part reaches beyond it
  bytes @4 :Data;    # at most blob_piece_bytes
}

struct Artifact {
  path @0 :Text;    # relative, without "..", without control characters
  sha256 @1 :Text;
  size @2 :UInt64;  # at most blob_bytes_max
}

struct BuildClosed {
  build @0 :UInt64;
  placement @1 :UInt32;
  artifacts @2 :List(Artifact);  # at most artifacts_max
  problem @3 :Text;              # empty, or why artifacts are missing; cut at reason_bytes_max
}

struct ActorEntry {
  # All texts are for people: made printable and cut at reason_bytes_max.
  node @0 :Text;
  name @1 :Text;
  kind @2 :Text;
  parent @3 :Text;
  state @4 :Text;
  restarts @5 :UInt32;
  uptimeMs @6 :Int64;
  activity @7 :Text;
}

struct CensusAnswer {
  query @0 :UInt64;
  actors @1 :List(ActorEntry);  # at most census_entries_max
}

struct CacheAsk {
  token @0 :GrantToken;
  key @1 :Text;            # 64 lower-case hex digits
  parts @2 :List(Entry);   # what went into it, at most entries_max
}

struct CacheKeep {
  token @0 :GrantToken;
  key @1 :Text;
  parts @2 :List(Entry);
  sha256 @3 :Text;         # of the blob with outputs and log
  size @4 :UInt64;         # at most blob_bytes_max
}

struct HostNews {
  facts @0 :List(Entry);   # all of them, anew; at most entries_max
  trouble @1 :Text;        # why no new work; empty: it is well; cut at reason_bytes_max
}

# -- coordinator to host ---------------------------------------------------------------------------

struct FarmMessage {
  # Ordinals follow the variant `farm_message`.
  union {
    welcome @0 :Welcome;
    refusal @1 :Refusal;
    beatAnswer @2 :BeatAnswer;
    assignment @3 :Assignment;
    cancelAttempt @4 :CancelAttempt;
    logDurable @5 :LogDurable;
    resultDurable @6 :ResultDurable;
    blobPiece @7 :BlobPiece;
    blobStored @8 :BlobStored;
    closeBuild @9 :CloseBuild;
    censusAsk @10 :CensusAsk;
    restartAgent @11 :RestartAgent;
    cacheAnswer @12 :CacheAnswer;
    cacheKept @13 :CacheKept;
  }
}

struct Welcome {
  protocolMajor @0 :UInt16;  # must be `major`
  protocolMinor @1 :UInt16;
  coordinator @2 :Epoch;
  session @3 :UInt64;
  beatEveryMs @4 :Int64;     # 0 to step_timeout_max
  leaseMs @5 :Int64;         # 0 to step_timeout_max
}

struct Refusal {
  reason @0 :Text;  # one sentence; cut at reason_bytes_max
}

struct BeatAnswer {
  sequence @0 :UInt64;  # of the beat that is answered
}

struct StepSpec {
  name @0 :Text;           # a valid name
  run @1 :Text;            # a script for /bin/sh; at most command_bytes_max
  env @2 :List(Entry);     # at most entries_max
  timeoutMs @3 :Int64;     # 0: the default; at most step_timeout_max
  silenceMs @4 :Int64;     # 0: the default; at most step_timeout_max
  tests @5 :List(Text);    # at most entries_max, each at most value_bytes_max
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
  inputs @1 :List(Text);   # as the two below: at most entries_max, each at most value_bytes_max
  facts @2 :List(Text);
  outputs @3 :List(Text);
}

struct StepLimits {
  # 0: the host's default, or no bound.
  memory @0 :UInt64;  # bytes; at most step_memory_max
  pids @1 :UInt32;    # at most step_pids_max
  cpus @2 :UInt32;    # at most step_cpus_max
  log @3 :UInt64;     # bytes; at most log_bytes_max
  disk @4 :UInt64;    # bytes; at most step_disk_max
  files @5 :UInt32;   # at most step_files_max
}

struct Usage {
  userMs @0 :Int64;   # as is systemMs, at least 0
  systemMs @1 :Int64;
  memoryPeak @2 :UInt64;
  pidsPeak @3 :UInt32;
  diskPeak @4 :UInt64;
}

enum SourceKind {
  none @0;
  tarball @1;
  hg @2;
  git @3;
  set @4;
}

struct SourceRef {
  kind @0 :SourceKind;
  id @1 :Text;        # at most value_bytes_max, no control characters
  sha256 @2 :Text;    # empty or 64 lower-case hex digits
  revision @3 :Text;  # at most value_bytes_max, no control characters
  size @4 :UInt64;    # at most blob_bytes_max
}

struct Assignment {
  token @0 :GrantToken;
  placement @1 :UInt32;   # a workspace belongs to (build, placement)
  builder @2 :Text;       # a valid name
  step @3 :StepSpec;
  source @4 :SourceRef;
}

struct CancelAttempt {
  token @0 :GrantToken;
  reason @1 :Text;  # cut at reason_bytes_max
}

struct LogDurable {
  token @0 :GrantToken;
  offset @1 :UInt64;  # all bytes below it are stored; at most log_bytes_max
}

struct ResultDurable {
  token @0 :GrantToken;
}

struct BlobPiece {
  sha256 @0 :Text;
  offset @1 :UInt64;
  total @2 :UInt64;  # at most blob_bytes_max; no piece reaches beyond it
  bytes @3 :Data;    # at most blob_piece_bytes
  problem @4 :Text;  # not empty: the blob can't be had, and why; cut at reason_bytes_max
}

struct BlobStored {
  sha256 @0 :Text;
  offset @1 :UInt64;  # at most blob_bytes_max
  durable @2 :Bool;
  problem @3 :Text;   # not empty: it is refused, and why; cut at reason_bytes_max
}

struct CloseBuild {
  build @0 :UInt64;
  placement @1 :UInt32;
  keepArtifacts @2 :Bool;
  globs @3 :List(Text);  # at most entries_max, each at most value_bytes_max
  bytesMax @4 :UInt64;   # of all artifacts together; 0: no bound
}

struct CensusAsk {
  query @0 :UInt64;
}

struct RestartAgent {
  reason @0 :Text;  # cut at reason_bytes_max
}

struct CacheAnswer {
  token @0 :GrantToken;
  hit @1 :Bool;
  sha256 @2 :Text;  # of a hit; else empty
  size @3 :UInt64;  # at most blob_bytes_max
  from @4 :UInt64;  # the build that made it; 0 of a miss
  note @5 :Text;    # of a miss: what differed; cut at reason_bytes_max
}

struct CacheKept {
  token @0 :GrantToken;
  problem @1 :Text;  # empty: the entry is durable; cut at reason_bytes_max
}
