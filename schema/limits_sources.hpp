#pragma once
// Bounds of watched sources: what is outside may be slow, endless or hostile.
// SPDX-License-Identifier: Apache-2.0

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace drover::limits {

/// A source that does not say is looked at this often.
inline constexpr std::chrono::milliseconds source_every_default{60'000};
inline constexpr std::chrono::milliseconds source_every_min{1000};
/// The first look after a start or a reload.
inline constexpr std::chrono::milliseconds source_first_look{200};
/// A source that fails is looked at less often, up to this.
inline constexpr std::chrono::milliseconds source_retry_max{15 * 60'000};
inline constexpr uint32_t source_backoff_doublings_max = 8;
/// A file in a watched folder is taken once its size and time have stood still this long.
inline constexpr std::chrono::milliseconds tarball_settle{2000};
/// Files of a folder or an index that one look considers.
inline constexpr size_t source_files_max = 10'000;
/// New things that one look takes; the rest comes with the next one.
inline constexpr size_t source_found_max = 100;
/// Revisions listed as covered by a change.
inline constexpr size_t source_covers_max = 100;
/// Branches of a repository that are followed.
inline constexpr size_t source_branches_max = 256;
/// What one call of hg, git or a download may take, and print.
inline constexpr std::chrono::milliseconds source_command_max{10 * 60'000};
inline constexpr size_t source_output_max = 4 * 1024 * 1024;
/// How much of a tarball is unpacked, in pieces, to see whether it is whole; one that is larger
/// counts as whole.
inline constexpr uint64_t source_unpacked_bytes_max = uint64_t{64} << 30;
inline constexpr size_t source_read_bytes = 64 * 1024;
/// Files that an index lists and that can't be had, after which the server counts as away.
inline constexpr size_t source_problems_max = 3;
/// An index page of tarballs.
inline constexpr size_t source_index_bytes_max = 4 * 1024 * 1024;
inline constexpr long source_redirects_max = 5;

} // namespace drover::limits
