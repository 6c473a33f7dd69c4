// SPDX-License-Identifier: Apache-2.0
#include "nodes/pages/html.hpp"

#include "schema/limits_web.hpp"
#include "schema/names.hpp"

namespace drover::pages {

namespace {

bool is_address(literal name) {
  return name == literal{"href"} || name == literal{"src"} || name == literal{"action"};
}

/// Whether it stays in this farm: no scheme, no other host.
bool stays_here(std::string_view address) {
  if (address.empty())
    return false;
  if (address[0] == '#' || address[0] == '?')
    return true;
  // Browsers take a backslash for a slash.
  return address[0] == '/' && (address.size() == 1 || (address[1] != '/' && address[1] != '\\'));
}

std::string shown(std::string_view foreign) {
  return escaped(printable(foreign, limits::page_text_bytes_max));
}

} // namespace

std::string escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  for (char c : text) {
    switch (c) {
    case '&':
      out += "&amp;";
      break;
    case '<':
      out += "&lt;";
      break;
    case '>':
      out += "&gt;";
      break;
    case '"':
      out += "&quot;";
      break;
    case '\'':
      out += "&#39;";
      break;
    default:
      out += c;
    }
  }
  return out;
}

void html::begin(literal name, attributes more) {
  out_ += '<';
  out_ += name.text();
  for (const auto& each : more) {
    if (each.value.empty())
      continue;
    auto value =
      is_address(each.name) && !stays_here(each.value) ? std::string_view{"#"} : each.value;
    out_ += ' ';
    out_ += each.name.text();
    out_ += "=\"";
    out_ += shown(value);
    out_ += '"';
  }
  out_ += '>';
}

html::scope html::in(literal name, attributes more) {
  open(name, more);
  return scope{*this};
}

html& html::open(literal name, attributes more) {
  begin(name, more);
  open_.push_back(name);
  return *this;
}

html& html::close() {
  if (open_.empty())
    return *this;
  out_ += "</";
  out_ += open_.back().text();
  out_ += '>';
  open_.pop_back();
  return *this;
}

html& html::element(literal name, attributes more, std::string_view words) {
  begin(name, more);
  text(words);
  out_ += "</";
  out_ += name.text();
  out_ += '>';
  return *this;
}

html& html::single(literal name, attributes more) {
  begin(name, more);
  return *this;
}

html& html::text(std::string_view foreign) {
  out_ += shown(foreign);
  return *this;
}

html& html::link(std::string_view path, std::string_view words, std::string_view css) {
  return element("a", {{"href", path}, {"class", css}}, words);
}

html& html::ours(literal markup) {
  out_ += markup.text();
  return *this;
}

html& html::append(html other) {
  out_ += other.finish();
  return *this;
}

std::string html::finish() {
  while (!open_.empty())
    close();
  return std::move(out_);
}

} // namespace drover::pages
