#pragma once
// Bounds of accounts, sessions and signing in, each with its reason.
// SPDX-License-Identifier: Apache-2.0

#include "schema/limits.hpp"

namespace drover::limits {

// -- accounts ------------------------------------------------------------------------------------

/// Accounts of a farm: a list that people read.
inline constexpr size_t users_max = 1000;
/// Shorter ones are guessed.
inline constexpr size_t password_bytes_min = 8;
/// Longer ones only cost time.
inline constexpr size_t password_bytes_max = 1024;

// -- passwords at work ---------------------------------------------------------------------------

/// Passwords being checked or waiting for it; one at a time is at work, some 100 ms and 64 MiB
/// each, so that the last one waits a second. Who comes then is told to try again.
inline constexpr size_t password_work_max = 8;
/// What an answer to a password may take when the machine is busy.
inline constexpr milliseconds password_patience = 30s;

// -- sessions ------------------------------------------------------------------------------------

/// Random bytes of a cookie and of the token that forms carry: nobody guesses 256 bits.
inline constexpr size_t session_bytes = 32;
/// A browser that nobody uses is signed out.
inline constexpr milliseconds session_idle_max = 24h;
/// After this one signs in again, however busy the session was.
inline constexpr milliseconds session_life_max = 14 * 24h;
/// How exactly the store knows when a session was used last: not each page is a write.
inline constexpr milliseconds session_seen_every = 5min;
/// Sessions of one account; another one ends the oldest.
inline constexpr size_t sessions_of_user_max = 20;
/// Cookies of a request that are looked at.
inline constexpr size_t cookie_bytes_max = 4096;

// -- wrong passwords -----------------------------------------------------------------------------

/// Wrong tries of one account, or from one address, that cost nothing: people mistype.
inline constexpr uint32_t sign_in_free_tries = 5;
/// The pause after the next one; it doubles with each further one.
inline constexpr milliseconds sign_in_pause_first = 1s;
/// The longest pause of an account: short, since anybody can cause it. 2 tries a minute guess
/// nothing.
inline constexpr milliseconds sign_in_account_pause_max = 30s;
/// The longest pause of an address.
inline constexpr milliseconds sign_in_address_pause_max = 15min;
/// Without a wrong try for this long, earlier ones are forgotten.
inline constexpr milliseconds sign_in_forget_after = 1h;
/// Accounts and addresses whose wrong tries are remembered; beyond, those that are forgotten
/// soonest go first.
inline constexpr size_t sign_in_remembered_max = 10'000;
/// Refusals that are written into the journal in a period; the rest is counted.
inline constexpr uint32_t sign_in_refusals_told = 20;
inline constexpr milliseconds sign_in_refusals_period = 1min;

// -- forms ---------------------------------------------------------------------------------------

/// A form as a browser sends it, escaped: all parameters of a builder at their longest fit.
inline constexpr size_t form_bytes_max = 256 * 1024;
/// Fields of a form.
inline constexpr size_t form_fields_max = 300;
/// Changes that a Force form offers.
inline constexpr size_t form_changes = 30;
/// Red cells of a campaign that one press repeats.
inline constexpr size_t form_retries_max = 50;

} // namespace drover::limits
