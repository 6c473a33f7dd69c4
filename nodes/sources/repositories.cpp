// git and hg: moved branches and the changes that they make.
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/authors.hpp"
#include "nodes/sources/repository.hpp"
#include "nodes/sources/watch.hpp"
#include "schema/limits.hpp"
#include "schema/limits_sources.hpp"
#include "schema/names.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <charconv>

namespace drover::sources {

namespace {

/// A branch's newest revision, as the repository tells it.
struct branch_head {
  std::string branch, revision, author, title;
  int64_t made_s = 0;
};

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

/// What came with the head, and who made it: whoever pushes may push the work of others.
void add_covered(change_record& change, const repository& with, const branch_head& head,
                 const std::string& before) {
  if (before.empty())
    return;
  auto printed = with.since(head.revision, before);
  if (!printed)
    return; // the branch was rewritten and the old head is gone
  for (const auto& line : split(*printed, '\n')) {
    auto fields = split(line, '\0');
    if (fields.size() != 2 || !is_revision(fields[0]) || fields[0] == head.revision
        || change.covers.size() >= limits::source_covers_max)
      continue;
    change.covers.push_back(fields[0]);
    core::add_author(change.author, printable(fields[1], limits::value_bytes_max));
  }
}

expected<found_change> take(const repository& with, const source_spec& source,
                            const branch_head& head, const std::string& before,
                            const std::string& folder) {
  found_change found;
  auto& change = found.change;
  change.identity = head.revision;
  change.branch = printable(head.branch, limits::value_bytes_max);
  core::add_author(change.author, printable(head.author, limits::value_bytes_max));
  change.title = printable(head.title, limits::value_bytes_max);
  change.made_at = {std::max<int64_t>(0, head.made_s) * 1000};
  change.ref.kind = source.kind;
  change.ref.id = source.location;
  change.ref.revision = head.revision;
  add_covered(change, with, head, before);
  found.file = folder + "/" + source.name + "-" + head.revision + ".tar.gz";
  found.is_temporary = true;
  if (auto made = with.archive(head.revision, found.file); !made)
    return made.error();
  return found;
}

expected<source_look> look_with(const repository& with, const source_spec& source,
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

} // namespace

expected<source_look> look_at_repository(const source_spec& source, const string_map& cursor,
                                         const std::string& folder, const stop_flag& stopping) {
  return look_with(open_repository(source, folder, stopping), source, cursor, folder);
}

} // namespace drover::sources
