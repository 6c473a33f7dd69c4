#pragma once
// Accounts and their sessions in the store; as in tables.hpp, `put_*` and `remove_*` fill a batch.
// SPDX-License-Identifier: Apache-2.0

#include "storage/store.hpp"

namespace drover::storage {

/// `user.name` must be a valid name.
void put_user(write_batch& batch, const user_record& user);
void remove_user(write_batch& batch, const std::string& name);
expected<std::optional<user_record>> find_user(const store& from, const std::string& name);
/// By name.
expected<std::vector<user_record>> read_users(const store& from);

/// `session.sha256` must be the hex SHA-256 of its cookie.
void put_session(write_batch& batch, const session_record& session);
void remove_session(write_batch& batch, const session_record& session);
/// By the hex SHA-256 of the cookie.
expected<std::optional<session_record>> find_session(const store& from, std::string_view sha256);
expected<std::vector<session_record>> read_sessions(const store& from);

} // namespace drover::storage
