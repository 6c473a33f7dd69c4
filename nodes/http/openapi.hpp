#pragma once
// docs/openapi.json as it was when this program was built.
// SPDX-License-Identifier: Apache-2.0

#include <string>

namespace drover::http {

std::string openapi_document();

} // namespace drover::http
