// Simulates a whole farm from one number, with faults and with checks.
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/mutants.hpp"
#include "tests/sim/world.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>

namespace drover::sim {

namespace {

constexpr const char* usage =
  "usage: drover-sim [--seed N] [--runs K] [--hosts H] [--minutes M] [--faults NAME,... | none]\n"
  "                  [--mutant NAME [--expect-caught]] [--twice] [--corpus FILE] [--trace]\n"
  "  --seed N         the first seed (1)\n"
  "  --runs K         so many seeds from there (1)\n"
  "  --minutes M      virtual minutes with faults (2)\n"
  "  --faults         only these kinds: loss duplication delay partitions agent host disk\n"
  "                   coordinator keeper outage actor; else each seed chooses\n"
  "  --mutant NAME    switches a defect on: no_fencing acknowledge_before_sync\n"
  "                   no_hedge hedge_exclusive no_brake no_quarantine no_poison\n"
  "                   stopped_is_silence\n"
  "  --expect-caught  succeeds if a seed fails: the defect was caught\n"
  "  --twice          runs each seed twice and compares the hashes\n"
  "  --corpus FILE    the seeds of this file (first word of each line) instead\n"
  "  --trace          prints everything that happens\n";

struct arguments {
  sim_options options;
  uint64_t runs = 1;
  std::string mutant;
  std::string corpus;
  std::string replay; ///< what must be repeated beside the seed
  bool twice = false;
  bool expect_caught = false;
};

[[noreturn]] void wrong(const std::string& why) {
  std::fprintf(stderr, "drover-sim: %s\n%s", why.c_str(), usage);
  std::exit(2);
}

uint64_t number_of(const std::string& option, const std::string& text) {
  uint64_t value = 0;
  auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc{} || end != text.data() + text.size())
    wrong(option + " needs a number, not '" + text + "'");
  return value;
}

std::vector<std::string> faults_of(const std::string& text) {
  std::vector<std::string> names;
  if (text == "none")
    return names;
  for (size_t from = 0; from <= text.size();) {
    auto end = std::min(text.find(',', from), text.size());
    names.push_back(text.substr(from, end - from));
    const auto& known = fault_names();
    if (std::find(known.begin(), known.end(), names.back()) == known.end())
      wrong("there is no fault '" + names.back() + "'");
    from = end + 1;
  }
  return names;
}

const std::map<std::string, core::mutant>& mutants() {
  using core::mutant;
  static const std::map<std::string, core::mutant> known{
    {"no_fencing", mutant::no_fencing},
    {"acknowledge_before_sync", mutant::acknowledge_before_sync},
    {"no_hedge", mutant::no_hedge},
    {"hedge_exclusive", mutant::hedge_exclusive},
    {"no_brake", mutant::no_brake},
    {"no_quarantine", mutant::no_quarantine},
    {"no_poison", mutant::no_poison},
    {"stopped_is_silence", mutant::stopped_is_silence}};
  return known;
}

void switch_on(const std::string& mutant) {
  auto known = mutants().find(mutant);
  if (known == mutants().end())
    wrong("there is no mutant '" + mutant + "'");
  core::active_mutant = known->second;
}

void take_value(arguments& given, const std::string& option, const std::string& value) {
  if (option == "--seed")
    given.options.seed = number_of(option, value);
  else if (option == "--runs")
    given.runs = number_of(option, value);
  else if (option == "--corpus")
    given.corpus = value;
  else {
    given.replay += " " + option + " " + value;
    if (option == "--hosts")
      given.options.hosts =
        static_cast<uint32_t>(std::clamp<uint64_t>(number_of(option, value), 1, 1000));
    else if (option == "--minutes")
      given.options.faulty_time = std::chrono::minutes{number_of(option, value)};
    else if (option == "--faults")
      given.options.faults = faults_of(value);
    else if (option == "--mutant")
      switch_on(given.mutant = value);
    else
      wrong("unknown option " + option);
  }
}

arguments read_arguments(int argc, char** argv) {
  arguments given;
  for (int i = 1; i < argc; ++i) {
    std::string option = argv[i];
    if (option == "--trace")
      given.options.trace = true;
    else if (option == "--twice")
      given.twice = true;
    else if (option == "--expect-caught")
      given.expect_caught = true;
    else if (option == "--help") {
      std::fputs(usage, stdout);
      std::exit(0);
    } else if (i + 1 == argc)
      wrong(option + " is unknown or needs a value");
    else
      take_value(given, option, argv[++i]);
  }
  return given;
}

std::vector<uint64_t> seeds_of(const arguments& given) {
  std::vector<uint64_t> seeds;
  if (given.corpus.empty()) {
    for (uint64_t i = 0; i < given.runs; ++i)
      seeds.push_back(given.options.seed + i);
    return seeds;
  }
  std::ifstream file{given.corpus};
  if (!file)
    wrong("can't read " + given.corpus);
  for (std::string line; std::getline(file, line);)
    if (!line.empty() && line.front() != '#')
      seeds.push_back(number_of("a line of the corpus", line.substr(0, line.find(' '))));
  return seeds;
}

outcome_of_run run_one(const arguments& given, uint64_t seed) {
  auto options = given.options;
  options.seed = seed;
  auto first = world{options}.run();
  if (!given.twice || !first.failure.empty())
    return first;
  if (world{options}.run().hash != first.hash)
    first.failure = "a second run of the same seed took another way";
  return first;
}

void print(const arguments& given, const outcome_of_run& run) {
  auto good = run.failure.empty();
  std::printf("seed=%llu commit=%s hash=%016llx virtual=%llds builds=%zu verdict=%s%s\n",
              static_cast<unsigned long long>(run.seed), DROVER_COMMIT,
              static_cast<unsigned long long>(run.hash),
              static_cast<long long>(run.virtual_time.count() / 1000), run.builds,
              good ? "ok" : "FAILED: ", run.failure.c_str());
  if (!good)
    std::printf("replay: drover-sim --seed %llu%s --trace\n",
                static_cast<unsigned long long>(run.seed), given.replay.c_str());
  std::fflush(stdout);
}

} // namespace

int simulate(int argc, char** argv) {
  auto given = read_arguments(argc, argv);
  auto seeds = seeds_of(given);
  size_t failed = 0;
  for (auto seed : seeds) {
    auto run = run_one(given, seed);
    failed += run.failure.empty() ? 0 : 1;
    print(given, run);
    if (given.expect_caught && failed > 0)
      break;
  }
  if (given.expect_caught) {
    std::printf("mutant %s: %s\n", given.mutant.c_str(), failed > 0 ? "caught" : "NOT CAUGHT");
    return failed > 0 ? 0 : 1;
  }
  if (seeds.size() > 1)
    std::printf("%zu seeds, %zu failed\n", seeds.size(), failed);
  return failed == 0 ? 0 : 1;
}

} // namespace drover::sim

int main(int argc, char** argv) {
  return drover::sim::simulate(argc, argv);
}
