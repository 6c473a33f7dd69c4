// SPDX-License-Identifier: Apache-2.0
#include "nodes/host_facts.hpp"

#include "nodes/keeper/sandbox.hpp"
#include "nodes/record_file.hpp"
#include "schema/limits.hpp"
#include "schema/names.hpp"

#include <fcntl.h>
#include <gnu/libc-version.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/random.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstdlib>
#include <set>
#include <sstream>

extern char** environ;

namespace drover {

namespace {

constexpr auto machine_id_file = "machine-id";
/// All of a new processor's flags; every hello carries them.
constexpr size_t cpu_flags_bytes_max = 2048;

/// The line of /proc/cpuinfo with what the processor can do. By architecture: under qemu the file
/// may be that of the real machine, whose processor is not what a step gets.
#if defined(__x86_64__) || defined(__i386__)
constexpr auto cpu_flags_line = "flags";
#elif defined(__s390x__)
constexpr auto cpu_flags_line = "features";
#else
constexpr auto cpu_flags_line = "Features";
#endif

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// What a program prints before it ends or the time is over; empty if it is not there.
std::string output_of(std::vector<std::string> words) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    return {};
  unique_fd reading{ends[0]}, writing{ends[1]};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  std::vector<char*> arguments;
  for (auto& word : words)
    arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t pid = 0;
  int error = posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  writing.reset();
  if (error != 0)
    return {};
  std::string text;
  char piece[1024];
  auto patience = static_cast<int>(limits::probe_timeout.count());
  pollfd source{reading.get(), POLLIN, 0};
  while (text.size() < limits::value_bytes_max && poll(&source, 1, patience) > 0) {
    auto got = read(reading.get(), piece, sizeof piece);
    if (got <= 0)
      break;
    text.append(piece, static_cast<size_t>(got));
  }
  kill(pid, SIGKILL); // it has said what we wanted, or hangs
  waitpid(pid, nullptr, 0);
  return text;
}

std::string text_of(const std::string& path) {
  auto text = read_whole(path, limits::config_bytes_max);
  return text ? *text : std::string{};
}

/// The value behind "key : value" in a file of such lines; `key` is how a line begins.
std::string line_value(const std::string& file, std::string_view key) {
  auto text = "\n" + file;
  auto at = text.find("\n" + std::string{key});
  if (at == std::string::npos)
    return {};
  ++at; // to the line itself
  auto value = text.substr(at, text.find('\n', at) - at);
  auto colon = value.find(':');
  auto first = colon == std::string::npos ? colon : value.find_first_not_of(" \t", colon + 1);
  return first == std::string::npos ? std::string{} : value.substr(first);
}

/// "bubblewrap" only if it works here: not every kernel and container lets it.
std::string sandbox_kind() {
  auto program = find_bubblewrap();
  if (program.empty())
    return "none";
  auto words = sandbox_words(program, {});
  words.insert(words.end(), {"--", "/bin/sh", "-c", "echo works"});
  return output_of(words) == "works\n" ? "bubblewrap" : "none";
}

/// Of a program that is asked for; one that does not tell its version is "present".
std::string version_of(const std::string& program) {
  auto text = output_of({program, "--version"});
  return version_in(text.substr(0, text.find('\n')));
}

/// Whether there is such a program where steps would find it.
bool is_on_path(const std::string& program) {
  const char* path = std::getenv("PATH");
  std::istringstream folders{path ? path : "/usr/local/bin:/usr/bin:/bin"};
  for (std::string folder; std::getline(folders, folder, ':');)
    if (access((folder + "/" + program).c_str(), X_OK) == 0)
      return true;
  return false;
}

/// Whether somebody keeps this machine's clock right, and how far off it may be.
std::string clock_state() {
  timex state{};
  auto known = adjtimex(&state);
  if (known < 0)
    return {};
  if (known == TIME_ERROR || (state.status & STA_UNSYNC) != 0)
    return "not synchronised";
  return "synchronised within " + std::to_string(state.maxerror / 1000) + " ms";
}

void add_numbers(host_facts& facts, const std::string& state_folder) {
  cpu_set_t usable;
  if (sched_getaffinity(0, sizeof usable, &usable) == 0)
    facts["cores"] = std::to_string(CPU_COUNT(&usable));
  auto pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);
  if (pages > 0 && page_bytes > 0)
    facts["ram"] = std::to_string(static_cast<uint64_t>(pages) * static_cast<uint64_t>(page_bytes));
  struct statvfs disk {};
  if (statvfs(state_folder.c_str(), &disk) == 0)
    facts["disk"] = std::to_string(uint64_t{disk.f_bavail} * disk.f_frsize);
}

} // namespace

std::string version_in(std::string_view text) {
  for (size_t at = 0; at < text.size(); ++at) {
    if (!is_digit(text[at]) || (at > 0 && text[at - 1] != ' ' && text[at - 1] != 'v'))
      continue;
    auto end = at;
    while (end < text.size() && (is_digit(text[end]) || text[end] == '.'))
      ++end;
    auto version = text.substr(at, end - at);
    while (version.ends_with('.'))
      version.remove_suffix(1);
    if (version.find('.') != std::string_view::npos)
      return std::string{version};
    at = end;
  }
  return {};
}

std::string os_release_value(std::string_view text, std::string_view key) {
  auto lines = "\n" + std::string{text};
  auto start = "\n" + std::string{key} + "=";
  auto at = lines.find(start);
  if (at == std::string::npos)
    return {};
  at += start.size();
  auto value = lines.substr(at, lines.find('\n', at) - at);
  if (value.size() >= 2 && (value[0] == '"' || value[0] == '\'') && value.back() == value[0])
    value = value.substr(1, value.size() - 2);
  return value;
}

std::string words_that_fit(std::string_view text, size_t bytes_max) {
  std::set<std::string> words;
  std::istringstream from{std::string{text}};
  for (std::string word; from >> word;)
    words.insert(word);
  std::string out;
  for (const auto& word : words)
    if (out.size() + word.size() + 1 <= bytes_max)
      out += (out.empty() ? "" : " ") + word;
  return out;
}

host_facts probe_facts(const std::string& state_folder, const std::vector<std::string>& programs) {
  host_facts facts;
  utsname kernel{};
  if (uname(&kernel) == 0) {
    facts["arch"] = kernel.machine;
    facts["kernel"] = kernel.release;
    facts["hostname"] = kernel.nodename;
  }
  facts["os"] = "linux";
  facts["libc"] = "glibc " + std::string{gnu_get_libc_version()};
  auto release = text_of("/etc/os-release");
  facts["distro"] = os_release_value(release, "ID");
  if (auto version = os_release_value(release, "VERSION_ID"); !version.empty())
    facts["distro"] += " " + version;
  auto cpu = text_of("/proc/cpuinfo");
  auto flags = line_value(cpu, cpu_flags_line);
  facts["cpu_model"] = flags.empty() ? "" : line_value(cpu, "model name");
  facts["cpu_flags"] = words_that_fit(flags, cpu_flags_bytes_max);
  add_numbers(facts, state_folder);
  facts["endianness"] = std::endian::native == std::endian::little ? "little" : "big";
  facts["clock"] = clock_state();
  for (const auto* program :
       {"cc", "gcc", "clang", "gfortran", "python3", "make", "cmake", "hg", "git"})
    facts[program] = version_of(program);
  for (const auto& program : programs)
    if (is_on_path(program)) {
      auto version = version_of(program);
      facts[program] = version.empty() ? "present" : version;
    }
  facts["sandbox"] = sandbox_kind();
  std::erase_if(facts, [](const auto& fact) { return fact.second.empty(); });
  for (auto& [name, value] : facts)
    value = printable(value, limits::value_bytes_max);
  return facts;
}

void add_step_facts(host_facts& facts, const cgroup_means& means, const step_users& users) {
  facts["cgroup"] = means.kind;
  facts["steps_run_as"] = printable(users.text(), limits::value_bytes_max);
  std::string enforced = "log disk files";
  auto add = [&](bool there, const char* name) { enforced += there ? name : ""; };
  add(!means.base.memory.empty(), " memory");
  // A user's processes can be counted where each workspace has its own.
  add(!means.base.pids.empty() || users.what() == step_users::kind::one_a_workspace, " pids");
  add(!means.base.cpu.empty(), " cpu");
  facts["step_limits"] = enforced;
}

expected<std::string> machine_id(const std::string& state_folder) {
  auto path = state_folder + "/" + machine_id_file;
  auto bytes = read_whole(path, limits::value_bytes_max);
  if (bytes) {
    record_reader in{"machine", *bytes};
    auto id = in.take("id");
    if (in.problem())
      return failure{ec::damaged, path + ": " + in.problem()->text};
    return id;
  }
  if (bytes.error().code != ec::not_found)
    return bytes.error();
  unsigned char random[16];
  if (getrandom(random, sizeof random, 0) != sizeof random)
    return io_failure("random bytes", errno);
  std::string id;
  for (auto byte : random) {
    id += "0123456789abcdef"[byte >> 4];
    id += "0123456789abcdef"[byte & 15];
  }
  record_writer out{"machine"};
  out.put("id", id);
  if (auto problem = replace_file(state_folder, machine_id_file, out.finish(), durability::synced))
    return *problem;
  return id;
}

} // namespace drover
