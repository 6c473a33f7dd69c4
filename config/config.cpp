// SPDX-License-Identifier: Apache-2.0
#include "config/config.hpp"

#include "config/disk_files.hpp"
#include "config/read_builder.hpp"
#include "config/reader.hpp"
#include "config/validate.hpp"
#include "schema/limits.hpp"
#include "schema/names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace drover {
namespace {

using yaml::node;

/// Stands for the file where there is only a text.
constexpr std::string_view only_text = "farm.yaml";

/// Commands that bring a host back, the mildest first.
void read_restart(reader& in, const node& from, restart_commands& out) {
  auto command = [&in](std::string_view key, std::string& into) {
    return field{key, [&in, key, &into](const node& value) { in.text(key, value, into); }};
  };
  in.mapping("restart", from,
             {command("agent", out.agent),
              command("reboot", out.reboot),
              command("power", out.power),
              {"times", [&](const node& value) { in.number("times", value, out.times); }},
              {"within", [&](const node& value) { in.duration("within", value, out.within); }}});
}

/// Of a machine where no agent can run.
void read_via(reader& in, const node& from, std::string& out) {
  in.text("via", from, out);
  constexpr std::string_view scheme = "ssh://";
  auto at = out.find('@');
  if (out.empty()
      || (out.starts_with(scheme) && at != std::string::npos && at > scheme.size()
          && out.find('/', at) < out.size() - 1))
    return;
  in.error(from.at, "via: '" + printable(out, limits::value_bytes_max)
                      + "' is no address of a machine; write ssh://USER@HOST[:PORT]/PATH");
}

void read_host(reader& in, const std::string& name, const node& from, farm_config& out) {
  host_spec host;
  host.name = name;
  std::string via;
  in.mapping(titled("host", name), from,
             {{"slots", [&](const node& value) { in.number("slots", value, host.slots); }},
              {"labels", [&](const node& value) { in.map("labels", value, host.labels); }},
              {"restart", [&](const node& value) { read_restart(in, value, host.restart); }},
              {"start", [&](const node& value) { in.text("start", value, host.start_command); }},
              {"stop", [&](const node& value) { in.text("stop", value, host.stop_command); }},
              {"via", [&](const node& value) { read_via(in, value, via); }},
              {"idle", [&](const node& value) { in.duration("idle", value, host.idle); }}});
  if (!via.empty()) // shown, and asked for, as labels are
    host.labels["via"] = via;
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
              {"every", [&](const node& value) { in.duration("every", value, source.every); }},
              {"cron",
               [&](const node& value) {
                 source.kind = source_kind::timer;
                 in.text("cron", value, source.cron);
               }},
              {"zone", [&](const node& value) { in.text("zone", value, source.zone); }},
              {"of", [&](const node& value) { in.text("of", value, source.of); }},
              {"only_changed",
               [&](const node& value) { in.yes_no("only_changed", value, source.only_changed); }}});
  if (from.what == yaml::kind::mapping || from.empty())
    in.exactly_one(what, from, {"tarballs", "hg", "git", "cron"});
  out.sources.push_back(std::move(source));
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
     setting("nickserv"),
     setting("ca"),
     secret("secret"),
     setting("url"),
     {"builders",
      [&](const node& value) { in.texts("builders", value, "[check]", reporter.builders); }},
     {"on", [&](const node& value) { in.texts("on", value, "[problem]", reporter.on); }}});
  if (from.what == yaml::kind::mapping || from.empty())
    in.exactly_one(what, from, {"mail", "irc", "webhook"});
  out.reporters.push_back(std::move(reporter));
}

void read_user(reader& in, const std::string& name, const node& from, farm_config& out) {
  user_spec user;
  user.name = name;
  in.mapping(
    titled("user", name), from,
    {{"roles", [&](const node& value) { in.texts("roles", value, "[force]", user.roles); }},
     {"builders",
      [&](const node& value) {
        in.texts("builders", value, "[check, \"release-*\"]", user.builders);
      }},
     {"mail", [&](const node& value) { in.text("mail", value, user.mail); }},
     {"irc", [&](const node& value) { in.text("irc", value, user.irc); }}});
  out.users.push_back(std::move(user));
}

void read_limits(reader& in, const node& from, limits_spec& out) {
  auto size = [&in](std::string_view key, uint64_t& into) {
    return field{key, [&in, key, &into](const node& value) { in.size(key, value, into); }};
  };
  in.mapping(
    "limits", from,
    {size("log_per_step", out.log_per_step),
     size("artifacts_per_build", out.artifacts_per_build),
     {"artifacts",
      [&](const node& value) { read_retention(in, "artifacts", value, out.artifacts); }},
     {"retire_after", [&](const node& value) { read_retire_after(in, value, out.retire_after); }}});
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
              {"limits", [&](const node& value) { read_limits(in, value, farm.limits); }},
              {"include", [](const node&) {}}}); // has been followed
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

/// Brings errors into the order of the files, each once, in one line and with its file's name, a
/// bounded number of them.
void put_in_order(std::vector<config_error>& errors, const std::vector<std::string>& names) {
  std::stable_sort(errors.begin(), errors.end(), [](const auto& left, const auto& right) {
    return std::tie(left.file_number, left.line, left.column)
           < std::tie(right.file_number, right.line, right.column);
  });
  errors.erase(std::unique(errors.begin(), errors.end()), errors.end());
  if (errors.size() > limits::config_errors_max)
    errors.resize(limits::config_errors_max);
  for (auto& error : errors) {
    error.message = printable(error.message, limits::reason_bytes_max);
    if (error.file_number > 0)
      error.file = names.at(error.file_number);
  }
}

} // namespace

std::string file_of(const config_error& error, std::string_view main) {
  if (error.file.empty())
    return std::string{main};
  return std::string{main.substr(0, main.rfind('/') + 1)} + error.file; // npos + 1 is 0
}

std::string format(const config_error& error, std::string_view main) {
  auto name = printable(file_of(error, main), limits::value_bytes_max);
  if (error.line == 0)
    return fmt::format("{}: {}", name, error.message);
  return fmt::format("{}:{}:{}: {}", name, error.line, error.column, error.message);
}

config_report check_config(const std::string& main, const config_files& from) {
  config_report report;
  auto all = gather(main, from);
  report.errors = std::move(all.errors);
  report.warnings = std::move(all.warnings);
  report.files = std::move(all.texts);
  report.names = std::move(all.names);
  if (!all.root) {
    put_in_order(report.errors, report.names);
    return report;
  }
  reader in;
  auto farm = read_farm(in, *all.root);
  auto found = validate(farm, in.where());
  auto append = [](const std::vector<config_error>& more, std::vector<config_error>& to) {
    to.insert(to.end(), more.begin(), more.end());
  };
  append(in.errors(), report.errors);
  append(found.errors, report.errors);
  append(found.warnings, report.warnings);
  put_in_order(report.errors, report.names);
  put_in_order(report.warnings, report.names);
  if (report.errors.empty()) {
    require_sandboxes(farm);
    report.config = std::move(farm);
    report.where = in.where();
  }
  return report;
}

config_report check_config(std::string_view text) {
  config_files nothing_else;
  nothing_else.read = [text](const std::string& path) -> expected<std::string> {
    if (path == only_text)
      return std::string{text};
    return failure{ec::not_found, "is not there: this is a text without a folder"};
  };
  nothing_else.list = [](const std::string&) -> expected<std::vector<std::string>> {
    return std::vector<std::string>{};
  };
  return check_config(std::string{only_text}, nothing_else);
}

std::variant<farm_config, std::vector<config_error>> parse_config(std::string_view text) {
  auto report = check_config(text);
  if (report.config)
    return *std::move(report.config);
  return std::move(report.errors);
}

config_report load_config(const std::string& path) {
  auto slash = path.rfind('/') + 1; // npos + 1 is 0
  auto main = path.substr(slash);
  return check_config(main, disk_files(path.substr(0, slash), main));
}

} // namespace drover
