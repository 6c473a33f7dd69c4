// SPDX-License-Identifier: Apache-2.0
#include "nodes/sources/command.hpp"

#include "nodes/process.hpp"
#include "nodes/spawn_settings.hpp"
#include "schema/limits.hpp"
#include "schema/limits_sources.hpp"
#include "schema/names.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>

namespace drover::sources {

namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds look_every{200}; // at the stop flag and at the time
constexpr size_t complaint_bytes_max = 64 * 1024;

struct pipe_ends {
  owned_fd read, write;
};

expected<pipe_ends> open_pipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    return system_failure("pipe");
  return pipe_ends{owned_fd{ends[0]}, owned_fd{ends[1]}};
}

/// What the command sees of our environment: no more than it needs to find programs and keys.
std::vector<std::string> environment_of(const command& what) {
  std::vector<std::string> all{"LC_ALL=C.UTF-8", "GIT_TERMINAL_PROMPT=0", "HGPLAIN=1",
                               "GIT_ALLOW_PROTOCOL=file:git:http:https:ssh"};
  for (const char* name :
       {"PATH", "HOME", "SSH_AUTH_SOCK", "http_proxy", "https_proxy", "no_proxy"})
    if (const char* value = std::getenv(name))
      all.push_back(std::string{name} + "=" + value);
  all.insert(all.end(), what.environment.begin(), what.environment.end());
  return all;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (auto& text : texts)
    all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

expected<pid_t> start(const command& what, const pipe_ends& out, const pipe_ends& err) {
  spawn_settings settings;
  posix_spawn_file_actions_adddup2(&settings.actions, out.write.get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&settings.actions, err.write.get(), STDERR_FILENO);
  if (!what.folder.empty())
    posix_spawn_file_actions_addchdir_np(&settings.actions, what.folder.c_str());
  auto arguments = what.arguments;
  auto environment = environment_of(what);
  pid_t pid = 0;
  int error = posix_spawnp(&pid, arguments[0].c_str(), &settings.actions, &settings.attributes,
                           pointers(arguments).data(), pointers(environment).data());
  if (error != 0) {
    errno = error;
    return system_failure("can't run " + arguments[0]);
  }
  return pid;
}

/// The last line that is not empty: where programs say what is wrong.
std::string last_line(const std::string& text) {
  auto end = text.find_last_not_of(" \r\n\t");
  if (end == std::string::npos)
    return {};
  auto begin = text.rfind('\n', end);
  return text.substr(begin == std::string::npos ? 0 : begin + 1,
                     end - (begin == std::string::npos ? 0 : begin + 1) + 1);
}

enum class ending : uint8_t { eof, too_long, too_much, stopped };

/// Reads both outputs until both are closed, or a bound is met.
ending collect(const pipe_ends& out, const pipe_ends& err, std::string& printed,
               std::string& complaint, const stop_flag& stopping) {
  auto deadline = steady_clock::now() + limits::source_command_max;
  std::array<pollfd, 2> waits{pollfd{out.read.get(), POLLIN, 0}, pollfd{err.read.get(), POLLIN, 0}};
  std::array<char, 64 * 1024> buffer{};
  while (waits[0].fd >= 0 || waits[1].fd >= 0) {
    if (stopping)
      return ending::stopped;
    if (steady_clock::now() >= deadline)
      return ending::too_long;
    if (poll(waits.data(), waits.size(), static_cast<int>(look_every.count())) <= 0)
      continue;
    for (size_t i = 0; i < waits.size(); ++i) {
      if (waits[i].fd < 0 || waits[i].revents == 0)
        continue;
      auto got = read(waits[i].fd, buffer.data(), buffer.size());
      if (got <= 0) {
        waits[i].fd = -1;
        continue;
      }
      auto& into = i == 0 ? printed : complaint;
      into.append(buffer.data(), static_cast<size_t>(got));
      if (i == 1 && complaint.size() > complaint_bytes_max)
        complaint.erase(0, complaint.size() - complaint_bytes_max);
      if (printed.size() > limits::source_output_max)
        return ending::too_much;
    }
  }
  return ending::eof;
}

} // namespace

expected<std::string> run(const command& what, const stop_flag& stopping) {
  auto named = what.arguments[0];
  if (stopping)
    return failure{ec::unavailable, "the coordinator is stopping"};
  auto out = open_pipe();
  auto err = open_pipe();
  if (!out || !err)
    return !out ? out.error() : err.error();
  auto pid = start(what, *out, *err);
  if (!pid)
    return pid.error();
  out->write = owned_fd{};
  err->write = owned_fd{};
  std::string printed, complaint;
  auto how = collect(*out, *err, printed, complaint, stopping);
  if (how != ending::eof)
    kill(-*pid, SIGKILL);
  int status = 0;
  while (waitpid(*pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (how == ending::stopped)
    return failure{ec::unavailable, "the coordinator is stopping"};
  if (how == ending::too_long)
    return failure{ec::unavailable, named + " took too long and was ended"};
  if (how == ending::too_much)
    return failure{ec::refused, named + " printed more than is taken"};
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
    return printed;
  auto said = printable(last_line(complaint), limits::reason_bytes_max);
  return failure{ec::unavailable, named + ": " + (said.empty() ? describe({*pid, status}) : said)};
}

} // namespace drover::sources
