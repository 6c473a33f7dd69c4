// SPDX-License-Identifier: Apache-2.0
#include "nodes/cache_spec_record.hpp"

#include "nodes/record_file.hpp"

namespace drover {

namespace {

constexpr auto kind = "cache-spec";

void put(record_writer& out, const std::vector<std::string>& texts) {
  out.put("texts", texts.size());
  for (const auto& text : texts)
    out.put("text", text);
}

std::vector<std::string> take(record_reader& in) {
  std::vector<std::string> texts;
  auto count = in.take_number<size_t>("texts");
  for (size_t i = 0; i < count && !in.problem(); ++i)
    texts.push_back(in.take("text"));
  return texts;
}

} // namespace

std::string encode(const cache_spec& value) {
  record_writer out{kind};
  out.put("on", int{value.on});
  for (const auto* texts : {&value.inputs, &value.facts, &value.outputs})
    put(out, *texts);
  return out.finish();
}

expected<cache_spec> decode_cache_spec(std::string_view bytes) {
  record_reader in{kind, bytes};
  cache_spec value;
  value.on = in.take_number<int>("on") != 0;
  for (auto* texts : {&value.inputs, &value.facts, &value.outputs})
    *texts = take(in);
  if (in.problem())
    return *in.problem();
  return value;
}

} // namespace drover
