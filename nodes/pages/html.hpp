#pragma once
// The one writer of HTML: text is always escaped, attributes always quoted, elements always closed.
//
// Names of elements and attributes are fixed when the program is compiled; whatever comes from
// outside can only become text or an attribute's value, with control and bidi characters shown as
// escapes (schema/names.hpp, `printable`). Addresses lead into this farm or nowhere.
// SPDX-License-Identifier: Apache-2.0

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace drover::pages {

/// Text that stands in our source: no foreign text can become one.
class literal {
public:
  template <size_t N>
  consteval literal(const char (&text)[N]) : text_{text, N - 1} {}
  constexpr std::string_view text() const { return text_; }
  friend constexpr bool operator==(literal a, literal b) { return a.text_ == b.text_; }

private:
  std::string_view text_;
};

/// An attribute; an empty value leaves it out, unless it has none (`yes`).
struct attribute {
  attribute(literal the_name, std::string_view the_value) : name{the_name}, value{the_value} {}
  literal name;
  std::string_view value;
};
using attributes = std::initializer_list<attribute>;

/// `text` with what HTML gives a meaning escaped, and nothing else changed. For whoever measures.
std::string escaped(std::string_view text);

class html {
public:
  /// Closes its element when it goes.
  class scope {
  public:
    explicit scope(html& page) : page_{&page} {}
    ~scope() {
      if (page_)
        page_->close();
    }
    scope(scope&& other) noexcept : page_{std::exchange(other.page_, nullptr)} {}
    scope(const scope&) = delete;
    scope& operator=(const scope&) = delete;

  private:
    html* page_;
  };

  /// An element that is closed when the scope goes.
  [[nodiscard]] scope in(literal name, attributes more = {});
  html& open(literal name, attributes more = {});
  html& close();
  /// An element with text alone.
  html& element(literal name, attributes more, std::string_view text);
  html& element(literal name, std::string_view text) { return element(name, {}, text); }
  /// An element without content or end: meta, input, link.
  html& single(literal name, attributes more);
  /// Foreign text, in one line: control characters are shown.
  html& text(std::string_view foreign);
  /// A link into this farm; `path` begins with one slash, or with `#` or `?`.
  html& link(std::string_view path, std::string_view text, std::string_view css = {});
  /// Our own words or markup: icons and the page's first line.
  html& ours(literal markup);

  /// What another writer has made.
  html& append(html other);

  /// What was written; all elements are closed.
  std::string finish();
  /// How many elements are open.
  size_t depth() const { return open_.size(); }

private:
  void begin(literal name, attributes more);

  std::string out_;
  std::vector<literal> open_;
};

} // namespace drover::pages
