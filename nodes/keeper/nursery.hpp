#pragma once
// The nursery of keepers: one process an agent, which forks a keeper for each step.
//
// A keeper that is forked from it starts in a fraction of the time that exec and the set-up of the
// C library take (under a hypervisor, asking the processor what it can do costs more than all the
// rest). It is a child of the agent, not of the nursery, as one that the agent started itself.
// SPDX-License-Identifier: Apache-2.0

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace drover {

/// The argument that makes the keeper's program a nursery. Blanks behind it, up to
/// nursery_word_bytes, are room for what a keeper shows in its place: its folder.
inline constexpr std::string_view nursery_word = "--nursery";
inline constexpr size_t nursery_word_bytes = 255;

/// The longest path of a folder that can be asked for.
inline constexpr size_t nursery_path_bytes_max = 4096;

/// Reads folders from `orders`, a SOCK_SEQPACKET socket, and forks for each; what it answers is the
/// new process's pid or, negative, the error number, as an int32_t. Returns the folder in the new
/// process, which holds all that this one does, and nothing in this one once nobody is there to
/// give orders. `word` is nursery_word as it came on the command line.
std::optional<std::string> tend_nursery(int orders, char* word);

} // namespace drover
