// Which request is answered by whom, and who may ask: one table.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/http/routes.hpp"

namespace drover::http {

namespace {

constexpr route routes[] = {
  {"GET", "api/v1", role::view, get_farm},
  {"GET", "api/v1/builds", role::view, get_builds},
  {"POST", "api/v1/builds", role::force, post_builds},
  {"GET", "api/v1/builds/*", role::view, get_build},
  {"GET", "api/v1/builds/*/why", role::view, get_build_why},
  {"POST", "api/v1/builds/*/cancel", role::force, post_cancel},
  {"POST", "api/v1/builds/*/retry", role::force, post_retry},
  {"GET", "api/v1/builds/*/steps/*/log", role::view, get_log},
  {"GET", "api/v1/builds/*/artifacts", role::view, get_artifacts},
  {"GET", "api/v1/builds/*/artifacts/**", role::view, get_artifact},
  {"GET", "api/v1/builds/*/tests", role::view, get_tests},
  {"POST", "api/v1/sources", role::force, post_sources},
  {"GET", "api/v1/sources", role::view, get_sources},
  {"POST", "api/v1/sources/*/look", role::force, post_look},
  {"GET", "api/v1/changes", role::view, get_changes},
  {"GET", "api/v1/changes/*", role::view, get_change},
  {"GET", "api/v1/campaigns", role::view, get_campaigns},
  {"GET", "api/v1/campaigns/*", role::view, get_campaign},
  {"GET", "api/v1/campaigns/*/why", role::view, get_campaign_why},
  {"GET", "api/v1/hosts", role::view, get_hosts},
  {"GET", "api/v1/hosts/*", role::view, get_host},
  {"GET", "api/v1/hosts/*/why", role::view, get_host_why},
  {"POST", "api/v1/hosts/*/*", role::admin, post_host_order},
  {"GET", "api/v1/actors", role::view, get_actors},
  {"GET", "api/v1/builders", role::view, get_builders},
  {"GET", "api/v1/builders/*", role::view, get_builder},
  {"GET", "api/v1/events", role::view, get_events},
  {"GET", "api/v1/events/stream", role::view, get_event_stream},
  {"GET", "api/v1/config", role::admin, get_config},
  {"GET", "api/v1/config/generations", role::admin, get_generations},
  {"GET", "api/v1/config/generations/*", role::admin, get_generation},
  {"POST", "api/v1/config/reload", role::admin, post_reload},
  {"GET", "api/v1/tokens", role::admin, get_tokens},
  {"POST", "api/v1/tokens", role::admin, post_tokens},
  {"DELETE", "api/v1/tokens/*", role::admin, delete_token},
  {"POST", "api/v1/store/verify", role::admin, post_verify},
  {"POST", "api/v1/store/backup", role::admin, post_backup},
  {"POST", "api/v1/store/gc", role::admin, post_clean_up},
  {"GET", "api/v1/notices", role::view, get_notices},
  {"GET", "api/v1/notices/*", role::view, get_notice},
  {"POST", "api/v1/notices/retry", role::admin, post_failed_notices_retry},
  {"POST", "api/v1/notices/*/retry", role::admin, post_notice_retry},
  {"POST", "api/v1/reporters/*/test", role::admin, post_notice_test},
  {"GET", "api/v1/openapi.json", role::view, get_openapi},
  {"GET", "api/v1/healthz", role::anyone, get_healthz},
  {"GET", "api/v1/readyz", role::anyone, get_readyz},
  {"GET", "healthz", role::anyone, get_healthz},
  {"GET", "readyz", role::anyone, get_readyz},
};

} // namespace

std::span<const route> all_routes() {
  return routes;
}

} // namespace drover::http
