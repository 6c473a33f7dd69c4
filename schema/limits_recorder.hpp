#pragma once
// Bounds of the recorder: how long what is in no hurry may wait.
// SPDX-License-Identifier: Apache-2.0

#include <chrono>

namespace drover::limits {

/// A batch whose answer nobody waits for goes with the next commit, or by itself after this: that a
/// step has begun is seldom more than this older than its end.
inline constexpr std::chrono::milliseconds commit_unawaited_within{50};
/// Readers of the journal are told this seldom while commits follow upon each other: each reads all
/// that has come.
inline constexpr std::chrono::milliseconds event_news_every{20};

} // namespace drover::limits
