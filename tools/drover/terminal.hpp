#pragma once
// The terminal: how wide it is, repainting without flicker, a line of progress.
// SPDX-License-Identifier: Apache-2.0

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace drover::cli {

/// Standard output as it is now.
struct screen {
  bool terminal = false;
  bool colours = false;
  size_t width = 0;  ///< columns; 0: no end
  size_t height = 0; ///< lines; 0: no end
};

enum class colour_use : uint8_t { automatic, never, always };
/// `automatic`: colours on a terminal, unless NO_COLOR is set or TERM is dumb.
screen real_screen(colour_use colours);

/// Writes all of it to standard output and flushes; false if nobody reads there any more.
bool put_out(std::string_view bytes);

/// `text`, at most `width` columns wide, cut with "…"; colours in it cost nothing and are ended.
/// A width of 0 cuts nothing.
std::string cut_to_width(std::string_view text, size_t width);

/// `text` broken at blanks into lines of at most `width` columns; a word that is longer stays
/// whole. A width of 0 breaks nothing.
std::vector<std::string> wrap(std::string_view text, size_t width);

/// `head`, then `text` wrapped so that all its lines begin where the first one does. Ends with a
/// newline.
std::string hang(std::string_view head, std::string_view text, size_t width);

/// The bytes that turn what a terminal shows, `before`, into `after`, with the cursor in the line
/// below: only lines that differ are written. Lines hold no newline and fit the terminal.
std::string repaint(const std::vector<std::string>& before, const std::vector<std::string>& after);

/// Shows one text in place of the other. The cursor is hidden meanwhile, and is there again at the
/// end, also after Ctrl-C or SIGTERM.
class painter {
public:
  painter();
  ~painter();
  painter(const painter&) = delete;
  painter& operator=(const painter&) = delete;
  /// False once nobody looks any more.
  bool show(std::string_view text, const screen& out);

private:
  std::vector<std::string> shown_;
};

enum class progress_use : uint8_t { wanted, quiet };

/// One line on standard error that tells how far something is; nothing at all unless that is a
/// terminal. It is gone when it ends.
class progress {
public:
  explicit progress(progress_use use);
  ~progress();
  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;

  bool on() const { return on_; }
  /// At most every limits::progress_interval is a text shown.
  void show(const std::string& text);
  void clear();

private:
  bool on_ = false;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point shown_at_{};
};

/// "uploading a.tar.gz  12.3 of 40.0 MiB, 30 %".
std::string transfer_text(const std::string& what, uint64_t done, uint64_t all);

} // namespace drover::cli
