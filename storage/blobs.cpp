// Content: blobs in pieces, each under the SHA-256 of its bytes; a manifest names the whole.
//
// A piece needs no envelope: its key is its checksum.
// SPDX-License-Identifier: Apache-2.0
#include "schema/limits.hpp"
#include "schema/limits_api.hpp"
#include "schema/record_codec.hpp"
#include "storage/content_guard.hpp"
#include "storage/hex.hpp"
#include "storage/keys.hpp"
#include "storage/maintenance.hpp"
#include "storage/tables.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>

namespace drover::storage {

namespace {

struct free_context {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

/// SHA-256 of bytes as they come.
class hasher {
public:
  hasher() : context_{EVP_MD_CTX_new()} {
    ok_ = context_ && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1;
  }
  void add(std::string_view bytes) {
    ok_ = ok_ && EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1;
  }
  /// The digest's 32 bytes. To be called once.
  expected<std::string> finish() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    ok_ = ok_ && EVP_DigestFinal_ex(context_.get(), digest.data(), &size) == 1;
    if (!ok_ || size != keys::digest_bytes)
      return failure{ec::internal, "blob: OpenSSL cannot compute SHA-256"};
    return std::string{reinterpret_cast<const char*>(digest.data()), size};
  }

private:
  std::unique_ptr<EVP_MD_CTX, free_context> context_;
  bool ok_ = false;
};

expected<std::string> digest_of(std::string_view bytes) {
  hasher hash;
  hash.add(bytes);
  return hash.finish();
}

failure damaged_blob(std::string_view sha256, const std::string& why) {
  return {ec::damaged, "blob " + std::string{sha256} + ": " + why};
}

/// The manifest of the blob, or nothing if there is none; the name is checked too.
expected<std::optional<record::manifest>> read_manifest(const store& from,
                                                        std::string_view sha256) {
  auto digest = from_hex(sha256);
  if (!digest)
    return failure{ec::bad_input, "blob: its name must be 64 lower-case hex digits"};
  auto value = from.get(family::content, keys::blob_manifest(*digest));
  if (!value)
    return value.error();
  if (!*value)
    return std::optional<record::manifest>{};
  auto manifest = record::decode_manifest(**value);
  if (!manifest)
    return damaged_blob(sha256, manifest.error().text);
  auto pieces = (manifest->size + piece_bytes - 1) / piece_bytes;
  if (manifest->size > limits::blob_bytes_max || manifest->pieces.size() != pieces)
    return damaged_blob(sha256, "its manifest does not fit its size");
  return std::optional{std::move(*manifest)};
}

} // namespace

struct blob_writer::state {
  store* into;
  hasher whole;
  std::string rest; ///< bytes that do not fill a piece yet
  blob_manifest manifest;
  content_claim claim; ///< of the pieces: they are not garbage while this writer lives

  std::optional<failure> write_piece(std::string_view bytes);
  std::optional<failure> write_manifest(const std::string& digest, wall_time now);
};

std::optional<failure> blob_writer::state::write_piece(std::string_view bytes) {
  auto digest = digest_of(bytes);
  if (!digest)
    return digest.error();
  manifest.pieces.push_back(*digest);
  claim.add(*digest);
  auto key = keys::blob_piece(*digest);
  // A piece that is stored but damaged is written again: that heals every blob which has it.
  if (auto stored = into->get(family::content, key); stored && *stored && **stored == bytes)
    return std::nullopt;
  write_batch batch;
  batch.add(family::content, std::move(key), std::string{bytes});
  return into->commit(batch, durability::later);
}

std::optional<failure> blob_writer::state::write_manifest(const std::string& digest,
                                                          wall_time now) {
  auto key = keys::blob_manifest(digest);
  auto value = record::encode(record::manifest{manifest.size, manifest.pieces, now});
  auto keep = claim.keep(digest); // before the look: what is seen now stays
  if (auto stored = into->get(family::content, key); stored && *stored && **stored == value)
    return std::nullopt;
  write_batch batch;
  batch.add(family::content, std::move(key), std::move(value));
  return into->commit(batch, durability::synced);
}

blob_writer::blob_writer(store& into) : state_{new state{&into, {}, {}, {}, {}}} {}
blob_writer::~blob_writer() = default;
blob_writer::blob_writer(blob_writer&&) noexcept = default;
blob_writer& blob_writer::operator=(blob_writer&&) noexcept = default;

std::optional<failure> blob_writer::append(std::string_view bytes) {
  if (bytes.size() > limits::blob_bytes_max - state_->manifest.size)
    return failure{ec::refused,
                   "blob: it is larger than " + std::to_string(limits::blob_bytes_max) + " bytes"};
  state_->whole.add(bytes);
  state_->manifest.size += bytes.size();
  while (!bytes.empty()) {
    auto part = bytes.substr(0, piece_bytes - state_->rest.size());
    state_->rest += part;
    bytes.remove_prefix(part.size());
    if (state_->rest.size() < piece_bytes)
      break;
    if (auto problem = state_->write_piece(state_->rest))
      return problem;
    state_->rest.clear();
  }
  return std::nullopt;
}

uint64_t blob_writer::size() const {
  return state_->manifest.size;
}

expected<std::string> blob_writer::finish(wall_time now) {
  if (!state_->rest.empty()) {
    if (auto problem = state_->write_piece(state_->rest))
      return *problem;
    state_->rest.clear();
  }
  auto digest = state_->whole.finish();
  if (!digest)
    return digest.error();
  // Also when all pieces were there: another writer may have put them a moment ago.
  if (auto problem = state_->into->flush_content())
    return *problem;
  if (auto problem = state_->write_manifest(*digest, now))
    return *problem;
  return to_hex(*digest);
}

expected<std::optional<uint64_t>> blob_size(const store& from, std::string_view sha256) {
  auto manifest = read_manifest(from, sha256);
  if (!manifest)
    return manifest.error();
  if (!*manifest)
    return std::optional<uint64_t>{};
  return std::optional<uint64_t>{(*manifest)->size};
}

expected<std::optional<uint64_t>> touch_blob(store& in, std::string_view sha256, wall_time now) {
  auto digest = from_hex(sha256);
  content_claim claim;
  auto keep = claim.keep(digest.value_or(std::string{}));
  auto found = read_manifest(in, sha256);
  if (!found)
    return found.error();
  if (!*found)
    return std::optional<uint64_t>{};
  auto& manifest = **found;
  if (now.ms - manifest.stored_at.ms > limits::content_touch_every / milliseconds{1}) {
    manifest.stored_at = now;
    write_batch batch;
    batch.add(family::content, keys::blob_manifest(*digest), record::encode(manifest));
    if (auto problem = in.commit(batch, durability::synced))
      return *problem;
  }
  return std::optional<uint64_t>{manifest.size};
}

expected<std::string> read_blob(const store& from, std::string_view sha256, uint64_t offset,
                                size_t max) {
  auto found = read_manifest(from, sha256);
  if (!found)
    return found.error();
  if (!*found)
    return failure{ec::not_found, "blob " + std::string{sha256} + ": it is not stored"};
  const auto& manifest = **found;
  std::string read;
  while (read.size() < max && offset + read.size() < manifest.size) {
    auto at = offset + read.size();
    const auto& digest = manifest.pieces[at / piece_bytes];
    auto piece = from.get(family::content, keys::blob_piece(digest));
    if (!piece)
      return failure{piece.error().code, "blob " + std::string{sha256} + ": " + piece.error().text};
    if (!*piece)
      return damaged_blob(sha256, "piece " + std::to_string(at / piece_bytes) + " is missing");
    auto actual = digest_of(**piece);
    if (!actual)
      return actual.error();
    auto start = at % piece_bytes;
    if (*actual != digest || start >= (*piece)->size())
      return damaged_blob(sha256, "piece " + std::to_string(at / piece_bytes) + " is damaged");
    read += std::string_view{**piece}.substr(start, max - read.size());
  }
  return read;
}

expected<uint64_t> check_blob(const store& in, std::string_view sha256, const keep_going& go) {
  auto size = blob_size(in, sha256);
  if (!size)
    return size.error();
  if (!*size)
    return failure{ec::not_found, "blob " + std::string{sha256} + ": it is not stored"};
  hasher whole;
  for (uint64_t at = 0; at < **size;) {
    auto bytes = read_blob(in, sha256, at, piece_bytes);
    if (!bytes)
      return bytes.error();
    if (bytes->empty())
      return damaged_blob(sha256, "it ends at byte " + std::to_string(at));
    if (!go())
      return failure{ec::unavailable, "the farm is stopping"};
    whole.add(*bytes);
    at += bytes->size();
  }
  auto digest = whole.finish();
  if (!digest)
    return digest.error();
  if (to_hex(*digest) != sha256)
    return damaged_blob(sha256, "its pieces are right, but not of this blob");
  return **size;
}

} // namespace drover::storage
