// SPDX-License-Identifier: Apache-2.0
#include "nodes/far/far_machine.hpp"

#include "nodes/far/scripts.hpp"
#include "schema/limits.hpp"
#include "schema/limits_far.hpp"
#include "schema/limits_healing.hpp"
#include "schema/names.hpp"

#include <fmt/format.h>
#include <sys/wait.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <fstream>
#include <sstream>

namespace drover {
namespace {

constexpr std::string_view form = "ssh://USER@HOST[:PORT]/PATH";

bool is_plain(std::string_view text) {
  auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
           || std::string_view{"_./+-"}.find(c) != std::string_view::npos;
  };
  return !text.empty() && text.front() != '-' && std::all_of(text.begin(), text.end(), plain);
}

failure wrong(const std::string& text, const std::string& what) {
  return {ec::bad_input, "'" + printable(text, limits::value_bytes_max) + "': " + what + "; write "
                           + std::string{form}};
}

/// The last line of a file that is not empty.
std::string last_line_of(const std::string& text) {
  std::istringstream lines{text};
  std::string last;
  for (std::string line; std::getline(lines, line);)
    if (line.find_first_not_of(" \r\t") != std::string::npos)
      last = line;
  return printable(last, limits::reason_bytes_max);
}

struct finished {
  std::string output;
  int status = -1;
};

/// Runs a line of the shell; what it prints, cut at limits::far_answer_bytes_max.
expected<finished> run_line(const std::string& line) {
  auto* pipe = popen(line.c_str(), "re");
  if (pipe == nullptr)
    return failure{ec::io, "/bin/sh can't be run"};
  finished out;
  char buffer[4096];
  for (size_t got = 0; (got = fread(buffer, 1, sizeof buffer, pipe)) > 0;)
    if (out.output.size() < limits::far_answer_bytes_max)
      out.output.append(buffer, got);
  out.status = pclose(pipe);
  return out;
}

} // namespace

std::string shell_word(const std::string& text) {
  std::string out = "'";
  for (char c : text)
    out += c == '\'' ? std::string{"'\\''"} : std::string{c};
  return out + "'";
}

expected<far_address> parse_far_address(const std::string& text) {
  constexpr std::string_view scheme = "ssh://";
  if (text.compare(0, scheme.size(), scheme) != 0)
    return wrong(text, "no address of a machine by ssh");
  auto rest = text.substr(scheme.size());
  auto slash = rest.find('/');
  if (slash == std::string::npos || slash + 1 == rest.size())
    return wrong(text, "it names no folder");
  far_address out;
  out.text = text;
  out.path = rest.substr(slash);
  while (out.path.size() > 1 && out.path.back() == '/')
    out.path.pop_back();
  auto machine = rest.substr(0, slash);
  if (auto colon = machine.rfind(':'); colon != std::string::npos) {
    auto digits = machine.substr(colon + 1);
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out.port);
    if (error != std::errc{} || end != digits.data() + digits.size() || out.port == 0)
      return wrong(text, "its port is no number from 1 to 65535");
    machine.resize(colon);
  }
  auto at = machine.find('@');
  if (at == std::string::npos || !is_plain(machine.substr(0, at))
      || !is_plain(machine.substr(at + 1)))
    return wrong(text, "it names no user and machine");
  if (!is_plain(out.path.substr(1)) || (out.path + "/").find("/../") != std::string::npos)
    return wrong(text, "its folder may hold letters, digits and _ . / + - alone");
  out.user_at_host = machine;
  return out;
}

far_machine::far_machine(far_address where, std::string host, const std::string& config)
    : where_{std::move(where)}, host_{std::move(host)} {
  ssh_ = fmt::format("ssh -T -o BatchMode=yes -o ConnectTimeout={} -o ServerAliveInterval={}"
                     " -o ServerAliveCountMax={} -o ControlMaster=no -o ControlPath=none"
                     " -o ForwardAgent=no -o ForwardX11=no -p {}",
                     limits::ssh_connect_seconds, limits::ssh_alive_seconds,
                     limits::ssh_alive_count, where_.port);
  if (!config.empty())
    ssh_ += " -F " + config;
  ssh_ += " -- " + where_.user_at_host;
}

expected<std::string> far_machine::call(const std::string& command, int seconds,
                                        const call_files& files) const {
  auto errors = std::string{" 2>&1"};
  auto line = fmt::format("timeout -k 5 {} {} {} <{}", seconds, ssh_, shell_word(command),
                          files.input.empty() ? "/dev/null" : shell_word(files.input));
  if (!files.output.empty()) // the answer is a file, complaints are what is printed
    line = fmt::format("{{ {{ {{ {}; echo $? >&4; }} 2>&3 | head -c {} >{}; }} 3>&1; }} 4>{}", line,
                       files.output_bytes_max, shell_word(files.output),
                       shell_word(files.output + ".code"));
  else
    line += errors;
  auto done = run_line(line);
  if (!done)
    return done.error();
  int code = WIFEXITED(done->status) ? WEXITSTATUS(done->status) : 255;
  if (!files.output.empty()) {
    std::ifstream told{files.output + ".code"};
    if (!(told >> code))
      code = 255;
  }
  if (code == 0)
    return std::move(done->output);
  auto said = last_line_of(done->output);
  if (code == 124)
    said = "no answer within " + std::to_string(seconds) + " s";
  return failure{code == 255 || code == 124 ? ec::unavailable : ec::io,
                 where_.text + ": " + (said.empty() ? "exit code " + std::to_string(code) : said)};
}

expected<host_facts> far_machine::probe(const std::string& notes) const {
  auto script = notes + "/probe.sh";
  std::ofstream{script} << probe_script();
  auto answer = call("sh -s " + folder(), limits::far_question_seconds, {script, {}, 0});
  if (!answer)
    return answer.error();
  host_facts facts;
  std::istringstream lines{*answer};
  for (std::string line; std::getline(lines, line) && facts.size() < limits::entries_max;) {
    auto split = line.find('=');
    if (split != std::string::npos && split > 0 && valid_name(line.substr(0, split)))
      facts[line.substr(0, split)] = printable(line.substr(split + 1), limits::value_bytes_max);
  }
  if (!facts.contains("arch"))
    return failure{ec::io, where_.text + ": it does not tell what it is: " + last_line_of(*answer)};
  if (!facts.contains("far_session"))
    return failure{ec::conflict,
                   where_.text
                     + ": it has neither setsid nor perl nor python3, so a step could "
                       "not be ended as a whole; install one of them"};
  facts["via"] = where_.text;
  facts["steps_run_as"] = where_.user_at_host;
  facts["cgroup"] = "none";
  facts["step_limits"] = "log";
  return facts;
}

std::string far_machine::trouble() const {
  auto answer = call("df -Pk " + folder(), limits::far_question_seconds);
  if (!answer)
    return "the machine that it works on does not answer: " + answer.error().text;
  std::istringstream words{last_line_of(*answer)};
  std::string name, size, used;
  uint64_t free_kib = 0;
  if (words >> name >> size >> used >> free_kib && free_kib * 1024 < limits::health_disk_min)
    return "the disk of " + where_.text + " is full: " + std::to_string(free_kib) + " KiB are left";
  return {};
}

} // namespace drover
