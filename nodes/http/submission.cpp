// SPDX-License-Identifier: Apache-2.0
#include "nodes/http/submission.hpp"

#include "schema/limits.hpp"
#include "schema/names.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace drover::http {

namespace {

using nlohmann::json;

/// Leaves the parser at the first mistake; caught in `parse_submission`.
struct mistake {
  std::string text;
};

[[noreturn]] void wrong(const std::string& where, const std::string& what) {
  throw mistake{where + ": " + what};
}

void only_fields(const json& object, const std::string& where,
                 std::initializer_list<std::string_view> known) {
  if (!object.is_object())
    wrong(where, "must be an object");
  for (const auto& [name, value] : object.items())
    if (std::find(known.begin(), known.end(), name) == known.end())
      wrong(where, "unknown field '" + printable(name, 40) + "'");
}

/// A string field; absent: empty.
std::string text_field(const json& object, const std::string& where, const char* name,
                       size_t bytes_max) {
  auto found = object.find(name);
  if (found == object.end() || found->is_null())
    return "";
  auto place = where + "." + name;
  if (!found->is_string())
    wrong(place, "must be a string");
  auto text = found->get<std::string>();
  if (text.size() > bytes_max)
    wrong(place, "longer than " + std::to_string(bytes_max) + " bytes");
  return text;
}

/// A text that is shown in one line: what can't be shown is escaped once, here.
std::string sentence_field(const json& object, const char* name, size_t bytes_max) {
  return printable(text_field(object, "submission", name, bytes_max), bytes_max);
}

source_kind kind_of(const std::string& text, const std::string& where) {
  if (text.empty())
    return source_kind::none;
  for (auto kind : {source_kind::none, source_kind::tarball, source_kind::hg, source_kind::git,
                    source_kind::set})
    if (text == to_string(kind))
      return kind;
  wrong(where, "'" + printable(text, 40) + "' is none of none, tarball, hg, git, set");
}

bool is_sha256(const std::string& text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

source_ref parse_source(const json& object, const std::string& where) {
  only_fields(object, where, {"kind", "id", "sha256", "revision", "size"});
  source_ref out;
  out.kind = kind_of(text_field(object, where, "kind", limits::value_bytes_max), where + ".kind");
  out.id = text_field(object, where, "id", limits::value_bytes_max);
  out.sha256 = text_field(object, where, "sha256", limits::value_bytes_max);
  out.revision = text_field(object, where, "revision", limits::value_bytes_max);
  if (printable(out.id, out.id.size() + 1) != out.id)
    wrong(where + ".id", "control characters and broken UTF-8 can't be in a name");
  if (out.kind == source_kind::tarball
      && (out.id.empty() || out.id.find('/') != std::string::npos || out.id == ".."))
    wrong(where + ".id", "'" + printable(out.id, 80) + "' is no file name");
  if (out.kind == source_kind::tarball && !is_sha256(out.sha256))
    wrong(where + ".sha256", "must be 64 digits 0-9a-f, as POST /api/v1/sources answers");
  auto size = object.find("size");
  if (size != object.end()) {
    if (!size->is_number_unsigned())
      wrong(where + ".size", "must be a number of bytes");
    out.size = size->get<uint64_t>();
  }
  return out;
}

submission::order parse_order(const json& object, const std::string& where) {
  only_fields(object, where, {"builder", "source"});
  submission::order out;
  out.builder = text_field(object, where, "builder", limits::value_bytes_max);
  if (auto problem = name_problem("builder", out.builder))
    wrong(where, *problem);
  auto source = object.find("source");
  if (source != object.end() && !source->is_null())
    out.source = parse_source(*source, where + ".source");
  return out;
}

string_map parse_params(const json& object) {
  string_map out;
  auto found = object.find("params");
  if (found == object.end() || found->is_null())
    return out;
  if (!found->is_object())
    wrong("submission.params", "must be an object of strings");
  if (found->size() > limits::entries_max)
    wrong("submission.params", "more than " + std::to_string(limits::entries_max) + " entries");
  for (const auto& [name, value] : found->items()) {
    if (auto problem = name_problem("parameter", name))
      wrong("submission.params", *problem);
    auto text = text_field(*found, "submission.params", name.c_str(), limits::value_bytes_max);
    if (text.find('\0') != std::string::npos)
      wrong("submission.params." + name, "a NUL can't be in a value");
    out[name] = text;
  }
  return out;
}

submission parse_object(const json& object) {
  only_fields(object, "submission", {"orders", "params", "host", "reason", "by"});
  submission out;
  auto orders = object.find("orders");
  if (orders == object.end() || !orders->is_array() || orders->empty())
    wrong("submission.orders", "must be a list of at least one {builder, source}");
  if (orders->size() > limits::cells_max)
    wrong("submission.orders", "more than " + std::to_string(limits::cells_max) + " orders");
  for (size_t i = 0; i < orders->size(); ++i)
    out.orders.push_back(parse_order((*orders)[i], "submission.orders[" + std::to_string(i) + "]"));
  out.params = parse_params(object);
  out.host = text_field(object, "submission", "host", limits::value_bytes_max);
  if (!out.host.empty())
    if (auto problem = name_problem("host", out.host))
      wrong("submission.host", *problem);
  out.by = sentence_field(object, "by", limits::name_bytes_max);
  out.because = sentence_field(object, "reason", limits::reason_bytes_max);
  return out;
}

} // namespace

expected<submission> parse_submission(std::string_view text) {
  try {
    return parse_object(json::parse(text.begin(), text.end()));
  } catch (const mistake& found) {
    return failure{ec::bad_input, found.text};
  } catch (const json::exception& error) {
    return failure{ec::bad_input, "submission: no valid JSON: "
                                    + printable(error.what(), limits::reason_bytes_max / 2)};
  }
}

} // namespace drover::http
