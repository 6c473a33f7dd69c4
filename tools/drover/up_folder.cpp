// SPDX-License-Identifier: Apache-2.0
#include "tools/drover/up_folder.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <system_error>

namespace drover::cli {

namespace {

namespace fs = std::filesystem;

constexpr const char* default_config =
  R"(# A farm on this machine. `drover check farm.yaml` says whether it is right.
farm: local

# Hosts are known by name; `drover up` starts those named here, and h1 ... hN of its --hosts N.
hosts:
  h1: {slots: 2}

# What can be built. Try:  drover submit hello --wait  and then  drover log 1
builders:
  hello:
    on: any
    steps:
      - {name: greet, run: "echo hello from $DROVER_HOST"}
      - {name: look, run: "uname -a && nproc", timeout: 1m}
)";

/// Whether a server can listen on this port of the loopback now.
bool is_free(uint16_t port) {
  owned_fd probe{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  int on = 1; // a port in TIME_WAIT is free for a server
  setsockopt(probe.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return bind(probe.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
}

/// A port of the loopback that is free now, but for `given_away`: `wanted`, or one below those that
/// the system gives to outgoing connections, any of which could take it before the coordinator
/// listens.
expected<uint16_t> free_port(uint16_t wanted, uint16_t given_away) {
  constexpr uint16_t first = 20'000, last = 32'000;
  constexpr int tries = 200;
  auto may_have = [&](uint16_t port) { return port != given_away && is_free(port); };
  if (wanted != 0 && may_have(wanted))
    return wanted;
  std::random_device chance;
  std::uniform_int_distribution<uint16_t> any{first, last};
  for (int i = 0; i < tries; ++i)
    if (auto port = any(chance); may_have(port))
      return port;
  return failure{ec::unavailable, "no free port on 127.0.0.1 from " + std::to_string(first) + " to "
                                    + std::to_string(last)};
}

uint16_t port_of(const std::string& address) {
  uint16_t port = 0;
  auto colon = address.rfind(':');
  if (colon != std::string::npos)
    std::from_chars(address.data() + colon + 1, address.data() + address.size(), port);
  return port;
}

expected<std::string> read_file(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  if (!file)
    return system_failure("can't read " + path);
  return std::string{std::istreambuf_iterator<char>{file}, {}};
}

} // namespace

expected<farm_folder> make_farm_folder(const std::string& dir) {
  std::error_code problem;
  farm_folder farm{fs::absolute(dir, problem).lexically_normal().string()};
  while (farm.top.size() > 1 && farm.top.back() == '/')
    farm.top.pop_back();
  if (farm.socket().size() >= sizeof(sockaddr_un::sun_path))
    return failure{ec::bad_input, farm.top
                                    + ": too long for a farm's folder: its socket's path may "
                                      "have 107 bytes; choose a shorter --dir"};
  for (const auto& folder : {farm.top, farm.coordinator(), farm.top + "/hosts", farm.top + "/logs",
                             farm.top + "/pids"}) {
    fs::create_directories(folder, problem);
    if (problem)
      return failure{ec::io, "can't make " + folder + ": " + problem.message()};
  }
  fs::permissions(farm.coordinator(), fs::perms::owner_all, problem); // its keys are secret
  if (problem)
    return failure{ec::io, "can't protect " + farm.coordinator() + ": " + problem.message()};
  return farm;
}

expected<owned_fd> lock_farm_folder(const farm_folder& farm) {
  auto path = farm.top + "/lock";
  owned_fd lock{open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)};
  if (!lock.valid())
    return system_failure("can't open " + path);
  if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK)
      return system_failure("can't lock " + path);
    std::array<char, 32> holder{};
    auto size = read(lock.get(), holder.data(), holder.size() - 1);
    auto pid = std::string{holder.data(), size > 0 ? static_cast<size_t>(size) : 0};
    return failure{ec::conflict, farm.top + ": another `drover up` (process " + pid
                                   + ") runs this farm; stop it, or choose another --dir"};
  }
  auto pid = std::to_string(getpid());
  if (ftruncate(lock.get(), 0) != 0
      || pwrite(lock.get(), pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size()))
    return system_failure("can't write " + path);
  return lock;
}

std::optional<failure> write_file(const std::string& path, const std::string& text) {
  auto fresh = path + ".new";
  std::ofstream file{fresh, std::ios::binary | std::ios::trunc};
  file << text;
  file.close();
  if (!file || std::rename(fresh.c_str(), path.c_str()) != 0)
    return system_failure("can't write " + path);
  return std::nullopt;
}

std::optional<failure> install_default_config(const farm_folder& farm) {
  std::error_code problem;
  if (fs::exists(farm.config(), problem))
    return std::nullopt;
  return write_file(farm.config(), default_config);
}

std::optional<failure> install_files(const farm_folder& farm, const string_map& files,
                                     const std::string& main, const string_map& until_now) {
  std::error_code problem;
  auto own = fs::path{farm.config()}.filename().string();
  if (main != own && files.count(own) > 0)
    return failure{ec::bad_input, main + " includes a file called " + own
                                    + ", as the main one is called in a farm's folder; rename it"};
  for (const auto& [path, text] : files) {
    if (path == main)
      continue;
    auto target = fs::path{farm.top} / path;
    fs::create_directories(target.parent_path(), problem);
    if (problem)
      return failure{ec::io,
                     "can't make " + target.parent_path().string() + ": " + problem.message()};
    if (auto why = write_file(target.string(), text))
      return why;
  }
  if (auto why = write_file(farm.config(), files.at(main)))
    return why;
  for (const auto& [path, text] : until_now)
    if (path != own && files.count(path) == 0 && !fs::remove(fs::path{farm.top} / path, problem)
        && problem)
      return failure{ec::io, "can't remove " + farm.top + "/" + path + ": " + problem.message()};
  return std::nullopt;
}

namespace {

/// The address in `file` if it is free, else another one, which is written there; never `other`.
expected<std::string> choose_address(const std::string& file, const std::string& other) {
  std::error_code problem;
  uint16_t known = 0;
  if (fs::exists(file, problem)) {
    auto text = read_file(file);
    if (!text)
      return text.error();
    known = port_of(text->substr(0, text->find('\n')));
  }
  auto port = free_port(known, port_of(other));
  if (!port)
    return port.error();
  auto address = "127.0.0.1:" + std::to_string(*port);
  if (auto why = write_file(file, address + "\n"))
    return *why;
  return address;
}

} // namespace

std::optional<failure> remember_origin(const farm_folder& farm, const std::string& config) {
  std::error_code problem;
  auto folder = fs::absolute(config, problem).lexically_normal().parent_path().string();
  if (problem)
    return failure{ec::bad_input, config + ": " + problem.message()};
  return write_file(farm.origin_file(), folder + "\n");
}

std::string origin_of(const farm_folder& farm) {
  auto text = read_file(farm.origin_file());
  return text ? text->substr(0, text->find('\n')) : farm.top;
}

expected<std::string> choose_listen_address(const farm_folder& farm) {
  return choose_address(farm.listen_file(), {});
}

expected<std::string> choose_web_address(const farm_folder& farm, const std::string& listen) {
  return choose_address(farm.web_file(), listen);
}

expected<host_choice> settle_choice(const farm_folder& farm, host_choice asked) {
  std::ifstream file{farm.choice_file()};
  std::string key, value;
  while (file >> key >> value) {
    auto number = static_cast<uint32_t>(std::strtoul(value.c_str(), nullptr, 10));
    if (key == "hosts" && !asked.hosts)
      asked.hosts = number;
    else if (key == "slots" && !asked.slots && number > 0)
      asked.slots = number;
    else if (key == "step-user" && !asked.step_user)
      asked.step_user = value;
  }
  std::string text;
  if (asked.hosts)
    text += "hosts " + std::to_string(*asked.hosts) + "\n";
  if (asked.slots)
    text += "slots " + std::to_string(*asked.slots) + "\n";
  if (asked.step_user)
    text += "step-user " + *asked.step_user + "\n";
  if (auto why = write_file(farm.choice_file(), text))
    return *why;
  return asked;
}

std::vector<host_spec> plan_hosts(const farm_config& config, std::optional<uint32_t> count,
                                  std::optional<uint32_t> slots) {
  auto hosts = config.hosts;
  auto wanted = count.value_or(hosts.empty() ? 1 : 0);
  for (uint32_t number = 1; number <= wanted; ++number) {
    auto name = "h" + std::to_string(number);
    auto known = std::find_if(hosts.begin(), hosts.end(),
                              [&](const host_spec& host) { return host.name == name; });
    if (known == hosts.end())
      known = hosts.insert(hosts.end(), host_spec{name, 1, {}});
    if (slots)
      known->slots = *slots;
  }
  return hosts;
}

} // namespace drover::cli
