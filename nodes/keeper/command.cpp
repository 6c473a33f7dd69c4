// SPDX-License-Identifier: Apache-2.0
#include "nodes/keeper/command.hpp"

#include "schema/limits.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace drover {

namespace {

/// What the child says when it can't become the command; the pipe closes silently when it can.
struct start_problem {
  char what[32];
  int error = 0;
};

struct child_plan {
  const char* workspace;
  char* const* arguments;
  char* const* environment;
  pid_t keeper;
  int output;
  int report;
};

[[noreturn]] void give_up(int report, const char* what) {
  start_problem problem{};
  problem.error = errno;
  for (size_t i = 0; what[i] && i + 1 < sizeof problem.what; ++i)
    problem.what[i] = what[i];
  // If even this fails, the closed pipe and status 127 tell of it.
  [[maybe_unused]] auto wrote = write(report, &problem, sizeof problem);
  _exit(127);
}

void reset_signals() {
  // Asked of the kernel itself: libc passes over signals 32 and 33, which may come to us ignored.
  // All zeros is SIG_DFL, no flags, no mask; it fails for KILL and STOP, which are as they are.
  constexpr char plain[64] = {};
  for (int number = 1; number < NSIG; ++number)
    syscall(SYS_rt_sigaction, number, plain, nullptr, size_t{(NSIG - 1) / 8});
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

[[noreturn]] void become_command(const child_plan& plan) {
  if (setsid() < 0)
    give_up(plan.report, "make a session");
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
    give_up(plan.report, "tie it to its keeper");
  if (getppid() != plan.keeper)
    _exit(127); // the keeper died before the line above
  reset_signals();
  int nothing = open("/dev/null", O_RDONLY);
  if (nothing < 0 || dup2(nothing, 0) < 0 || dup2(plan.output, 1) < 0 || dup2(plan.output, 2) < 0)
    give_up(plan.report, "connect its output");
  if (nothing > 2)
    close(nothing);
  umask(022);
  if (chdir(plan.workspace) != 0)
    give_up(plan.report, "enter the workspace");
  execve("/bin/sh", plan.arguments, plan.environment);
  give_up(plan.report, "run /bin/sh");
}

std::optional<failure> order_problem(const keeper_order& order) {
  auto holds_nul = [](const std::string& text) { return text.find('\0') != std::string::npos; };
  if (holds_nul(order.run) || holds_nul(order.workspace))
    return failure{ec::bad_input, "the command holds a NUL byte, which no program can be given"};
  for (const auto& [name, value] : order.env)
    if (name.empty() || name.find('=') != std::string::npos || holds_nul(name) || holds_nul(value))
      return failure{ec::bad_input,
                     "the environment holds a name or value that no program can be given"};
  return std::nullopt;
}

expected<running_command> await_start(pid_t child, unique_fd output, int report) {
  start_problem problem;
  ssize_t got = 0;
  while ((got = read(report, &problem, sizeof problem)) < 0 && errno == EINTR)
    continue;
  if (got == 0)
    return running_command{child, std::move(output)};
  waitpid(child, nullptr, 0);
  if (got != sizeof problem)
    return failure{ec::io, "can't start the command"};
  return io_failure("can't start the command: can't " + std::string{problem.what}, problem.error);
}

} // namespace

expected<running_command> start_command(const keeper_order& order) {
  if (auto problem = order_problem(order))
    return *problem;
  std::vector<std::string> pairs;
  for (const auto& [name, value] : order.env)
    pairs.push_back(name + "=" + value);
  std::vector<char*> environment;
  for (auto& pair : pairs)
    environment.push_back(pair.data());
  environment.push_back(nullptr);
  std::string shell = "sh", option = "-c", script = order.run;
  char* arguments[] = {shell.data(), option.data(), script.data(), nullptr};

  int output[2], report[2];
  if (pipe2(output, O_CLOEXEC) != 0)
    return io_failure("can't make a pipe", errno);
  unique_fd output_read{output[0]}, output_write{output[1]};
  if (pipe2(report, O_CLOEXEC) != 0)
    return io_failure("can't make a pipe", errno);
  unique_fd report_read{report[0]}, report_write{report[1]};
  // A larger pipe lets a chatty command run on while we write; without it all works, only slower.
  fcntl(output_read.get(), F_SETPIPE_SZ, limits::keeper_pipe_bytes);
  fcntl(output_read.get(), F_SETFL, O_NONBLOCK);

  child_plan plan{order.workspace.c_str(), arguments,         environment.data(), getpid(),
                  output_write.get(),      report_write.get()};
  pid_t child = fork(); // this program is tiny: nothing to copy
  if (child < 0)
    return io_failure("can't start the command", errno);
  if (child == 0)
    become_command(plan);
  output_write.reset();
  report_write.reset();
  return await_start(child, std::move(output_read), report_read.get());
}

} // namespace drover
