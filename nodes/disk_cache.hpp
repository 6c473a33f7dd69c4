#pragma once
// Kept results on a host's disk: the real cache_port.
//
//   ROOT/SHA256.part      a result that is being fetched
//   ROOT/SHA256           one that was packed here and is being handed over
//   SPOOL/ATTEMPT/cache   what is remembered of an attempt (actors/host_cache_types.hpp)
//   WORKSPACE/../kept-result   a result on its way into the workspace
//
// Nothing in ROOT outlives the agent: what was packed is packed again.
// SPDX-License-Identifier: Apache-2.0

#include "actors/core/workspace_care.hpp"
#include "actors/host_cache_types.hpp"
#include "nodes/cache_pack.hpp"
#include "schema/limits_cache.hpp"

namespace drover {

struct disk_cache_bounds {
  uint64_t input_bytes = limits::cache_input_bytes_max;
  uint64_t input_files = limits::cache_input_files_max;
  uint64_t output_bytes = limits::cache_output_bytes_max;
  uint64_t output_files = limits::cache_output_files_max;
  std::optional<uint64_t> keep_free = {}; ///< bytes; none: by the size of the disk
};

/// One thread at a time, but for `memo_of`.
class disk_cache : public cache_port {
public:
  /// Throws std::runtime_error if the folder can't be used.
  disk_cache(std::string root, std::string spool, const disk_cache_bounds& bounds = {});

  std::string digest(std::string_view text) const override;
  expected<string_map> file_parts(const step_spec& step, const prepared& place) override;
  std::optional<failure> remember(const grant_token& token, const cache_memo& memo) override;
  std::optional<cache_memo> memo_of(const grant_token& token) const override;
  uint64_t fetched(const std::string& sha256) const override;
  std::optional<failure> add(const std::string& sha256, uint64_t offset,
                             std::string_view bytes) override;
  std::optional<failure> restore(const assignment& work, const prepared& place,
                                 const packed_result& result) override;
  expected<packed_result> pack(const grant_token& token, const step_spec& step,
                               const prepared& place) override;
  expected<std::string> read(const std::string& sha256, uint64_t offset, size_t max) override;
  void discard(const std::string& sha256) override;

private:
  std::string part_of(const std::string& sha256) const { return root_ + "/" + sha256 + ".part"; }
  std::string attempt_folder(const grant_token& token) const;
  std::optional<failure> put_in_place(const assignment& work, const prepared& place,
                                      const std::string& staged) const;
  std::optional<failure> room_for(uint64_t bytes) const;

  std::string root_;
  std::string spool_;
  disk_cache_bounds bounds_;
};

} // namespace drover
