#pragma once
// Starts a child that shares its parent's memory until it becomes another program, as vfork does,
// but with all that clone3 can be told.
// SPDX-License-Identifier: Apache-2.0

#include <linux/sched.h>
#include <sys/syscall.h>
#include <sys/types.h>

#include <cerrno>

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define DROVER_SHARED_START 1
#else
#define DROVER_SHARED_START 0
#endif

namespace drover {

/// Whether `start_shared` is there: no memory is copied then, nor is any written to for the first
/// time by both, which together costs as much as to run a short program.
inline constexpr bool can_start_shared = DROVER_SHARED_START != 0;

/// In the child calls `enter(what)`, which must not return: it ends by execve or _exit, and until
/// then the caller waits. Whatever the child writes to memory the caller sees. Returns the child's
/// number, or -1 with errno.
inline pid_t start_shared(clone_args how, void (*enter)(void*), void* what) {
#if DROVER_SHARED_START
  how.flags |= CLONE_VM | CLONE_VFORK;
  long child = 0;
  // One piece, so that nothing but this stands on the stack that both use: below what the caller
  // has there, and below the 128 bytes that it may use without saying so, the child begins anew.
  asm volatile("syscall\n\t"
               "test %%rax, %%rax\n\t"
               "jnz 1f\n\t"
               "sub $128, %%rsp\n\t"
               "and $-16, %%rsp\n\t"
               "mov %[what], %%rdi\n\t"
               "call *%[enter]\n\t"
               "ud2\n"
               "1:"
               : "=a"(child)
               : "a"(long{SYS_clone3}), "D"(&how),
                 "S"(sizeof how), [enter] "r"(enter), [what] "r"(what)
               : "rcx", "r11", "cc", "memory");
  if (child >= 0)
    return static_cast<pid_t>(child);
  errno = static_cast<int>(-child);
#else
  static_cast<void>(how);
  static_cast<void>(enter);
  static_cast<void>(what);
  errno = ENOSYS;
#endif
  return -1;
}

} // namespace drover
