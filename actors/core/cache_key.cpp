// SPDX-License-Identifier: Apache-2.0
#include "actors/core/cache_key.hpp"

#include "actors/core/explain/words.hpp"
#include "actors/core/liveness.hpp"
#include "schema/limits.hpp"
#include "schema/limits_cache.hpp"
#include "schema/names.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace drover::core {

namespace {

/// Raised when the meaning of a part or the form of what is kept changes: old entries fit no more.
constexpr std::string_view format_version = "1";

/// Of the agent's own environment: what changes what programs find and print. HOME, USER and the
/// like name the host's user and are no part of a result.
constexpr std::array inherited = {"PATH", "LANG", "LC_ALL", "TZ"};

/// Variables of the farm that count where the command names them; others (the build's number, the
/// workspace's path, the cores of a slot) differ from run to run and never count.
constexpr std::array farm_variables = {"DROVER_BUILDER", "DROVER_HOST", "DROVER_REVISION",
                                       "DROVER_SOURCE", "DROVER_STEP"};

std::string part(std::string_view kind, std::string_view name) {
  return std::string{kind} + printable(name, limits::value_bytes_max / 4);
}

std::string listed(const std::vector<std::string>& texts) {
  std::string out;
  for (const auto& text : texts)
    out += std::to_string(text.size()) + ":" + text + ",";
  return out;
}

/// "$NAME" or "${NAME", and not the beginning of a longer name.
bool mentions(const std::string& script, const std::string& variable) {
  for (auto at = script.find(variable); at != std::string::npos;
       at = script.find(variable, at + 1)) {
    bool referred = at > 0 && (script[at - 1] == '$' || script[at - 1] == '{');
    auto next = at + variable.size();
    bool whole =
      next == script.size()
      || (script[next] != '_' && !std::isalnum(static_cast<unsigned char>(script[next])));
    if (referred && whole)
      return true;
  }
  return false;
}

std::string farm_value(const assignment& work, std::string_view name, const host_facts& facts) {
  if (name == "DROVER_BUILDER")
    return work.builder;
  if (name == "DROVER_STEP")
    return work.step.name;
  if (name == "DROVER_SOURCE")
    return work.source.id;
  if (name == "DROVER_REVISION")
    return work.source.revision;
  auto host = facts.find("hostname");
  return host == facts.end() ? std::string{} : host->second;
}

std::string shown(const std::string& value) {
  return value.empty() ? "not there" : in_quotes(printable(value, limits::cache_value_told_bytes));
}

/// How many files a value says there are; nothing if it is no such value.
std::string file_count(const std::string& value) {
  auto colon = value.find(':');
  return colon == std::string::npos ? std::string{} : value.substr(colon + 1);
}

std::string files_differ(const std::string& what, const std::string* was, const std::string* is) {
  auto now = is == nullptr ? std::string{} : file_count(*is);
  auto then = was == nullptr ? std::string{} : file_count(*was);
  if (now.empty() || then.empty())
    return what + " is not in both";
  auto files = now + (now == "1" ? " file" : " files");
  return what + " changed (" + files + (now == then ? ")" : ", then " + then + ")");
}

/// One part that differs, in words.
std::string differs(const std::string& name, const std::string* was, const std::string* is) {
  auto after = [&](std::string_view kind) { return name.substr(kind.size()); };
  if (name.starts_with(cache_part::fact))
    return after(cache_part::fact) + " is " + (is == nullptr ? "not asked for" : shown(*is))
           + (was == nullptr ? ", which did not count then"
                             : ", the kept result is for " + shown(*was));
  if (name.starts_with(cache_part::input))
    return files_differ("input " + after(cache_part::input), was, is);
  if (name == cache_part::workspace)
    return files_differ("the workspace", was, is);
  if (name == cache_part::artifacts)
    return "what earlier steps left in $DROVER_OUT changed";
  if (name.starts_with(cache_part::variable))
    return "variable " + after(cache_part::variable)
           + (is == nullptr    ? " is not set any more"
              : was == nullptr ? " is new"
                               : " changed");
  if (name == cache_part::surroundings)
    return "its sandbox or terminal changed";
  if (name == cache_part::format)
    return "it was kept by another version of the farm";
  return "its " + name + " changed";
}

/// "1 h 3 min", "3 min 5 s", "4.2 s".
std::string saved_span(int64_t ms) {
  auto minutes = ms / 60'000;
  if (minutes >= 60)
    return std::to_string(minutes / 60) + " h " + std::to_string(minutes % 60) + " min";
  if (minutes > 0)
    return std::to_string(minutes) + " min " + std::to_string(ms % 60'000 / 1000) + " s";
  return spoken(milliseconds{ms});
}

template <class Visit>
void each_difference(const string_map& kept, const string_map& wanted, const Visit& visit) {
  auto find = [](const string_map& in, const std::string& name) {
    auto found = in.find(name);
    return found == in.end() ? nullptr : &found->second;
  };
  for (const auto& [name, value] : wanted)
    if (const auto* was = find(kept, name); was == nullptr || *was != value)
      visit(name, was, &value);
  for (const auto& [name, value] : kept)
    if (!wanted.contains(name))
      visit(name, &value, static_cast<const std::string*>(nullptr));
}

} // namespace

const std::vector<std::string>& cache_system_facts() {
  static const std::vector<std::string> names{"arch", "distro", "libc", "os"};
  return names;
}

string_map cache_parts(const assignment& work, const string_map& base_env, const host_facts& facts,
                       const text_digest& digest) {
  const auto& step = work.step;
  string_map parts;
  parts[std::string{cache_part::format}] = format_version;
  parts[std::string{cache_part::command}] = digest(step.run);
  parts[std::string{cache_part::outputs}] = digest(listed(step.cache.outputs));
  parts[std::string{cache_part::surroundings}] =
    std::string{step.sandbox ? "sandbox" : "open"} + (step.pty ? ", terminal" : "");
  auto add_fact = [&](const std::string& name) {
    auto found = facts.find(name);
    parts[part(cache_part::fact, name)] = found == facts.end() ? std::string{} : found->second;
  };
  for (const auto& name : cache_system_facts())
    add_fact(name);
  for (const auto& name : step.cache.facts)
    add_fact(name);
  for (const char* name : inherited)
    if (auto found = base_env.find(name); found != base_env.end())
      parts[part(cache_part::variable, name)] = digest(found->second);
  for (const auto& [name, value] : step.env)
    parts[part(cache_part::variable, name)] = digest(value);
  for (const char* name : farm_variables)
    if (mentions(step.run, name))
      parts[part(cache_part::variable, name)] = digest(farm_value(work, name, facts));
  return parts;
}

void overlay_labels(string_map& parts, const string_map& labels) {
  for (const auto& [name, value] : labels)
    if (auto found = parts.find(part(cache_part::fact, name)); found != parts.end())
      found->second = value;
}

std::string cache_text(const string_map& parts) {
  std::string out;
  for (const auto& [name, value] : parts) {
    for (const auto* text : {&name, &value})
      out += std::to_string(text->size()) + ":" + *text + "\n";
  }
  return out;
}

std::string files_value(const std::string& digest, uint64_t files) {
  return digest + ":" + std::to_string(files);
}

size_t cache_distance(const string_map& kept, const string_map& wanted) {
  size_t count = 0;
  each_difference(kept, wanted,
                  [&](const std::string&, const std::string*, const std::string*) { ++count; });
  return count;
}

std::string cache_difference(const string_map& kept, const string_map& wanted) {
  std::vector<std::string> told;
  size_t more = 0;
  auto tell = [&](const std::string& name, const std::string* was, const std::string* is) {
    if (told.size() < limits::cache_differences_told)
      told.push_back(differs(name, was, is));
    else
      ++more;
  };
  each_difference(kept, wanted, tell);
  if (more > 0)
    told.push_back(std::to_string(more) + " more");
  return joined(told, "; ");
}

const cache_record& nearest_entry(const std::vector<cache_record>& kept, const string_map& wanted) {
  return *std::min_element(kept.begin(), kept.end(), [&](const auto& a, const auto& b) {
    auto left = cache_distance(a.parts, wanted), right = cache_distance(b.parts, wanted);
    return left != right ? left < right : a.made_at > b.made_at;
  });
}

std::string hit_note(const cache_record& entry) {
  auto note = "from build " + to_string(entry.build) + " on " + entry.host.value + ", "
              + moment(entry.made_at);
  if (entry.took_ms > 0)
    note += ", saved " + saved_span(entry.took_ms);
  return note;
}

std::string miss_note(const std::vector<cache_record>& kept, const string_map& wanted) {
  if (kept.empty())
    return "ran because no result of this step is kept";
  const auto& nearest = nearest_entry(kept, wanted);
  return "ran because " + cache_difference(nearest.parts, wanted) + " (compared with build "
         + to_string(nearest.build) + ")";
}

} // namespace drover::core
