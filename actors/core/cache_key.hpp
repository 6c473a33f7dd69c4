#pragma once
// What a step's result depends on, as the step cache sees it, and how two such lists differ. Pure.
//
// A result is known by its *parts*: name -> value. Values are texts that people may read (facts)
// or digests (the command, variables, files), never secrets. Two steps with equal parts have the
// same result; that is what whoever writes `cache:` promises.
// SPDX-License-Identifier: Apache-2.0

#include "schema/messages.hpp"

#include <functional>
#include <string>
#include <vector>

namespace drover::core {

/// The hex SHA-256 of a text.
using text_digest = std::function<std::string(std::string_view)>;

/// Names of parts begin so; what follows is a glob, a fact's or a variable's name.
namespace cache_part {
inline constexpr std::string_view input = "input ";
inline constexpr std::string_view fact = "fact ";
inline constexpr std::string_view variable = "variable ";
inline constexpr std::string_view workspace = "workspace";
inline constexpr std::string_view artifacts = "artifacts so far";
inline constexpr std::string_view command = "command";
inline constexpr std::string_view outputs = "outputs";
inline constexpr std::string_view surroundings = "surroundings";
inline constexpr std::string_view format = "format";
} // namespace cache_part

/// Facts that always count: a program of one system is no result for another.
const std::vector<std::string>& cache_system_facts();

/// All parts but those of files: the command, its variables, the facts, how it is run.
string_map cache_parts(const assignment& work, const string_map& base_env, const host_facts& facts,
                       const text_digest& digest);

/// Labels that the configuration gives a host hide its own facts, also here.
void overlay_labels(string_map& parts, const string_map& labels);

/// What the key is the digest of: every part, so that no two lists give the same text.
std::string cache_text(const string_map& parts);

/// The number of files and their digest as a part's value.
std::string files_value(const std::string& digest, uint64_t files);

/// In how many parts two lists differ.
size_t cache_distance(const string_map& kept, const string_map& wanted);
/// One phrase: "cpu_model is 'B', the kept result is for 'A'; src/** changed (3 files)". Empty if
/// they are equal.
std::string cache_difference(const string_map& kept, const string_map& wanted);

/// The nearest of `kept`, which is not empty: least differing parts, the newest of those.
const cache_record& nearest_entry(const std::vector<cache_record>& kept, const string_map& wanted);

/// "from build 12 on h1, 2026-01-31 12:00:01 UTC, saved 1 h 3 min".
std::string hit_note(const cache_record& entry);
/// "ran because ...": what differed from the nearest of `kept`, or that there is nothing.
std::string miss_note(const std::vector<cache_record>& kept, const string_map& wanted);

} // namespace drover::core
