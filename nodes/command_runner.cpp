// SPDX-License-Identifier: Apache-2.0
#include "nodes/command_runner.hpp"

#include "nodes/process.hpp"
#include "nodes/spawn_settings.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

extern char** environ;

namespace drover {

namespace {

using steady = std::chrono::steady_clock;

/// How often a running command is looked at whether it is to stop.
constexpr int look_ms = 200;

struct job {
  std::string command;
  string_map environment;
  command_port::done over;
};

std::vector<std::string> environment_of(const string_map& added) {
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry)
    all.emplace_back(*entry);
  for (const auto& [name, value] : added)
    all.push_back(name + "=" + value);
  return all;
}

/// Begins the command in a process group of its own, both outputs into `output`. 0: it can't be.
pid_t begin(const job& what, int output, std::string& problem) {
  spawn_settings settings;
  posix_spawn_file_actions_adddup2(&settings.actions, output, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&settings.actions, output, STDERR_FILENO);
  std::string shell = "/bin/sh", option = "-c", script = what.command;
  char* words[] = {shell.data(), option.data(), script.data(), nullptr};
  auto entries = environment_of(what.environment);
  std::vector<char*> environment;
  for (auto& entry : entries)
    environment.push_back(entry.data());
  environment.push_back(nullptr);
  pid_t pid = 0;
  int error = posix_spawn(&pid, shell.c_str(), &settings.actions, &settings.attributes, words,
                          environment.data());
  if (error == 0)
    return pid;
  problem = std::string{"/bin/sh: "} + std::strerror(error);
  return 0;
}

int exit_code_of(int status) {
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

} // namespace

struct command_runner::crew {
  milliseconds patience{0};
  std::mutex lock;
  std::condition_variable news;
  std::deque<job> waiting;
  size_t threads = 0;
  bool stopping = false;

  bool stops() {
    std::lock_guard held{lock};
    return stopping;
  }

  void work() {
    std::unique_lock held{lock};
    while (!stopping && !waiting.empty()) {
      auto next = std::move(waiting.front());
      waiting.pop_front();
      held.unlock();
      perform(next);
      held.lock();
    }
    --threads;
    news.notify_all();
  }

  void perform(const job& what) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
      return what.over(-1, std::string{"no pipe for its output: "} + std::strerror(errno));
    owned_fd reading{ends[0]}, writing{ends[1]};
    std::string text;
    auto pid = begin(what, writing.get(), text);
    writing = owned_fd{};
    if (pid == 0)
      return what.over(-1, text);
    auto end = steady::now() + patience;
    int status = 0;
    bool killed = false;
    // Its own exit ends it: what it left in the background may keep the pipe open.
    while (waitpid(pid, &status, WNOHANG) == 0) {
      if (!killed && (steady::now() >= end || stops())) {
        kill(-pid, SIGKILL);
        killed = true;
      }
      take(reading.get(), text);
    }
    drain(reading.get(), text);
    if (killed)
      text +=
        text.empty() ? "it took too long and was killed" : "\n(it took too long and was killed)";
    what.over(exit_code_of(status), text);
  }

  /// Waits for output for a moment; keeps the end of it.
  static bool take(int from, std::string& text, int wait = look_ms) {
    pollfd source{from, POLLIN, 0};
    if (poll(&source, 1, wait) <= 0)
      return false;
    char piece[4096];
    auto got = read(from, piece, sizeof piece);
    if (got <= 0) {
      poll(nullptr, 0, wait > 0 ? 10 : 0); // closed before its end: do not spin
      return false;
    }
    text.append(piece, static_cast<size_t>(got));
    if (text.size() > limits::ladder_output_max)
      text.erase(0, text.size() - limits::ladder_output_max);
    return true;
  }

  static void drain(int from, std::string& text) {
    while (take(from, text, 0)) {
    }
  }
};

command_runner::command_runner(milliseconds patience) : crew_{std::make_shared<crew>()} {
  crew_->patience = patience;
}

command_runner::~command_runner() {
  stop();
}

void command_runner::stop() {
  std::unique_lock held{crew_->lock};
  crew_->stopping = true;
  crew_->waiting.clear();
  crew_->news.wait(held, [this] { return crew_->threads == 0; });
}

void command_runner::run(const std::string& command, const string_map& environment, done over) {
  std::lock_guard held{crew_->lock};
  if (crew_->stopping)
    return;
  crew_->waiting.push_back({command, environment, std::move(over)});
  if (crew_->threads >= limits::ladder_commands_max)
    return;
  ++crew_->threads;
  std::thread{[crew = crew_] { crew->work(); }}.detach();
}

} // namespace drover
