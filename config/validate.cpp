// SPDX-License-Identifier: Apache-2.0
#include "config/validate.hpp"

#include "config/forms.hpp"
#include "config/requirement_check.hpp"
#include "config/source_check.hpp"
#include "config/user_check.hpp"
#include "config/values.hpp"
#include "schema/limits.hpp"
#include "schema/limits_healing.hpp"
#include "schema/names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace drover {
namespace {
constexpr size_t shown_bytes_max = 60; // of a value in a message
std::string shown(std::string_view text) {
  return printable(text, shown_bytes_max);
}
const std::vector<std::string_view> report_events{"problem", "recovery", "finished", "quarantined",
                                                  "host_back"};
constexpr std::string_view authors_word = "authors"; // among addresses: who may have broken it

/// One run over one configuration.
class checks {
public:
  checks(const farm_config& farm, const places& where)
      : farm_{farm}, where_{where}, labels_{farm.hosts} {}

  findings run() {
    collect_names();
    name("farm", farm_.farm, "farm");
    count("hosts", farm_.hosts.size(), limits::hosts_max);
    for (const auto& host : farm_.hosts)
      check(host);
    for (const auto& source : farm_.sources)
      check(source);
    for (const auto& builder : farm_.builders)
      check(builder);
    for (const auto& reporter : farm_.reporters)
      check(reporter);
    for (const auto& user : farm_.users)
      check(user);
    if (farm_.limits.log_per_step > limits::log_bytes_max)
      error("limits/log_per_step",
            fmt::format("log_per_step: at most {}GiB are allowed", limits::log_bytes_max >> 30));
    return std::move(found_);
  }

private:
  void collect_names() {
    for (const auto& source : farm_.sources)
      sources_.push_back(source.name);
  }

  void check(const host_spec& host) {
    auto path = "hosts/" + host.name;
    name("host", host.name, path + "#");
    if (host.slots == 0 || host.slots > limits::slots_max)
      error(path + "/slots", fmt::format("slots: {} is out of range; 1 to {} are allowed",
                                         host.slots, limits::slots_max));
    for (const auto& [label, value] : host.labels)
      name("label", label, path + "/labels/" + label + "#");
    check_commands(host, path);
  }

  void check_commands(const host_spec& host, const std::string& path) {
    const auto& restart = host.restart;
    const std::pair<const char*, const std::string*> commands[] = {
      {"restart/agent", &restart.agent},
      {"restart/reboot", &restart.reboot},
      {"restart/power", &restart.power},
      {"start", &host.start_command},
      {"stop", &host.stop_command}};
    for (const auto& [key, command] : commands) {
      auto last = std::string_view{key};
      last = last.substr(last.find('/') + 1);
      if (auto place = path + "/" + key; at_exactly(place) && blank(*command))
        error(place, fmt::format("{}: is empty; write a command, e.g. \"ssh {} systemctl restart "
                                 "drover-host\", or leave it out",
                                 last, shown(host.name)));
    }
    auto times = path + "/restart/times";
    if (at_exactly(times) && (restart.times == 0 || restart.times > limits::ladder_times_max))
      error(times, fmt::format("times: {} is out of range; 1 to {} are allowed", restart.times,
                               limits::ladder_times_max));
    if (restart.within > limits::ladder_within_max)
      error(path + "/restart/within", "within: is too long; 30d at most");
    if (!host.stop_command.empty() && host.start_command.empty())
      error(path + "/stop", "stop: the host has no start; a host that is stopped must be started");
  }

  static bool blank(std::string_view text) {
    return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
  }

  void check(const source_spec& source) {
    auto path = "sources/" + source.name;
    name("source", source.name, path + "#");
    bool tarballs = source.kind == source_kind::tarball;
    auto key = tarballs ? "tarballs" : std::string{to_string(source.kind)};
    for (const auto& wrong : check_times(source, farm_))
      found_.errors.push_back(placed(wrong, at(path + wrong.key)));
    if (source.kind == source_kind::none || source.kind == source_kind::timer)
      return;
    if (bad_location(source.location))
      error(path + "/" + key,
            fmt::format("{}: '{}' is neither a folder nor a URL", key, shown(source.location)));
    if (tarballs && !source.branches.empty())
      error(path + "/branches#", "branches: only sources of hg and git have branches");
    if (!tarballs && !source.match.empty())
      error(path + "/match#", "match: only sources of tarballs have names to match");
    if (source.match.find('/') != std::string::npos)
      error(path + "/match", "match: is compared with file names, so it can't have '/'");
    for (size_t i = 0; i < source.branches.size(); ++i)
      if (bad_location(source.branches[i]))
        error(fmt::format("{}/branches/{}", path, i),
              fmt::format("branches: '{}' is no name of a branch", shown(source.branches[i])));
  }

  void check(const builder_spec& builder) {
    auto path = "builders/" + builder.name;
    name("builder", builder.name, path + "#");
    if (!builder.source.empty())
      known("source", builder.source, sources_, path + "/source/0");
    for (size_t i = 0; i < builder.more_sources.size(); ++i)
      known("source", builder.more_sources[i], sources_, fmt::format("{}/source/{}", path, i + 1));
    for (const auto& key : builder.on.class_keys) {
      name("class key", key, path + "/on");
      unless_known(key, path + "/on");
    }
    check_requirement(builder.requirement, path + "/requires");
    count(path + "/steps", builder.steps.size(), limits::steps_max);
    std::set<std::string_view> seen;
    for (size_t i = 0; i < builder.steps.size(); ++i) {
      auto step_path = fmt::format("{}/steps/{}", path, i);
      check_step(builder.steps[i], step_path);
      if (!builder.steps[i].name.empty() && !seen.insert(builder.steps[i].name).second)
        error(step_path + "/name", fmt::format("name: the builder has a step '{}' already",
                                               shown(builder.steps[i].name)));
    }
    globs("artifacts", builder.artifacts, path + "/artifacts");
    for (const auto& param : builder.params)
      name("parameter", param.name, path + "/params/" + param.name + "#");
  }

  void check_step(const step_spec& step, const std::string& path) {
    if (at_exactly(path + "/name"))
      name("step", step.name, path + "/name");
    if (at_exactly(path + "/run") && blank(step.run))
      error(path + "/run", "run: is empty; write what the shell shall do, e.g. \"make check\"");
    for (const auto& [key, value] : step.env) {
      if (!env_name_ok(key))
        error(path + "/env/" + key + "#",
              fmt::format("env: '{}' is no name of a variable; use letters, digits and '_'",
                          shown(key)));
      else if (key == "DROVER" || key.rfind("DROVER_", 0) == 0)
        error(path + "/env/" + key + "#",
              fmt::format("env: '{}' is set by the farm and can't be set here", shown(key)));
    }
    if (step.tests != std::vector<std::string>{"auto"})
      globs("tests", step.tests, path + "/tests");
    check_limits(step.limits, path + "/limits");
    globs("inputs", step.cache.inputs, path + "/cache/inputs");
    globs("outputs", step.cache.outputs, path + "/cache/outputs");
    for (size_t i = 0; i < step.cache.facts.size(); ++i)
      name("fact", step.cache.facts[i], fmt::format("{}/cache/facts/{}", path, i));
    if (step.silence > step.timeout && step.timeout.count() > 0)
      warn(path + "/silence", "silence: is longer than the timeout, so it never comes to bear");
  }

  void check_limits(const step_limits& given, const std::string& path) {
    auto within = [&](const char* key, uint64_t value, uint64_t least, uint64_t most) {
      // 0 is the default, and what a text that could not be read has left.
      if (value != 0 && (value < least || value > most))
        error(path + "/" + key,
              fmt::format("{}: {} is out of range; {} to {} are allowed", key, value, least, most));
    };
    within("memory", given.memory, limits::step_memory_min, limits::step_memory_max);
    within("pids", given.pids, limits::step_pids_min, limits::step_pids_max);
    within("cpu", given.cpus, 1, limits::step_cpus_max);
    within("log", given.log, 1, limits::log_bytes_max);
    within("disk", given.disk, 1, limits::step_disk_max);
    within("files", given.files, limits::step_files_min, limits::step_files_max);
  }

  void check_requirement(const std::string& text, const std::string& path) {
    // Looking for what was meant takes long; where hundreds are wrong, the first ones do.
    bool enough = found_.warnings.size() >= limits::config_errors_max;
    auto found =
      drover::check_requirement(text, labels_, enough ? look_for::errors : look_for::warnings_too);
    for (const auto& wrong : found.errors)
      found_.errors.push_back(in_text(wrong, text, path, "requires: "));
    for (const auto& doubt : found.warnings)
      found_.warnings.push_back(in_text(doubt, text, path, ""));
  }

  /// What was found within a text of the file, at its character there if the file has it unchanged.
  config_error in_text(const requirement_error& what, std::string_view text,
                       const std::string& path, std::string_view title) const {
    auto here = at(path);
    auto before = characters(text.substr(0, what.position));
    if (here.text_column)
      return {here.line, *here.text_column + before, fmt::format("{}{}", title, what.message),
              here.file};
    return {here.line, here.column,
            fmt::format("{}{} (at character {} of the text)", title, what.message, before + 1),
            here.file};
  }

  void check(const reporter_spec& reporter) {
    auto path = "reporters/" + reporter.name;
    name("reporter", reporter.name, path + "#");
    for (size_t i = 0; i < reporter.on.size(); ++i)
      known("event", reporter.on[i], report_events, fmt::format("{}/on/{}", path, i));
    globs("builders", reporter.builders, path + "/builders");
    auto url = reporter.settings.find("url");
    if (url != reporter.settings.end() && !address_ok(url->second, {"http", "https"}))
      error(path + "/url", fmt::format("url: '{}' is no address of pages; write e.g. "
                                       "https://farm.example.org",
                                       shown(url->second)));
    if (reporter.kind == "mail")
      check_mail(reporter, path);
    else if (reporter.kind == "irc")
      check_irc(reporter, path);
    else if (reporter.kind == "webhook")
      check_webhook(reporter, path);
    for (const auto* key : {"password", "secret"}) {
      auto file = reporter.settings.find(std::string{key} + "_file");
      auto there = path + "/" + key + "/file";
      if (file != reporter.settings.end() && at_exactly(there) && bad_location(file->second))
        error(there, fmt::format("file: '{}' is no name of a file", shown(file->second)));
    }
  }

  void check_mail(const reporter_spec& reporter, const std::string& path) {
    address(reporter, path, {"smtp", "smtps"}, "smtp://mail.example.org:25");
    allowed(reporter, path, {"from", "user", "password", "ca", "to"});
    auto from = reporter.settings.find("from");
    if (from != reporter.settings.end() && !mail_address_ok(from->second))
      error(path + "/from", fmt::format("from: '{}' is no mail address", shown(from->second)));
    if (reporter.to.empty())
      error(path, "to: is empty; name those who get the mail, e.g. [dev@example.org]");
    for (size_t i = 0; i < reporter.to.size(); ++i)
      if (reporter.to[i] != authors_word && !mail_address_ok(reporter.to[i]))
        error(fmt::format("{}/to/{}", path, i),
              fmt::format("to: '{}' is no mail address", shown(reporter.to[i])));
  }

  void check_irc(const reporter_spec& reporter, const std::string& path) {
    address(reporter, path, {"irc", "ircs"}, "ircs://irc.example.org:6697");
    allowed(reporter, path, {"nick", "user", "password", "nickserv", "ca", "channels"});
    check_irc_account(reporter, path);
    auto nick = reporter.settings.find("nick");
    if (nick != reporter.settings.end() && !nick_ok(nick->second))
      error(path + "/nick", fmt::format("nick: '{}' is no nick name", shown(nick->second)));
    if (reporter.to.empty())
      error(path, "channels: is empty; name where to speak, e.g. [\"#builds\"]");
    for (size_t i = 0; i < reporter.to.size(); ++i)
      if (!channel_ok(reporter.to[i]))
        error(fmt::format("{}/channels/{}", path, i),
              fmt::format("channels: '{}' is no channel; write e.g. \"#builds\"",
                          shown(reporter.to[i])));
  }

  /// The account that the bot itself signs in with, and what its server is trusted by.
  void check_irc_account(const reporter_spec& reporter, const std::string& path) {
    const auto& settings = reporter.settings;
    bool has_password = settings.count("password_file") > 0;
    bool in_the_clear = reporter.address.rfind("irc://", 0) == 0;
    if (has_password && in_the_clear)
      error(path + "/password#",
            "password: would cross the network in the clear; use ircs:// for the address");
    if (settings.count("ca") > 0 && in_the_clear)
      error(path + "/ca#", "ca: only ircs:// has certificates to be verified");
    if (settings.count("user") > 0 && !has_password)
      error(path, "user: an account has a password; name the file that holds it");
    auto service = settings.find("nickserv");
    if (service != settings.end() && !nick_ok(service->second))
      error(path + "/nickserv",
            fmt::format("nickserv: '{}' is no nick name", shown(service->second)));
    if (service != settings.end() && settings.count("user") == 0)
      error(path + "/nickserv#", "nickserv: is of use with user and password only");
  }

  void check_webhook(const reporter_spec& reporter, const std::string& path) {
    address(reporter, path, {"http", "https"}, "https://example.org/hook");
    allowed(reporter, path, {"secret", "ca"});
  }

  void check(const user_spec& user) {
    name("user", user.name, "users/" + user.name + "#");
    for (auto& each : user_mistakes(user, farm_, [this](auto& key) { return at_exactly(key); }))
      each.is_doubt ? warn(each.path, each.text) : error(each.path, each.text);
  }

  void address(const reporter_spec& reporter, const std::string& path,
               const std::vector<std::string_view>& schemes, std::string_view example) {
    if (!address_ok(reporter.address, schemes))
      error(path + "/" + reporter.kind,
            fmt::format("{}: '{}' is no address; write e.g. {}", reporter.kind,
                        shown(reporter.address), example));
  }

  /// Complains of settings that another kind of reporter has.
  void allowed(const reporter_spec& reporter, const std::string& path,
               const std::vector<std::string_view>& keys) {
    for (const auto* key :
         {"from", "to", "nick", "channels", "user", "password", "nickserv", "ca", "secret"})
      if (at_exactly(path + "/" + key) && std::find(keys.begin(), keys.end(), key) == keys.end())
        error(path + "/" + key + "#",
              fmt::format("{}: a reporter by {} has no such setting; it has {}", key, reporter.kind,
                          fmt::join(keys, ", ")));
  }

  void globs(std::string_view key, const std::vector<std::string>& all, const std::string& path) {
    for (size_t i = 0; i < all.size(); ++i) {
      auto item = fmt::format("{}/{}", path, i);
      if (auto problem = glob_problem(all[i]); !problem.empty())
        error(at_exactly(item) ? item : path, fmt::format("{}: {}", key, problem));
    }
  }

  void name(std::string_view what, std::string_view written, const std::string& path) {
    if (auto problem = name_problem(what, written))
      error(path, std::move(*problem));
  }

  void known(std::string_view what, std::string_view word, const std::vector<std::string_view>& all,
             const std::string& path) {
    if (std::find(all.begin(), all.end(), word) != all.end())
      return;
    // Comparing every wrong word with every right one takes too long where thousands are wrong.
    auto near =
      found_.errors.size() < limits::config_errors_max ? nearest(word, all) : std::nullopt;
    error(path,
          near
            ? fmt::format("{} '{}' is not known (did you mean '{}'?)", what, shown(word), *near)
            : fmt::format("{} '{}' is not known; there {}", what, shown(word),
                          all.empty() ? "is none" : fmt::format("are: {}", fmt::join(all, ", "))));
  }

  /// Warns of a class key that no host is known to have.
  void unless_known(std::string_view trait, const std::string& path) {
    if (found_.warnings.size() >= limits::config_errors_max)
      return;
    auto doubt = unknown_trait(trait, labels_);
    auto here = at(path);
    if (!doubt.empty())
      found_.warnings.push_back(
        {here.line, here.text_column.value_or(here.column), std::move(doubt), here.file});
  }

  void count(const std::string& path, size_t there, size_t allowed_max) {
    if (there > allowed_max)
      error(path, fmt::format("{} are too many, at most {} are allowed", there, allowed_max));
  }

  bool at_exactly(const std::string& path) const { return where_.count(path) > 0; }

  /// The place of `path`, or of the nearest thing around it that has one.
  place at(std::string path) const {
    while (true) {
      if (auto found = where_.find(path); found != where_.end())
        return found->second;
      auto slash = path.rfind('/');
      if (slash == std::string::npos)
        return {};
      path.resize(slash);
    }
  }

  void error(const std::string& path, std::string message) {
    auto here = at(path);
    found_.errors.push_back({here.line, here.column, std::move(message), here.file});
  }

  void warn(const std::string& path, std::string message) {
    auto here = at(path);
    found_.warnings.push_back({here.line, here.column, std::move(message), here.file});
  }

  const farm_config& farm_;
  const places& where_;
  const label_view labels_;
  std::vector<std::string_view> sources_;
  findings found_;
};

} // namespace

findings validate(const farm_config& config, const places& where) {
  return checks{config, where}.run();
}

} // namespace drover
