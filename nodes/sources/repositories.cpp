// git and hg: mirrors, moved branches, archives of trees.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/sources/watch.hpp"
#include "schema/limits.hpp"
#include "schema/limits_sources.hpp"
#include "schema/names.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

namespace drover::sources {

namespace {

namespace fs = std::filesystem;

/// A branch's newest revision, as the repository tells it.
struct branch_head {
  std::string branch, revision, author, title;
  int64_t made_s = 0;
};

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

/// 40 or 64 lower-case hex digits: nothing that a command could take for an option or a name.
bool is_revision(const std::string& text) {
  bool hex = std::all_of(text.begin(), text.end(),
                         [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  return hex && (text.size() == 40 || text.size() == 64);
}

/// Lines of "branch NUL revision NUL author NUL seconds NUL title".
std::vector<branch_head> parse_heads(const std::string& printed) {
  std::vector<branch_head> heads;
  for (const auto& line : split(printed, '\n')) {
    auto fields = split(line, '\0');
    constexpr size_t field_count = 5;
    if (fields.size() < field_count || !is_revision(fields[1]))
      continue;
    branch_head head{fields[0], fields[1], fields[2], fields[4], 0};
    std::from_chars(fields[3].data(), fields[3].data() + fields[3].size(), head.made_s);
    heads.push_back(std::move(head));
  }
  return heads;
}

bool is_followed(const source_spec& source, const std::string& branch) {
  if (source.branches.empty())
    return true;
  return std::any_of(source.branches.begin(), source.branches.end(), [&](const std::string& one) {
    return fnmatch(one.c_str(), branch.c_str(), 0) == 0;
  });
}

/// What differs between git and hg.
struct tool {
  std::function<std::optional<failure>()> update;
  std::function<expected<std::string>()> heads;
  /// Revisions of `head` that `before` does not have, newest first.
  std::function<expected<std::string>(const std::string& head, const std::string& before)> since;
  std::function<expected<std::string>(const std::string& revision, const std::string& file)>
    archive;
};

std::vector<std::string> covered(const tool& with, const branch_head& head,
                                 const std::string& before) {
  std::vector<std::string> list;
  if (before.empty())
    return list;
  auto printed = with.since(head.revision, before);
  if (!printed)
    return list; // the branch was rewritten and the old head is gone
  for (const auto& line : split(*printed, '\n'))
    if (is_revision(line) && line != head.revision && list.size() < limits::source_covers_max)
      list.push_back(line);
  return list;
}

expected<found_change> take(const tool& with, const source_spec& source, const branch_head& head,
                            const std::string& before, const std::string& folder) {
  found_change found;
  auto& change = found.change;
  change.identity = head.revision;
  change.branch = printable(head.branch, limits::value_bytes_max);
  change.author = printable(head.author, limits::value_bytes_max);
  change.title = printable(head.title, limits::value_bytes_max);
  change.made_at = {std::max<int64_t>(0, head.made_s) * 1000};
  change.ref.kind = source.kind;
  change.ref.id = source.location;
  change.ref.revision = head.revision;
  change.covers = covered(with, head, before);
  found.file = folder + "/" + source.name + "-" + head.revision + ".tar.gz";
  found.is_temporary = true;
  if (auto made = with.archive(head.revision, found.file); !made)
    return made.error();
  return found;
}

expected<source_look> look_with(const tool& with, const source_spec& source,
                                const string_map& cursor, const std::string& folder) {
  if (auto problem = with.update())
    return *problem;
  auto printed = with.heads();
  if (!printed)
    return printed.error();
  source_look look;
  std::map<std::string, bool> taken;
  for (const auto& head : parse_heads(*printed)) {
    if (!is_followed(source, head.branch) || look.cursor.size() >= limits::source_branches_max)
      continue;
    auto known = cursor.find(head.branch);
    auto before = known == cursor.end() ? std::string{} : known->second;
    look.cursor[head.branch] = head.revision;
    if (before == head.revision || !taken.emplace(head.revision, true).second)
      continue;
    auto found = take(with, source, head, before, folder);
    if (!found)
      return found.error();
    look.found.push_back(*std::move(found));
  }
  return look;
}

failure at(const source_spec& source, const failure& why) {
  return {why.code, source.location + ": " + why.text};
}

std::string top_folder(const source_spec& source, const std::string& revision) {
  constexpr size_t short_revision = 12;
  return source.name + "-" + revision.substr(0, short_revision);
}

} // namespace

expected<source_look> look_at_git(const source_spec& source, const string_map& cursor,
                                  const std::string& folder, const stop_flag& stopping) {
  auto mirror = folder + "/" + source.name + ".git";
  auto git = [&](std::vector<std::string> arguments) {
    // A mirror of one's own folder may belong to somebody else; its address is the admin's word.
    arguments.insert(arguments.begin(), {"git", "-c", "safe.directory=*", "-c", "gc.auto=0"});
    return run({std::move(arguments), {}, {}}, stopping);
  };
  tool with;
  with.update = [&]() -> std::optional<failure> {
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
  with.heads = [&] {
    return git({"-C", mirror, "for-each-ref", "--sort=committerdate",
                "--format=%(refname:lstrip=2)%00%(objectname)%00%(authorname) %(authoremail)%00"
                "%(committerdate:unix)%00%(contents:subject)",
                "refs/heads"});
  };
  with.since = [&](const std::string& head, const std::string& before) {
    return git({"-C", mirror, "rev-list",
                "--max-count=" + std::to_string(limits::source_covers_max), head, "^" + before});
  };
  with.archive = [&](const std::string& revision, const std::string& file) {
    return git({"-C", mirror, "archive", "--format=tar.gz",
                "--prefix=" + top_folder(source, revision) + "/", "-o", file, revision});
  };
  return look_with(with, source, cursor, folder);
}

expected<source_look> look_at_hg(const source_spec& source, const string_map& cursor,
                                 const std::string& folder, const stop_flag& stopping) {
  auto mirror = folder + "/" + source.name + ".hg-mirror";
  auto hg = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"hg", "--noninteractive"});
    return run({std::move(arguments), {}, {}}, stopping);
  };
  tool with;
  with.update = [&]() -> std::optional<failure> {
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
  with.heads = [&] {
    // Of several heads of a branch the one that came last stands; `sort` puts it last.
    return hg(
      {"-R", mirror, "log", "-r", "sort(head() and not closed(), rev)", "--template",
       "{branch}\\0{node}\\0{author}\\0{word(0, date|hgdate)}\\0{desc|firstline}\\n"});
  };
  with.since = [&](const std::string& head, const std::string& before) {
    return hg({"-R", mirror, "log", "-r", "reverse(only(" + head + ", " + before + "))", "--limit",
               std::to_string(limits::source_covers_max), "--template", "{node}\\n"});
  };
  with.archive = [&](const std::string& revision, const std::string& file) {
    return hg({"-R", mirror, "archive", "-r", revision, "-t", "tgz", "--prefix",
               top_folder(source, revision), file});
  };
  return look_with(with, source, cursor, folder);
}

} // namespace drover::sources
