// SPDX-License-Identifier: Apache-2.0
#include "config/yaml.hpp"

#include "config/forms.hpp"
#include "schema/limits.hpp"
#include "schema/names.hpp"

#include <fmt/format.h>
#include <yaml.h>

#include <algorithm>
#include <map>

namespace drover::yaml {
namespace {

constexpr size_t shown_bytes_max = 60;
constexpr const char* empty_file =
  "the file is empty; write e.g. builders: {hello: {steps: [{name: "
  "greet, run: \"echo hello\"}]}}";
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

/// libyaml's event, which owns memory.
class event {
public:
  event() = default;
  event(const event&) = delete;
  event& operator=(const event&) = delete;
  ~event() { yaml_event_delete(&raw); }
  yaml_event_t raw{};
};

std::string to_text(const yaml_char_t* text) {
  return text == nullptr ? std::string{} : std::string{reinterpret_cast<const char*>(text)};
}

/// Builds the tree from libyaml's events. The first error that leaves no tree ends it: `fatal_`
/// is asked after each event.
class composer {
public:
  composer(std::string_view text, size_t file) : text_{text}, file_{file} {
    // Fails for want of memory alone, and then says so at the first event.
    ready_ = yaml_parser_initialize(&parser_) == 1;
    if (!ready_)
      return;
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()),
                                 text.size());
  }
  composer(const composer&) = delete;
  composer& operator=(const composer&) = delete;
  ~composer() {
    if (ready_)
      yaml_parser_delete(&parser_);
  }

  document compose() {
    auto root = compose_root();
    document result;
    if (fatal_)
      result.errors.push_back(*fatal_);
    else {
      result.root = std::move(root);
      result.errors = std::move(duplicates_);
    }
    return result;
  }

private:
  mark begin_of(const yaml_mark_t& at) const { return {at.line + 1, at.column + 1, file_}; }

  node compose_root() {
    node root;
    event first;
    if (!next(first) || first.raw.type == YAML_NO_EVENT)
      return root;
    event start;
    if (!next(start))
      return root;
    if (start.raw.type == YAML_STREAM_END_EVENT) {
      fail({1, 1}, empty_file);
      return root;
    }
    event content;
    if (next(content))
      root = compose_node(content.raw, 1);
    event end, after;
    if (!fatal_ && next(end) && next(after) && after.raw.type != YAML_STREAM_END_EVENT)
      fail(begin_of(after.raw.start_mark), "a second document begins here; a file holds one");
    return root;
  }

  node compose_node(const yaml_event_t& from, size_t depth) {
    auto at = begin_of(from.start_mark);
    if (depth > limits::yaml_depth_max)
      return fail(at, fmt::format("nested deeper than {} levels", limits::yaml_depth_max));
    node result;
    result.at = at;
    switch (from.type) {
    case YAML_ALIAS_EVENT:
      return compose_alias(from, depth);
    case YAML_SCALAR_EVENT:
      result = compose_scalar(from);
      break;
    case YAML_SEQUENCE_START_EVENT:
      result.what = kind::sequence;
      count(at, 1, 0);
      refuse_tag(at, from.data.sequence_start.tag);
      compose_items(result, depth);
      keep(to_text(from.data.sequence_start.anchor), result);
      break;
    case YAML_MAPPING_START_EVENT:
      result.what = kind::mapping;
      count(at, 1, 0);
      refuse_tag(at, from.data.mapping_start.tag);
      compose_entries(result, depth);
      keep(to_text(from.data.mapping_start.anchor), result);
      break;
    default:
      return fail(at, "expected a value");
    }
    return result;
  }

  node compose_scalar(const yaml_event_t& from) {
    const auto& scalar = from.data.scalar;
    node result;
    result.at = begin_of(from.start_mark);
    result.text.assign(reinterpret_cast<const char*>(scalar.value), scalar.length);
    result.quoted = scalar.style != YAML_PLAIN_SCALAR_STYLE;
    result.text_bytes = result.text.size();
    bool in_quotes = scalar.style == YAML_SINGLE_QUOTED_SCALAR_STYLE
                     || scalar.style == YAML_DOUBLE_QUOTED_SCALAR_STYLE;
    size_t quotes = in_quotes ? 2 : 0;
    bool one_line = from.start_mark.line == from.end_mark.line;
    if (one_line && (in_quotes || !result.quoted)
        && from.end_mark.column - from.start_mark.column == characters(result.text) + quotes)
      result.text_column = result.at.column + quotes / 2;
    if (in_quotes && !one_line)
      long_quote_ = long_quote{result.at, from.end_mark.line + 1};
    count(result.at, 1, result.text.size());
    refuse_tag(result.at, scalar.tag);
    keep(to_text(scalar.anchor), result);
    return result;
  }

  node compose_alias(const yaml_event_t& from, size_t depth) {
    auto name = to_text(from.data.alias.anchor);
    auto at = begin_of(from.start_mark);
    auto found = anchors_.find(name);
    if (found == anchors_.end())
      return fail(at,
                  fmt::format("alias '*{}' has no finished anchor '&{}' before it",
                              printable(name, shown_bytes_max), printable(name, shown_bytes_max)));
    const auto& named = found->second;
    if (depth + named.height - 1 > limits::yaml_depth_max)
      return fail(at, fmt::format("nested deeper than {} levels", limits::yaml_depth_max));
    count(at, named.nodes, named.text_bytes);
    return fatal_ ? node{} : named;
  }

  void compose_items(node& sequence, size_t depth) {
    while (!fatal_) {
      event item;
      if (!next(item) || item.raw.type == YAML_SEQUENCE_END_EVENT)
        return;
      sequence.items.push_back(compose_node(item.raw, depth + 1));
      add_sizes(sequence, sequence.items.back());
    }
  }

  void compose_entries(node& mapping, size_t depth) {
    std::map<std::string, mark> seen;
    while (!fatal_) {
      event key;
      if (!next(key) || key.raw.type == YAML_MAPPING_END_EVENT)
        return;
      entry both;
      if (key.raw.type != YAML_SCALAR_EVENT) {
        fail(begin_of(key.raw.start_mark), "a key must be plain text, as in 'key: value'");
        return;
      }
      both.key = compose_scalar(key.raw);
      event value;
      if (fatal_ || !next(value))
        return;
      both.value = compose_node(value.raw, depth + 1);
      add_sizes(mapping, both.key);
      add_sizes(mapping, both.value);
      auto [first, is_new] = seen.try_emplace(both.key.text, both.key.at);
      if (is_new)
        mapping.entries.push_back(std::move(both));
      else
        note_duplicate(both.key, first->second);
    }
  }

  void note_duplicate(const node& key, const mark& first) {
    if (duplicates_.size() < limits::config_errors_max)
      duplicates_.push_back({key.at.line, key.at.column,
                             fmt::format("key '{}' is there twice, first in line {}",
                                         printable(key.text, shown_bytes_max), first.line),
                             file_});
  }

  static void add_sizes(node& parent, const node& child) {
    parent.nodes += child.nodes;
    parent.text_bytes += child.text_bytes;
    parent.height = std::max(parent.height, child.height + 1);
  }

  /// An anchor costs as much as its content, which is copied for it.
  void keep(const std::string& anchor, const node& content) {
    if (anchor.empty() || fatal_)
      return;
    count(content.at, content.nodes, content.text_bytes);
    anchors_.insert_or_assign(anchor, content);
  }

  void count(const mark& at, size_t nodes, size_t text_bytes) {
    nodes_ += nodes;
    text_bytes_ += text_bytes;
    if (nodes_ > limits::yaml_nodes_max)
      fail(at, fmt::format("more than {} values, aliases expanded", limits::yaml_nodes_max));
    else if (text_bytes_ > limits::yaml_text_bytes_max)
      fail(at, fmt::format("more than {} bytes, aliases expanded", limits::yaml_text_bytes_max));
  }

  void refuse_tag(const mark& at, const yaml_char_t* tag) {
    if (tag != nullptr)
      fail(at, fmt::format("tags such as '{}' have no meaning here",
                           printable(to_text(tag), shown_bytes_max)));
  }

  node fail(const mark& at, std::string message) {
    if (!fatal_)
      fatal_ = config_error{at.line, at.column, std::move(message), file_};
    return {};
  }

  bool next(event& out) {
    if (fatal_)
      return false;
    if (ready_ && yaml_parser_parse(&parser_, &out.raw) == 1)
      return true;
    explain();
    return false;
  }

  /// Turns libyaml's complaint into one that names the likely mistake at its place.
  void explain() {
    if (!ready_ || parser_.error == YAML_MEMORY_ERROR) {
      fail({1, 1}, "not enough memory to read the file");
      return;
    }
    if (parser_.error == YAML_READER_ERROR) {
      fail(
        place_of(parser_.problem_offset),
        fmt::format("byte 0x{:02X} is not text; the file must be UTF-8 without control characters",
                    static_cast<unsigned>(static_cast<unsigned char>(
                      parser_.problem_offset < text_.size() ? text_[parser_.problem_offset] : 0))));
      return;
    }
    auto at = begin_of(parser_.problem_mark);
    auto opened = begin_of(parser_.context_mark);
    std::string_view problem = parser_.problem != nullptr ? parser_.problem : "syntax error";
    std::string_view context = parser_.context != nullptr ? parser_.context : "";
    if (context == "while scanning a quoted scalar"
        && problem.find("unexpected") != std::string_view::npos)
      fail(opened, "this quote is never closed");
    else if (long_quote_ && long_quote_->last_line == at.line)
      fail(long_quote_->at, fmt::format("this quote is closed only in line {}; is one missing?",
                                        long_quote_->last_line));
    else if (byte_at(at) == '\t')
      fail(at, "a tab can't indent or separate here; use blanks");
    else if (context.find("flow") != std::string_view::npos)
      fail(at, fmt::format("{}; the bracket opened at {}:{} is not closed before", problem,
                           opened.line, opened.column));
    else if (problem == "could not find expected ':'")
      fail(opened, fmt::format("'{}' has no ':' behind it; write 'key: value'", line_from(opened)));
    else if (problem == "mapping values are not allowed in this context")
      explain_colon(at);
    else if (context == "while scanning an alias" || context == "while scanning an anchor")
      fail(opened, fmt::format("'{}': a text that begins with '{}' needs quotes around it",
                               line_from(opened), byte_at(opened)));
    else if (problem.find("found character that cannot start any token") != std::string_view::npos)
      fail(at, fmt::format("'{}': a text that begins with '{}' needs quotes around it",
                           line_from(at), byte_at(at)));
    else if (problem == "did not find expected key")
      fail(at, fmt::format("expected a key as those of the mapping begun in line {}; is the line "
                           "indented as they are?",
                           opened.line));
    else
      fail(at, fmt::format("{}{}{}", problem, context.empty() ? "" : " ", context));
  }

  /// A ':' where none can be: the line before lacks its own, or a text has one.
  void explain_colon(const mark& at) {
    auto here = whole_line(at.line);
    auto before = at.line > 1 ? whole_line(at.line - 1) : std::string_view{};
    auto first = before.find_first_not_of(" \t\r");
    bool first_colon =
      characters(here.substr(0, std::min(here.find(':'), here.size()))) + 1 == at.column;
    if (first_colon && first != std::string_view::npos && before.find(':') == std::string_view::npos
        && before[first] != '#') {
      mark forgotten{at.line - 1, characters(before.substr(0, first)) + 1, file_};
      fail(forgotten,
           fmt::format("'{}' has no ':' behind it; write 'key: value'", line_from(forgotten)));
      return;
    }
    fail(at, "a ':' can't be here; put quotes around a text that has ': ' in it, or begin a line "
             "for each key");
  }

  std::string_view whole_line(size_t line) const {
    auto begin = std::min(offset_of({line, 1, file_}), text_.size());
    return text_.substr(begin, text_.find('\n', begin) - begin);
  }

  /// The rest of a line, for a message.
  std::string line_from(const mark& at) const {
    auto begin = std::min(offset_of(at), text_.size());
    auto line = text_.substr(begin, text_.find_first_of("\r\n", begin) - begin);
    return printable(line, shown_bytes_max);
  }

  mark place_of(size_t offset) const {
    auto before = text_.substr(0, std::min(offset, text_.size()));
    auto line_begin = before.rfind('\n') + 1; // npos + 1 is 0
    auto breaks = static_cast<size_t>(std::count(before.begin(), before.end(), '\n'));
    return {breaks + 1, characters(before.substr(line_begin)) + 1};
  }

  /// The character at a place; 0 behind the end.
  char byte_at(const mark& at) const {
    auto offset = offset_of(at);
    return offset < text_.size() ? text_[offset] : '\0';
  }

  /// The byte at which a place begins, npos if the text has none.
  size_t offset_of(const mark& at) const {
    size_t begin = 0;
    for (size_t line = 1; line < at.line; ++line) {
      begin = text_.find('\n', begin);
      if (begin == std::string_view::npos)
        return begin;
      ++begin;
    }
    for (size_t column = 1; begin < text_.size(); ++begin) {
      if ((static_cast<unsigned char>(text_[begin]) & 0xC0) == 0x80)
        continue;
      if (column++ == at.column)
        return begin;
    }
    return std::string_view::npos;
  }

  struct long_quote {
    mark at;
    size_t last_line = 0;
  };

  std::string_view text_;
  size_t file_ = 0;
  yaml_parser_t parser_{};
  bool ready_ = false;
  std::map<std::string, node> anchors_;
  std::optional<long_quote> long_quote_; // the last quoted text of several lines
  std::vector<config_error> duplicates_;
  std::optional<config_error> fatal_;
  size_t nodes_ = 0;
  size_t text_bytes_ = 0;
};

} // namespace

document parse(std::string_view text, size_t file) {
  document result;
  if (text.size() > limits::config_bytes_max) {
    result.errors.push_back(
      {1, 1, fmt::format("the file is larger than {} bytes", limits::config_bytes_max), file});
    return result;
  }
  if (text.substr(0, 2) == "\xFF\xFE" || text.substr(0, 2) == "\xFE\xFF") {
    result.errors.push_back({1, 1, "the file is UTF-16; save it as UTF-8", file});
    return result;
  }
  if (text.substr(0, byte_order_mark.size()) == byte_order_mark)
    text.remove_prefix(byte_order_mark.size());
  return composer{text, file}.compose();
}

} // namespace drover::yaml
