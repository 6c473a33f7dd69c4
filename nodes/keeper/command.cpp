// SPDX-License-Identifier: Apache-2.0
#include "nodes/keeper/command.hpp"

#include "nodes/keeper/sandbox.hpp"
#include "nodes/keeper/terminal.hpp"
#include "schema/limits.hpp"

#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace drover {

namespace {

/// What the child says when it can't become the command; the pipe closes silently when it can.
struct start_problem {
  char what[32];
  int error = 0;
};

struct child_plan {
  const keeper_order& order;
  const step_groups& groups;
  char* const* direct; ///< the program's own words, to be tried before the shell; null: none
  const char* program;
  char* const* arguments;
  char* const* environment;
  pid_t keeper;
  int output;
  int report;
  step_groups::birth born = step_groups::birth::elsewhere;
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

void bound(const child_plan& plan, __rlimit_resource what, rlim_t value) {
  rlimit both{value, value};
  rlimit now{};
  if (getrlimit(what, &now) == 0 && now.rlim_max < value)
    both = {now.rlim_max, now.rlim_max}; // what this host grants is less
  if (setrlimit(what, &both) != 0)
    give_up(plan.report, "set its limits");
}

void take_limits(const child_plan& plan) {
  const auto& given = plan.order.limits;
  if (!plan.groups.enter(plan.born))
    give_up(plan.report, "enter its cgroup");
  bound(plan, RLIMIT_CORE, 0);
  if (given.files > 0)
    bound(plan, RLIMIT_NOFILE, given.files);
  // Without a cgroup the user's own processes are counted, if nobody else has that user.
  if (given.pids > 0 && plan.order.cgroup.pids.empty() && plan.order.user != 0)
    bound(plan, RLIMIT_NPROC, given.pids);
  // Both are courtesies to the agent: a host that does not grant them runs steps all the same.
  setpriority(PRIO_PROCESS, 0, limits::step_nice);
  if (int score = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC); score >= 0) {
    [[maybe_unused]] auto wrote = write(score, "500", 3);
    close(score);
  }
}

void take_user(const child_plan& plan) {
  auto [user, group] = std::pair{plan.order.user, plan.order.group};
  if (user == 0 && !plan.order.sandbox)
    return;
  if (user != 0
      && (setgroups(0, nullptr) != 0 || setresgid(group, group, group) != 0
          || setresuid(user, user, user) != 0))
    give_up(plan.report, "become its user");
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    give_up(plan.report, "give up privileges");
}

[[noreturn]] void become_command(const child_plan& plan) {
  if (setsid() < 0)
    give_up(plan.report, "make a session");
  take_limits(plan);
  take_user(plan);
  // After the change of user, which would undo it.
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
    give_up(plan.report, "tie it to its keeper");
  if (getppid() != plan.keeper)
    _exit(127); // the keeper died before the line above
  reset_signals();
  // With a terminal as well, and it does not become the controlling one: there is nobody to answer,
  // so a program that would ask (git for a password, by /dev/tty) must find that out at once. And
  // the end of the command hangs up on nobody: a late line of a grandchild is kept as of a pipe.
  int nothing = open("/dev/null", O_RDONLY);
  if (nothing < 0 || dup2(nothing, 0) < 0 || dup2(plan.output, 1) < 0 || dup2(plan.output, 2) < 0)
    give_up(plan.report, "connect its output");
  if (nothing > 2)
    close(nothing);
  umask(022);
  if (chdir(plan.order.workspace.c_str()) != 0)
    give_up(plan.report, "enter the workspace");
  // If it can't be run, the shell says so in its own words and with its own status.
  if (plan.direct != nullptr)
    execve(plan.direct[0], plan.direct, plan.environment);
  execve(plan.program, plan.arguments, plan.environment);
  give_up(plan.report, plan.order.sandbox ? "run bubblewrap" : "run /bin/sh");
}

/// A fork (this program is tiny: nothing to copy), in its group from birth where the kernel can.
/// Not in shared memory, as vfork does it: a command that hangs before it runs (a workspace or
/// shell on a disk that does not answer) would hold up its keeper, which is to end it.
pid_t fork_into(const step_groups& groups, step_groups::birth& born) {
  if (groups.birthplace() < 0)
    return fork();
  born = step_groups::birth::in_birthplace;
  clone_args how{};
  how.flags = CLONE_INTO_CGROUP;
  how.exit_signal = SIGCHLD;
  how.cgroup = static_cast<uint64_t>(groups.birthplace());
  auto child = syscall(SYS_clone3, &how, sizeof how);
  // An old kernel, or a guard that forbids it: then it moves in by itself.
  if (child >= 0 || (errno != ENOSYS && errno != EINVAL && errno != EPERM && errno != EBUSY))
    return static_cast<pid_t>(child);
  born = step_groups::birth::elsewhere;
  return fork();
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

/// The words of a script that is a single command, named by its path, without anything that a shell
/// would treat: to start a shell for it costs as much as a short program itself. Empty if the shell
/// is needed.
std::vector<std::string> plain_words(std::string_view script) {
  auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
           || std::string_view{"_./,:+=@%-"}.find(c) != std::string_view::npos;
  };
  while (script.ends_with('\n'))
    script.remove_suffix(1);
  std::vector<std::string> words;
  for (size_t at = 0; at < script.size();) {
    auto end = std::min(script.find(' ', at), script.size());
    auto word = script.substr(at, end - at);
    if (!std::all_of(word.begin(), word.end(), plain))
      return {};
    if (!word.empty())
      words.emplace_back(word);
    at = end + 1;
  }
  bool by_path = !words.empty() && words[0].find('/') != std::string::npos
                 && words[0].find('=') == std::string::npos;
  return by_path ? words : std::vector<std::string>{};
}

/// The environment as the command gets it.
std::vector<std::string> environment_of(const keeper_order& order) {
  std::vector<std::string> pairs;
  if (!order.env.contains("PWD"))
    pairs.push_back("PWD=" + order.workspace); // as a shell would set it
  for (const auto& [name, value] : order.env)
    pairs.push_back(name + "=" + value);
  if (order.pty && !order.env.contains("TERM"))
    pairs.push_back(std::string{"TERM="} + terminal_kind);
  return pairs;
}

/// As execve wants them; valid as long as `texts`.
std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (auto& text : texts)
    pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

expected<output_ends> open_pipe() {
  int both[2];
  if (pipe2(both, O_CLOEXEC) != 0)
    return io_failure("can't make a pipe", errno);
  output_ends ends{unique_fd{both[0]}, unique_fd{both[1]}};
  // A larger pipe lets a chatty command run on while we write; without it all works, only slower.
  fcntl(ends.read.get(), F_SETPIPE_SZ, limits::keeper_pipe_bytes);
  fcntl(ends.read.get(), F_SETFL, O_NONBLOCK);
  return ends;
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

expected<running_command> start_command(const keeper_order& order, const step_groups& groups) {
  if (auto problem = order_problem(order))
    return *problem;
  auto pairs = environment_of(order);
  auto environment = pointers_to(pairs);
  auto words = command_line_of(order);
  if (!words)
    return words.error();
  auto program = words->front();
  if (!order.sandbox)
    words->front() = "sh"; // as it calls itself in its complaints
  auto arguments = pointers_to(*words);
  auto own_words = order.sandbox ? std::vector<std::string>{} : plain_words(order.run);
  auto direct = pointers_to(own_words);

  auto output = order.pty ? open_terminal(order.user) : open_pipe();
  if (!output)
    return output.error();
  int report[2];
  if (pipe2(report, O_CLOEXEC) != 0)
    return io_failure("can't make a pipe", errno);
  unique_fd report_read{report[0]}, report_write{report[1]};

  child_plan plan{order,
                  groups,
                  own_words.empty() ? nullptr : direct.data(),
                  program.c_str(),
                  arguments.data(),
                  environment.data(),
                  getpid(),
                  output->write.get(),
                  report_write.get()};
  pid_t child = fork_into(groups, plan.born);
  if (child < 0)
    return io_failure("can't start the command", errno);
  if (child == 0)
    become_command(plan);
  output->write.reset(); // the terminal ends only when nobody has it open
  report_write.reset();
  return await_start(child, std::move(output->read), report_read.get());
}

} // namespace drover
