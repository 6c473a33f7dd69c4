// Any revision of a repository, on somebody's wish.
// SPDX-License-Identifier: Apache-2.0
#include "config/values.hpp"
#include "nodes/sources/repository.hpp"
#include "nodes/sources/watch.hpp"
#include "schema/limits.hpp"
#include "schema/names.hpp"

#include <algorithm>
#include <cctype>

namespace drover::sources {

namespace {

/// Why this can't be a revision's name, whatever the repository has; empty: it may be one.
std::string name_obstacle(const std::string& name) {
  if (name.empty())
    return "a revision's name is empty";
  if (name.size() > limits::value_bytes_max)
    return "a revision's name is too long";
  auto shown = "'" + printable(name, limits::name_bytes_max) + "'";
  if (name.front() == '-')
    return shown + " can't be a revision's name: it begins with '-'";
  bool is_plain = std::none_of(name.begin(), name.end(), [](char c) {
    auto byte = static_cast<unsigned char>(c);
    return byte <= 0x20 || byte == 0x7F;
  });
  return is_plain ? ""
                  : shown + " can't be a revision's name: it has a blank or a control character";
}

/// Enough digits of a revision: it names the same thing for ever, so nothing need be fetched.
bool is_fixed(const std::string& name) {
  constexpr size_t digits_min = 12;
  return name.size() >= digits_min
         && name.find_first_not_of("0123456789abcdef") == std::string::npos;
}

failure with_near_names(const failure& why, const repository& with, const std::string& name) {
  auto known = with.names();
  auto near = nearest(name, {known.begin(), known.end()});
  if (near)
    return {why.code,
            why.text + " (did you mean '" + printable(*near, limits::name_bytes_max) + "'?)"};
  constexpr size_t shown_max = 8;
  std::string some;
  for (size_t i = 0; i < known.size() && i < shown_max; ++i)
    some += (i == 0 ? "" : ", ") + printable(known[i], limits::name_bytes_max);
  if (known.size() > shown_max)
    some += " and " + std::to_string(known.size() - shown_max) + " more";
  return {why.code, why.text + (some.empty() ? "" : "; it has " + some)};
}

} // namespace

expected<found_change> take_revision(const source_spec& source, const std::string& name,
                                     const std::string& folder, const stop_flag& stopping) {
  if (auto obstacle = name_obstacle(name); !obstacle.empty())
    return failure{ec::bad_input, obstacle};
  auto with = open_repository(source, folder, stopping);
  expected<std::string> revision = failure{ec::not_found, name};
  if (is_fixed(name))
    revision = with.resolve(name);
  if (!revision) {
    auto problem = with.update();
    revision = with.resolve(name);
    if (!revision && problem)
      return *problem; // it may well be there
  }
  if (!revision)
    return revision.error().code == ec::not_found ? with_near_names(revision.error(), with, name)
                                                  : revision.error();
  found_change found;
  found.change.source = source.name;
  found.change.identity = *revision;
  found.change.ref.kind = source.kind;
  found.change.ref.id = source.location;
  found.change.ref.revision = *revision;
  found.file = folder + "/" + source.name + "-wanted-" + *revision + ".tar.gz";
  found.is_temporary = true;
  if (auto made = with.archive(*revision, found.file); !made)
    return made.error();
  return found;
}

} // namespace drover::sources
