// Pages that link to tarballs, by http or https.
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/look_problem.hpp"
#include "nodes/sources/fetch.hpp"
#include "nodes/sources/tarball_names.hpp"
#include "nodes/sources/watch.hpp"
#include "nodes/sources/whole.hpp"
#include "schema/limits.hpp"
#include "schema/limits_sources.hpp"

#include <unistd.h>

namespace drover::sources {

namespace {

/// Marks in the cursor: a stamp that was seen once, names that were taken at least once, and what
/// was seen to be cut off, as it looked.
const std::string settling = "settling ";
const std::string taken = "taken ";
const std::string cut_off = "cut ";

std::string stamp_of(const head& seen) {
  return seen.etag + " " + seen.modified + " " + std::to_string(seen.length);
}

/// One look on its way.
struct index_look {
  const source_spec& source;
  const string_map& cursor; ///< where the last look ended
  const known_test& is_known;
  const std::string& folder;
  const stop_flag& stopping;
  source_look out = {};

  bool is_marked(const std::string& name, const std::string& stamp) const {
    auto found = cursor.find(name);
    return found != cursor.end() && found->second == stamp;
  }
};

/// Takes the file at `url` if it is new and whole; its stamp has stood still.
std::optional<failure> take(index_look& look, const std::string& name, const std::string& url,
                            const std::string& stamp) {
  auto got = fetch_file(url, look.folder, look.stopping);
  if (!got)
    return got.error();
  if (!is_whole(got->path, name, look.stopping)) {
    unlink(got->path.c_str());
    look.out.cursor[cut_off + name] = stamp; // not fetched again before it has changed
    core::add_look_problem(look.out.cursor, not_whole(name));
    return std::nullopt;
  }
  look.out.cursor[name] = stamp;
  look.out.cursor.erase(cut_off + name);
  auto identity = name + " " + got->sha256;
  if (look.is_known(identity)) {
    unlink(got->path.c_str());
    return std::nullopt;
  }
  bool name_known = look.cursor.contains(taken + name);
  look.out.cursor[taken + name] = "yes";
  auto found = tarball_change(name, identity, name_known);
  found.file = got->path;
  found.is_temporary = true;
  look.out.found.push_back(std::move(found));
  return std::nullopt;
}

std::optional<failure> look_at_file(index_look& look, const std::string& base,
                                    const std::string& name) {
  auto url = base + url_escaped(name);
  auto seen = fetch(url, {[](std::string_view) { return true; }, 0}, look.stopping, true);
  if (!seen)
    return seen.error();
  auto stamp = stamp_of(*seen);
  if (look.is_marked(name, stamp))
    return std::nullopt;
  if (look.is_marked(cut_off + name, stamp)) {
    core::add_look_problem(look.out.cursor, not_whole(name));
    return std::nullopt;
  }
  if (!look.is_marked(name, settling + stamp)) {
    look.out.cursor[name] = settling + stamp; // it may be on its way up: taken if it stays so
    return std::nullopt;
  }
  return take(look, name, url, stamp);
}

} // namespace

expected<source_look> look_at_index(const source_spec& source, const string_map& cursor,
                                    const known_test& is_known, const std::string& folder,
                                    const stop_flag& stopping) {
  std::string page;
  sink into{[&](std::string_view bytes) {
              page += bytes;
              return true;
            },
            limits::source_index_bytes_max};
  if (auto got = fetch(source.location, std::move(into), stopping); !got)
    return got.error();
  auto base = source.location.back() == '/' ? source.location : source.location + "/";
  index_look look{source, cursor, is_known, folder, stopping};
  look.out.cursor = cursor;
  size_t problems = 0;
  for (const auto& name : linked_names(page)) {
    if (!is_candidate(name, source.match))
      continue;
    if (look.out.found.size() >= limits::source_found_max)
      break;
    auto problem = look_at_file(look, base, name);
    if (!problem)
      continue;
    // One file that can't be had holds up no other; several in a row mean that the server is away.
    if (++problems == limits::source_problems_max)
      return *problem;
    core::add_look_problem(look.out.cursor, problem->text);
  }
  return std::move(look.out);
}

} // namespace drover::sources
