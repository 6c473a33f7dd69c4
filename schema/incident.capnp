# What the store keeps of the outbox beside its notices; the rules are those of record.capnp.
# SPDX-License-Identifier: Apache-2.0
@0xc5b7a90d3e1f6428;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("drover::records");

struct IncidentRecord {
  builder @0 :Text;
  place @1 :Text;
  open @2 :Bool;
  newest @3 :UInt64;
  lastGreen @4 :UInt64;
  campaign @5 :UInt64;
  event @6 :UInt64;
  thread @7 :Text;
  cause @8 :Text;
  sinceMs @9 :Int64;
  tellMs @10 :Int64;
  causesTold @11 :List(Text);
  authorsTold @12 :List(Text);
}

struct OutboxMark {
  event @0 :UInt64;
  notice @1 :UInt64;
}
