#pragma once
// Enrolment's messages to Cap'n Proto and back; every field is checked at the door.
// SPDX-License-Identifier: Apache-2.0

#include "schema/enrolment.capnp.h"
#include "schema/enrolment.hpp"
#include "schema/error.hpp"

#include <variant>

namespace drover {

struct enrolment_refusal {
  std::string reason;
};
using enrolment_answer = std::variant<enrolment_refusal, enrolment_grant>;

void write(const enrolment_request& from, enrolments::Request::Builder to);
void write(const enrolment_answer& from, enrolments::Answer::Builder to);

// A failure for what breaks a bound or is malformed; text for people is made printable.
expected<enrolment_request> read(enrolments::Request::Reader from);
expected<enrolment_answer> read(enrolments::Answer::Reader from);

} // namespace drover
