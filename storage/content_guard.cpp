// SPDX-License-Identifier: Apache-2.0
#include "storage/content_guard.hpp"

#include <set>

namespace drover::storage {

namespace {

struct shared_claims {
  std::mutex mutex;
  std::multiset<std::string> held; ///< by writers that live
  std::set<std::string> since;     ///< claimed since the sweep began
  bool sweeping = false;
};

shared_claims& claims() {
  static shared_claims all;
  return all;
}

} // namespace

content_claim::~content_claim() {
  auto& all = claims();
  std::lock_guard lock{all.mutex};
  for (const auto& digest : digests_)
    all.held.erase(all.held.find(digest));
}

void content_claim::add(const std::string& digest) {
  auto& all = claims();
  std::lock_guard lock{all.mutex};
  all.held.insert(digest);
  if (all.sweeping)
    all.since.insert(digest);
  digests_.push_back(digest);
}

std::unique_lock<std::mutex> content_claim::keep(const std::string& digest) {
  auto& all = claims();
  std::unique_lock lock{all.mutex};
  if (all.sweeping)
    all.since.insert(digest);
  return lock;
}

content_sweep::content_sweep() {
  std::lock_guard lock{claims().mutex};
  claims().sweeping = true;
}

content_sweep::~content_sweep() {
  std::lock_guard lock{claims().mutex};
  claims().sweeping = false;
  claims().since.clear();
}

std::unique_lock<std::mutex> content_sweep::hold() {
  return std::unique_lock{claims().mutex};
}

bool content_sweep::claimed(const std::string& digest) const {
  return claims().held.contains(digest) || claims().since.contains(digest);
}

} // namespace drover::storage
