// SPDX-License-Identifier: Apache-2.0
#include "nodes/sources/tarball_names.hpp"

#include "schema/limits.hpp"
#include "schema/limits_sources.hpp"
#include "schema/names.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <cctype>
#include <set>

namespace drover::sources {

namespace {

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

int hex_value(char digit) {
  if (digit >= '0' && digit <= '9')
    return digit - '0';
  auto lower = static_cast<char>(std::tolower(static_cast<unsigned char>(digit)));
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::string url_decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0
        && hex_value(text[i + 2]) >= 0) {
      out.push_back(static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2])));
      i += 2;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

/// The value of the href that begins at `at`, quoted or not.
std::string_view href_value(std::string_view page, size_t at) {
  if (at >= page.size())
    return {};
  auto quote = page[at];
  if (quote == '"' || quote == '\'') {
    auto end = page.find(quote, at + 1);
    return end == std::string_view::npos ? std::string_view{} : page.substr(at + 1, end - at - 1);
  }
  auto end = page.find_first_of(" \t\r\n>", at);
  return page.substr(at, end == std::string_view::npos ? end : end - at);
}

} // namespace

bool is_candidate(const std::string& name, const std::string& match) {
  if (name.empty() || name[0] == '.' || name.size() > limits::value_bytes_max
      || name != printable(name, limits::value_bytes_max) || name.find('/') != std::string::npos)
    return false;
  for (const char* unfinished : {".part", ".partial", ".tmp", ".crdownload", ".filepart", "~"})
    if (ends_with(name, unfinished))
      return false;
  return fnmatch(match.empty() ? "*.tar.*" : match.c_str(), name.c_str(), 0) == 0;
}

found_change tarball_change(const std::string& name, const std::string& identity, bool name_known) {
  found_change found;
  found.change.identity = identity;
  found.change.title = name;
  found.change.ref.kind = source_kind::tarball;
  found.change.ref.id = name;
  if (name_known)
    found.change.note = "uploaded again under an old name, with other content";
  return found;
}

std::vector<std::string> linked_names(std::string_view page) {
  std::vector<std::string> names;
  std::set<std::string> seen;
  constexpr std::string_view attribute = "href=";
  std::string lower{page};
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (auto at = lower.find(attribute); at != std::string::npos;
       at = lower.find(attribute, at + attribute.size())) {
    auto link = href_value(page, at + attribute.size());
    link = link.substr(0, link.find_first_of("?#"));
    if (link.substr(0, 2) == "./")
      link.remove_prefix(2);
    auto name = url_decoded(link);
    bool elsewhere =
      name.empty() || name.find('/') != std::string::npos || name.find('\0') != std::string::npos;
    if (!elsewhere && seen.insert(name).second && names.size() < limits::source_files_max)
      names.push_back(std::move(name));
  }
  return names;
}

std::string url_escaped(std::string_view name) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (unsigned char c : name) {
    if (std::isalnum(c) != 0 || c == '-' || c == '.' || c == '_' || c == '~' || c == '+') {
      out.push_back(static_cast<char>(c));
    } else {
      out.push_back('%');
      out.push_back(digits[c >> 4]);
      out.push_back(digits[c & 15]);
    }
  }
  return out;
}

} // namespace drover::sources
