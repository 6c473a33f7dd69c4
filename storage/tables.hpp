#pragma once
// The farm's records in the store: one function a question, one function a change.
//
// `put_*` and `remove_*` only fill a batch: the recorder commits it. The layout is storage/KEYS.md.
// SPDX-License-Identifier: Apache-2.0

#include "schema/model.hpp"
#include "schema/test_case.hpp"
#include "storage/store.hpp"

#include <memory>

namespace drover::storage {

// -- builds (history family; an entry in the active family while not finished) -------------------

/// Writes the build's record, and keeps the active set right: present unless finished.
void put_build(write_batch& batch, const build_record& build);
/// Written once, when the build is submitted.
void put_recipe(write_batch& batch, build_id build, const builder_spec& recipe);
void put_step(write_batch& batch, build_id build, const step_record& step);

expected<std::optional<build_record>> read_build(const store& from, build_id build);
/// The build with its recipe and all steps.
expected<std::optional<build_file>> read_build_file(const store& from, build_id build);
/// Builds before `before` (0: from the newest), newest first, that `accept` wants, `rows` at most.
expected<std::vector<build_record>>
list_builds(const store& from, build_id before, size_t rows,
            const std::function<bool(const build_record&)>& accept);
/// Every build that is not finished, oldest first; reads the active family only for the list.
expected<std::vector<build_file>> read_active(const store& from);
/// The highest id in use; 0 when there is none.
expected<build_id> last_build(const store& from);

// -- campaigns -----------------------------------------------------------------------------------

void put_campaign(write_batch& batch, const campaign_record& campaign);
expected<std::optional<campaign_record>> read_campaign(const store& from, campaign_id campaign);
expected<std::vector<campaign_record>> list_campaigns(const store& from, campaign_id before,
                                                      size_t rows);
expected<campaign_id> last_campaign(const store& from);

// -- hosts ---------------------------------------------------------------------------------------

void put_host(write_batch& batch, const host_record& host);
expected<std::vector<host_record>> read_hosts(const store& from);

void remove_host(write_batch& batch, const host_name& host);

// -- the journal ---------------------------------------------------------------------------------

/// For the recorder alone, which gives `event.sequence`.
void put_event(write_batch& batch, const event_record& event);
/// The highest sequence in use; 0 when there is none.
expected<uint64_t> last_event(const store& from);
/// The lowest sequence that is kept; 0 when there is none.
expected<uint64_t> first_event(const store& from);
/// Entries after `after`, oldest first, that `accept` wants, `rows` at most; looks at
/// `look_at` entries at most (0: all).
struct event_page {
  std::vector<event_record> events;
  uint64_t seen = 0; ///< the last sequence that was looked at: where the next page begins
};
expected<event_page> read_events(const store& from, uint64_t after, size_t rows, size_t look_at,
                                 const std::function<bool(const event_record&)>& accept);
/// The newest entries that `accept` wants, newest first, `rows` at most.
expected<std::vector<event_record>>
last_events(const store& from, size_t rows, const std::function<bool(const event_record&)>& accept);

// -- changes and sources -------------------------------------------------------------------------

/// Writes the change and its entry by identity.
void put_change(write_batch& batch, const change_record& change);
expected<std::optional<change_record>> read_change(const store& from, change_id change);
/// The change that this source knows by `identity`.
expected<std::optional<change_id>> find_change(const store& from, std::string_view source,
                                               std::string_view identity);
/// Before `before` (0: from the newest), newest first, of `source` (empty: of all).
expected<std::vector<change_record>> list_changes(const store& from, change_id before, size_t rows,
                                                  const std::string& source);
expected<change_id> last_change(const store& from);
void put_source_status(write_batch& batch, const source_status& status);
/// Of a source that was never looked at: its name alone.
expected<source_status> read_source_status(const store& from, const std::string& source);

// -- test reports --------------------------------------------------------------------------------

void put_test_report(write_batch& batch, build_id build, step_index step,
                     const test_report& report);
/// Nothing if the step's output was not looked at, or is not that of tests.
expected<std::optional<test_report>> read_test_report(const store& from, build_id build,
                                                      step_index step);

// -- configurations ------------------------------------------------------------------------------

void put_config(write_batch& batch, const config_record& config);
void remove_config(write_batch& batch, uint64_t generation);
expected<std::optional<config_record>> read_config(const store& from, uint64_t generation);
/// The newest one; nothing on a new store.
expected<std::optional<config_record>> newest_config(const store& from);
/// Newest first.
expected<std::vector<config_record>> list_configs(const store& from, size_t rows);

// -- keys to the API -----------------------------------------------------------------------------

void put_token(write_batch& batch, const token_record& token);
void remove_token(write_batch& batch, const token_record& token);
expected<std::vector<token_record>> read_tokens(const store& from);
/// By the hex SHA-256 of the token.
expected<std::optional<token_record>> find_token(const store& from, std::string_view sha256);

// -- epochs --------------------------------------------------------------------------------------

void put_epoch(write_batch& batch, epoch now);
/// The epoch of the last coordinator on this store; counter 0 on a new store.
expected<epoch> read_epoch(const store& from);

// -- logs ----------------------------------------------------------------------------------------

/// A chunk of an attempt's output. Chunks of one attempt must be put in order, without gaps.
void put_log_chunk(write_batch& batch, attempt_id attempt, uint64_t offset, std::string_view bytes);
/// Bytes of the attempt's log from its start that are stored, without a gap.
expected<uint64_t> log_size(const store& from, attempt_id attempt);
/// Up to `max` bytes from `offset`; empty at the end.
expected<std::string> read_log(const store& from, attempt_id attempt, uint64_t offset, size_t max);
/// A batch that replaces the unsealed chunks of the attempt by compressed segments; empty if there
/// are none. Each call seals at most limits::log_segment_bytes; `remainder` decides whether a last
/// short segment is sealed too (at the end of a step) or left.
enum class remainder : uint8_t { leave, seal };
expected<write_batch> seal_log(const store& from, attempt_id attempt, remainder rest);

// -- content (sources and artifacts) -------------------------------------------------------------

/// What a blob is made of: pieces of `piece_bytes`, each named by its SHA-256.
struct blob_manifest {
  uint64_t size = 0;
  std::vector<std::string> pieces; ///< 32-byte digests, in order
  friend bool operator==(const blob_manifest&, const blob_manifest&) = default;
};

inline constexpr size_t piece_bytes = 1024 * 1024;

/// Takes a blob piece by piece and names it by the SHA-256 of its whole content. Content is written
/// around the write-ahead log; `finish` makes it durable, then commits the manifest synced.
/// Not thread-safe; one writer per blob. An unfinished writer leaves nothing that is referenced.
class blob_writer {
public:
  explicit blob_writer(store& into);
  ~blob_writer();
  blob_writer(blob_writer&&) noexcept;
  blob_writer& operator=(blob_writer&&) noexcept;

  std::optional<failure> append(std::string_view bytes);
  uint64_t size() const;
  /// The blob's SHA-256 in hex. Finishing a blob that is stored already is no error. `now` is noted
  /// as when it was stored last, by which garbage is told from news.
  expected<std::string> finish(wall_time now = {});

private:
  struct state;
  std::unique_ptr<state> state_;
};

/// The blob's size, or nothing if it is not stored.
expected<std::optional<uint64_t>> blob_size(const store& from, std::string_view sha256);
/// The same, and the note that the blob is wanted now: it will not be collected as garbage before
/// whoever asked could refer to it.
expected<std::optional<uint64_t>> touch_blob(store& in, std::string_view sha256, wall_time now);
/// Up to `max` bytes from `offset`, each piece checked by its digest: `ec::damaged` names the blob.
expected<std::string> read_blob(const store& from, std::string_view sha256, uint64_t offset,
                                size_t max);

} // namespace drover::storage
