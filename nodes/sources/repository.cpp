// SPDX-License-Identifier: Apache-2.0
#include "nodes/sources/repository.hpp"

#include "schema/limits_sources.hpp"
#include "schema/names.hpp"

#include <algorithm>
#include <filesystem>

namespace drover::sources {

namespace {

namespace fs = std::filesystem;

constexpr size_t shown_bytes_max = 200; // of a name in a message

failure at(const source_spec& source, const failure& why) {
  return {why.code, source.location + ": " + why.text};
}

std::string top_folder(const source_spec& source, const std::string& revision) {
  constexpr size_t short_revision = 12;
  return source.name + "-" + revision.substr(0, short_revision);
}

std::string shown(const std::string& name) {
  return "'" + printable(name, shown_bytes_max) + "'";
}

failure unknown(const source_spec& source, const std::string& name) {
  return {ec::not_found,
          "source " + source.name + " has no branch, tag or revision " + shown(name)};
}

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

std::vector<std::string> lines_of(const expected<std::string>& printed) {
  std::vector<std::string> lines;
  if (printed)
    for (auto& line : split(*printed, '\n'))
      if (!line.empty())
        lines.push_back(std::move(line));
  return lines;
}

using runner = std::function<expected<std::string>(std::vector<std::string> arguments)>;

/// A name that is a branch and a tag at once, and not of the same revision.
std::optional<failure> two_meanings(const runner& git, const std::string& mirror,
                                    const std::string& name) {
  auto revisions = lines_of(git({"-C", mirror, "rev-parse", "--verify", "--quiet",
                                 "--end-of-options", "refs/heads/" + name + "^{commit}"}));
  auto tagged = lines_of(git({"-C", mirror, "rev-parse", "--verify", "--quiet", "--end-of-options",
                              "refs/tags/" + name + "^{commit}"}));
  if (revisions.empty() || tagged.empty() || revisions == tagged)
    return std::nullopt;
  return failure{ec::conflict,
                 shown(name) + " is a branch and a tag; write heads/" + name + " or tags/" + name};
}

/// Revisions that begin with these digits; empty where they can't be digits of one.
std::vector<std::string> beginning_with(const runner& git, const std::string& mirror,
                                        const std::string& digits) {
  constexpr size_t digits_min = 4; // as git has it
  if (digits.size() < digits_min
      || digits.find_first_not_of("0123456789abcdef") != std::string::npos)
    return {};
  return lines_of(git({"-C", mirror, "rev-parse", "--disambiguate=" + digits}));
}

expected<std::string> resolve_git(const runner& git, const source_spec& source,
                                  const std::string& mirror, const std::string& name) {
  if (auto twice = two_meanings(git, mirror, name))
    return *twice;
  auto found =
    git({"-C", mirror, "rev-parse", "--verify", "--quiet", "--end-of-options", name + "^{commit}"});
  if (found && is_revision(first_line(*found)))
    return first_line(*found);
  auto several = beginning_with(git, mirror, name);
  if (several.size() < 2)
    return unknown(source, name);
  return failure{ec::conflict, shown(name) + " is the beginning of "
                                 + std::to_string(several.size()) + " objects, among them "
                                 + several[0] + " and " + several[1]};
}

repository open_git(const source_spec& source, const std::string& folder,
                    const stop_flag& stopping) {
  auto mirror = folder + "/" + source.name + ".git";
  runner git = [&stopping](std::vector<std::string> arguments) {
    // A mirror of one's own folder may belong to somebody else; its address is the admin's word.
    arguments.insert(arguments.begin(), {"git", "-c", "safe.directory=*", "-c", "gc.auto=0"});
    return run({std::move(arguments), {}, {}}, stopping);
  };
  repository with;
  with.update = [=]() -> std::optional<failure> {
    auto known = git({"-C", mirror, "config", "--get", "remote.origin.url"});
    if (!known || *known != source.location + "\n") {
      std::error_code error;
      fs::remove_all(mirror, error);
      auto made = git({"clone", "--quiet", "--mirror", "--", source.location, mirror});
      if (!made)
        return at(source, made.error());
      return std::nullopt;
    }
    auto fetched = git({"-C", mirror, "fetch", "--quiet", "--prune", "origin"});
    if (!fetched)
      return at(source, fetched.error());
    return std::nullopt;
  };
  with.heads = [=] {
    return git({"-C", mirror, "for-each-ref", "--sort=committerdate",
                "--format=%(refname:lstrip=2)%00%(objectname)%00%(authorname) %(authoremail)%00"
                "%(committerdate:unix)%00%(contents:subject)",
                "refs/heads"});
  };
  with.since = [=](const std::string& head, const std::string& before) {
    return git({"-C", mirror, "log", "--format=%H%x00%an <%ae>",
                "--max-count=" + std::to_string(limits::source_covers_max), head, "^" + before,
                "--"});
  };
  with.archive = [=](const std::string& revision, const std::string& file) {
    return git({"-C", mirror, "archive", "--format=tar.gz",
                "--prefix=" + top_folder(source, revision) + "/", "-o", file, revision});
  };
  with.resolve = [=](const std::string& name) { return resolve_git(git, source, mirror, name); };
  with.names = [=] {
    return lines_of(git(
      {"-C", mirror, "for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads", "refs/tags"}));
  };
  return with;
}

/// In quotes a text is a name to hg, whatever an expression would make of it.
expected<std::string> resolve_hg(const runner& hg, const source_spec& source,
                                 const std::string& mirror, const std::string& name) {
  if (name.find_first_of("\"\\") != std::string::npos)
    return unknown(source, name);
  auto found = hg({"-R", mirror, "log", "-r", "\"" + name + "\"", "--template", "{node}\\n"});
  if (found && is_revision(first_line(*found)))
    return first_line(*found);
  if (!found && found.error().text.find("ambiguous") != std::string::npos)
    return failure{ec::conflict,
                   shown(name) + " is the beginning of several revisions; write more of it"};
  return unknown(source, name);
}

repository open_hg(const source_spec& source, const std::string& folder,
                   const stop_flag& stopping) {
  auto mirror = folder + "/" + source.name + ".hg-mirror";
  runner hg = [&stopping](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"hg", "--noninteractive"});
    return run({std::move(arguments), {}, {}}, stopping);
  };
  repository with;
  with.update = [=]() -> std::optional<failure> {
    auto known = hg({"-R", mirror, "config", "paths.default"});
    if (!known || *known != source.location + "\n") {
      std::error_code error;
      fs::remove_all(mirror, error);
      auto made = hg({"clone", "--quiet", "--noupdate", "--", source.location, mirror});
      if (!made)
        return at(source, made.error());
      return std::nullopt;
    }
    auto pulled = hg({"-R", mirror, "pull", "--quiet"});
    if (!pulled)
      return at(source, pulled.error());
    return std::nullopt;
  };
  with.heads = [=] {
    // Of several heads of a branch the one that came last stands; `sort` puts it last.
    return hg({"-R", mirror, "log", "-r", "sort(head() and not closed(), rev)", "--template",
               "{branch}\\0{node}\\0{author}\\0{word(0, date|hgdate)}\\0{desc|firstline}\\n"});
  };
  with.since = [=](const std::string& head, const std::string& before) {
    return hg({"-R", mirror, "log", "-r", "reverse(only(" + head + ", " + before + "))", "--limit",
               std::to_string(limits::source_covers_max), "--template", "{node}\\0{author}\\n"});
  };
  with.archive = [=](const std::string& revision, const std::string& file) {
    return hg({"-R", mirror, "archive", "-r", revision, "-t", "tgz", "--prefix",
               top_folder(source, revision), file});
  };
  with.resolve = [=](const std::string& name) { return resolve_hg(hg, source, mirror, name); };
  with.names = [=] {
    std::vector<std::string> all;
    for (const auto& [command, field] : {std::pair{"branches", "{branch}\\n"},
                                         {"tags", "{tag}\\n"},
                                         {"bookmarks", "{bookmark}\\n"}})
      for (auto& line : lines_of(hg({"-R", mirror, command, "--template", field})))
        all.push_back(std::move(line));
    return all;
  };
  return with;
}

} // namespace

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (true) {
    auto end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos)
      return parts;
    text.remove_prefix(end + 1);
  }
}

bool is_revision(const std::string& text) {
  bool hex = std::all_of(text.begin(), text.end(),
                         [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  return hex && (text.size() == 40 || text.size() == 64);
}

repository open_repository(const source_spec& source, const std::string& folder,
                           const stop_flag& stopping) {
  return source.kind == source_kind::hg ? open_hg(source, folder, stopping)
                                        : open_git(source, folder, stopping);
}

} // namespace drover::sources
