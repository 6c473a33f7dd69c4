// SPDX-License-Identifier: Apache-2.0
#include "nodes/closed_answers.hpp"

#include "nodes/record_file.hpp"
#include "schema/names.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <filesystem>

namespace drover {

namespace fs = std::filesystem;

namespace {

constexpr auto kind = "closed";
/// An answer travels in one message, so none is larger.
constexpr size_t answer_bytes_max = limits::message_words_max * sizeof(uint64_t);

std::string name_of(build_id build, uint32_t placement) {
  return std::to_string(build.value) + "-" + std::to_string(placement);
}

std::string encode(const build_closed& answer) {
  record_writer out{kind};
  out.put("build", answer.build.value);
  out.put("placement", answer.placement);
  out.put("problem", answer.problem);
  out.put("artifacts", answer.artifacts.size());
  for (const auto& artifact : answer.artifacts) {
    out.put("path", artifact.path);
    out.put("sha256", artifact.sha256);
    out.put("size", artifact.size);
  }
  return out.finish();
}

expected<build_closed> decode(const std::string& bytes) {
  record_reader in{kind, bytes};
  build_closed answer;
  answer.build = {in.take_number<uint64_t>("build")};
  answer.placement = in.take_number<uint32_t>("placement");
  answer.problem = in.take("problem");
  auto artifacts = in.take_number<size_t>("artifacts");
  if (artifacts > limits::artifacts_max)
    in.fail("names more artifacts than a build may have");
  for (size_t i = 0; i < artifacts && !in.problem(); ++i) {
    artifact_ref artifact;
    artifact.path = in.take("path");
    artifact.sha256 = in.take("sha256");
    artifact.size = in.take_number<uint64_t>("size");
    answer.artifacts.push_back(std::move(artifact));
  }
  if (in.problem())
    return *in.problem();
  return answer;
}

/// To look at a thousand files takes milliseconds: once for so large a part of them is enough.
constexpr size_t prune_part = 8;

} // namespace

closed_answers::closed_answers(std::string folder, size_t kept)
    : folder_{std::move(folder)}, kept_{kept}, since_pruned_{kept} {}

std::optional<failure> closed_answers::remember(const build_closed& answer) {
  std::error_code error;
  fs::create_directories(folder_, error);
  if (error)
    return failure{ec::io, folder_ + ": " + error.message()};
  if (auto problem = replace_file(folder_, name_of(answer.build, answer.placement), encode(answer),
                                  durability::synced))
    return problem;
  if (++since_pruned_ > kept_ / prune_part)
    prune();
  return std::nullopt;
}

std::optional<build_closed> closed_answers::find(build_id build, uint32_t placement) const {
  auto path = folder_ + "/" + name_of(build, placement);
  auto bytes = read_whole(path, answer_bytes_max);
  if (!bytes && bytes.error().code == ec::not_found)
    return std::nullopt;
  auto answer = bytes ? decode(*bytes) : expected<build_closed>{bytes.error()};
  if (!answer) {
    spdlog::warn("{}: {}", path, answer.error().text);
    return std::nullopt;
  }
  if ((*answer).build != build || (*answer).placement != placement)
    return std::nullopt; // not what its name says: of no use
  return *std::move(answer);
}

void closed_answers::forget(build_id build, uint32_t placement) {
  std::error_code ignored; // it is hardly ever there; one that stays is dropped by `prune` in time
  fs::remove(folder_ + "/" + name_of(build, placement), ignored);
}

/// Best effort: what can't be removed now is tried again after the next one.
void closed_answers::prune() {
  since_pruned_ = 0;
  std::error_code error;
  std::vector<std::pair<fs::file_time_type, fs::path>> found;
  for (const auto& entry : fs::directory_iterator{folder_, error}) {
    std::error_code gone;
    found.emplace_back(entry.last_write_time(gone), entry.path());
  }
  if (found.size() <= kept_)
    return;
  std::sort(found.begin(), found.end());
  found.resize(found.size() - kept_);
  for (const auto& [written, path] : found)
    fs::remove(path, error);
}

} // namespace drover
