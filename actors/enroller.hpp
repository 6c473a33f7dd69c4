#pragma once
// Gives certificates to hosts that join by a token, renews and revokes them: the only one who
// writes identities and uses up join tokens.
// SPDX-License-Identifier: Apache-2.0

#include "actors/ports.hpp"
#include "schema/enrolment.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <functional>

namespace drover {

/// A machine at the hosts' port asks for a certificate; from the door.
struct enrolment_ask {
  enrolment_request request;
  std::string address;    ///< for people
  bool is_proven = false; ///< its connection proved that it is `request.name`: a renewal
};

/// Nothing that the host `host` holds is to hold any more.
struct revoke_host {
  host_name host;
  std::string by;
  std::string reason;
};

/// Ends a join token; `event` goes into the journal with it.
struct end_join_token {
  token_record token;
  event_record event;
};

using enroller_actor = caf::typed_actor<
  caf::replies_to<enrolment_ask>::with<expected<enrolment_grant>>,
  caf::replies_to<revoke_host>::with<expected<accepted>>,
  caf::replies_to<end_join_token>::with<expected<accepted>>>::extend_with<described>;

/// A certificate request that was read and checked.
struct checked_request {
  std::string key_sha256; ///< hex, of the SubjectPublicKeyInfo
};

/// The farm's authority, as the enroller sees it. Calls are quick.
class authority_port {
public:
  virtual ~authority_port() = default;

  /// Whether the request is one for a key that the farm takes, signed by that key.
  virtual expected<checked_request> check(const std::string& request) = 0;
  /// A certificate for `name` and the key of a checked request, valid until `until`.
  virtual expected<issued_certificate> issue(const std::string& request, const host_name& name,
                                             wall_time until) = 0;
  /// PEM.
  virtual std::string certificate() const = 0;
};

struct enroller_settings {
  std::string farm;
  std::shared_ptr<storage::store> store;
  recorder_actor recorder;
  wall_clock clock;
  std::shared_ptr<authority_port> authority;
  std::chrono::seconds life{0}; ///< of certificates
  /// Hex SHA-256 of a token.
  std::function<std::string(const std::string& token)> digest;
  /// The doors must know at once, before anybody hears that it is done.
  std::function<void(const host_identity&)> publish;
};

enroller_actor spawn_enroller(caf::actor_system& system, const enroller_settings& settings);

} // namespace drover

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::enrolment_ask)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::revoke_host)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::end_join_token)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::expected<drover::enrolment_grant>)
