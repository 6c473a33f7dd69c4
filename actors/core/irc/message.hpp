#pragma once
// Lines of IRC as values: RFC 1459 and 2812, with the tags and sources of IRCv3. Pure.
// SPDX-License-Identifier: Apache-2.0

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace drover::core::irc {

/// One line without its CR LF. Its bytes are foreign: nothing but the form has been looked at.
struct message {
  std::map<std::string, std::string> tags; ///< unescaped
  std::string source;                      ///< "nick!user@host" or a server's name; may be empty
  std::string command;                     ///< in upper case, or three digits
  std::vector<std::string> params;
  friend bool operator==(const message&, const message&) = default;

  /// The parameter at `index`; empty if there is none.
  std::string_view param(size_t index) const;
  /// The last parameter; empty if there is none.
  std::string_view last() const;
};

/// Nothing for a line without a command, with control characters in its command, or longer than
/// limits::irc_line_bytes_max and its tags.
std::optional<message> parse(std::string_view line);

/// A line to be sent, without CR LF: the last parameter may hold blanks. Whatever could end the
/// line or begin another parameter is taken out, so that no text can become a command.
std::string format(std::string_view command, const std::vector<std::string>& params);

/// "ann" of "ann!user@host".
std::string_view nick_of(std::string_view source);
/// "user@host" of "ann!user@host"; empty of a server.
std::string_view user_host_of(std::string_view source);

/// In lower case as servers compare nicks and channels by rfc1459: `{}|^` are small `[]\~`.
std::string folded(std::string_view name);
bool same_name(std::string_view left, std::string_view right);
bool is_channel(std::string_view target);

/// Foreign text as one line of plain UTF-8: line ends and other controls, the codes of colour and
/// style, and what turns the direction of text are taken out; broken bytes become U+FFFD.
std::string plain_text(std::string_view text);

/// `text` as lines of at most `bytes_max` bytes, cut between words where there are any, never
/// within a character.
std::vector<std::string> split_text(std::string_view text, size_t bytes_max);

/// The lines of a text, each made plain and cut to what fits into a message; empty ones left out.
/// What is more than `lines_max` is counted in the last line: "... and 7 more lines".
std::vector<std::string> as_lines(std::string_view text, size_t lines_max);

/// Makes lines of pieces as they come from a socket. A line that is too long is left out as a
/// whole: its rest must not be read as a line of its own.
class line_splitter {
public:
  /// The lines that have become whole, without CR LF.
  std::vector<std::string> take(std::string_view piece);

private:
  std::string rest_;
  bool too_long_ = false;
};

} // namespace drover::core::irc
