#pragma once
// The farm's authority at work: reads certificate requests, signs certificates for hosts; and the
// host's side of it: makes the request for its key.
// SPDX-License-Identifier: Apache-2.0

#include "actors/enroller.hpp"

#include <memory>
#include <string>

namespace drover {

/// Signs with ca.key of `folder`; a failure if it is not there or not the key of ca.crt.
expected<std::shared_ptr<authority_port>> open_authority(const std::string& folder);

/// Hex SHA-256 of the public key in a PEM certificate: the farm's fingerprint, if it is the
/// authority's.
expected<std::string> key_fingerprint(const std::string& certificate_pem);

/// A certificate request (PKCS #10, DER) for the key in `key_file`, which is made (P-256, for its
/// owner alone) if it is not there. The same key is used again: whoever asks twice gets one
/// certificate.
expected<std::string> make_request(const std::string& key_file);

/// When the certificate in `file` began and ends; the beginning without the day by which it is
/// backdated.
struct certificate_life {
  wall_time from, until;
};
expected<certificate_life> life_of(const std::string& file);

/// Puts what was granted into the host's folder of keys, if it fits to the key there. The
/// certificate comes last: it is what makes the folder whole.
std::optional<failure> keep_grant(const std::string& folder, const enrolment_grant& grant);

} // namespace drover
