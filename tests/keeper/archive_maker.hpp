#pragma once
// Makes archives for tests, hostile ones too.
// SPDX-License-Identifier: Apache-2.0

#include <archive.h>
#include <archive_entry.h>

#include <string>

namespace drover {

/// A .tar.gz (or plain tar) of whatever entries are asked for; nothing is checked.
class archive_maker {
public:
  enum class packing { gzip, plain };
  explicit archive_maker(const std::string& path, packing how = packing::gzip) {
    writer_ = archive_write_new();
    archive_write_set_format_pax_restricted(writer_);
    if (how == packing::gzip)
      archive_write_add_filter_gzip(writer_);
    archive_write_open_filename(writer_, path.c_str());
  }
  ~archive_maker() { archive_write_free(writer_); }
  archive_maker(const archive_maker&) = delete;
  archive_maker& operator=(const archive_maker&) = delete;

  struct links {
    std::string symlink, hardlink;
  };

  archive_maker& file(const std::string& name, const std::string& bytes, unsigned mode = 0644) {
    return add(name, AE_IFREG, mode, bytes);
  }
  archive_maker& folder(const std::string& name, unsigned mode = 0755) {
    return add(name, AE_IFDIR, mode, "");
  }
  archive_maker& other(const std::string& name, unsigned type) { return add(name, type, 0644, ""); }
  archive_maker& symlink(const std::string& name, const std::string& target) {
    return add(name, AE_IFLNK, 0777, "", links{target, ""});
  }
  archive_maker& hardlink(const std::string& name, const std::string& target) {
    return add(name, AE_IFREG, 0644, "", links{"", target});
  }

private:
  archive_maker& add(const std::string& name, unsigned type, unsigned mode,
                     const std::string& bytes, const links& to = links{}) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, name.c_str());
    archive_entry_set_filetype(entry, type);
    archive_entry_set_perm(entry, static_cast<__LA_MODE_T>(mode));
    archive_entry_set_mtime(entry, 1'000'000'000, 0);
    archive_entry_set_size(entry, static_cast<la_int64_t>(bytes.size()));
    if (!to.symlink.empty())
      archive_entry_set_symlink(entry, to.symlink.c_str());
    if (!to.hardlink.empty())
      archive_entry_set_hardlink(entry, to.hardlink.c_str());
    archive_write_header(writer_, entry);
    archive_write_data(writer_, bytes.data(), bytes.size());
    archive_entry_free(entry);
    return *this;
  }
  archive* writer_ = nullptr;
};

} // namespace drover
