#pragma once
// Every actor's interface, with what each message means and who may send it.
//
// Messages between actors of one process are plain values. Cap'n Proto ends at actors/edge.
// Who supervises whom, and what a death means: actors/README.md.
// SPDX-License-Identifier: Apache-2.0

#include "actors/common_types.hpp"
#include "actors/farm_types.hpp"
#include "actors/host_types.hpp"
