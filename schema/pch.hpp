#pragma once
// What nearly all pure code includes, compiled once: plain values and the parts of std they use.
// SPDX-License-Identifier: Apache-2.0

#include "schema/limits.hpp"
#include "schema/model.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>
