// The document and the server: each route is in both.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/http/openapi.hpp"
#include "nodes/http/routes.hpp"
#include "schema/names.hpp"
#include "tests/catch.hpp"
#include "tests/http/scripted_farm.hpp"

#include <nlohmann/json.hpp>

#include <set>

using namespace drover;
using namespace drover::http;
using namespace drover::http::test;
using tree = nlohmann::json;

namespace {

/// "/api/v1/builds/{id}" and "api/v1/builds/*" as one spelling.
std::string spelled(std::string_view path) {
  std::string out;
  bool inside = false;
  for (char c : path) {
    if (c == '{')
      out += '*';
    inside = c == '{' || (inside && c != '}');
    if (!inside && c != '}' && !(c == '*' && out.ends_with('*')))
      out += c;
  }
  return out.starts_with('/') ? out.substr(1) : out;
}

std::string lower(std::string_view text) {
  std::string out;
  for (char c : text)
    out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

/// All "$ref" below `value`.
void collect(const tree& value, std::set<std::string>& refs) {
  if (value.is_object())
    for (const auto& [name, inner] : value.items()) {
      if (name == "$ref")
        refs.insert(inner.get<std::string>());
      collect(inner, refs);
    }
  else if (value.is_array())
    for (const auto& inner : value)
      collect(inner, refs);
}

} // namespace

TEST_CASE("openapi: every route of the server is in the document, and no other") {
  auto document = tree::parse(openapi_document());
  std::set<std::string> in_server, in_document;
  for (const auto& each : all_routes())
    in_server.insert(lower(each.method) + " " + spelled(each.pattern));
  for (const auto& [path, methods] : document.at("paths").items())
    for (const auto& [method, operation] : methods.items())
      in_document.insert(method + " " + spelled(path));
  CHECK(in_server == in_document);
}

TEST_CASE("openapi: the document names the role, the parameters of the path, and all answers") {
  auto document = tree::parse(openapi_document());
  std::set<std::string> ids;
  for (const auto& each : all_routes())
    for (const auto& [path, methods] : document.at("paths").items()) {
      if (spelled(path) != spelled(each.pattern) || !methods.contains(lower(each.method)))
        continue;
      const auto& operation = methods.at(lower(each.method));
      INFO(each.method << " " << path);
      CHECK(operation.at("x-drover-role") == std::string{to_string(each.needs)});
      CHECK(ids.insert(operation.at("operationId")).second);
      CHECK(operation.at("responses").contains("default"));
      CHECK(operation.at("responses").size() >= 2);
      for (const auto& parameter : operation.value("parameters", tree::array()))
        if (parameter.at("in") == "path")
          CHECK(path.find("{" + parameter.at("name").get<std::string>() + "}") != path.npos);
    }
}

TEST_CASE("openapi: the server takes each parameter that the document has, and no other") {
  scripted_farm farm;
  auto document = tree::parse(openapi_document());
  for (const auto& [path, methods] : document.at("paths").items())
    for (const auto& [method, operation] : methods.items()) {
      auto target = path;
      for (auto at = target.find('{'); at != target.npos; at = target.find('{'))
        target.replace(at, target.find('}') - at + 1, "1");
      if (path.find("stream") != path.npos || path.ends_with("z") || method == "delete")
        continue;
      target += "?no_such_parameter=1";
      auto answer = method == "get" ? farm.client.get(target) : farm.client.post(target, "");
      REQUIRE(answer);
      INFO(method << " " << target << ": " << answer->body);
      if (answer->status == 404)
        continue; // there is no such thing, whatever was asked of it
      REQUIRE(answer->status == 400);
      auto detail = tree::parse(answer->body).at("detail").get<std::string>();
      for (const auto& parameter : operation.value("parameters", tree::array()))
        if (parameter.at("in") == "query" && path.find("/events") == path.npos)
          CHECK(detail.find(parameter.at("name").get<std::string>()) != detail.npos);
    }
}

TEST_CASE("openapi: what the document refers to is in it, and nothing else") {
  auto document = tree::parse(openapi_document());
  std::set<std::string> refs;
  collect(document, refs);
  for (const auto& name : refs) {
    INFO(name);
    CHECK_NOTHROW(document.at(tree::json_pointer{name.substr(1)}));
  }
  for (const auto& [name, schema] : document.at("components").at("schemas").items()) {
    INFO(name);
    CHECK(refs.contains("#/components/schemas/" + name));
  }
}

TEST_CASE("openapi: kinds of events are those that there are") {
  auto document = tree::parse(openapi_document());
  auto kinds = document["components"]["schemas"]["Event"]["properties"]["kind"]["enum"];
  for (const auto& kind : kinds)
    CHECK(parse_event_kind(kind.get<std::string>()));
  for (int number = 1; number < 200; ++number) {
    auto name = std::string{to_string(static_cast<event_kind>(number))};
    if (parse_event_kind(name))
      CHECK(std::find(kinds.begin(), kinds.end(), name) != kinds.end());
  }
}

TEST_CASE("openapi: the server serves the document") {
  scripted_farm farm;
  auto answer = farm.client.get("/api/v1/openapi.json");
  REQUIRE(answer);
  CHECK(answer->body == openapi_document());
  CHECK(tree::parse(answer->body).at("openapi") == "3.1.0");
}
