// SPDX-License-Identifier: Apache-2.0
#include "nodes/sources/whole.hpp"

#include "schema/limits.hpp"
#include "schema/limits_sources.hpp"
#include "schema/names.hpp"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <array>
#include <memory>

namespace drover::sources {

namespace {

struct reader_closer {
  void operator()(archive* reader) const { archive_read_free(reader); }
};

bool has_end(const std::string& name) {
  constexpr std::string_view endings[] = {".gz", ".tgz", ".bz2", ".tbz2", ".tbz",
                                          ".xz", ".txz", ".zst", ".tzst"};
  return std::any_of(std::begin(endings), std::end(endings),
                     [&](std::string_view ending) { return name.ends_with(ending); });
}

} // namespace

bool is_whole(const std::string& path, const std::string& name, const stop_flag& stopping) {
  if (!has_end(name))
    return true;
  std::unique_ptr<archive, reader_closer> reader{archive_read_new()};
  // The bytes inside are not looked at: `raw` takes whatever they are.
  archive_read_support_filter_gzip(reader.get());
  archive_read_support_filter_bzip2(reader.get());
  archive_read_support_filter_xz(reader.get());
  archive_read_support_filter_zstd(reader.get());
  archive_read_support_format_raw(reader.get());
  archive_entry* entry = nullptr;
  if (archive_read_open_filename(reader.get(), path.c_str(), limits::source_read_bytes)
        != ARCHIVE_OK
      || archive_read_next_header(reader.get(), &entry) != ARCHIVE_OK)
    return false;
  std::array<char, limits::source_read_bytes> bytes;
  for (uint64_t seen = 0; !stopping && seen < limits::source_unpacked_bytes_max;) {
    auto size = archive_read_data(reader.get(), bytes.data(), bytes.size());
    if (size <= 0)
      return size == 0;
    seen += static_cast<uint64_t>(size);
  }
  return !stopping;
}

std::string not_whole(const std::string& name) {
  return "'" + printable(name, limits::name_bytes_max)
         + "' ends too early or is damaged: its upload broke off, or is under way; it is taken "
           "once it is whole";
}

} // namespace drover::sources
