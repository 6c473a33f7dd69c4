// bench_floor: what this machine can do at best, measured beside the farm by bench/run.
//
// Orders come line by line on standard input, one answer in JSON follows each:
//   spawn N          N times: start /bin/true in a session of its own, read its output, wait
//   floor N          N times what a build can't do without: a spawn, 2 synced writes, 4 TCP round
//                    trips; the synced file lies in the folder that is the first argument
//   pingpong N SIZE  N round trips of SIZE bytes each way over TCP loopback
// `bench_floor --produce BYTES` prints that much text, as a noisy step would.
// SPDX-License-Identifier: Apache-2.0

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using moment = std::chrono::steady_clock::time_point;

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what + ": " + std::strerror(errno));
}

double microseconds_since(moment begin) {
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin)
    .count();
}

void print_samples(const std::vector<double>& samples) {
  std::ostringstream line;
  line << "{\"us\": [";
  for (size_t i = 0; i < samples.size(); ++i)
    line << (i == 0 ? "" : ", ") << samples[i];
  line << "]}";
  std::cout << line.str() << std::endl;
}

// -- a process
// -------------------------------------------------------------------------------------

/// What any runner of steps does at least: a child in a session of its own whose output is read.
void run_true() {
  std::array<int, 2> pipe_ends{};
  if (pipe2(pipe_ends.data(), O_CLOEXEC) != 0)
    fail("pipe");
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_t actions;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], 1);
  posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], 2);
  std::string path = "/bin/true";
  std::array<char*, 2> arguments{path.data(), nullptr};
  pid_t child = 0;
  errno = posix_spawn(&child, path.c_str(), &actions, &attributes, arguments.data(), environ);
  if (errno != 0)
    fail(path);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  close(pipe_ends[1]);
  std::array<char, 4096> output{};
  while (read(pipe_ends[0], output.data(), output.size()) > 0) {
  }
  close(pipe_ends[0]);
  int status = 0;
  if (waitpid(child, &status, 0) != child || status != 0)
    fail("/bin/true did not succeed");
}

// -- TCP
// -------------------------------------------------------------------------------------------

void move_all(int socket, char* bytes, size_t size, ssize_t (*step)(int, char*, size_t)) {
  while (size > 0) {
    auto moved = step(socket, bytes, size);
    if (moved <= 0)
      fail("the loopback connection");
    bytes += moved;
    size -= static_cast<size_t>(moved);
  }
}

ssize_t send_some(int socket, char* bytes, size_t size) {
  return send(socket, bytes, size, MSG_NOSIGNAL);
}

ssize_t receive_some(int socket, char* bytes, size_t size) {
  return recv(socket, bytes, size, 0);
}

/// A connection over loopback whose other end, on a thread of its own, sends back what it gets.
class echo_pair {
public:
  explicit echo_pair(size_t size) : message_(size, 'x') {
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in place{};
    place.sin_family = AF_INET;
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof place;
    auto* address = reinterpret_cast<sockaddr*>(&place);
    if (listener < 0 || bind(listener, address, length) != 0 || listen(listener, 1) != 0
        || getsockname(listener, address, &length) != 0)
      fail("a loopback listener");
    here_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (here_ < 0 || connect(here_, address, length) != 0)
      fail("a loopback connection");
    there_ = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    close(listener);
    int on = 1;
    for (int end : {here_, there_})
      setsockopt(end, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    echo_ = std::thread([end = there_, size] {
      std::string bytes(size, '\0');
      for (;;) {
        for (size_t got = 0; got < size;) {
          auto more = recv(end, bytes.data() + got, size - got, 0);
          if (more <= 0)
            return;
          got += static_cast<size_t>(more);
        }
        move_all(end, bytes.data(), size, send_some);
      }
    });
  }
  echo_pair(const echo_pair&) = delete;
  echo_pair& operator=(const echo_pair&) = delete;
  ~echo_pair() {
    shutdown(here_, SHUT_RDWR);
    echo_.join();
    close(here_);
    close(there_);
  }

  void round_trip() {
    move_all(here_, message_.data(), message_.size(), send_some);
    move_all(here_, message_.data(), message_.size(), receive_some);
  }

private:
  std::string message_;
  int here_ = -1;
  int there_ = -1;
  std::thread echo_;
};

// -- the measures
// ----------------------------------------------------------------------------------

std::vector<double> measure_spawns(size_t count) {
  std::vector<double> samples;
  for (size_t i = 0; i < count; ++i) {
    auto begin = std::chrono::steady_clock::now();
    run_true();
    samples.push_back(microseconds_since(begin));
  }
  return samples;
}

std::vector<double> measure_round_trips(size_t count, size_t size) {
  echo_pair peer{size};
  std::vector<double> samples;
  for (size_t i = 0; i < count; ++i) {
    auto begin = std::chrono::steady_clock::now();
    peer.round_trip();
    samples.push_back(microseconds_since(begin));
  }
  return samples;
}

/// As a log of records grows: 4 KiB at its end, then on the disk.
void write_synced(int file) {
  static const std::string page(4096, 'r');
  if (write(file, page.data(), page.size()) != static_cast<ssize_t>(page.size())
      || fdatasync(file) != 0)
    fail("a synced write");
}

std::vector<double> measure_floors(size_t count, const std::string& folder) {
  auto path = folder + "/bench-floor";
  int file = open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
  if (file < 0)
    fail(path);
  echo_pair peer{200};
  std::vector<double> samples;
  for (size_t i = 0; i < count; ++i) {
    auto begin = std::chrono::steady_clock::now();
    for (int trip = 0; trip < 4; ++trip)
      peer.round_trip();
    run_true();
    write_synced(file);
    write_synced(file);
    samples.push_back(microseconds_since(begin));
  }
  close(file);
  unlink(path.c_str());
  return samples;
}

void obey(const std::string& line, const std::string& folder) {
  std::istringstream words{line};
  std::string what;
  size_t count = 0;
  size_t size = 0;
  words >> what >> count;
  if (what == "spawn")
    print_samples(measure_spawns(count));
  else if (what == "floor")
    print_samples(measure_floors(count, folder));
  else if (what == "pingpong" && words >> size)
    print_samples(measure_round_trips(count, size));
  else
    throw std::runtime_error("no such order: " + line);
}

// -- text
// ------------------------------------------------------------------------------------------

/// Lines as compilers and tests print them: 100 bytes, numbered, not too easy to compress.
std::string some_text(size_t bytes) {
  static constexpr std::array<const char*, 8> words{"compiling", "src/parser", "warning:", "unused",
                                                    "PASS",      "test_case",  "linking",  "ok"};
  std::minstd_rand random{4711};
  std::string text;
  text.reserve(bytes + 128);
  for (uint64_t number = 1; text.size() < bytes; ++number) {
    auto end = text.size() + 99;
    text += std::to_string(number);
    while (text.size() < end)
      text += ' ' + std::string{words[random() % words.size()]} + std::to_string(random() % 10'000);
    text.resize(end);
    text += '\n';
  }
  return text;
}

int produce(uint64_t bytes) {
  constexpr size_t block_bytes = 4'000'000; // a whole number of lines, longer than any window
  auto block = some_text(block_bytes);
  while (bytes > 0) {
    auto piece = static_cast<size_t>(std::min<uint64_t>(bytes, 100'000));
    static size_t at = 0;
    if (at + piece > block.size())
      at = 0;
    auto wrote = write(1, block.data() + at, piece);
    if (wrote <= 0)
      fail("output");
    at += static_cast<size_t>(wrote);
    bytes -= static_cast<uint64_t>(wrote);
  }
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  try {
    std::vector<std::string> arguments{argv + 1, argv + argc};
    if (arguments.size() == 2 && arguments[0] == "--produce")
      return produce(std::stoull(arguments[1]));
    if (arguments.size() != 1)
      throw std::runtime_error("usage: bench_floor FOLDER | --produce BYTES");
    for (std::string line; std::getline(std::cin, line);)
      obey(line, arguments[0]);
    return 0;
  } catch (const std::exception& problem) {
    std::cerr << "bench_floor: " << problem.what() << "\n";
    return 1;
  }
}
