// SPDX-License-Identifier: Apache-2.0
#include "actors/core/explain/words.hpp"

#include "actors/core/liveness.hpp"
#include "schema/limits.hpp"
#include "schema/limits_explain.hpp"
#include "schema/names.hpp"

#include <algorithm>

namespace drover::core {

std::string in_quotes(std::string_view name) {
  return "'" + printable(name, limits::name_bytes_max) + "'";
}

std::string one_line(std::string_view text) {
  return printable(text, limits::reason_bytes_max);
}

std::string plain(result outcome) {
  std::string text{to_string(outcome)};
  std::replace(text.begin(), text.end(), '_', ' ');
  return text;
}

std::string blame_words(blame fault) {
  switch (fault) {
  case blame::none:
    return "nobody's";
  case blame::code:
    return "the code's";
  case blame::host:
    return "the host's";
  case blame::network:
    return "the network's";
  case blame::environment:
    return "the environment's";
  case blame::flaky:
    return "nobody's, it is flaky";
  }
  return "nobody's";
}

std::string moment(wall_time when) {
  auto text = to_string(when);
  if (text.size() < std::string_view{"2026-01-31T12:00:01.000Z"}.size())
    return text;
  text.erase(text.size() - std::string_view{".000Z"}.size());
  std::replace(text.begin(), text.end(), 'T', ' ');
  return text + " UTC";
}

std::string span_between(wall_time from, wall_time to) {
  if (from.ms == 0 || to.ms < from.ms)
    return {};
  return spoken(milliseconds{to.ms - from.ms});
}

std::string counted(size_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

std::string joined(const std::vector<std::string>& parts, std::string_view separator) {
  std::string all;
  for (const auto& part : parts)
    all.append(all.empty() ? "" : separator).append(part);
  return all;
}

std::string any_of_them(const std::vector<std::string>& names) {
  auto shown = std::min(names.size(), limits::sentence_hosts_max);
  std::string all;
  for (size_t i = 0; i < shown; ++i) {
    bool last = i + 1 == names.size();
    all += (i == 0 ? "" : last ? " or " : ", ") + names[i];
  }
  if (shown < names.size())
    all += " or " + std::to_string(names.size() - shown) + " more";
  return all;
}

std::string ordinal(size_t number) {
  auto teen = number % 100 >= 11 && number % 100 <= 13;
  auto last = teen ? 0 : number % 10;
  return std::to_string(number) + (last == 1 ? "st" : last == 2 ? "nd" : last == 3 ? "rd" : "th");
}

std::string signal_words(int number) {
  switch (number) {
  case 1:
    return "SIGHUP, its terminal went away";
  case 2:
    return "SIGINT, an interrupt";
  case 3:
    return "SIGQUIT, asked to quit with a core dump";
  case 4:
    return "SIGILL, an illegal instruction: perhaps built for another CPU";
  case 5:
    return "SIGTRAP, a breakpoint";
  case 6:
    return "SIGABRT, an abort: a failed assertion, or memory found corrupt";
  case 7:
    return "SIGBUS, a bus error: a mapped file was cut, or the disk is full";
  case 8:
    return "SIGFPE, an arithmetic error such as a division by zero";
  case 9:
    return "SIGKILL, killed by someone, often the kernel when memory ran out";
  case 11:
    return "SIGSEGV, a segmentation fault";
  case 13:
    return "SIGPIPE, nobody read its output";
  case 14:
    return "SIGALRM, its own alarm went off";
  case 15:
    return "SIGTERM, asked to end";
  case 24:
    return "SIGXCPU, its limit of CPU time";
  case 25:
    return "SIGXFSZ, its limit of a file's size";
  case 31:
    return "SIGSYS, a system call that is not allowed";
  default:
    return {};
  }
}

std::string exit_code_words(int32_t exit_code) {
  if (exit_code == 126)
    return "a command could not be executed";
  if (exit_code == 127)
    return "a command was not found";
  auto words = exit_code > 128 ? signal_words(exit_code - 128) : std::string{};
  return words.empty() ? words : "as after " + words;
}

std::string subject_of(const build_record& build) {
  return "build " + to_string(build.id) + " of " + printable(build.builder, limits::name_bytes_max);
}

} // namespace drover::core
