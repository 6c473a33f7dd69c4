// SPDX-License-Identifier: Apache-2.0
#include "config/read_builder.hpp"

#include "config/values.hpp"
#include "schema/limits.hpp"
#include "schema/limits_trust.hpp"
#include "schema/names.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace drover {
namespace {

using yaml::node;

constexpr std::string_view step_example = "- {name: test, run: \"make check\"}";

/// "any", "each host" or "each(os, arch)".
void read_placement(reader& in, const node& from, placement_spec& out) {
  std::string written;
  if (!in.text("on", from, written))
    return;
  if (written == "any" || written == "each host") {
    out.kind = written == "any" ? placement_kind::any : placement_kind::each_host;
    return;
  }
  auto close = written.size() - 1;
  if (written.rfind("each(", 0) != 0 || written[close] != ')') {
    auto near = nearest(written, {"any", "each host"});
    in.error(from.at, fmt::format("on: '{}' is none of: any, each host, each(os, arch){}",
                                  printable(written, limits::name_bytes_max),
                                  near ? fmt::format(" (did you mean '{}'?)", *near) : ""));
    return;
  }
  out.kind = placement_kind::each_class;
  auto keys = std::string_view{written}.substr(5, close - 5);
  while (true) {
    auto comma = std::min(keys.find(','), keys.size());
    auto key = keys.substr(0, comma);
    key.remove_prefix(std::min(key.find_first_not_of(' '), key.size()));
    key = key.substr(0, key.find_last_not_of(' ') + 1);
    out.class_keys.emplace_back(key);
    if (comma == keys.size())
      return;
    keys.remove_prefix(comma + 1);
  }
}

/// "auto", no, the name of a report, or a list of names.
void read_tests(reader& in, const node& from, std::vector<std::string>& out) {
  if (from.what != yaml::kind::scalar) {
    in.texts("tests", from, "auto or [report.xml]", out);
    return;
  }
  std::string written;
  if (in.text("tests", from, written) && !written.empty() && parse_yes_no(written) != false)
    out = {written};
}

void read_step_limits(reader& in, const node& from, step_limits& out) {
  auto size = [&in](std::string_view key, uint64_t& into) {
    return field{key, [&in, key, &into](const node& value) { in.size(key, value, into); }};
  };
  auto number = [&in](std::string_view key, uint32_t& into) {
    return field{key, [&in, key, &into](const node& value) { in.number(key, value, into); }};
  };
  in.mapping("limits", from,
             {size("memory", out.memory), number("pids", out.pids), number("cpu", out.cpus),
              size("log", out.log), size("disk", out.disk), number("files", out.files)});
}

/// Outputs are said, if only as none: what is forgotten would be missing after a hit.
void read_cache(reader& in, const node& from, cache_spec& out) {
  out.on = true;
  in.mapping(
    "cache", from,
    {{"inputs", [&](const node& value) { in.texts("inputs", value, "[\"src/**\"]", out.inputs); }},
     {"facts", [&](const node& value) { in.texts("facts", value, "[cpu_model]", out.facts); }},
     {"outputs",
      [&](const node& value) { in.texts("outputs", value, "[\"build/**\"]", out.outputs); },
      "outputs: [\"build/**\"]"}});
}

void read_step(reader& in, const node& from, std::vector<step_spec>& out) {
  step_spec step;
  auto what = fmt::format("step {}", out.size() + 1);
  in.mapping(
    what, from,
    {{"name", [&](const node& value) { in.text("name", value, step.name); }, "name: test"},
     {"run", [&](const node& value) { in.text("run", value, step.run); }, "run: \"make check\""},
     {"env", [&](const node& value) { in.map("env", value, step.env); }},
     {"timeout", [&](const node& value) { in.duration("timeout", value, step.timeout); }},
     {"silence", [&](const node& value) { in.duration("silence", value, step.silence); }},
     {"tests", [&](const node& value) { read_tests(in, value, step.tests); }},
     {"exclusive", [&](const node& value) { in.yes_no("exclusive", value, step.exclusive); }},
     {"limits", [&](const node& value) { read_step_limits(in, value, step.limits); }},
     {"sandbox", [&](const node& value) { in.yes_no("sandbox", value, step.sandbox); }},
     {"cache", [&](const node& value) { read_cache(in, value, step.cache); }},
     {"always", [&](const node& value) { in.yes_no("always", value, step.always); }},
     {"warn_only", [&](const node& value) { in.yes_no("warn_only", value, step.warn_only); }},
     {"pty", [&](const node& value) { in.yes_no("pty", value, step.pty); }}});
  out.push_back(std::move(step));
}

/// A source's name, or a list of them: the first is what is built where none is named.
void read_sources(reader& in, const node& from, builder_spec& out) {
  if (from.what == yaml::kind::scalar) {
    in.text("source", from, out.source);
    return;
  }
  std::vector<std::string> names;
  in.texts("source", from, "trunk or [candidates, trunk]", names);
  if (names.empty())
    return;
  out.source = names.front();
  out.more_sources.assign(names.begin() + 1, names.end());
}

} // namespace

void read_builder(reader& in, const std::string& name, const node& from, farm_config& out) {
  builder_spec builder;
  builder.name = name;
  if (name == limits::shipped_canary_name)
    in.error(from.at, "the name '" + name + "' is the farm's own: choose another one");
  auto steps = [&](const node& value) {
    if (value.empty() || (value.what == yaml::kind::sequence && value.items.empty()))
      in.error(value.at, "steps: is empty; a builder has at least one step");
    in.list("steps", value, step_example,
            [&](const node& item) { read_step(in, item, builder.steps); });
  };
  auto artifacts = [&](const node& value) {
    in.texts("artifacts", value, "[\"out/**\"]", builder.artifacts);
  };
  in.mapping(
    titled("builder", name), from,
    {{"source", [&](const node& value) { read_sources(in, value, builder); }},
     {"on", [&](const node& value) { read_placement(in, value, builder.on); }},
     {"requires", [&](const node& value) { in.text("requires", value, builder.requirement); }},
     {"steps", steps, step_example},
     {"artifacts", artifacts},
     {"keep", [&](const node& value) { read_retention(in, "keep", value, builder.keep); }},
     {"second_opinion",
      [&](const node& value) { in.yes_no("second_opinion", value, builder.second_opinion); }},
     {"canary", [&](const node& value) { in.yes_no("canary", value, builder.canary); }},
     {"params", [&](const node& value) { read_params(in, value, builder.params); }}});
  out.builders.push_back(std::move(builder));
}

} // namespace drover
