// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/fakes.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <map>

namespace drover::sim {

namespace {

const failure dead{ec::unavailable, dead_process};

class sim_spool final : public spool_port {
public:
  sim_spool(std::shared_ptr<host_disk> disk, life alive)
      : disk_{std::move(disk)}, alive_{std::move(alive)} {}

  std::optional<failure> enter(const assignment& work) override {
    return *alive_ ? disk_->enter(work) : dead;
  }
  std::optional<failure> start(const keeper_order& order) override {
    return *alive_ ? disk_->start(order) : dead;
  }
  void watch(const grant_token& token, std::function<void()> gone) override {
    if (*alive_)
      disk_->watch(token, std::move(gone));
  }
  void cancel(const grant_token& token, const std::string& reason) override {
    if (*alive_)
      disk_->cancel(token, reason);
  }
  void renew_lease(const grant_token& token, milliseconds left) override {
    if (*alive_)
      disk_->renew_lease(token, left);
  }
  std::optional<keeper_exit> exit_of(const grant_token& token) const override {
    const auto* one = disk_->find(token);
    return one == nullptr ? std::nullopt : one->account;
  }
  std::optional<failure> close(const grant_token& token, const keeper_exit& account) override {
    return *alive_ ? disk_->close(token, account) : dead;
  }
  uint64_t log_size(const grant_token& token) const override { return disk_->log_size(token); }
  expected<std::string> read_log(const grant_token& token, uint64_t offset,
                                 size_t max) const override {
    auto size = disk_->log_size(token);
    auto rest = offset < size ? size - offset : 0;
    return stream_bytes(stream_of(token.attempt), offset,
                        static_cast<size_t>(std::min<uint64_t>(rest, max)));
  }
  std::vector<spooled_attempt> list() const override {
    std::vector<spooled_attempt> all;
    for (const auto& [token, one] : disk_->attempts())
      all.push_back(disk_->spooled(one));
    return all;
  }
  std::optional<spooled_attempt> find(const grant_token& token) const override {
    const auto* one = std::as_const(*disk_).find(token);
    if (one == nullptr)
      return std::nullopt;
    return disk_->spooled(*one);
  }
  void confirm(const grant_token& token, wall_time now) override {
    if (*alive_)
      disk_->confirm(token, now);
  }
  void forget(const grant_token& token) override {
    if (*alive_)
      disk_->forget(token);
  }

private:
  std::shared_ptr<host_disk> disk_;
  life alive_;
};

class sim_workspaces final : public workspace_port {
public:
  sim_workspaces(engine& on, std::shared_ptr<host_disk> disk, life alive,
                 std::vector<sim_source> sources)
      : engine_{on}, disk_{std::move(disk)}, alive_{std::move(alive)}, sources_{
                                                                         std::move(sources)} {}

  expected<prepared> make(build_id build, uint32_t placement) override {
    if (!*alive_)
      return dead;
    disk_->workspaces.insert({build, placement});
    disk_->answers.erase({build, placement});
    return prepared{"/w", "/w/out"};
  }
  bool has_source(build_id build, uint32_t placement) const override {
    return disk_->unpacked.contains({build, placement});
  }
  uint64_t source_bytes(const source_ref& source) const override {
    auto found = disk_->source_bytes.find(source.sha256);
    return found == disk_->source_bytes.end() ? 0 : found->second;
  }
  std::optional<failure> add_source(const source_ref& source, uint64_t offset,
                                    std::string_view bytes) override {
    if (!*alive_)
      return dead;
    auto& have = disk_->source_bytes[source.sha256];
    if (offset != have)
      engine_.fail("a download of " + source.id + " goes on at the wrong place");
    for (const auto& known : sources_)
      if (known.ref.sha256 == source.sha256
          && stream_bytes(known.stream, offset, bytes.size()) != bytes)
        engine_.fail("a download of " + source.id + " has wrong bytes");
    have += bytes.size();
    return std::nullopt;
  }
  std::optional<failure> install_source(build_id build, uint32_t placement,
                                        const source_ref& source) override {
    if (!*alive_)
      return dead;
    if (disk_->source_bytes[source.sha256] != source.size)
      engine_.fail("source " + source.id + " was unpacked before it was complete");
    disk_->unpacked.insert({build, placement});
    return std::nullopt;
  }
  expected<std::vector<artifact_ref>> collect(build_id build, uint32_t placement,
                                              const std::vector<std::string>&) override {
    if (!*alive_)
      return dead;
    if (!disk_->workspaces.contains({build, placement}))
      return failure{ec::not_found, "the workspace is not there"};
    std::vector<artifact_ref> found;
    for (const auto& one : artifacts_of(build))
      found.push_back(one.ref);
    return found;
  }
  expected<std::string> read_artifact(build_id build, uint32_t, const artifact_ref& artifact,
                                      uint64_t offset, size_t max) override {
    for (const auto& one : artifacts_of(build))
      if (one.ref.path == artifact.path)
        return stream_bytes(one.stream, offset,
                            static_cast<size_t>(std::min<uint64_t>(max, one.ref.size - offset)));
    return failure{ec::not_found, "there is no such artifact"};
  }
  std::optional<failure> remove(build_id build, uint32_t placement) override {
    if (!*alive_)
      return dead;
    disk_->workspaces.erase({build, placement});
    disk_->unpacked.erase({build, placement});
    return std::nullopt;
  }
  std::optional<failure> remember_answer(const build_closed& answer) override {
    if (!*alive_)
      return dead;
    disk_->answers[{answer.build, answer.placement}] = answer;
    return std::nullopt;
  }
  std::optional<build_closed> answer_of(build_id build, uint32_t placement) const override {
    auto found = disk_->answers.find({build, placement});
    return found == disk_->answers.end() ? std::nullopt : std::optional{found->second};
  }
  std::vector<workspace_id> held() const override {
    std::vector<workspace_id> all;
    for (const auto& [build, placement] : disk_->workspaces)
      all.push_back({build, placement});
    return all;
  }

private:
  engine& engine_;
  std::shared_ptr<host_disk> disk_;
  life alive_;
  std::vector<sim_source> sources_;
};

} // namespace

std::shared_ptr<spool_port> make_spool(std::shared_ptr<host_disk> disk, life alive) {
  return std::make_shared<sim_spool>(std::move(disk), std::move(alive));
}

std::shared_ptr<workspace_port> make_workspaces(engine& on, std::shared_ptr<host_disk> disk,
                                                life alive,
                                                const std::vector<sim_source>& sources) {
  return std::make_shared<sim_workspaces>(on, std::move(disk), std::move(alive), sources);
}

std::string digest_of(std::string_view bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_sha256(), nullptr);
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) {
    hex += "0123456789abcdef"[digest[i] >> 4];
    hex += "0123456789abcdef"[digest[i] & 15];
  }
  return hex;
}

const std::vector<sim_artifact>& artifacts_of(build_id build) {
  static std::map<build_id, std::vector<sim_artifact>> made; // their digests cost much
  auto [found, fresh] = made.try_emplace(build);
  auto& all = found->second;
  if (!fresh)
    return all;
  auto count = mixed(build.value) % 3;
  for (uint64_t i = 0; i < count; ++i) {
    auto stream = mixed(build.value * 7 + i);
    auto most = i == 0 ? 5'000u : stream % 7 == 0 ? 600'000u : 30'000u;
    auto size = stream % 11 == 0 ? 0 : stream % most;
    sim_artifact one{{"out/" + std::to_string(i), digest_of(stream_bytes(stream, 0, size)), size},
                     stream};
    all.push_back(std::move(one));
  }
  return all;
}

} // namespace drover::sim
