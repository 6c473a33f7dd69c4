#pragma once
// Messages between machines: plain values <-> Cap'n Proto, with every field checked at the door.
//
// Writing takes values of ours and can't fail. Reading takes a stranger's bytes: whatever they
// hold, the answer is a value that keeps the bounds of schema/limits.hpp or a failure that names
// the field; no exception leaves `read`. Sentences for people (reasons, problems, the census) are
// not refused for their looks: they are made printable and cut.
// SPDX-License-Identifier: Apache-2.0

#include "schema/error.hpp"
#include "schema/messages.hpp"
#include "schema/wire.capnp.h"

namespace drover {

void write(const hello& from, wire::Hello::Builder to);
void write(const welcome& from, wire::Welcome::Builder to);
void write(const refusal& from, wire::Refusal::Builder to);
void write(const host_message& from, wire::HostMessage::Builder to);
void write(const farm_message& from, wire::FarmMessage::Builder to);

/// Whether this version knows such a message at all. One of a later minor version that it does not
/// know is passed over; `read` would refuse it.
bool is_known(wire::HostMessage::Reader from);
bool is_known(wire::FarmMessage::Reader from);

/// Refuses other major versions of the protocol in words that name both.
expected<hello> read(wire::Hello::Reader from);
expected<welcome> read(wire::Welcome::Reader from);
expected<refusal> read(wire::Refusal::Reader from);
expected<host_message> read(wire::HostMessage::Reader from);
expected<farm_message> read(wire::FarmMessage::Reader from);

} // namespace drover
