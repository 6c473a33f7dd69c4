#pragma once
// The farm's keys: its own authority, and the certificates that it gives to coordinator and hosts.
//
// A certificate's common name is who its owner is. Keys are P-256, in PEM files that only their
// owner may read; each file appears whole or not at all.
// SPDX-License-Identifier: Apache-2.0

#include "schema/error.hpp"

#include <optional>
#include <string>

namespace drover {

/// Whom a host expects at the other end; no host may have this name.
inline constexpr const char* coordinator_common_name = "drover-coordinator";

/// Where one side's keys lie.
struct key_files {
  std::string authority;   ///< the farm's certificate, which both sides trust
  std::string certificate; ///< this side's
  std::string key;
};

/// What is in them, checked: PEM texts.
struct key_texts {
  std::string authority;
  std::string certificate;
  std::string key;
};

/// `folder`/ca.crt, coordinator.crt, coordinator.key.
key_files coordinator_key_files(const std::string& folder);
/// `folder`/ca.crt, host.crt, host.key.
key_files host_key_files(const std::string& folder);

/// Reads keys and checks that they belong together, are of the authority and have not expired.
expected<key_texts> load_keys(const key_files& files);

/// Makes the folder, the authority (ca.crt, ca.key) and the coordinator's keys. What is there and
/// valid stays; an authority that is there but damaged is an error, since hosts trust it.
std::optional<failure> make_farm_keys(const std::string& folder);

/// Makes `folder` with keys for the host `name`, signed by the authority in `authority_folder`.
/// What is there and valid for that name and authority stays.
std::optional<failure> issue_host_keys(const std::string& authority_folder, const std::string& name,
                                       const std::string& folder);

} // namespace drover
