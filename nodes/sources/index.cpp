// Pages that link to tarballs, by http or https.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/sources/fetch.hpp"
#include "nodes/sources/tarball_names.hpp"
#include "nodes/sources/watch.hpp"
#include "schema/limits.hpp"
#include "schema/limits_sources.hpp"

#include <unistd.h>

namespace drover::sources {

namespace {

/// Marks in the cursor: a stamp that was seen once, and names that were taken at least once.
const std::string settling = "settling ";
const std::string taken = "taken ";

std::string stamp_of(const head& seen) {
  return seen.etag + " " + seen.modified + " " + std::to_string(seen.length);
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
  source_look look;
  look.cursor = cursor;
  for (const auto& name : linked_names(page)) {
    if (!is_candidate(name, source.match))
      continue;
    auto url = base + url_escaped(name);
    auto seen = fetch(url, {[](std::string_view) { return true; }, 0}, stopping, true);
    if (!seen)
      return seen.error();
    auto stamp = stamp_of(*seen);
    auto before = cursor.find(name);
    if (before != cursor.end() && before->second == stamp)
      continue;
    if (before == cursor.end() || before->second != settling + stamp) {
      look.cursor[name] = settling + stamp; // it may be on its way up: taken if it stays so
      continue;
    }
    if (look.found.size() >= limits::source_found_max)
      break;
    auto got = fetch_file(url, folder, stopping);
    if (!got)
      return got.error();
    look.cursor[name] = stamp;
    auto identity = name + " " + got->sha256;
    if (is_known(identity)) {
      unlink(got->path.c_str());
      continue;
    }
    bool name_known = cursor.contains(taken + name);
    look.cursor[taken + name] = "yes";
    auto found = tarball_change(name, identity, name_known);
    found.file = got->path;
    found.is_temporary = true;
    look.found.push_back(std::move(found));
  }
  return look;
}

} // namespace drover::sources
