// SPDX-License-Identifier: Apache-2.0
#include "config/config.hpp"
#include "schema/limits.hpp"
#include "tests/catch.hpp"

using namespace drover;

namespace {

/// A builder whose `params` begin in line 4, column 7.
std::string with_params(const std::string& params) {
  return "builders:\n  b:\n    params:\n      " + params + "\n    steps: [{name: s, run: make}]\n";
}

std::string errors_of(const std::string& params) {
  std::string text;
  for (const auto& error : check_config(with_params(params)).errors)
    text += (text.empty() ? "" : "\n") + format(error, "f");
  return text;
}

param_spec param_of(const std::string& params) {
  auto report = check_config(with_params(params));
  for (const auto& error : report.errors)
    UNSCOPED_INFO(format(error, "f"));
  REQUIRE(report.config);
  REQUIRE(report.config->builders[0].params.size() == 1);
  return report.config->builders[0].params[0];
}

} // namespace

TEST_CASE("params: a plain value is a text with this default") {
  CHECK(param_of("flavour: debug")
        == param_spec{"flavour", param_kind::text, "debug", false, {}, {}});
  CHECK(param_of("version: 1.10").fallback == "1.10");
  CHECK(param_of("flag: no").fallback == "no");
  CHECK(param_of("flavour:").fallback.empty());
}

TEST_CASE("params: the key says the kind and holds the default") {
  CHECK(param_of("p: {text: debug, about: \"what to build\"}")
        == param_spec{"p", param_kind::text, "debug", false, {}, "what to build"});
  CHECK(param_of("p: {number: 4}") == param_spec{"p", param_kind::number, "4", false, {}, {}});
  CHECK(param_of("p: {number: -1}").fallback == "-1");
  CHECK(param_of("p: {yes_no: no}") == param_spec{"p", param_kind::yes_no, "no", false, {}, {}});
  CHECK(param_of("p: {yes_no: true}").fallback == "yes");
}

TEST_CASE("params: a choice's first value is its default unless another one is named") {
  CHECK(param_of("p: {choice: [debug, release]}")
        == param_spec{"p", param_kind::choice, "debug", false, {"debug", "release"}, {}});
  CHECK(param_of("p: {choice: [debug, release], default: release}").fallback == "release");
}

TEST_CASE("params: one that is required has no default") {
  CHECK(param_of("p: {text: \"\", required: true}")
        == param_spec{"p", param_kind::text, "", true, {}, {}});
  CHECK(param_of("p: {number: , required: yes}")
        == param_spec{"p", param_kind::number, "", true, {}, {}});
  CHECK(param_of("p: {choice: [a, b], required: yes}").fallback.empty());
  CHECK(errors_of("p: {text: debug, required: true}")
        == "f:4:17: text: a parameter that is required has no default; write text: and nothing "
           "behind it, or leave 'required' out");
  CHECK(errors_of("p: {choice: [a, b], default: a, required: true}")
        == "f:4:36: default: a parameter that is required has none; leave one out");
}

TEST_CASE("params: mistakes") {
  CHECK(errors_of("p: {choice: [debug, release], default: relase}")
        == "f:4:46: default: 'relase' is none of the choices (did you mean 'release'?)");
  CHECK(errors_of("p: {choice: [debug, release], default: fast}")
        == "f:4:46: default: 'fast' is none of: debug, release");
  CHECK(errors_of("p: {choice: []}") == "f:4:19: choice: is empty; write e.g. [debug, release]");
  CHECK(errors_of("p: {choice: [a, b, a]}") == "f:4:26: choice: 'a' is there twice");
  CHECK(errors_of("p: {choice: debug}")
        == "f:4:19: choice: expected a list, e.g. [debug, release], not a text");
  CHECK(errors_of("p: {number: many}")
        == "f:4:19: number: 'many' is no whole number; write e.g. number: 4");
  CHECK(errors_of("p: {number: }")
        == "f:4:19: number: has no default; write e.g. number: 4, or required: yes");
  CHECK(errors_of("p: {yes_no: maybe}") == "f:4:19: yes_no: 'maybe' is neither yes nor no");
  CHECK(errors_of("p: {number: 4, default: 5}")
        == "f:4:31: default: only a choice has it; write number: 5");
  CHECK(errors_of("p: {default: 5}")
        == "f:4:10: parameter 'p' needs one of text, number, yes_no, choice");
  CHECK(errors_of("p: {nubmer: 5}") == "f:4:11: unknown key 'nubmer' (did you mean 'number'?)");
  CHECK(errors_of("p: {text: a, number: 5}")
        == "f:4:20: parameter 'p' has 'text' already; 'number' can't be there as well");
  CHECK(
    errors_of("p: [a, b]")
    == "f:4:10: parameter 'p': expected a text, or e.g. {choice: [debug, release]}, not a list");
  CHECK(errors_of("-p: x")
        == "f:4:7: parameter name '-p' must begin with a letter, a digit or '_'");
  CHECK(errors_of("p: {text: a, about: \"x\\ny\"}") == "f:4:27: about: must be one line");
}

TEST_CASE("params: they are kept by name, and their number is bounded") {
  auto report = check_config(with_params("b: 1\n      a: 2"));
  REQUIRE(report.config);
  CHECK(report.config->builders[0].params[0].name == "a");
  std::string many;
  for (size_t i = 0; i <= limits::params_max; ++i)
    many += "p" + std::to_string(i) + ": x\n      ";
  CHECK(errors_of(many) == "f:4:7: params: has 65 entries, at most 64 are allowed");
}
