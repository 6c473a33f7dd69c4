// SPDX-License-Identifier: Apache-2.0
#include "actors/core/reconcile.hpp"
#include "schema/limits.hpp"
#include "tests/catch.hpp"

using namespace drover;
using namespace drover::core;
using namespace std::chrono_literals;

namespace {

grant_token token(uint32_t attempt) {
  return {{1, 42}, {{7}, {0}, {attempt}}};
}

open_orders one_order(milliseconds sent) {
  open_orders orders;
  orders[token(1)].work.token = token(1);
  orders[token(1)].sent = sent;
  return orders;
}

known_attempt held(uint32_t attempt) {
  return {token(attempt), known_state::running, 0};
}

} // namespace

TEST_CASE("reconcile: an order never said is to be sent") {
  auto orders = one_order(milliseconds{-1});
  CHECK(reconcile(orders, {}, 0ms).to_send == std::vector{token(1)});
}

TEST_CASE("reconcile: an unconfirmed order is repeated only after its time") {
  auto orders = one_order(1000ms);
  CHECK(reconcile(orders, {}, 1000ms + limits::resend_after - 1ms).to_send.empty());
  CHECK(reconcile(orders, {}, 1000ms + limits::resend_after).to_send == std::vector{token(1)});
}

TEST_CASE("reconcile: what the host lists is confirmed and not sent again") {
  auto orders = one_order(0ms);
  CHECK(reconcile(orders, {held(1)}, 1h).to_send.empty());
  CHECK(orders.at(token(1)).confirmed);
}

TEST_CASE("reconcile: a confirmed attempt that the host lists no more is missing") {
  auto orders = one_order(0ms);
  reconcile(orders, {held(1)}, 1s);
  auto found = reconcile(orders, {}, 2s);
  CHECK(found.missing == std::vector{token(1)});
  CHECK(found.to_send.empty());
}

TEST_CASE("reconcile: an attempt without an order is a stray") {
  auto orders = one_order(0ms);
  CHECK(reconcile(orders, {held(1), held(2)}, 1s).strays == std::vector{held(2)});
}

TEST_CASE("reconcile: that an attempt runs is news once") {
  auto orders = one_order(0ms);
  CHECK(reconcile(orders, {held(1)}, 1s).started == std::vector{token(1)});
  CHECK(reconcile(orders, {held(1)}, 2s).started.empty());
}
