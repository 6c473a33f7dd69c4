// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/workload.hpp"

#include <caf/event_based_actor.hpp>

namespace drover::sim {

using namespace std::chrono_literals;

namespace {

constexpr uint32_t builders = 5;
/// What people ask for in this time; of longer runs and larger herds as much more.
constexpr milliseconds usual_time = 2min;
constexpr uint64_t usual_hosts = 5;
/// What shows whose fault a failure is: the same, again and again.
constexpr const char* quick_builder = "quick";
constexpr milliseconds quick_every = 4s;

/// Asks the coordinator once; `heard` runs if it answers before it dies.
template <class Answer, class Question>
void ask(engine& on, const office& where, Question question,
         std::function<void(const Answer&)> heard) {
  if (!where.alive || !*where.alive)
    return;
  on.system.spawn([where, question, heard](caf::event_based_actor* self) {
    self->request(where.coordinator, caf::infinite, question)
      .then(
        [where, heard](const expected<Answer>& answer) {
          if (answer && *where.alive)
            heard(*answer);
        },
        [](const caf::error&) {}); // it died; nobody knows what became of the question
  });
}

} // namespace

workload::workload(engine& on, checkers& judges, storage::memory_store& store, uint32_t hosts,
                   const fault_options& faults)
    : engine_{on}, judges_{judges}, faults_{faults} {
  config_.farm = "simulated";
  for (uint32_t i = 0; i < hosts; ++i) {
    host_spec host;
    host.name = "h" + std::to_string(i + 1);
    host.slots = static_cast<uint32_t>(engine_.random.between(1, 3));
    host.labels["class"] = i == 0 || engine_.random.happens(0.5) ? "fast" : "slow";
    config_.hosts.push_back(std::move(host));
  }
  make_sources(store);
  for (uint32_t i = 0; i < builders; ++i)
    make_builder(i);
  make_simple_builder(quick_builder);
  make_simple_builder(poison_builder);
}

/// One step, on any host.
void workload::make_simple_builder(const std::string& name) {
  builder_spec made;
  made.name = name;
  step_spec step;
  step.name = "only";
  step.run = "true";
  step.timeout = 60s;
  made.steps.push_back(std::move(step));
  config_.builders.push_back(std::move(made));
}

void workload::make_sources(storage::memory_store& store) {
  for (uint64_t size : {uint64_t{3'000}, uint64_t{700'000}}) {
    sim_source made;
    made.stream = mixed(size);
    storage::blob_writer writer{store};
    auto problem = writer.append(stream_bytes(made.stream, 0, size));
    auto sha256 = writer.finish();
    if (problem || !sha256)
      return engine_.fail("a source can't be stored");
    made.ref = {source_kind::tarball, "s" + std::to_string(size) + ".tar", *sha256, {}, size};
    sources_.push_back(std::move(made));
  }
}

void workload::make_builder(uint32_t number) {
  auto& random = engine_.random;
  builder_spec made;
  made.name = "b" + std::to_string(number);
  if (random.happens(0.25))
    made.on.kind = placement_kind::each_host;
  else if (random.happens(0.2))
    made.on = {placement_kind::each_class, {"class"}};
  if (random.happens(0.3))
    made.requirement = random.happens(0.5) ? "class == 'fast'" : "cores >= 4";
  auto steps = random.between(1, 4);
  for (uint64_t i = 0; i < steps; ++i) {
    step_spec step;
    step.name = "step" + std::to_string(i);
    step.run = "true";
    step.timeout = random.happens(0.3) ? random.between(2s, 20s) : 60s;
    step.warn_only = random.happens(0.15);
    step.always = random.happens(0.2);
    step.exclusive = (number + i) % 5 == 4; // not drawn: what follows stays as it was
    made.steps.push_back(std::move(step));
  }
  if (number % 3 != 2) // nor this
    made.artifacts = {"out/**"};
  config_.builders.push_back(std::move(made));
}

uint32_t workload::slots_of(const std::string& host) const {
  for (const auto& known : config_.hosts)
    if (known.name == host)
      return known.slots;
  return 0;
}

void workload::begin(milliseconds end, std::function<office()> where) {
  where_ = std::move(where);
  auto scale = std::max<uint64_t>(1, static_cast<uint64_t>(end / usual_time))
               * std::max<uint64_t>(1, config_.hosts.size() / usual_hosts);
  auto times = engine_.random.between(3, 10) * scale;
  for (uint64_t i = 0; i < times; ++i)
    engine_.after(engine_.random.between(0ms, end), [this] { submit(); });
  auto second_thoughts = engine_.random.between(0, 4) * scale;
  for (uint64_t i = 0; i < second_thoughts; ++i)
    engine_.after(engine_.random.between(1s, end), [this] { cancel_one(); });
  if (faults_.black_hole)
    for (milliseconds at{0}; at < end; at += quick_every)
      engine_.after(at, [this] { submit_of(quick_builder, 2); });
  if (faults_.poison)
    for (uint64_t i = 0; i < scale; ++i)
      engine_.after(engine_.random.between(1s, end / 2), [this] { submit_of(poison_builder, 1); });
  if (faults_.herd_cut_every.count() > 0)
    for (milliseconds at{0}; at < end; at += 3 * quick_every)
      engine_.after(at, [this] { submit_of(quick_builder, config_.hosts.size() / 2); });
}

void workload::submit_of(const std::string& builder, uint64_t times) {
  submission request;
  submission::order order;
  order.builder = builder;
  request.orders.assign(times, order);
  request.by = "somebody";
  request.because = "the simulation";
  send(request);
}

void workload::submit() {
  if (ahead_ > 0) {
    --ahead_;
    return;
  }
  auto& random = engine_.random;
  submission request;
  auto orders = random.between(1, 2);
  for (uint64_t i = 0; i < orders; ++i) {
    submission::order order;
    const auto& builder = config_.builders[random.between(0, builders - 1)];
    order.builder = builder.name;
    // Its builds grow with the herd, as the number of submissions does: it counts as what it makes,
    // or the load would grow with the square.
    if (builder.on.kind == placement_kind::each_host)
      ahead_ += std::max<uint64_t>(1, config_.hosts.size() / usual_hosts) - 1;
    if (random.happens(0.6))
      order.source = sources_[random.between(0, sources_.size() - 1)].ref;
    request.orders.push_back(std::move(order));
  }
  request.by = "somebody";
  request.because = "the simulation";
  send(request);
}

void workload::send(const submission& request) {
  engine_.note("submits " + request.orders.front().builder);
  ask<submitted>(engine_, where_(), request, [this](const submitted& answer) {
    engine_.note("submitted " + std::to_string(answer.builds.size()));
    ++submissions_;
    judges_.submission_acknowledged(answer);
    builds_.insert(builds_.end(), answer.builds.begin(), answer.builds.end());
  });
}

void workload::cancel_one() {
  if (builds_.empty())
    return;
  auto build = builds_[engine_.random.between(0, builds_.size() - 1)];
  engine_.note("cancels " + std::to_string(build.value));
  ask<accepted>(engine_, where_(), cancel_build{build, "somebody", "second thoughts"},
                [this, build](const accepted&) {
                  engine_.note("cancelled " + std::to_string(build.value));
                  judges_.cancel_acknowledged(build);
                });
}

} // namespace drover::sim
