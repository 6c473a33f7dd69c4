// kill_point: runs a program and kills one below it, -9, at its Nth call of a class.
//
//   kill_point --program coordinator|host|agent|keeper --list FILE
//              [--class write|send|fsync|rename --at N [--when before|torn|after]] -- COMMAND...
//
// FILE gets a line for each call of that program, "CLASS N SYSCALL TARGET"; the last one is
// "killed CLASS N SYSCALL TARGET". Nothing is changed in the programs: a seccomp filter stops these
// calls alone, and this process, their tracer, decides. That works for static programs as well, and
// N counts over all threads, and over all keepers of a host. What else runs below goes on after the
// kill; if COMMAND itself was killed it is started again, untraced. This process must live as long
// as any of them, and takes them with it.
// SPDX-License-Identifier: Apache-2.0

#include "tools/kill-sweep.d/kill_calls.hpp"

#include <elf.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace {

enum class moment { before, torn, after };

constexpr size_t path_bytes_max = 4096;

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "kill_point: %s: %s\n", what.c_str(), std::strerror(errno));
  std::exit(2);
}

struct orders {
  std::string program, list, kind;
  uint64_t at = 0; ///< 0: only count
  moment when = moment::before;
  char** command = nullptr;
};

std::string read_link(const std::string& path) {
  std::array<char, path_bytes_max> text{};
  auto got = readlink(path.c_str(), text.data(), text.size());
  return got > 0 ? std::string{text.data(), static_cast<size_t>(got)} : std::string{};
}

std::string proc(pid_t pid, const std::string& what) {
  return "/proc/" + std::to_string(pid) + "/" + what;
}

std::string whole_file(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

/// The text at `address` of a stopped process.
std::string text_at(pid_t pid, uint64_t address) {
  std::string text;
  constexpr size_t piece = 256; // whole pieces of a page: none reaches into one that is not there
  while (text.size() < path_bytes_max) {
    std::array<char, piece> bytes{};
    auto from = address + text.size();
    iovec mine{bytes.data(), piece - from % piece};
    iovec theirs{reinterpret_cast<void*>(from), mine.iov_len};
    auto got = process_vm_readv(pid, &mine, 1, &theirs, 1, 0);
    if (got <= 0)
      break;
    auto length = strnlen(bytes.data(), static_cast<size_t>(got));
    text.append(bytes.data(), length);
    if (length < static_cast<size_t>(got))
      break;
  }
  return text;
}

/// What a call is about to do, as far as it is counted at all.
struct event {
  std::string kind, name, on;
};

std::optional<event> event_of(pid_t tid, const __ptrace_syscall_info& info) {
  auto call = std::ranges::find(calls, static_cast<long>(info.seccomp.nr), &traced_call::number);
  if (call == calls.end())
    return std::nullopt;
  if (call->where != target::descriptor) {
    auto path = text_at(tid, info.seccomp.args[call->where == target::path ? 0 : 1]);
    return event{"rename", call->name, path};
  }
  auto descriptor = info.seccomp.args[0];
  auto on = read_link(proc(tid, "fd/" + std::to_string(descriptor)));
  bool is_file = on.starts_with("/") && !on.starts_with("/dev/") && !on.starts_with("/proc/");
  if (std::string_view{call->name}.find("sync") != std::string_view::npos)
    return event{"fsync", call->name, on};
  if (on.starts_with("socket:"))
    return event{"send", call->name, "a socket"};
  if (is_file && descriptor != STDERR_FILENO)
    return event{"write", call->name, on};
  return std::nullopt; // pipes, eventfds, terminals, what it tells people
}

/// The filter that stops the calls above in whatever the caller becomes and starts.
void install_filter() {
  std::vector<sock_filter> code;
  code.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)));
  for (size_t i = 0; i < calls.size(); ++i) {
    auto to_trace = static_cast<uint8_t>(calls.size() - i);
    code.push_back(
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint32_t>(calls[i].number), to_trace, 0));
  }
  code.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  code.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE));
  sock_fprog filter{static_cast<unsigned short>(code.size()), code.data()};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
      || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
    fail("seccomp filter");
}

class tracer {
public:
  explicit tracer(const orders& what) : orders_{what} {
    list_ = open(what.list.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (list_ < 0)
      fail(what.list);
  }

  /// Returns when nothing that was started is left: the exit code of COMMAND.
  int run() {
    start_traced();
    for (;;) {
      int status = 0;
      pid_t tid = waitpid(-1, &status, __WALL);
      if (tid < 0 && errno == EINTR)
        continue;
      if (tid < 0)
        return exit_code_;
      if (WIFSTOPPED(status))
        stopped(tid, status);
      else
        ended(tid, status);
    }
  }

private:
  void start_traced() {
    std::array<int, 2> gate{};
    if (pipe2(gate.data(), O_CLOEXEC) != 0)
      fail("pipe");
    main_ = fork();
    if (main_ < 0)
      fail("fork");
    if (main_ == 0) {
      char go = 0;
      if (read(gate[0], &go, 1) != 1)
        _exit(2);
      install_filter();
      become_command();
    }
    long options = PTRACE_O_TRACESECCOMP | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK
                   | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_TRACESYSGOOD
                   | PTRACE_O_EXITKILL;
    if (ptrace(PTRACE_SEIZE, main_, nullptr, options) != 0)
      fail("ptrace");
    if (write(gate[1], "g", 1) != 1)
      fail("pipe");
    close(gate[0]);
    close(gate[1]);
  }

  [[noreturn]] void become_command() {
    execv(orders_.command[0], orders_.command);
    fail(orders_.command[0]);
  }

  void ended(pid_t tid, int status) {
    victims_.erase(tid);
    nurseries_.erase(tid);
    leaders_.erase(tid);
    if (tid != main_)
      return;
    exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    if (tid != killed_)
      return;
    killed_ = 0;
    main_ = fork();
    if (main_ == 0)
      become_command();
  }

  void stopped(pid_t tid, int status) {
    int signal = WSTOPSIG(status);
    switch (status >> 16) {
    case PTRACE_EVENT_SECCOMP:
      at_call(tid);
      return;
    case PTRACE_EVENT_EXEC:
      take_note(tid);
      break;
    case PTRACE_EVENT_FORK:
    case PTRACE_EVENT_VFORK:
    case PTRACE_EVENT_CLONE:
      if (nurseries_.contains(tid))
        forked(tid);
      break;
    case PTRACE_EVENT_STOP:
      if (signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU) {
        ptrace(PTRACE_LISTEN, tid, nullptr, nullptr);
        return;
      }
      break;
    case 0:
      if (signal == (SIGTRAP | 0x80)) { // a call that was let run to its end
        if (tid == returning_)
          kill_now(tid);
        break;
      }
      ptrace(PTRACE_CONT, tid, nullptr, signal);
      return;
    default:
      break;
    }
    ptrace(PTRACE_CONT, tid, nullptr, nullptr);
  }

  void take_note(pid_t pid) {
    nurseries_.erase(pid);
    victims_.erase(pid);
    if (!is_program(pid))
      return;
    if (whole_file(proc(pid, "cmdline")).find("--nursery") != std::string::npos)
      nurseries_.insert(pid);
    else
      victims_[pid] = true;
  }

  /// A keeper, out of a process that forks those.
  void forked(pid_t nursery) {
    unsigned long child = 0;
    if (ptrace(PTRACE_GETEVENTMSG, nursery, nullptr, &child) == 0)
      victims_[static_cast<pid_t>(child)] = true;
  }

  /// Whether the process that has just called exec is one that is to die.
  bool is_program(pid_t pid) const {
    auto path = read_link(proc(pid, "exe"));
    auto name = path.substr(path.rfind('/') + 1);
    if (orders_.program != "agent" && orders_.program != "host")
      return name == "drover-" + orders_.program;
    bool below = whole_file(proc(pid, "cmdline")).find("--agent-of") != std::string::npos;
    return name == "drover-host" && below == (orders_.program == "agent");
  }

  pid_t leader_of(pid_t tid) {
    auto& leader = leaders_[tid];
    if (leader == 0) {
      auto status = whole_file(proc(tid, "status"));
      auto at = status.find("Tgid:");
      leader = at == std::string::npos ? tid : std::stoi(status.substr(at + 5));
    }
    return leader;
  }

  void at_call(pid_t tid) {
    __ptrace_syscall_info info{};
    bool known = !over_ && victims_.contains(leader_of(tid))
                 && ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof info, &info) > 0;
    auto what = known ? event_of(tid, info) : std::nullopt;
    if (what && count(*what)) {
      over_ = true;
      if (orders_.when == moment::before) {
        kill_now(tid);
      } else {
        if (orders_.when == moment::torn && what->kind == "write")
          tear(tid, info);
        returning_ = tid;
        ptrace(PTRACE_SYSCALL, tid, nullptr, nullptr);
        return;
      }
    }
    ptrace(PTRACE_CONT, tid, nullptr, nullptr);
  }

  /// Writes the call down; whether it is the one.
  bool count(const event& what) {
    auto number = ++counts_[what.kind];
    bool is_it = what.kind == orders_.kind && number == orders_.at;
    auto line = (is_it ? "killed " : "") + what.kind + " " + std::to_string(number) + " "
                + what.name + " " + what.on + "\n";
    if (write(list_, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
      fail(orders_.list);
    return is_it;
  }

  void kill_now(pid_t tid) {
    killed_ = leader_of(tid);
    kill(killed_, SIGKILL);
  }

  /// Only the first half of what is written gets there.
  static void tear(pid_t tid, const __ptrace_syscall_info& info) {
    auto half = info.seccomp.args[2] / 2; // of bytes, or of pieces
    user_regs_struct registers{};
    iovec room{&registers, sizeof registers};
    if (ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &room) != 0)
      fail("registers");
#if defined(__x86_64__)
    registers.rdx = half;
#elif defined(__aarch64__)
    registers.regs[2] = half;
#else
#error "where does a system call of this machine have its third argument?"
#endif
    if (ptrace(PTRACE_SETREGSET, tid, NT_PRSTATUS, &room) != 0)
      fail("registers");
  }

  orders orders_;
  int list_ = -1;
  pid_t main_ = 0;
  pid_t killed_ = 0;
  pid_t returning_ = 0;
  bool over_ = false;
  int exit_code_ = 0;
  std::map<pid_t, bool> victims_; ///< processes of the program, by what they last executed
  std::set<pid_t> nurseries_;     ///< they fork keepers, and are none
  std::map<pid_t, pid_t> leaders_;
  std::map<std::string, uint64_t> counts_;
};

/// Options and values in pairs, then `--` and the command.
std::optional<orders> read_orders(int argc, char** argv) {
  const std::map<std::string, moment> moments{
    {"before", moment::before}, {"torn", moment::torn}, {"after", moment::after}};
  orders what;
  int i = 1;
  for (; i + 1 < argc && std::string{argv[i]} != "--"; i += 2) {
    std::string name = argv[i], value = argv[i + 1];
    if (name == "--program")
      what.program = value;
    else if (name == "--list")
      what.list = value;
    else if (name == "--class")
      what.kind = value;
    else if (name == "--at")
      what.at = std::strtoull(value.c_str(), nullptr, 10);
    else if (name == "--when" && moments.contains(value))
      what.when = moments.at(value);
    else
      return std::nullopt;
  }
  what.command = argv + i + 1;
  if (what.program.empty() || what.list.empty() || i + 1 >= argc)
    return std::nullopt;
  return what;
}

} // namespace

int main(int argc, char** argv) {
  auto what = read_orders(argc, argv);
  if (what)
    return tracer{*what}.run();
  std::fputs("usage: kill_point --program P --list FILE [--class C --at N [--when W]] -- COMMAND\n",
             stderr);
  return 2;
}
