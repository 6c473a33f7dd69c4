#pragma once
// A host's disk and processes in memory. They outlive the actors that use them, as a disk does, so
// a restart of the agent is: end the actors, spawn them anew on the same fakes.
// SPDX-License-Identifier: Apache-2.0

#include "actors/ports.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>

namespace drover::test {

/// Keepers are scripted: `print` and `exit` (or `lose_keeper`) play the command.
class fake_spool : public spool_port {
public:
  struct attempt {
    assignment work;
    std::optional<keeper_order> order;
    bool alive = false;
    std::optional<keeper_exit> account;
    std::optional<wall_time> confirmed_at;
    std::string log;
    std::string cancelled_because;
    std::vector<milliseconds> leases; ///< as renewed
    uint32_t starts = 0;
    std::function<void()> gone;
  };

  // -- the script --
  void print(const grant_token& token, const std::string& text) { attempts.at(token).log += text; }

  void exit(const grant_token& token, keeper_exit account) {
    attempts.at(token).account = std::move(account);
    lose_keeper(token);
  }

  void lose_keeper(const grant_token& token) {
    auto& one = attempts.at(token);
    one.alive = false;
    if (auto gone = std::exchange(one.gone, nullptr))
      gone();
  }

  // -- spool_port --
  std::optional<failure> enter(const assignment& work) override {
    if (full)
      return failure{ec::io, "spool: no space left on device"};
    if (attempts.contains(work.token))
      return std::nullopt;
    attempts[work.token].work = work;
    order.push_back(work.token);
    return std::nullopt;
  }

  std::optional<failure> start(const keeper_order& what) override {
    auto& one = attempts.at(what.token);
    if (one.order)
      return failure{ec::conflict, "a keeper ran this attempt already"};
    one.order = what;
    one.alive = true;
    ++one.starts;
    return std::nullopt;
  }

  void watch(const grant_token& token, std::function<void()> gone) override {
    auto& one = attempts.at(token);
    if (one.alive)
      one.gone = std::move(gone);
    else
      gone();
  }

  void cancel(const grant_token& token, const std::string& reason) override {
    attempts.at(token).cancelled_because = reason;
  }

  void renew_lease(const grant_token& token, milliseconds left) override {
    attempts.at(token).leases.push_back(left);
  }

  std::optional<keeper_exit> exit_of(const grant_token& token) const override {
    auto found = attempts.find(token);
    return found == attempts.end() ? std::nullopt : found->second.account;
  }

  std::optional<failure> close(const grant_token& token, const keeper_exit& account) override {
    if (full)
      return failure{ec::io, "spool: no space left on device"};
    attempts.at(token).account = account;
    return std::nullopt;
  }

  uint64_t log_size(const grant_token& token) const override {
    auto found = attempts.find(token);
    return found == attempts.end() ? 0 : found->second.log.size();
  }

  expected<std::string> read_log(const grant_token& token, uint64_t offset,
                                 size_t max) const override {
    const auto& log = attempts.at(token).log;
    if (defects > 0 && defects-- > 0)
      throw std::runtime_error{"a defect, scripted"};
    if (offset >= unreadable_from)
      return failure{ec::io, "log: input/output error"};
    return offset < log.size() ? log.substr(offset, max) : std::string{};
  }

  std::vector<spooled_attempt> list() const override {
    std::vector<spooled_attempt> result;
    for (const auto& token : order)
      if (auto one = find(token))
        result.push_back(*one);
    return result;
  }

  std::optional<spooled_attempt> find(const grant_token& token) const override {
    auto found = attempts.find(token);
    if (found == attempts.end())
      return std::nullopt;
    const auto& one = found->second;
    return spooled_attempt{one.work, one.alive, one.confirmed_at.has_value(),
                           one.confirmed_at.value_or(wall_time{}), one.order.has_value()};
  }

  void confirm(const grant_token& token, wall_time now) override {
    attempts.at(token).confirmed_at = now;
  }

  void forget(const grant_token& token) override {
    attempts.erase(token);
    std::erase(order, token);
  }

  std::map<grant_token, attempt> attempts;
  std::vector<grant_token> order; ///< as they were entered
  bool full = false;              ///< the disk takes nothing more
  uint64_t unreadable_from = UINT64_MAX;
  mutable uint32_t defects = 0; ///< so many reads of a log throw, and so kill their actor
};

/// A source is "unpacked" if its bytes equal `contents[sha256]` and do not begin with "broken".
class fake_workspaces : public workspace_port {
public:
  using place = std::pair<build_id, uint32_t>;

  expected<prepared> make(build_id build, uint32_t placement) override {
    auto name = "/spot/" + std::to_string(build.value) + "-" + std::to_string(placement);
    made.insert({build, placement});
    answers.erase({build, placement});
    return prepared{name + "/src", name + "/out", name + "/tmp"};
  }

  bool has_source(build_id build, uint32_t placement) const override {
    return installed.contains({build, placement});
  }

  uint64_t source_bytes(const source_ref& source) const override {
    auto found = downloads.find(source.sha256);
    return found == downloads.end() ? 0 : found->second.size();
  }

  std::optional<failure> add_source(const source_ref& source, uint64_t offset,
                                    std::string_view bytes) override {
    auto& file = downloads[source.sha256];
    if (offset != file.size())
      return failure{ec::internal, "a piece does not follow what is here"};
    file += bytes;
    return std::nullopt;
  }

  std::optional<failure> install_source(build_id build, uint32_t placement,
                                        const source_ref& source) override {
    auto& file = downloads[source.sha256];
    if (defects > 0 && defects-- > 0)
      throw std::runtime_error{"a defect, scripted"};
    if (file != contents[source.sha256]) {
      file.clear();
      return failure{ec::damaged, source.id + ": SHA-256 differs"};
    }
    if (file.starts_with("broken"))
      return failure{ec::bad_input, source.id + ": truncated gzip input"};
    installed.insert({build, placement});
    ++installs;
    return std::nullopt;
  }

  expected<std::vector<artifact_ref>> collect(build_id build, uint32_t placement,
                                              const std::vector<std::string>&) override {
    if (!made.contains({build, placement}))
      return failure{ec::not_found, "the workspace is gone"};
    std::vector<artifact_ref> result;
    for (const auto& [path, bytes] : outputs)
      result.push_back({path, "sha of " + bytes.substr(0, 20), bytes.size()});
    return result;
  }

  expected<std::string> read_artifact(build_id, uint32_t, const artifact_ref& artifact,
                                      uint64_t offset, size_t max) override {
    auto found = outputs.find(artifact.path);
    if (found == outputs.end())
      return failure{ec::io, artifact.path + ": no such file"};
    return found->second.substr(std::min<size_t>(offset, found->second.size()), max);
  }

  std::optional<failure> remove(build_id build, uint32_t placement) override {
    made.erase({build, placement});
    installed.erase({build, placement});
    return std::nullopt;
  }

  std::optional<failure> remember_answer(const build_closed& answer) override {
    answers[{answer.build, answer.placement}] = answer;
    return std::nullopt;
  }

  std::optional<build_closed> answer_of(build_id build, uint32_t placement) const override {
    auto found = answers.find({build, placement});
    return found == answers.end() ? std::nullopt : std::optional{found->second};
  }

  std::vector<workspace_id> held() const override {
    std::vector<workspace_id> all;
    for (const auto& [build, placement] : made)
      all.push_back({build, placement});
    return all;
  }

  std::optional<failure> keep(build_id build, uint32_t placement, const std::string& builder,
                              const std::string& why) override {
    auto name = std::to_string(build.value) + "-" + std::to_string(placement);
    made.erase({build, placement});
    kept.push_back({core::spare_kind::failed_workspace, name, "/spot/" + name, builder, why, 100,
                    static_cast<int64_t>(build.value), false});
    return std::nullopt;
  }

  core::disk_room room() const override { return disk; }
  std::vector<core::spare> spares() const override { return kept; }
  std::optional<failure> drop(const core::spare& what) override {
    disk.free += what.bytes;
    std::erase_if(kept, [&](const auto& one) { return one.name == what.name; });
    return std::nullopt;
  }

  core::disk_room disk;          ///< not known, unless a test says so
  std::vector<core::spare> kept; ///< what may go
  std::set<place> made;
  std::set<place> installed;
  std::map<place, build_closed> answers; ///< remembered on the disk
  uint32_t installs = 0;
  uint32_t defects = 0; ///< so many installations throw, and so kill their actor
  std::map<std::string, std::string> downloads; ///< by digest
  std::map<std::string, std::string> contents;  ///< what each digest stands for
  std::map<std::string, std::string> outputs;   ///< by path, of every build
};

} // namespace drover::test
