#pragma once
// Workspaces on a disk: the real workspace_port.
//
//   ROOT/BUILD-PLACEMENT/work     where steps run; the source, unpacked
//   ROOT/BUILD-PLACEMENT/out      $DROVER_OUT
//   ROOT/BUILD-PLACEMENT/tmp      for $TMPDIR
//   ROOT/BUILD-PLACEMENT/home     $HOME, where steps run as another user
//   ROOT/BUILD-PLACEMENT/source   there once the source is installed: its digest and this boot
//   ROOT/BUILD-PLACEMENT/kept     there if the workspace is kept for people: of what, why, how
//   large ROOT/closed/BUILD-PLACEMENT   what was answered when the workspace was closed
//   ROOT/sources/SHA256[.part]    downloads, shared by builds
//
// Where steps run as another user, work, out, tmp and home are that user's and nobody else looks
// in; all around them is the agent's: a step can't rename its workspace or touch what is noted of
// it.
// SPDX-License-Identifier: Apache-2.0

#include "actors/ports.hpp"
#include "nodes/closed_answers.hpp"
#include "nodes/emptied_folders.hpp"
#include "nodes/source_cache.hpp"
#include "nodes/step_users.hpp"
#include "nodes/unpack.hpp"

namespace drover {

struct workspace_bounds {
  cache_bounds cache;
  unpack_bounds unpack;
  std::optional<uint64_t> keep_free = {}; ///< bytes; none: by the size of the disk
};

/// One thread at a time, but for `held`.
class disk_workspaces : public workspace_port {
public:
  /// Throws std::runtime_error if the folder can't be used.
  explicit disk_workspaces(std::string root, const workspace_bounds& bounds = {},
                           const step_users& users = {});

  expected<prepared> make(build_id build, uint32_t placement) override;
  bool has_source(build_id build, uint32_t placement) const override;
  uint64_t source_bytes(const source_ref& source) const override;
  std::optional<failure> add_source(const source_ref& source, uint64_t offset,
                                    std::string_view bytes) override;
  std::optional<failure> install_source(build_id build, uint32_t placement,
                                        const source_ref& source) override;
  expected<std::vector<artifact_ref>> collect(build_id build, uint32_t placement,
                                              const std::vector<std::string>& globs) override;
  expected<std::string> read_artifact(build_id build, uint32_t placement,
                                      const artifact_ref& artifact, uint64_t offset,
                                      size_t max) override;
  std::optional<failure> remove(build_id build, uint32_t placement) override;
  std::optional<failure> remember_answer(const build_closed& answer) override;
  std::optional<build_closed> answer_of(build_id build, uint32_t placement) const override;
  std::vector<workspace_id> held() const override;
  std::optional<failure> keep(build_id build, uint32_t placement, const std::string& builder,
                              const std::string& why) override;
  core::disk_room room() const override;
  std::vector<core::spare> spares() const override;
  std::optional<failure> drop(const core::spare& what) override;

private:
  std::string folder_of(build_id build, uint32_t placement) const;
  bool set_aside_if_bare(const std::string& folder);
  std::optional<failure> fill(const std::string& folder, const source_ref& source,
                              const std::string& path, const step_user& user);

  std::string root_;
  workspace_bounds bounds_;
  step_users users_;
  source_cache sources_;
  closed_answers answers_;
  emptied_folders emptied_;
};

/// Removes `path` and all in it, folders that forbid it included; no error if it is not there.
std::optional<failure> remove_tree(const std::string& path);

} // namespace drover
