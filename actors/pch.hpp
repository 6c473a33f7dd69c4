#pragma once
// Precompiled for the actors and their tests: CAF costs two seconds a file.
// SPDX-License-Identifier: Apache-2.0
#include <caf/actor_system.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <spdlog/spdlog.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>
