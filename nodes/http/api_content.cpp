// Content: sources come in, artifacts go out, both piece by piece.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/http/routes.hpp"
#include "schema/names.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace drover::http {

namespace {

/// Why `name` can't be a source's file name, or nothing.
std::optional<failure> file_name_problem(const std::string& name) {
  auto shown = "source '" + printable(name, 80) + "': ";
  if (name.empty())
    return failure{ec::bad_input, "source: name the file, as in /api/v1/sources?name=hello.tar.gz"};
  if (name.size() > limits::name_bytes_max * 4)
    return failure{ec::bad_input, shown + "the name is longer than "
                                    + std::to_string(limits::name_bytes_max * 4) + " bytes"};
  if (name.find('/') != std::string::npos || name == "." || name == "..")
    return failure{ec::bad_input, shown + "a file name has no '/' and is not '.' or '..'"};
  // What can't be shown as it is would look like something else in a table or a log.
  if (printable(name, name.size() + 1) != name)
    return failure{ec::bad_input, shown + "control characters and broken UTF-8 can't be in a name"};
  return std::nullopt;
}

/// Tells the artifact store to drop what came, unless the upload has ended well.
class upload_guard {
public:
  upload_guard(artifact_store_actor store, uint64_t number)
      : store_{std::move(store)}, number_{number} {}
  ~upload_guard() {
    if (!done_)
      caf::anon_send(store_, upload_abort{number_});
  }
  upload_guard(const upload_guard&) = delete;
  upload_guard& operator=(const upload_guard&) = delete;
  void done() { done_ = true; }

private:
  artifact_store_actor store_;
  uint64_t number_;
  bool done_ = false;
};

/// Hands the body on; the next piece is read when the store has taken the last.
asio::awaitable<expected<stored_blob>> store_body(api_call& call, const std::string& name) {
  const auto& parts = call.api.parts;
  auto number = ++call.api.uploads;
  upload_guard guard{parts.artifacts, number};
  uint64_t offset = 0;
  for (;;) {
    auto bytes = co_await call.body.read();
    if (bytes.empty())
      break;
    auto size = bytes.size();
    if (offset + size > limits::blob_bytes_max)
      throw body_too_large{"source '" + name + "': longer than "
                           + std::to_string(limits::blob_bytes_max) + " bytes"};
    upload_piece piece{number, offset, std::move(bytes)};
    auto taken = co_await ask_for<uint64_t>(parts.door, parts.artifacts, limits::request_timeout,
                                            std::move(piece));
    if (!taken)
      co_return taken.error();
    offset += size;
  }
  if (offset == 0)
    co_return failure{ec::bad_input, "source '" + name + "': it is empty"};
  auto stored = co_await ask_for<stored_blob>(parts.door, parts.artifacts, limits::request_timeout,
                                              upload_end{number});
  if (stored)
    guard.done();
  co_return stored;
}

} // namespace

answer post_sources(api_call& call) {
  if (auto wrong = unknown_parameter(call.asked, {"name", "url"}))
    co_return failure_answer(*wrong);
  if (call.asked.parameter("url"))
    co_return co_await post_address(call);
  auto name = call.asked.parameter("name").value_or("");
  if (auto wrong = file_name_problem(name))
    co_return failure_answer(*wrong);
  if (call.asked.content_length.value_or(0) > limits::blob_bytes_max)
    co_return problem(413, "source '" + name + "': longer than "
                             + std::to_string(limits::blob_bytes_max) + " bytes");
  auto stored = co_await store_body(call, name);
  if (!stored)
    co_return failure_answer(stored.error());
  source_ref source;
  source.kind = source_kind::tarball;
  source.id = name;
  source.sha256 = stored->sha256;
  source.size = stored->size;
  co_return json_answer(json_of(source), 201);
}

answer get_artifacts(api_call& call) {
  if (auto wrong = unknown_parameter(call.asked, {}))
    co_return failure_answer(*wrong);
  auto file = find_build(call.api, call.captures[0]);
  if (!file)
    co_return failure_answer(file.error());
  auto rows = json::array();
  for (const auto& artifact : file->build.artifacts)
    rows.push_back(json_of(artifact));
  auto out = json::object();
  out["id"] = file->build.id.value;
  out["complete"] = file->build.state == build_state::finished;
  out["dropped"] = file->build.artifacts_dropped;
  out["problem"] = text_or_null(file->build.artifact_problem);
  out["artifacts"] = std::move(rows);
  co_return json_answer(out);
}

answer get_artifact(api_call& call) {
  if (auto wrong = unknown_parameter(call.asked, {}))
    co_return failure_answer(*wrong);
  auto file = find_build(call.api, call.captures[0]);
  if (!file)
    co_return failure_answer(file.error());
  const auto& kept = file->build.artifacts;
  auto found = std::find_if(kept.begin(), kept.end(), [&](const artifact_ref& artifact) {
    return artifact.path == call.captures[1];
  });
  if (found == kept.end())
    co_return failure_answer(
      {ec::not_found, "build " + to_string(file->build.id) + " kept no artifact '"
                        + printable(call.captures[1], 200) + "'"
                        + (file->build.state == build_state::finished ? "" : "; it is not over")});
  if (file->build.artifacts_dropped)
    co_return failure_answer({ec::not_found, "artifact '" + printable(found->path, 200)
                                               + "' of build " + to_string(file->build.id) + " was "
                                               + file->build.artifact_problem});
  auto store = call.api.parts.store;
  auto size = storage::blob_size(*store, found->sha256);
  if (!size)
    co_return failure_answer(size.error());
  if (!*size)
    co_return failure_answer({ec::damaged, "artifact '" + printable(found->path, 200)
                                             + "': its content is not in the store"});
  response out;
  out.type = "application/octet-stream";
  out.fields.emplace_back("Drover-Sha256", found->sha256);
  out.fields.emplace_back("ETag", "\"" + found->sha256 + "\"");
  out.fields.emplace_back("Content-Disposition", "attachment");
  out.length = **size;
  out.pieces = [store, sha256 = found->sha256, at = uint64_t{0},
                end = **size]() mutable -> expected<std::string> {
    if (at >= end)
      return std::string{};
    auto bytes = storage::read_blob(*store, sha256, at, storage::piece_bytes);
    if (bytes)
      at += bytes->size();
    return bytes;
  };
  co_return out;
}

} // namespace drover::http
