// SPDX-License-Identifier: Apache-2.0
#include "nodes/http/caller.hpp"

#include "actors/core/rights.hpp"
#include "schema/limits_api.hpp"
#include "schema/names.hpp"
#include "storage/hex.hpp"
#include "storage/tables.hpp"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pwd.h>
#include <unistd.h>

#include <array>
#include <cctype>

namespace drover::http {

namespace {

std::string user_name(uint32_t uid) {
  passwd entry{};
  passwd* found = nullptr;
  std::vector<char> room(16 * 1024);
  if (::getpwuid_r(uid, &entry, room.data(), room.size(), &found) == 0 && found != nullptr)
    return printable(found->pw_name, limits::name_bytes_max);
  return "uid " + std::to_string(uid);
}

caller local_caller(uint32_t uid) {
  caller out;
  out.name = user_name(uid);
  out.may = role::admin; // the socket's mode lets in nobody else
  out.speaks_for_others = uid == 0 || uid == ::geteuid();
  return out;
}

/// Who holds the token with this digest; nothing: nobody, or not any more.
expected<std::optional<caller>> holder_of(const std::string& sha256, const door_book& book) {
  caller out;
  out.token = sha256;
  if (!book.owner.sha256.empty() && sha256 == book.owner.sha256) {
    out.name = book.owner.name;
    out.may = role::admin;
    return std::optional{out};
  }
  auto found = storage::find_token(book.tokens, sha256);
  if (!found)
    return found.error();
  if (!*found || ((*found)->expires_at.ms != 0 && (*found)->expires_at <= book.now))
    return std::optional<caller>{};
  if ((*found)->role == "join")
    return failure{ec::refused,
                   "this token is for new hosts (`drover-host join`), not for the API"};
  auto may = parse_role((*found)->role);
  if (!may)
    return failure{ec::damaged, "token " + (*found)->id + ": it has no role that is known"};
  out.name = (*found)->name;
  out.may = *may;
  out.until = (*found)->expires_at;
  return std::optional{out};
}

expected<std::string> random_bytes(size_t count) {
  std::string out(count, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(count)) != 1)
    return failure{ec::internal, "token: the system has no random bytes"};
  return out;
}

std::string base64url(const std::string& bytes) {
  static constexpr char digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string out;
  unsigned held = 0;
  int bits = 0;
  for (char byte : bytes) {
    held = (held << 8 | static_cast<unsigned char>(byte)) & 0xffff;
    for (bits += 8; bits >= 6; bits -= 6)
      out += digits[held >> (bits - 6) & 63];
  }
  if (bits > 0)
    out += digits[held << (6 - bits) & 63];
  return out;
}

} // namespace

std::string_view to_string(role value) {
  switch (value) {
  case role::anyone:
    return "anyone";
  case role::view:
    return "view";
  case role::force:
    return "force";
  case role::admin:
    return "admin";
  }
  return "unknown";
}

std::optional<role> parse_role(std::string_view text) {
  for (auto each : {role::view, role::force, role::admin})
    if (text == to_string(each))
      return each;
  return std::nullopt;
}

std::optional<std::string> bearer_of(std::string_view field) {
  static constexpr std::string_view scheme = "bearer ";
  if (field.size() <= scheme.size())
    return std::nullopt;
  for (size_t i = 0; i < scheme.size(); ++i)
    if (std::tolower(static_cast<unsigned char>(field[i])) != scheme[i])
      return std::nullopt;
  return std::string{field.substr(scheme.size())};
}

std::string digest_of_token(std::string_view token) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (EVP_Digest(token.data(), token.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1)
    return {};
  return storage::to_hex({reinterpret_cast<const char*>(digest.data()), size});
}

bool may_force(const caller& who, std::string_view builder) {
  return who.may >= role::force && core::is_among(who.builders, builder);
}

expected<caller> who_asks(const request& asked, const door_book& book) {
  if (asked.from.known)
    return *asked.from.known;
  auto field = asked.fields.find("authorization");
  if (field == asked.fields.end()) {
    if (asked.from.uid)
      return local_caller(*asked.from.uid);
    caller out;
    out.name = asked.from.guest;
    out.may = asked.from.guest.empty() ? role::anyone : role::view;
    return out;
  }
  auto token = bearer_of(field->second);
  if (!token || token->size() > limits::http_token_bytes_max)
    return failure{ec::refused, "the Authorization field must be: Bearer TOKEN"};
  // By its digest: how long the look takes tells nothing of the token.
  auto holder = holder_of(digest_of_token(*token), book);
  if (!holder)
    return holder.error();
  if (!*holder)
    return failure{ec::refused, "this token is unknown, revoked or expired; ask an admin for one"};
  return std::move(**holder);
}

bool still_holds(const caller& who, const door_book& book) {
  if (who.token.empty())
    return true;
  auto holder = holder_of(who.token, book);
  return holder && *holder && (*holder)->may >= who.may;
}

expected<std::string> make_secret(size_t bytes) {
  auto random = random_bytes(bytes);
  if (!random)
    return random.error();
  return base64url(*random);
}

expected<std::string> make_token() {
  auto secret = make_secret(limits::token_bytes);
  if (!secret)
    return secret.error();
  return "drv_" + *secret;
}

expected<std::string> make_token_id() {
  auto bytes = random_bytes(4);
  if (!bytes)
    return bytes.error();
  return storage::to_hex(*bytes);
}

} // namespace drover::http
