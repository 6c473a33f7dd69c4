#pragma once
// What the files of the API share: one call, its answers, and the functions behind the routes.
// SPDX-License-Identifier: Apache-2.0

#include "nodes/http/api.hpp"
#include "nodes/http/explain.hpp"
#include "nodes/http/json.hpp"

#include <atomic>
#include <span>

namespace drover::http {

struct api_context {
  api_parts parts;
  std::atomic<uint64_t> uploads{0}; ///< numbers them for the artifact store
};

/// One request on its way through a route. Lives until its answer is made.
struct api_call {
  api_context& api;
  const caller& who;
  const request& asked;
  body_reader& body;
  std::vector<std::string> captures; ///< what the route's `*` and `**` stand for
};

using answer = asio::awaitable<response>;

// -- answers -------------------------------------------------------------------------------------

response json_answer(const json& value, unsigned status = 200);
/// The status that belongs to the failure's code, its text as the detail.
response failure_answer(const failure& why);

// -- parameters ----------------------------------------------------------------------------------

/// A number in [0, most]; absent: `otherwise`.
expected<uint64_t> number_parameter(const request& asked, const std::string& name,
                                    uint64_t otherwise, uint64_t most);
/// `wait=SECONDS` (a fraction may follow), cut to limits::http_wait_max; nothing if absent.
expected<std::optional<milliseconds>> wait_parameter(const request& asked);
/// Refuses parameters that the route doesn't know, so that a misspelt one is not ignored.
std::optional<failure> unknown_parameter(const request& asked,
                                         std::initializer_list<std::string_view> known);

/// `name=yes` or `no`; absent: `otherwise`.
expected<bool> yes_parameter(const request& asked, const std::string& name, bool otherwise);
/// `reason=`, fit to be shown; absent: empty.
std::string reason_parameter(const request& asked);
/// Whose order it is: the caller's name, or the `by=` of one who may speak for others.
std::string by_of(const api_call& call, const std::string& claimed);
std::string by_of(const api_call& call);

// -- what routes share ---------------------------------------------------------------------------

expected<build_id> build_of(const std::string& text);
/// The build behind `text`, or `not_found`.
expected<build_file> find_build(const api_context& api, const std::string& text);
/// What the coordinator says of these builds, those that are finished left out.
asio::awaitable<expected<std::vector<waiting_view>>> ask_waiting(api_context& api,
                                                                 std::vector<build_id> builds);

/// A whole body that has to be in memory at once; `what` names it where it is too long.
asio::awaitable<std::string> read_body(api_call& call, const char* what);
/// What the token of a caller is looked up in.
door_book book_of(const api_context& api);
/// The configuration in force.
asio::awaitable<expected<std::shared_ptr<const live_config>>> ask_config(const api_parts& parts);
/// The text, and the reason that the caller gave, if any.
std::string with_reason(const api_call& call, std::string text);
/// The journal's entry of what the caller did, with the reason given.
event_record caller_event(const api_call& call, event_kind kind, std::string text);
/// Commits through the recorder; nothing once it is durable.
asio::awaitable<std::optional<failure>> record(api_context& api, storage::write_batch batch);
/// Why the caller may not have this builder's builds made, cancelled or repeated; nothing: it may.
std::optional<failure> force_problem(const api_call& call, const std::string& builder);
/// The answer to a submission or a retry.
response submitted_answer(const submitted& made);
/// The answer to an order about the thing of this name that was taken: 202 {name, text}.
response accepted_answer(const std::string& name, const std::string& text);

// -- routes --------------------------------------------------------------------------------------

answer get_builds(api_call& call);
answer get_build(api_call& call);
answer get_build_why(api_call& call);
answer get_build_facts(api_call& call);
answer post_cancel(api_call& call);
answer post_builds(api_call& call);
answer post_sources(api_call& call);
answer get_log(api_call& call);
answer get_artifacts(api_call& call);
answer get_artifact(api_call& call);
answer get_campaigns(api_call& call);
answer get_campaign(api_call& call);
answer get_campaign_why(api_call& call);
answer get_hosts(api_call& call);
answer get_host(api_call& call);
answer get_host_why(api_call& call);
answer get_actors(api_call& call);
answer get_farm(api_call& call);
answer post_retry(api_call& call);
answer post_host_order(api_call& call);
answer get_builders(api_call& call);
answer get_builder(api_call& call);
answer get_config(api_call& call);
answer get_generations(api_call& call);
answer get_generation(api_call& call);
answer post_reload(api_call& call);
answer get_events(api_call& call);
answer get_event_stream(api_call& call);
answer get_tokens(api_call& call);
answer post_tokens(api_call& call);
answer delete_token(api_call& call);
answer get_users(api_call& call);
answer post_users(api_call& call);
answer post_user_password(api_call& call);
answer delete_user(api_call& call);
answer get_builder_where(api_call& call);
answer post_verify(api_call& call);
answer post_backup(api_call& call);
answer post_clean_up(api_call& call);
answer get_openapi(api_call& call);
answer get_tests(api_call& call);
answer get_test_story(api_call& call);
answer get_sources(api_call& call);
answer post_look(api_call& call);
answer post_revision(api_call& call);
/// POST sources with `url`.
answer post_address(api_call& call);
answer get_cache(api_call& call);
answer delete_cache(api_call& call);
answer delete_cache_entry(api_call& call);
answer get_changes(api_call& call);
answer get_change(api_call& call);
answer get_notices(api_call& call);
answer get_notice(api_call& call);
answer post_notice_retry(api_call& call);
answer post_failed_notices_retry(api_call& call);
answer post_notice_test(api_call& call);
answer get_healthz(api_call& call);
answer get_readyz(api_call& call);

// -- the table -----------------------------------------------------------------------------------

struct route {
  std::string_view method;
  std::string_view pattern; ///< segments; `*` one of any text, `**` one or more at the end
  role needs;
  answer (*serve)(api_call&);
};

/// Every route that there is.
std::span<const route> all_routes();

} // namespace drover::http
