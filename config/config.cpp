// SPDX-License-Identifier: Apache-2.0
#include "config/config.hpp"

#include "config/reader.hpp"
#include "config/values.hpp"
#include "schema/limits.hpp"
#include "schema/names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

namespace drover {
namespace {

using yaml::node;

constexpr std::string_view step_example = "- {name: test, run: \"make check\"}";

std::string titled(std::string_view what, std::string_view name) {
  return fmt::format("{} '{}'", what, printable(name, limits::name_bytes_max));
}

/// Says so unless exactly one of `keys` is there. One that is written wrongly counts: the reader
/// has complained of it already.
void exactly_one(reader& in, std::string_view what, const node& from,
                 const std::vector<std::string_view>& keys) {
  std::vector<const yaml::entry*> given;
  bool mistyped = false;
  for (const auto& entry : from.entries) {
    if (std::find(keys.begin(), keys.end(), entry.key.text) != keys.end())
      given.push_back(&entry);
    else
      mistyped = mistyped || nearest(entry.key.text, keys).has_value();
  }
  if (given.empty() && !mistyped)
    in.error(from.at, fmt::format("{} needs one of {}", what, fmt::join(keys, ", ")));
  for (size_t i = 1; i < given.size(); ++i)
    in.error(given[i]->key.at, fmt::format("{} has '{}' already; '{}' can't be there as well", what,
                                           given[0]->key.text, given[i]->key.text));
}

void read_host(reader& in, const std::string& name, const node& from, farm_config& out) {
  host_spec host;
  host.name = name;
  in.mapping(titled("host", name), from,
             {{"slots", [&](const node& value) { in.number("slots", value, host.slots); }},
              {"labels", [&](const node& value) { in.map("labels", value, host.labels); }}});
  out.hosts.push_back(std::move(host));
}

void read_source(reader& in, const std::string& name, const node& from, farm_config& out) {
  source_spec source;
  source.name = name;
  auto what = titled("source", name);
  auto location = [&in, &source](std::string_view key, source_kind kind) {
    return field{key, [&in, &source, key, kind](const node& value) {
                   source.kind = kind;
                   in.text(key, value, source.location);
                 }};
  };
  auto branches = [&](const node& value) {
    in.texts("branches", value, "[main, \"release/*\"]", source.branches);
  };
  in.mapping(what, from,
             {location("tarballs", source_kind::tarball),
              location("hg", source_kind::hg),
              location("git", source_kind::git),
              {"match", [&](const node& value) { in.text("match", value, source.match); }},
              {"branches", branches},
              {"every", [&](const node& value) { in.duration("every", value, source.every); }}});
  if (from.what == yaml::kind::mapping || from.empty())
    exactly_one(in, what, from, {"tarballs", "hg", "git"});
  out.sources.push_back(std::move(source));
}

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
    in.error(from.at, fmt::format("on: '{}' is none of: any, each host, each(os, arch)",
                                  printable(written, limits::name_bytes_max)));
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
     {"always", [&](const node& value) { in.yes_no("always", value, step.always); }},
     {"warn_only", [&](const node& value) { in.yes_no("warn_only", value, step.warn_only); }}});
  out.push_back(std::move(step));
}

void read_builder(reader& in, const std::string& name, const node& from, farm_config& out) {
  builder_spec builder;
  builder.name = name;
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
    {{"source", [&](const node& value) { in.text("source", value, builder.source); }},
     {"on", [&](const node& value) { read_placement(in, value, builder.on); }},
     {"requires", [&](const node& value) { in.text("requires", value, builder.requirement); }},
     {"steps", steps, step_example},
     {"artifacts", artifacts},
     {"params", [&](const node& value) { in.map("params", value, builder.params); }}});
  out.builders.push_back(std::move(builder));
}

/// A secret is never in the configuration itself: {file: hook.key}.
void read_secret(reader& in, std::string_view key, const node& from, std::string& out) {
  if (from.what == yaml::kind::scalar) {
    in.error(from.at, fmt::format("{}: name the file that holds it, e.g. {{file: hook.key}}", key));
    return;
  }
  in.mapping(key, from,
             {{"file", [&](const node& value) { in.text("file", value, out); }, "file: hook.key"}});
}

void read_reporter(reader& in, const std::string& name, const node& from, farm_config& out) {
  reporter_spec reporter;
  reporter.name = name;
  auto& settings = reporter.settings;
  auto what = titled("reporter", name);
  auto address = [&in, &reporter](std::string_view key) {
    return field{key, [&in, &reporter, key](const node& value) {
                   reporter.kind = key;
                   in.text(key, value, reporter.address);
                 }};
  };
  auto setting = [&in, &settings](std::string_view key) {
    return field{key, [&in, &settings, key](const node& value) {
                   in.text(key, value, settings[std::string{key}]);
                 }};
  };
  auto secret = [&in, &settings](std::string_view key) {
    return field{key, [&in, &settings, key](const node& value) {
                   read_secret(in, key, value, settings[fmt::format("{}_file", key)]);
                 }};
  };
  in.mapping(
    what, from,
    {address("mail"),
     address("irc"),
     address("webhook"),
     setting("from"),
     {"to", [&](const node& value) { in.texts("to", value, "[dev@example.org]", reporter.to); }},
     setting("nick"),
     {"channels",
      [&](const node& value) { in.texts("channels", value, "[\"#builds\"]", reporter.to); }},
     setting("user"),
     secret("password"),
     secret("secret"),
     {"on", [&](const node& value) { in.texts("on", value, "[problem]", reporter.on); }}});
  if (from.what == yaml::kind::mapping || from.empty())
    exactly_one(in, what, from, {"mail", "irc", "webhook"});
  out.reporters.push_back(std::move(reporter));
}

void read_user(reader& in, const std::string& name, const node& from, farm_config& out) {
  user_spec user;
  user.name = name;
  in.mapping(titled("user", name), from, {{"roles", [&](const node& value) {
                                             in.texts("roles", value, "[viewer]", user.roles);
                                           }}});
  out.users.push_back(std::move(user));
}

void read_limits(reader& in, const node& from, limits_spec& out) {
  auto size = [&in](std::string_view key, uint64_t& into) {
    return field{key, [&in, key, &into](const node& value) { in.size(key, value, into); }};
  };
  in.mapping(
    "limits", from,
    {size("log_per_step", out.log_per_step), size("artifacts_per_build", out.artifacts_per_build)});
}

farm_config read_farm(reader& in, const node& root) {
  farm_config farm;
  farm.farm = "farm";
  using read_one = void (*)(reader&, const std::string&, const node&, farm_config&);
  auto section = [&in, &farm](std::string_view key, read_one read) {
    return field{key, [&in, &farm, key, read](const node& value) {
                   in.named(key, value, [&](const std::string& name, const node& thing) {
                     read(in, name, thing, farm);
                   });
                 }};
  };
  in.mapping("the farm", root,
             {{"farm", [&](const node& value) { in.text("farm", value, farm.farm); }},
              section("hosts", read_host),
              section("sources", read_source),
              section("builders", read_builder),
              section("reporters", read_reporter),
              section("users", read_user),
              {"limits", [&](const node& value) { read_limits(in, value, farm.limits); }}});
  return farm;
}

/// A build with a step in a sandbox waits for a host that has one.
void require_sandboxes(farm_config& farm) {
  for (auto& builder : farm.builders) {
    auto boxed = [](const step_spec& step) { return step.sandbox; };
    if (std::none_of(builder.steps.begin(), builder.steps.end(), boxed))
      continue;
    constexpr std::string_view wanted = "sandbox == 'bubblewrap'";
    builder.requirement = builder.requirement.empty()
                            ? std::string{wanted}
                            : fmt::format("({}) and {}", builder.requirement, wanted);
  }
}

/// Brings errors into the order of the file, each once and in one line, a bounded number of them.
void put_in_order(std::vector<config_error>& errors) {
  std::stable_sort(errors.begin(), errors.end(), [](const auto& left, const auto& right) {
    return std::pair{left.line, left.column} < std::pair{right.line, right.column};
  });
  errors.erase(std::unique(errors.begin(), errors.end()), errors.end());
  if (errors.size() > limits::config_errors_max)
    errors.resize(limits::config_errors_max);
  for (auto& error : errors)
    error.message = printable(error.message, limits::reason_bytes_max);
}

config_report unreadable(std::string message) {
  config_report report;
  report.errors.push_back({0, 0, std::move(message)});
  return report;
}

} // namespace

std::string format(const config_error& error, std::string_view file) {
  auto name = printable(file, limits::value_bytes_max);
  if (error.line == 0)
    return fmt::format("{}: {}", name, error.message);
  return fmt::format("{}:{}:{}: {}", name, error.line, error.column, error.message);
}

config_report check_config(std::string_view text) {
  config_report report;
  auto document = yaml::parse(text);
  report.errors = std::move(document.errors);
  if (!document.root) {
    put_in_order(report.errors);
    return report;
  }
  reader in;
  auto farm = read_farm(in, *document.root);
  auto found = validate(farm, in.where());
  auto append = [&report](const std::vector<config_error>& more) {
    report.errors.insert(report.errors.end(), more.begin(), more.end());
  };
  append(in.errors());
  append(found.errors);
  report.warnings = std::move(found.warnings);
  put_in_order(report.errors);
  put_in_order(report.warnings);
  if (report.errors.empty()) {
    require_sandboxes(farm);
    report.config = std::move(farm);
  }
  return report;
}

std::variant<farm_config, std::vector<config_error>> parse_config(std::string_view text) {
  auto report = check_config(text);
  if (report.config)
    return *std::move(report.config);
  return std::move(report.errors);
}

config_report load_config(const std::string& path) {
  errno = 0;
  std::ifstream file{path, std::ios::binary};
  if (!file)
    return unreadable(fmt::format("can't be opened: {}", std::strerror(errno)));
  // One byte more than allowed, so that a file that is too large is seen as such.
  std::string text(limits::config_bytes_max + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad() || (file.fail() && !file.eof()))
    return unreadable(fmt::format("can't be read: {}", std::strerror(errno)));
  text.resize(static_cast<size_t>(file.gcount()));
  return check_config(text);
}

} // namespace drover
