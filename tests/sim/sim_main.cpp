// Simulates a whole farm from one number, with faults and with checks.
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/mutants.hpp"
#include "tests/sim/world.hpp"

#include <malloc.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>

namespace drover::sim {

namespace {

/// A year of virtual time is more than anybody waits for.
constexpr double hours_max = 8760;
constexpr double ms_per_hour = 3'600'000;
constexpr double ms_per_minute = 60'000;

constexpr const char* usage =
  "usage: drover-sim [--seed N] [--runs K] [--hosts H] [--hours T | --minutes M]\n"
  "                  [--faults NAME,... | none]\n"
  "                  [--mutant NAME [--expect-caught]] [--twice] [--corpus FILE] [--quiet] "
  "[--trace]\n"
  "  --seed N         the first seed (1)\n"
  "  --runs K         so many seeds from there (1)\n"
  "  --hosts H        so many hosts; else each seed chooses\n"
  "  --hours T        virtual hours with faults, 0.5 for example (two minutes)\n"
  "  --minutes M      the same in minutes\n"
  "  --faults         only these kinds: loss duplication delay partitions agent host disk actor\n"
  "                   coordinator keeper outage herd stop clock slow bad_disk poison black_hole\n"
  "                   forgery; else each seed chooses\n"
  "  --mutant NAME    switches a defect on: no_fencing acknowledge_before_sync no_hedge\n"
  "                   hedge_exclusive no_brake no_quarantine no_poison stopped_is_silence\n"
  "                   link_loss_is_death no_clean_up any_host_reports no_reasons unrepeatable\n"
  "  --expect-caught  succeeds if a seed fails: the defect was caught\n"
  "  --twice          runs each seed twice and compares the hashes\n"
  "  --corpus FILE    the seeds of this file instead; a line is a seed, options of its own, and\n"
  "                   what it found\n"
  "  --quiet          prints failures and the sum alone\n"
  "  --trace          prints everything that happens\n";

struct arguments {
  sim_options options;
  uint64_t runs = 1;
  std::string mutant;
  std::string corpus;
  std::string replay; ///< what must be repeated beside the seed
  bool twice = false;
  bool quiet = false;
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

milliseconds time_of(const std::string& option, const std::string& text) {
  double value = 0;
  auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  bool good = problem == std::errc{} && end == text.data() + text.size() && value > 0;
  auto unit = option == "--hours" ? ms_per_hour : ms_per_minute;
  if (!good || value * unit > hours_max * ms_per_hour)
    wrong(option + " needs a time of at most " + std::to_string(static_cast<int>(hours_max))
          + " hours, not '" + text + "'");
  return milliseconds{static_cast<int64_t>(value * unit)};
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
    {"stopped_is_silence", mutant::stopped_is_silence},
    {"link_loss_is_death", mutant::link_loss_is_death},
    {"no_clean_up", mutant::no_clean_up},
    {"any_host_reports", mutant::any_host_reports},
    {"no_reasons", mutant::no_reasons}};
  return known;
}

/// `unrepeatable` is a defect of the simulation itself: chance that does not come from the seed.
void switch_on(sim_options& options, const std::string& mutant) {
  if (mutant == "unrepeatable") {
    options.unrepeatable = true;
    return;
  }
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
    else if (option == "--minutes" || option == "--hours")
      given.options.faulty_time = time_of(option, value);
    else if (option == "--faults")
      given.options.faults = faults_of(value);
    else if (option == "--mutant")
      switch_on(given.options, given.mutant = value);
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
    else if (option == "--quiet")
      given.quiet = true;
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

/// A run is a seed with its options; those of a line of the corpus are its own.
std::vector<arguments> runs_of(const arguments& given) {
  std::vector<arguments> runs;
  if (given.corpus.empty()) {
    for (uint64_t i = 0; i < given.runs; ++i) {
      runs.push_back(given);
      runs.back().options.seed = given.options.seed + i;
    }
    return runs;
  }
  std::ifstream file{given.corpus};
  if (!file)
    wrong("can't read " + given.corpus);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words{line};
    std::string word, value;
    if (!(words >> word) || word.front() == '#')
      continue;
    runs.push_back(given);
    runs.back().options.seed = number_of("a line of the corpus", word);
    while (words >> word && word.starts_with("--") && words >> value)
      take_value(runs.back(), word, value);
  }
  return runs;
}

outcome_of_run run_one(const arguments& given) {
  auto first = world{given.options}.run();
  if (!given.twice || !first.failure.empty())
    return first;
  if (world{given.options}.run().hash != first.hash)
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
    std::printf("replay: drover-sim --seed %llu%s%s\n", static_cast<unsigned long long>(run.seed),
                given.replay.c_str(), given.twice ? " --twice" : " --trace");
  std::fflush(stdout);
}

} // namespace

int simulate(int argc, char** argv) {
  auto given = read_arguments(argc, argv);
  auto runs = runs_of(given);
  size_t failed = 0, done = 0;
  milliseconds simulated{0};
  auto began = std::chrono::steady_clock::now();
  for (const auto& one : runs) {
    auto run = run_one(one);
    ++done;
    simulated += run.virtual_time;
    failed += run.failure.empty() ? 0 : 1;
    if (!given.quiet || !run.failure.empty())
      print(one, run);
    if (given.expect_caught && failed > 0)
      break;
  }
  if (given.expect_caught) {
    std::printf("mutant %s: %s by seed %zu of %zu\n", given.mutant.c_str(),
                failed > 0 ? "caught" : "NOT CAUGHT", done, runs.size());
    return failed > 0 ? 0 : 1;
  }
  std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  auto seconds = static_cast<double>(simulated.count()) / 1000;
  std::printf("%zu seeds, %zu failed; %.0f simulated seconds in %.2f s, %.0f a second\n", done,
              failed, seconds, took.count(), seconds / std::max(took.count(), 0.001));
  return failed == 0 ? 0 : 1;
}

} // namespace drover::sim

int main(int argc, char** argv) {
  // What one run frees the next one takes: memory that went back to the system would be zeroed
  // anew.
  constexpr int kept_bytes = 256 << 20;
  mallopt(M_TRIM_THRESHOLD, kept_bytes);
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TOP_PAD, 8 << 20);
  return drover::sim::simulate(argc, argv);
}
