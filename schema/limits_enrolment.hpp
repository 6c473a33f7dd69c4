#pragma once
// Bounds of enrolment: how a new machine gets its certificate, keeps it fresh, and loses it.
// SPDX-License-Identifier: Apache-2.0

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace drover::limits {

using namespace std::chrono_literals;

// -- the exchange --------------------------------------------------------------------------------

/// A whole exchange, from the first byte to the last: a slow peer costs a place for this long.
inline constexpr std::chrono::milliseconds enrolment_timeout = 10s;
/// A request for a P-256 key has some 250 bytes; ones for large RSA keys, which are not taken, 1.5
/// K.
inline constexpr size_t enrolment_request_bytes_max = 4 * 1024;
/// One message of the exchange, in words of eight bytes: a grant has two certificates of 1 KiB.
inline constexpr uint64_t enrolment_words_max = 2 * 1024;
/// The authority's certificate as PEM, which the farm says first.
inline constexpr size_t enrolment_authority_bytes_max = 16 * 1024;
/// Exchanges at once, and those of them from one address.
inline constexpr size_t enrolments_max = 32;
inline constexpr size_t enrolments_per_address_max = 4;
/// Exchanges that begin in one second; hosts that renew spread over days.
inline constexpr uint64_t enrolments_per_second_max = 50;
/// A refusal waits this long: who guesses tokens gets enrolments_max tries in this time.
inline constexpr std::chrono::milliseconds enrolment_refusal_delay = 500ms;
/// Refusals that are told in the log and in the journal, in the period; the rest is only counted.
inline constexpr uint32_t enrolment_refusals_told_max = 10;
inline constexpr std::chrono::milliseconds enrolment_refusals_period = 10min;
/// A join token as it is typed.
inline constexpr size_t join_token_bytes_max = 256;

// -- tokens --------------------------------------------------------------------------------------

inline constexpr uint32_t join_token_uses_max = 1000;
/// A key that makes hosts lies in shell histories: it does not live long.
inline constexpr uint64_t join_token_seconds_max = 30ULL * 24 * 3600;
inline constexpr uint64_t join_token_seconds_default = 3600;

// -- certificates --------------------------------------------------------------------------------

/// A certificate given for a token; the agent renews it at two thirds of it.
inline constexpr std::chrono::seconds host_certificate_life = 90 * 24h;
/// An agent that was not able to renew tries again after this long; of a short life, a tenth of it.
inline constexpr std::chrono::milliseconds renewal_retry = 15min;
/// How often an agent looks at its certificate's age: clocks of machines may be set.
inline constexpr std::chrono::milliseconds renewal_look_every = 1h;
/// Certificates of one host that hold at once: the one in use and the one that follows.
inline constexpr size_t host_certificates_max = 2;
/// Revoked ones that are remembered for people; what is not listed as valid is refused anyway.
inline constexpr size_t revoked_certificates_kept = 16;

} // namespace drover::limits
