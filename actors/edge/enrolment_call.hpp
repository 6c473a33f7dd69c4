#pragma once
// A machine's end of the exchange that gives it a certificate.
// SPDX-License-Identifier: Apache-2.0

#include "actors/edge/pki.hpp"
#include "schema/enrolment.hpp"

#include <kj/async-io.h>

#include <string>

namespace drover {

/// What a join token holds, as it is typed: "SECRET.FINGERPRINT", the fingerprint being the hex
/// SHA-256 of the farm authority's public key.
struct join_token {
  std::string secret;
  std::string fingerprint;
};
expected<join_token> parse_join_token(const std::string& text);

/// Asks the farm at `address` for a first certificate. Nothing but a greeting is said before the
/// farm's authority has proved to be the one that `fingerprint` names. Blocks; for a program that
/// has no event loop.
expected<enrolment_grant> ask_to_join(const std::string& address, const std::string& fingerprint,
                                      const enrolment_request& request);

/// Asks the farm at `address` for the certificate that follows on the one in `keys`. On a loop's
/// thread; ends within limits::enrolment_timeout.
kj::Promise<expected<enrolment_grant>> ask_to_renew(kj::AsyncIoContext& io,
                                                    const std::string& address,
                                                    const key_texts& keys,
                                                    const enrolment_request& request);

} // namespace drover
