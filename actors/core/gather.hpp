#pragma once
// Collects a known number of answers that come one by one, and hands them on together.
// SPDX-License-Identifier: Apache-2.0

#include <functional>
#include <memory>
#include <vector>

namespace drover::core {

/// Shared by the handlers of several requests; `done` is called once, with the last answer (or at
/// once where none is expected).
template <class Answer>
class gather {
public:
  using handler = std::function<void(std::vector<Answer>)>;

  static std::shared_ptr<gather> over(size_t expected, handler done) {
    auto made = std::make_shared<gather>(expected, std::move(done));
    if (expected == 0)
      made->done_({});
    return made;
  }

  gather(size_t expected, handler done) : expected_{expected}, done_{std::move(done)} {}

  void add(Answer answer) {
    answers_.push_back(std::move(answer));
    finish_if_complete();
  }

  /// One of those that were asked has nothing to say.
  void skip() {
    --expected_;
    finish_if_complete();
  }

private:
  void finish_if_complete() {
    if (answers_.size() == expected_)
      done_(std::move(answers_));
  }

  size_t expected_;
  handler done_;
  std::vector<Answer> answers_;
};

} // namespace drover::core
