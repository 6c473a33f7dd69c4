// SPDX-License-Identifier: Apache-2.0
#include "nodes/keeper/process_table.hpp"

#include "schema/limits.hpp"

#include <dirent.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <unordered_map>

namespace drover {

namespace {

/// PF_EXITING of the kernel's flags word: set before a dying process closes its files.
constexpr int64_t flag_exiting = 0x4;

/// Names of a kernel file are cut to 15 bytes, but a step may put anything into them.
std::string shown_name(std::string_view name) {
  std::string shown;
  for (char c : name)
    shown += c >= ' ' && c <= '~' ? c : '?';
  return shown;
}

template <class Number>
bool next_number(std::string_view& text, Number& number) {
  while (text.starts_with(' '))
    text.remove_prefix(1);
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return error == std::errc{};
}

} // namespace

std::optional<process_entry> parse_process(std::string_view stat_text) {
  // "12 (name) S 1 12 12 ...": the name may hold blanks and parentheses, so look from the end.
  auto open = stat_text.find('(');
  auto close = stat_text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open
      || stat_text.size() < close + 4)
    return std::nullopt;
  process_entry entry;
  auto first = stat_text;
  entry.name = stat_text.substr(open + 1, close - open - 1);
  char state = stat_text[close + 2];
  entry.zombie = state == 'Z' || state == 'X';
  auto rest = stat_text.substr(close + 3);
  bool good = next_number(first, entry.pid) && next_number(rest, entry.parent)
              && next_number(rest, entry.group) && next_number(rest, entry.session);
  int64_t skipped = 0;
  for (int field = 7; good && field < 22; ++field) {
    good = next_number(rest, skipped);
    if (field == 9)
      entry.exiting = (skipped & flag_exiting) != 0;
  }
  if (!good || !next_number(rest, entry.start_ticks))
    return std::nullopt;
  return entry;
}

std::optional<process_entry> find_process(int32_t pid) {
  auto text = read_whole("/proc/" + std::to_string(pid) + "/stat", 4096);
  return text ? parse_process(*text) : std::nullopt;
}

std::vector<process_entry> all_processes() {
  std::vector<process_entry> table;
  DIR* proc = opendir("/proc");
  if (!proc)
    return table;
  while (auto* entry = readdir(proc)) {
    if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
      continue;
    if (auto found = find_process(std::atoi(entry->d_name)))
      table.push_back(std::move(*found));
  }
  closedir(proc);
  return table;
}

std::vector<process_entry> descendants_of(const std::vector<process_entry>& table,
                                          int32_t ancestor) {
  std::unordered_multimap<int32_t, const process_entry*> children;
  for (const auto& entry : table)
    children.emplace(entry.parent, &entry);
  std::vector<process_entry> found;
  std::vector<int32_t> open{ancestor};
  // Bounded by the table: a table that was read while pids changed hands could hold a circle.
  for (size_t seen = 0; !open.empty() && seen <= table.size(); ++seen) {
    auto parent = open.back();
    open.pop_back();
    auto [first, last] = children.equal_range(parent);
    for (auto child = first; child != last; ++child) {
      open.push_back(child->second->pid);
      if (!child->second->zombie)
        found.push_back(*child->second);
    }
  }
  std::sort(found.begin(), found.end(), [](const process_entry& a, const process_entry& b) {
    return std::pair{a.start_ticks, a.pid} < std::pair{b.start_ticks, b.pid};
  });
  return found;
}

unique_fd signal_process(const process_entry& entry, int signal) {
  unique_fd handle{static_cast<int>(syscall(SYS_pidfd_open, entry.pid, 0))};
  if (!handle)
    return {};
  auto now = find_process(entry.pid);
  if (!now || now->zombie || now->start_ticks != entry.start_ticks)
    return {};
  syscall(SYS_pidfd_send_signal, handle.get(), signal, nullptr, 0);
  return handle;
}

std::string name_processes(const std::vector<process_entry>& entries) {
  std::string text;
  auto named = std::min(entries.size(), limits::leftovers_named_max);
  for (size_t i = 0; i < named; ++i)
    text += (i > 0 ? ", " : "") + shown_name(entries[i].name) + " (pid "
            + std::to_string(entries[i].pid) + ")";
  if (entries.size() > named)
    text += " and " + std::to_string(entries.size() - named) + " more";
  return text;
}

} // namespace drover
