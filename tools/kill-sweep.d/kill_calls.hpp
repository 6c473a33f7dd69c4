#pragma once
// The calls at which kill_point may kill.
// SPDX-License-Identifier: Apache-2.0

#include <sys/syscall.h>

#include <array>

/// Where a call's target is named.
enum class target { descriptor, path, second_path };

struct traced_call {
  long number;
  const char* name;
  target where;
};

// A write is of the class `write` or `send` by what its descriptor is.
inline constexpr std::array calls{
  traced_call{SYS_write, "write", target::descriptor},
  traced_call{SYS_pwrite64, "pwrite", target::descriptor},
  traced_call{SYS_writev, "writev", target::descriptor},
  traced_call{SYS_pwritev, "pwritev", target::descriptor},
  traced_call{SYS_pwritev2, "pwritev2", target::descriptor},
  traced_call{SYS_ftruncate, "ftruncate", target::descriptor},
  traced_call{SYS_fallocate, "fallocate", target::descriptor},
  traced_call{SYS_sendto, "sendto", target::descriptor},
  traced_call{SYS_sendmsg, "sendmsg", target::descriptor},
  traced_call{SYS_sendfile, "sendfile", target::descriptor},
  traced_call{SYS_fsync, "fsync", target::descriptor},
  traced_call{SYS_fdatasync, "fdatasync", target::descriptor},
  traced_call{SYS_sync_file_range, "sync_file_range", target::descriptor},
  traced_call{SYS_syncfs, "syncfs", target::descriptor},
  traced_call{SYS_renameat, "rename", target::second_path},
  traced_call{SYS_renameat2, "rename", target::second_path},
  traced_call{SYS_linkat, "link", target::second_path},
  traced_call{SYS_unlinkat, "unlink", target::second_path},
  traced_call{SYS_mkdirat, "mkdir", target::second_path},
#ifdef SYS_rename // newer architectures have the "at" calls alone
  traced_call{SYS_rename, "rename", target::path},
  traced_call{SYS_link, "link", target::path},
  traced_call{SYS_unlink, "unlink", target::path},
  traced_call{SYS_rmdir, "rmdir", target::path},
  traced_call{SYS_mkdir, "mkdir", target::path},
#endif
};
