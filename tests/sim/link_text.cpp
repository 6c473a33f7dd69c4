// What crosses a link, in a line of the trace.
// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/link.hpp"

namespace drover::sim {

namespace {

std::string text(uint64_t number) {
  return " " + std::to_string(number);
}

std::string text(const std::vector<known_attempt>& known) {
  std::string all = " [";
  for (const auto& one : known)
    all += text_of(one.token) + ":" + std::to_string(static_cast<int>(one.state)) + ":"
           + std::to_string(one.log_bytes) + " ";
  return all + "]";
}

struct speller {
  std::string operator()(const hello& m) const { return "hello" + text(m.known); }
  std::string operator()(const beat& m) const { return "beat" + text(m.sequence) + text(m.known); }
  std::string operator()(const attempt_started& m) const { return "started " + text_of(m.token); }
  std::string operator()(const log_chunk& m) const {
    return "log " + text_of(m.token) + text(m.offset) + text(m.bytes.size())
           + text(hash_of(m.bytes));
  }
  std::string operator()(const attempt_ended& m) const {
    return "ended " + text_of(m.token) + text(static_cast<uint64_t>(m.outcome)) + text(m.log_bytes)
           + (m.keeper_lost ? " keeper lost" : "");
  }
  std::string operator()(const blob_want& m) const { return "want " + m.sha256 + text(m.offset); }
  std::string operator()(const blob_part& m) const {
    return "part " + m.sha256 + text(m.offset) + text(m.bytes.size());
  }
  std::string operator()(const build_closed& m) const {
    return "closed" + text(m.build.value) + text(m.placement) + text(m.artifacts.size()) + " "
           + m.problem;
  }
  std::string operator()(const census_answer& m) const { return "census" + text(m.query); }
  std::string operator()(const cache_ask& m) const { return "cache? " + m.key; }
  std::string operator()(const cache_keep& m) const { return "cache " + m.key + " " + m.sha256; }
  std::string operator()(const host_news_told& m) const { return "news " + m.trouble; }

  std::string operator()(const welcome& m) const { return "welcome" + text(m.session.value); }
  std::string operator()(const refusal& m) const { return "refusal " + m.reason; }
  std::string operator()(const beat_answer& m) const { return "beat answer" + text(m.sequence); }
  std::string operator()(const assignment& m) const { return "assignment " + text_of(m.token); }
  std::string operator()(const cancel_attempt& m) const {
    return "cancel " + text_of(m.token) + " " + m.reason;
  }
  std::string operator()(const log_durable& m) const {
    return "log durable " + text_of(m.token) + text(m.offset);
  }
  std::string operator()(const result_durable& m) const {
    return "result durable " + text_of(m.token);
  }
  std::string operator()(const blob_piece& m) const {
    return "piece " + m.sha256 + text(m.offset) + text(m.bytes.size()) + " " + m.problem;
  }
  std::string operator()(const blob_stored& m) const {
    return "stored " + m.sha256 + text(m.offset) + (m.durable ? " durable" : "") + " " + m.problem;
  }
  std::string operator()(const close_build& m) const {
    return "close" + text(m.build.value) + text(m.placement) + (m.keep_artifacts ? " keep" : "");
  }
  std::string operator()(const census_ask& m) const { return "census?" + text(m.query); }
  std::string operator()(const restart_agent& m) const { return "restart " + m.reason; }
  std::string operator()(const cache_answer& m) const {
    return "cache answer " + text_of(m.token) + (m.hit ? " hit " : " miss ") + m.sha256;
  }
  std::string operator()(const cache_kept& m) const {
    return "cache kept " + text_of(m.token) + " " + m.problem;
  }
};

} // namespace

std::string text_of(const host_message& message) {
  return std::visit(speller{}, message);
}
std::string text_of(const farm_message& message) {
  return std::visit(speller{}, message);
}

} // namespace drover::sim
