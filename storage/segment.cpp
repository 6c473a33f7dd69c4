// SPDX-License-Identifier: Apache-2.0
#include "storage/segment.hpp"

#include "schema/limits.hpp"
#include "schema/record_codec.hpp"

#include <zstd.h>

#include <algorithm>
#include <memory>

namespace drover::storage {

namespace {

// Logs are written once and read seldom, and compressing is most of what taking them costs: a fast
// level still makes a third to a tenth of them.
constexpr int compression_level = -3;

struct free_context {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};
using compressor = std::unique_ptr<ZSTD_CCtx, free_context>;

/// Makes frames, one after the other, in one buffer.
class frame_maker {
public:
  frame_maker() : context_{ZSTD_createCCtx()}, room_{ZSTD_compressBound(limits::log_frame_bytes)} {}

  expected<std::string> compress(std::string_view bytes) {
    if (!context_)
      return failure{ec::internal, "log: no memory to compress"};
    auto size = ZSTD_compressCCtx(context_.get(), buffer_.get(), room_, bytes.data(), bytes.size(),
                                  compression_level);
    if (ZSTD_isError(size) != 0)
      return failure{ec::internal, std::string{"log: cannot compress: "} + ZSTD_getErrorName(size)};
    return std::string{buffer_.get(), size};
  }

private:
  compressor context_;
  size_t room_;
  std::unique_ptr<char[]> buffer_{new char[room_]};
};

expected<std::string> decompress(const std::string& frame, size_t expected_size) {
  std::string bytes(expected_size, '\0');
  auto size = ZSTD_decompress(bytes.data(), bytes.size(), frame.data(), frame.size());
  if (ZSTD_isError(size) != 0 || size != expected_size)
    return failure{ec::damaged, "a compressed frame does not hold what its segment says"};
  return bytes;
}

void index_lines(record::log_segment& segment, std::string_view bytes) {
  auto at = bytes.find('\n');
  for (; at != std::string_view::npos; at = bytes.find('\n', at + 1))
    if (++segment.lines % limits::log_line_index_every == 0)
      segment.line_starts.push_back(static_cast<uint32_t>(at + 1));
}

} // namespace

expected<std::string> pack_segment(std::string_view bytes) {
  record::log_segment segment;
  segment.size = bytes.size();
  segment.frame_bytes = limits::log_frame_bytes;
  index_lines(segment, bytes);
  static thread_local frame_maker frames; // making a context costs more than a short log's frame
  for (size_t at = 0; at < bytes.size(); at += limits::log_frame_bytes) {
    auto frame = frames.compress(bytes.substr(at, limits::log_frame_bytes));
    if (!frame)
      return frame.error();
    segment.frames.push_back(*std::move(frame));
  }
  return record::encode(segment);
}

expected<uint64_t> segment_size(std::string_view value) {
  auto segment = record::decode_log_segment(value);
  if (!segment)
    return segment.error();
  return segment->size;
}

expected<std::string> unpack_segment(std::string_view value, uint64_t offset, size_t max) {
  auto segment = record::decode_log_segment(value);
  if (!segment)
    return segment.error();
  std::string bytes;
  auto end =
    offset >= segment->size ? offset : offset + std::min<uint64_t>(max, segment->size - offset);
  while (offset < end) {
    auto index = offset / segment->frame_bytes;
    auto frame_start = index * segment->frame_bytes;
    auto frame_size = std::min<uint64_t>(segment->frame_bytes, segment->size - frame_start);
    auto frame = decompress(segment->frames[index], frame_size);
    if (!frame)
      return frame.error();
    auto part = std::string_view{*frame}.substr(offset - frame_start, end - offset);
    bytes += part;
    offset += part.size();
  }
  return bytes;
}

} // namespace drover::storage
