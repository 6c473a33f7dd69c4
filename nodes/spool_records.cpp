// The records in an attempt's folder, written and read.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/cache_spec_record.hpp"
#include "nodes/spool_folder.hpp"

namespace drover {

namespace {

void put(record_writer& out, const grant_token& token) {
  out.put("epoch", token.granted_in.counter);
  out.put("incarnation", token.granted_in.incarnation);
  out.put("build", token.attempt.build.value);
  out.put("step", token.attempt.step.value);
  out.put("attempt", token.attempt.attempt.value);
}

grant_token take_token(record_reader& in) {
  grant_token token;
  token.granted_in.counter = in.take_number<uint64_t>("epoch");
  token.granted_in.incarnation = in.take_number<uint64_t>("incarnation");
  token.attempt.build.value = in.take_number<uint64_t>("build");
  token.attempt.step.value = in.take_number<uint32_t>("step");
  token.attempt.attempt.value = in.take_number<uint32_t>("attempt");
  return token;
}

void put(record_writer& out, const string_map& map) {
  out.put("entries", map.size());
  for (const auto& [name, value] : map) {
    out.put("name", name);
    out.put("value", value);
  }
}

string_map take_map(record_reader& in) {
  string_map map;
  auto entries = in.take_number<size_t>("entries");
  for (size_t i = 0; i < entries && !in.problem(); ++i) {
    auto name = in.take("name");
    map[name] = in.take("value");
  }
  return map;
}

void put(record_writer& out, const step_spec& step) {
  out.put("step-name", step.name);
  out.put("run", step.run);
  put(out, step.env);
  out.put("timeout-ms", step.timeout.count());
  out.put("silence-ms", step.silence.count());
  out.put("tests", step.tests.size());
  for (const auto& test : step.tests)
    out.put("test", test);
  out.put("exclusive", int{step.exclusive});
  out.put("always", int{step.always});
  out.put("warn-only", int{step.warn_only});
}

step_spec take_step(record_reader& in) {
  step_spec step;
  step.name = in.take("step-name");
  step.run = in.take("run");
  step.env = take_map(in);
  step.timeout = milliseconds{in.take_number<int64_t>("timeout-ms")};
  step.silence = milliseconds{in.take_number<int64_t>("silence-ms")};
  auto tests = in.take_number<size_t>("tests");
  for (size_t i = 0; i < tests && !in.problem(); ++i)
    step.tests.push_back(in.take("test"));
  step.exclusive = in.take_number<int>("exclusive") != 0;
  step.always = in.take_number<int>("always") != 0;
  step.warn_only = in.take_number<int>("warn-only") != 0;
  return step;
}

// What later versions added stands at the end of a record.

void put_more(record_writer& out, const step_limits& limits, bool sandbox) {
  out.put("limit-memory", limits.memory);
  out.put("limit-pids", limits.pids);
  out.put("limit-cpus", limits.cpus);
  out.put("limit-log", limits.log);
  out.put("limit-disk", limits.disk);
  out.put("limit-files", limits.files);
  out.put("sandbox", int{sandbox});
}

void take_more(record_reader& in, step_limits& limits, bool& sandbox) {
  limits.memory = in.take_number<uint64_t>("limit-memory");
  limits.pids = in.take_number<uint32_t>("limit-pids");
  limits.cpus = in.take_number<uint32_t>("limit-cpus");
  limits.log = in.take_number<uint64_t>("limit-log");
  limits.disk = in.take_number<uint64_t>("limit-disk");
  limits.files = in.take_number<uint32_t>("limit-files");
  sandbox = in.take_number<int>("sandbox") != 0;
}

void put_more(record_writer& out, const keeper_order& order) {
  put_more(out, order.limits, order.sandbox);
  out.put("user", order.user);
  out.put("group", order.group);
  out.put("lease-ms", order.lease.count());
  out.put("disk-folders", order.disk_folders.size());
  for (const auto& folder : order.disk_folders)
    out.put("folder", folder);
  out.put("cgroup-kill", order.cgroup.kill);
  out.put("cgroup-memory", order.cgroup.memory);
  out.put("cgroup-pids", order.cgroup.pids);
  out.put("cgroup-cpu", order.cgroup.cpu);
}

void take_more(record_reader& in, keeper_order& order) {
  take_more(in, order.limits, order.sandbox);
  order.user = in.take_number<uint32_t>("user");
  order.group = in.take_number<uint32_t>("group");
  order.lease = milliseconds{in.take_number<int64_t>("lease-ms")};
  auto folders = in.take_number<size_t>("disk-folders");
  for (size_t i = 0; i < folders && !in.problem(); ++i)
    order.disk_folders.push_back(in.take("folder"));
  order.cgroup.kill = in.take("cgroup-kill");
  order.cgroup.memory = in.take("cgroup-memory");
  order.cgroup.pids = in.take("cgroup-pids");
  order.cgroup.cpu = in.take("cgroup-cpu");
}

void put(record_writer& out, const resource_usage& usage) {
  out.put("user-ms", usage.user_ms);
  out.put("system-ms", usage.system_ms);
  out.put("memory-peak", usage.memory_peak);
  out.put("pids-peak", usage.pids_peak);
  out.put("disk-peak", usage.disk_peak);
}

resource_usage take_usage(record_reader& in) {
  resource_usage usage;
  usage.user_ms = in.take_number<int64_t>("user-ms");
  usage.system_ms = in.take_number<int64_t>("system-ms");
  usage.memory_peak = in.take_number<uint64_t>("memory-peak");
  usage.pids_peak = in.take_number<uint32_t>("pids-peak");
  usage.disk_peak = in.take_number<uint64_t>("disk-peak");
  return usage;
}

template <class T>
expected<T> done(record_reader& in, T value) {
  if (in.problem())
    return *in.problem();
  return value;
}

} // namespace

std::string encode(const assignment& value) {
  record_writer out{"assignment"};
  put(out, value.token);
  out.put("placement", value.placement);
  out.put("builder", value.builder);
  put(out, value.step);
  out.put("source-kind", static_cast<unsigned>(value.source.kind));
  out.put("source-id", value.source.id);
  out.put("source-sha256", value.source.sha256);
  out.put("source-revision", value.source.revision);
  out.put("source-size", value.source.size);
  put_more(out, value.step.limits, value.step.sandbox);
  out.put("pty", int{value.step.pty});
  if (value.step.cache.on)
    out.put("cache", encode(value.step.cache));
  return out.finish();
}

expected<assignment> decode_assignment(std::string_view bytes) {
  record_reader in{"assignment", bytes};
  assignment value;
  value.token = take_token(in);
  value.placement = in.take_number<uint32_t>("placement");
  value.builder = in.take("builder");
  value.step = take_step(in);
  auto kind = in.take_number<unsigned>("source-kind");
  if (kind > static_cast<unsigned>(source_kind::set))
    in.fail("has an unknown kind of source");
  value.source.kind = static_cast<source_kind>(kind);
  value.source.id = in.take("source-id");
  value.source.sha256 = in.take("source-sha256");
  value.source.revision = in.take("source-revision");
  value.source.size = in.take_number<uint64_t>("source-size");
  if (!in.at_end())
    take_more(in, value.step.limits, value.step.sandbox);
  if (!in.at_end())
    value.step.pty = in.take_number<int>("pty") != 0;
  if (!in.at_end())
    if (auto cache = decode_cache_spec(in.take("cache")))
      value.step.cache = *std::move(cache);
  return done(in, std::move(value));
}

std::string encode(const keeper_order& value) {
  record_writer out{"order"};
  put(out, value.token);
  out.put("builder", value.builder);
  out.put("step-name", value.step);
  out.put("run", value.run);
  put(out, value.env);
  out.put("workspace", value.workspace);
  out.put("timeout-ms", value.timeout.count());
  out.put("silence-ms", value.silence.count());
  out.put("grace-ms", value.grace.count());
  out.put("log-bytes-max", value.log_bytes_max);
  put_more(out, value);
  out.put("pty", int{value.pty});
  out.put("outputs", value.outputs);
  return out.finish();
}

expected<keeper_order> decode_order(std::string_view bytes) {
  record_reader in{"order", bytes};
  keeper_order value;
  value.token = take_token(in);
  value.builder = in.take("builder");
  value.step = in.take("step-name");
  value.run = in.take("run");
  value.env = take_map(in);
  value.workspace = in.take("workspace");
  value.timeout = milliseconds{in.take_number<int64_t>("timeout-ms")};
  value.silence = milliseconds{in.take_number<int64_t>("silence-ms")};
  value.grace = milliseconds{in.take_number<int64_t>("grace-ms")};
  value.log_bytes_max = in.take_number<uint64_t>("log-bytes-max");
  if (!in.at_end())
    take_more(in, value);
  if (!in.at_end())
    value.pty = in.take_number<int>("pty") != 0;
  if (!in.at_end())
    value.outputs = in.take("outputs");
  return done(in, std::move(value));
}

std::string encode(const keeper_exit& value) {
  record_writer out{"exit"};
  out.put("result", static_cast<unsigned>(value.outcome));
  out.put("exit-code", value.exit_code);
  out.put("reason", value.reason);
  out.put("started-ms", value.started_at.ms);
  out.put("finished-ms", value.finished_at.ms);
  out.put("leftovers", value.leftovers);
  put(out, value.usage);
  out.put("out-empty", int{value.out_empty});
  return out.finish();
}

expected<keeper_exit> decode_exit(std::string_view bytes) {
  record_reader in{"exit", bytes};
  keeper_exit value;
  auto outcome = in.take_number<unsigned>("result");
  if (outcome > static_cast<unsigned>(result::skipped))
    in.fail("has an unknown result");
  value.outcome = static_cast<result>(outcome);
  value.exit_code = in.take_number<int32_t>("exit-code");
  value.reason = in.take("reason");
  value.started_at.ms = in.take_number<int64_t>("started-ms");
  value.finished_at.ms = in.take_number<int64_t>("finished-ms");
  value.leftovers = in.take("leftovers");
  if (!in.at_end())
    value.usage = take_usage(in);
  if (!in.at_end())
    value.out_empty = in.take_number<int>("out-empty") != 0;
  return done(in, std::move(value));
}

std::string encode(const process_identity& value) {
  record_writer out{"process"};
  out.put("pid", value.pid);
  out.put("start-ticks", value.start_ticks);
  out.put("boot-id", value.boot_id);
  return out.finish();
}

expected<process_identity> decode_identity(std::string_view bytes) {
  record_reader in{"process", bytes};
  process_identity value;
  value.pid = in.take_number<int32_t>("pid");
  value.start_ticks = in.take_number<uint64_t>("start-ticks");
  value.boot_id = in.take("boot-id");
  return done(in, std::move(value));
}

std::string encode(const command_start& value) {
  record_writer out{"start"};
  out.put("pid", value.command.pid);
  out.put("start-ticks", value.command.start_ticks);
  out.put("boot-id", value.command.boot_id);
  out.put("at-ms", value.at.ms);
  return out.finish();
}

expected<command_start> decode_start(std::string_view bytes) {
  record_reader in{"start", bytes};
  command_start value;
  value.command.pid = in.take_number<int32_t>("pid");
  value.command.start_ticks = in.take_number<uint64_t>("start-ticks");
  value.command.boot_id = in.take("boot-id");
  value.at.ms = in.take_number<int64_t>("at-ms");
  return done(in, std::move(value));
}

std::string encode(const attempt_entry& value) {
  record_writer out{"entered"};
  out.put("at-ns", value.at_ns);
  out.put("boot-id", value.boot_id);
  return out.finish();
}

expected<attempt_entry> decode_entry(std::string_view bytes) {
  record_reader in{"entered", bytes};
  attempt_entry value;
  value.at_ns = in.take_number<int64_t>("at-ns");
  value.boot_id = in.take("boot-id");
  return done(in, std::move(value));
}

std::string encode_lease(milliseconds until) {
  record_writer out{"lease"};
  out.put("until-ms", until.count());
  return out.finish();
}

expected<milliseconds> decode_lease(std::string_view bytes) {
  record_reader in{"lease", bytes};
  return done(in, milliseconds{in.take_number<int64_t>("until-ms")});
}

std::string encode_cancel(const std::string& reason) {
  record_writer out{"cancel"};
  out.put("reason", reason);
  return out.finish();
}

expected<std::string> decode_cancel(std::string_view bytes) {
  record_reader in{"cancel", bytes};
  auto reason = in.take("reason");
  return done(in, std::move(reason));
}

std::string encode_confirmed(wall_time at) {
  record_writer out{"confirmed"};
  out.put("at-ms", at.ms);
  return out.finish();
}

std::string encode_closed(wall_time at) {
  record_writer out{"closed"};
  out.put("at-ms", at.ms);
  return out.finish();
}

expected<wall_time> decode_confirmed(std::string_view bytes) {
  record_reader in{"confirmed", bytes};
  wall_time at{in.take_number<int64_t>("at-ms")};
  return done(in, at);
}

} // namespace drover
