# How a host gets its certificate: the two messages of the exchange, and what the farm keeps of it.
# SPDX-License-Identifier: Apache-2.0
#
# The exchange (actors/edge/enrolment.hpp) is one message each way inside TLS, without RPC. Growing
# it: new fields get new ordinals; none is changed or reused. Limits: schema/limits_enrolment.hpp.
@0xb3a41f0be2d97c55;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("drover::enrolments");

struct Entry {
  key @0 :Text;
  value @1 :Text;
}

struct Request {
  secret @0 :Text;   # of the token; empty: renewal
  name @1 :Text;     # a valid name
  request @2 :Data;  # PKCS #10, DER; at most enrolment_request_bytes_max
  version @3 :Text;  # for people; cut at reason_bytes_max
}

struct Answer {
  union {
    refusal @0 :Text;  # one sentence; cut at reason_bytes_max
    grant @1 :Grant;
  }
}

struct Grant {
  certificate @0 :Text;  # PEM
  authority @1 :Text;    # PEM
  farm @2 :Text;
  untilMs @3 :Int64;     # wall time
  labels @4 :List(Entry);
}

struct IssuedCertificate {
  serial @0 :Text;
  keySha256 @1 :Text;
  pem @2 :Text;
  token @3 :Text;
  atMs @4 :Int64;
  untilMs @5 :Int64;
}

struct RevokedCertificate {
  serial @0 :Text;
  atMs @1 :Int64;
  by @2 :Text;
  reason @3 :Text;
}

struct HostIdentity {
  # Stored, in the envelope of schema/record_codec.hpp.
  name @0 :Text;
  labels @1 :List(Entry);
  valid @2 :List(IssuedCertificate);
  revoked @3 :List(RevokedCertificate);
}
