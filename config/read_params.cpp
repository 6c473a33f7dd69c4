// SPDX-License-Identifier: Apache-2.0
#include "config/read_builder.hpp"
#include "config/values.hpp"
#include "schema/limits.hpp"
#include "schema/names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace drover {
namespace {

using yaml::node;

constexpr size_t shown_bytes_max = 60; // of a value in a message

std::string shown(std::string_view text) {
  return printable(text, shown_bytes_max);
}

/// What a submission may give for a number as well: actors/core/params.
bool whole_number(std::string_view text) {
  constexpr size_t digits_max = 18; // fits 64 bits
  auto digits = text.substr(!text.empty() && text.front() == '-' ? 1 : 0);
  return !digits.empty() && digits.size() <= digits_max
         && digits.find_first_not_of("0123456789") == std::string_view::npos;
}

/// A parameter while it is read: what must wait until all of its keys are known.
struct draft {
  param_spec param;
  const node* kind = nullptr;     ///< the value of the key that says the kind
  const node* fallback = nullptr; ///< of `default`
};

/// The fallback of a number or of yes and no, as submissions write it.
void settle_fallback(reader& in, const node& value, param_spec& param) {
  std::string written;
  if (!in.text(to_string(param.kind), value, written))
    return;
  if (param.kind == param_kind::number && !whole_number(written)) {
    in.error(value.at,
             fmt::format("number: '{}' is no whole number; write e.g. number: 4", shown(written)));
    return;
  }
  if (param.kind == param_kind::yes_no) {
    auto answer = parse_yes_no(written);
    if (!answer) {
      in.error(value.at, fmt::format("yes_no: '{}' is neither yes nor no", shown(written)));
      return;
    }
    written = *answer ? "yes" : "no";
  }
  param.fallback = written;
}

void settle_choice(reader& in, const draft& from, param_spec& param) {
  const auto& choices = param.choices;
  if (from.kind->what == yaml::kind::sequence && choices.empty())
    in.error(from.kind->at, "choice: is empty; write e.g. [debug, release]");
  if (choices.size() > limits::choices_max)
    in.error(from.kind->at, fmt::format("choice: has {} values, at most {} are allowed",
                                        choices.size(), limits::choices_max));
  for (size_t i = 1; i < choices.size(); ++i)
    if (std::find(choices.begin(), choices.begin() + static_cast<ptrdiff_t>(i), choices[i])
        != choices.begin() + static_cast<ptrdiff_t>(i))
      in.error(from.kind->items[i].at,
               fmt::format("choice: '{}' is there twice", shown(choices[i])));
  if (param.required || choices.empty())
    return;
  param.fallback = choices.front();
  if (from.fallback == nullptr || !in.text("default", *from.fallback, param.fallback)
      || std::find(choices.begin(), choices.end(), param.fallback) != choices.end())
    return;
  std::vector<std::string_view> known{choices.begin(), choices.end()};
  if (known.size() > limits::entries_max)
    known.clear();
  auto near = nearest(param.fallback, known);
  in.error(from.fallback->at,
           near ? fmt::format("default: '{}' is none of the choices (did you mean '{}'?)",
                              shown(param.fallback), *near)
                : fmt::format("default: '{}' is none of: {}", shown(param.fallback),
                              shown(fmt::format("{}", fmt::join(choices, ", ")))));
}

/// The kind is known: whether the value fits it, and `required` and `default` fit each other.
void settle(reader& in, draft& from) {
  auto& param = from.param;
  auto kind = to_string(param.kind);
  bool chosen = param.kind == param_kind::choice;
  if (param.required && from.fallback != nullptr)
    in.error(from.fallback->at, "default: a parameter that is required has none; leave one out");
  else if (from.fallback != nullptr && !chosen)
    in.error(from.fallback->at,
             fmt::format("default: only a choice has it; write {}: {}", kind,
                         from.fallback->what == yaml::kind::scalar ? shown(from.fallback->text)
                                                                   : "VALUE"));
  if (chosen) {
    settle_choice(in, from, param);
    return;
  }
  bool given = from.kind->what != yaml::kind::scalar || !from.kind->text.empty();
  given = given && !from.kind->empty();
  if (param.required && given)
    in.error(from.kind->at,
             fmt::format("{}: a parameter that is required has no default; write {}: and nothing "
                         "behind it, or leave 'required' out",
                         kind, kind));
  else if (given)
    settle_fallback(in, *from.kind, param);
  else if (!param.required && param.kind != param_kind::text && from.fallback == nullptr)
    in.error(from.kind->at, fmt::format("{}: has no default; write e.g. {}: {}, or required: yes",
                                        kind, kind, param.kind == param_kind::number ? "4" : "no"));
}

void read_long(reader& in, const node& from, draft& out) {
  auto what = titled("parameter", out.param.name);
  auto is = [&out](std::string_view key, param_kind kind) {
    return field{key, [&out, kind](const node& value) {
                   if (out.kind == nullptr) {
                     out.param.kind = kind;
                     out.kind = &value;
                   }
                 }};
  };
  auto choice = [&](const node& value) {
    in.texts("choice", value, "[debug, release]", out.param.choices);
    if (value.empty())
      in.error(value.at, "choice: is empty; write e.g. [debug, release]");
    is("choice", param_kind::choice).read(value);
  };
  auto about = [&](const node& value) {
    in.text("about", value, out.param.about);
    if (out.param.about.find_first_of("\r\n") != std::string::npos)
      in.error(value.at, "about: must be one line");
  };
  in.mapping(
    what, from,
    {is("text", param_kind::text),
     is("number", param_kind::number),
     is("yes_no", param_kind::yes_no),
     {"choice", choice},
     {"default", [&](const node& value) { out.fallback = &value; }},
     {"required", [&](const node& value) { in.yes_no("required", value, out.param.required); }},
     {"about", about}});
  in.exactly_one(what, from, {"text", "number", "yes_no", "choice"});
  if (out.kind != nullptr)
    settle(in, out);
}

} // namespace

void read_params(reader& in, const node& from, std::vector<param_spec>& out) {
  if (from.what == yaml::kind::mapping && from.entries.size() > limits::params_max) {
    in.error(from.at, fmt::format("params: has {} entries, at most {} are allowed",
                                  from.entries.size(), limits::params_max));
    return;
  }
  in.named("params", from, [&](const std::string& name, const node& value) {
    draft one;
    one.param.name = name;
    if (value.what == yaml::kind::sequence)
      in.error(value.at, fmt::format("{}: expected a text, or e.g. {{choice: [debug, release]}}, "
                                     "not a list",
                                     titled("parameter", name)));
    else if (value.what == yaml::kind::mapping)
      read_long(in, value, one);
    else
      in.text(titled("parameter", name), value, one.param.fallback);
    out.push_back(std::move(one.param));
  });
  std::sort(out.begin(), out.end(),
            [](const param_spec& left, const param_spec& right) { return left.name < right.name; });
}

} // namespace drover
