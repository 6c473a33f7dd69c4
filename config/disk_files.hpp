#pragma once
// The files of a configuration on this machine's disk.
// SPDX-License-Identifier: Apache-2.0

#include "config/include.hpp"

#include <string>

namespace drover {

/// Files below `folder` (empty: the current one). The main file may be a pipe; others must be plain
/// files, so that reading can't hang.
config_files disk_files(std::string folder, std::string main);

} // namespace drover
