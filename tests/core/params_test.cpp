// SPDX-License-Identifier: Apache-2.0
#include "actors/core/config_changes.hpp"
#include "actors/core/params.hpp"
#include "tests/catch.hpp"

using namespace drover;
using namespace drover::core;

namespace {

builder_spec typed_builder() {
  builder_spec builder;
  builder.name = "check";
  builder.params = {{"flavour", param_kind::choice, "debug", false, {"debug", "release"}, {}},
                    {"jobs", param_kind::number, "4", false, {}, {}},
                    {"docs", param_kind::yes_no, "no", false, {}, {}},
                    {"ticket", param_kind::text, {}, true, {}, "the ticket's number"}};
  return builder;
}

} // namespace

TEST_CASE("params: what the builder's parameters forbid is refused by name") {
  auto builder = typed_builder();
  CHECK_FALSE(params_problem(builder, {{"ticket", "7"}}));
  CHECK_FALSE(params_problem(builder, {{"ticket", "7"}, {"flavour", "release"}, {"jobs", "-1"}}));
  auto text = [&](const string_map& given) { return params_problem(builder, given)->text; };
  CHECK(text({})
        == "builder 'check' needs parameter 'ticket' (the ticket's number): give it with "
           "--param ticket=VALUE");
  CHECK(text({{"ticket", "7"}, {"flavor", "x"}})
        == "builder 'check' has no parameter 'flavor'; it has: flavour, jobs, docs, ticket");
  CHECK(text({{"ticket", "7"}, {"flavour", "x"}})
        == "builder 'check', parameter 'flavour': 'x' is none of: debug, release");
  CHECK(text({{"ticket", "7"}, {"jobs", "four"}})
        == "builder 'check', parameter 'jobs': 'four' is no whole number");
  CHECK(text({{"ticket", "7"}, {"jobs", ""}})
        == "builder 'check', parameter 'jobs': '' is no whole number");
  CHECK(text({{"ticket", "7"}, {"docs", "true"}})
        == "builder 'check', parameter 'docs': 'true' is neither yes nor no");
}

TEST_CASE("params: a builder that names none takes any") {
  CHECK_FALSE(params_problem({}, {{"anything", "goes"}}));
}

TEST_CASE("params: a build has the fallbacks and what was given over them") {
  CHECK(params_of(typed_builder(), {{"ticket", "7"}, {"jobs", "8"}})
        == string_map{{"flavour", "debug"}, {"jobs", "8"}, {"docs", "no"}, {"ticket", "7"}});
}

TEST_CASE("config changes: each thing that differs is named") {
  farm_config before, after;
  before.builders.resize(2);
  before.builders[0].name = "check";
  before.builders[1].name = "docs";
  after.builders = {before.builders[0]};
  after.builders[0].requirement = "os == 'linux'";
  after.hosts.push_back({"h2", 1, {}});
  CHECK(config_changes(before, after)
        == "host h2 added; builder check changed; builder docs removed");
  CHECK(config_changes(before, before) == "nothing but comments");
}
