// SPDX-License-Identifier: Apache-2.0
#include "storage/users.hpp"

#include "schema/record_codec.hpp"
#include "storage/hex.hpp"
#include "storage/read_records.hpp"

namespace drover::storage {

namespace {

std::string session_key(std::string_view sha256) {
  auto digest = from_hex(sha256);
  return keys::session(digest && digest->size() == keys::digest_bytes
                         ? *digest
                         : std::string(keys::digest_bytes, '\0'));
}

} // namespace

void put_user(write_batch& batch, const user_record& user) {
  batch.add(family::history, keys::user(user.name), record::encode(user));
}

void remove_user(write_batch& batch, const std::string& name) {
  batch.remove(family::history, keys::user(name));
}

expected<std::optional<user_record>> find_user(const store& from, const std::string& name) {
  if (name_problem("user", name)) // no account has such a name, and no key can
    return std::optional<user_record>{};
  return read_record(from, keys::user(name), record::decode_user, "account " + name);
}

expected<std::vector<user_record>> read_users(const store& from) {
  std::string first{static_cast<char>(keys::tag::user)};
  auto users =
    read_range(from, {first, keys::end_of(keys::tag::user)}, record::decode_user, everything);
  if (!users)
    return about("accounts", users.error());
  return users;
}

void put_session(write_batch& batch, const session_record& session) {
  batch.add(family::history, session_key(session.sha256), record::encode(session));
}

void remove_session(write_batch& batch, const session_record& session) {
  batch.remove(family::history, session_key(session.sha256));
}

expected<std::optional<session_record>> find_session(const store& from, std::string_view sha256) {
  return read_record(from, session_key(sha256), record::decode_session, "session");
}

expected<std::vector<session_record>> read_sessions(const store& from) {
  std::string first{static_cast<char>(keys::tag::session)};
  auto sessions =
    read_range(from, {first, keys::end_of(keys::tag::session)}, record::decode_session, everything);
  if (!sessions)
    return about("sessions", sessions.error());
  return sessions;
}

} // namespace drover::storage
