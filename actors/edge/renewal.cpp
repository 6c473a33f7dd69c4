// SPDX-License-Identifier: Apache-2.0
#include "actors/edge/renewal.hpp"

#include "actors/edge/certify.hpp"
#include "actors/edge/enrolment_call.hpp"
#include "actors/edge/reason.hpp"
#include "schema/limits_enrolment.hpp"
#include "schema/names.hpp"

#include <kj/timer.h>
#include <spdlog/spdlog.h>

#include <algorithm>

namespace drover {

class renewal::keeper {
public:
  keeper(edge_loop& loop, const renewal_settings& settings) : loop_{loop}, settings_{settings} {}

  void start() {
    work_ = kj::evalNow([this] { return look(); }).eagerlyEvaluate([](kj::Exception&& problem) {
      spdlog::error("certificate is not renewed any more reason=\"{}\"", plain_reason(problem));
    });
  }

private:
  kj::Promise<void> look() {
    auto life = life_of(settings_.where.keys.certificate);
    if (!life) {
      spdlog::warn("certificate can't be renewed reason=\"{}\"", life.error().text);
      return again(limits::renewal_retry);
    }
    milliseconds whole{life->until.ms - life->from.ms};
    milliseconds left{life->from.ms + whole.count() * 2 / 3 - settings_.clock().ms};
    if (left.count() > 0)
      return again(std::min<milliseconds>(left, limits::renewal_look_every));
    return renew(std::min<milliseconds>(whole / 10, limits::renewal_retry));
  }

  kj::Promise<void> renew(milliseconds patience) {
    auto keys = load_keys(settings_.where.keys);
    auto request =
      keys ? make_request(settings_.where.keys.key) : expected<std::string>{keys.error()};
    if (!request) {
      spdlog::warn("certificate can't be renewed reason=\"{}\"", request.error().text);
      return again(patience);
    }
    return ask_to_renew(loop_.io(), settings_.where.address, *keys,
                        {{}, settings_.name, *request, settings_.version})
      .then([this, patience](expected<enrolment_grant> given) {
        auto problem = given ? keep_grant(settings_.keys, *given) : given.error();
        if (problem)
          spdlog::warn("certificate not renewed reason=\"{}\"", problem->text);
        else
          spdlog::info("certificate renewed until={}", to_string(given->until));
        return again(patience);
      });
  }

  kj::Promise<void> again(milliseconds after) {
    return loop_.io()
      .provider->getTimer()
      .afterDelay(after.count() * kj::MILLISECONDS)
      .then([this] { return look(); });
  }

  edge_loop& loop_;
  renewal_settings settings_;
  kj::Promise<void> work_ = nullptr;
};

renewal::renewal(edge_loop& loop, const renewal_settings& settings)
    : loop_{loop}, keeper_{std::make_shared<keeper>(loop, settings)} {
  loop_.run([this] { keeper_->start(); });
}

renewal::~renewal() {
  loop_.run([this] { keeper_ = nullptr; });
}

} // namespace drover
