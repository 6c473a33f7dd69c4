// SPDX-License-Identifier: Apache-2.0
#include "tools/drover/sse.hpp"

#include "schema/limits_cli.hpp"

#include <utility>

namespace drover::cli {

std::vector<sent_event> event_reader::take(std::string_view bytes) {
  std::vector<sent_event> out;
  rest_ += bytes;
  size_t from = 0;
  for (auto end = rest_.find('\n'); end != std::string::npos; end = rest_.find('\n', from)) {
    std::string_view line{rest_.data() + from, end - from};
    if (!line.empty() && line.back() == '\r')
      line.remove_suffix(1);
    take_line(line, out);
    from = end + 1;
  }
  rest_.erase(0, from);
  if (rest_.size() > limits::stream_line_bytes_max)
    rest_.clear();
  return out;
}

void event_reader::take_line(std::string_view line, std::vector<sent_event>& out) {
  if (line.empty()) {
    if (std::exchange(has_data_, false))
      out.push_back(next_);
    next_.kind.clear();
    next_.data.clear();
    return;
  }
  auto colon = line.find(':');
  auto name = line.substr(0, colon);
  auto value = colon == std::string_view::npos ? std::string_view{} : line.substr(colon + 1);
  if (!value.empty() && value.front() == ' ')
    value.remove_prefix(1);
  if (name == "id") {
    next_.id = value;
  } else if (name == "event") {
    next_.kind = value;
  } else if (name == "data") {
    if (has_data_)
      next_.data += '\n';
    next_.data += value;
    has_data_ = true;
  }
}

} // namespace drover::cli
