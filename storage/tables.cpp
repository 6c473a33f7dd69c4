// SPDX-License-Identifier: Apache-2.0
#include "storage/tables.hpp"

#include "schema/limits.hpp"
#include "schema/names.hpp"
#include "schema/record_codec.hpp"
#include "storage/keys.hpp"
#include "storage/read_records.hpp"

namespace drover::storage {

// -- builds --------------------------------------------------------------------------------------

void put_build(write_batch& batch, const build_record& build) {
  batch.add(family::history, keys::build(build.id), record::encode(build));
  if (build.state == build_state::finished)
    batch.remove(family::active, keys::active_build(build.id));
  else
    batch.add(family::active, keys::active_build(build.id), {});
}

void put_recipe(write_batch& batch, build_id build, const builder_spec& recipe) {
  batch.add(family::history, keys::recipe(build), record::encode(recipe));
}

void put_step(write_batch& batch, build_id build, const step_record& step) {
  batch.add(family::history, keys::step({build, step.index}), record::encode(step));
}

expected<std::optional<build_record>> read_build(const store& from, build_id build) {
  auto found = read_record(from, keys::build(build), record::decode_build, named(build));
  if (found && *found && (*found)->id != build)
    return failure{ec::damaged,
                   named(build) + ": the record is of build " + to_string((*found)->id)};
  return found;
}

expected<std::optional<build_file>> read_build_file(const store& from, build_id build) {
  auto head = read_build(from, build);
  if (!head)
    return head.error();
  if (!*head)
    return std::optional<build_file>{};
  auto recipe =
    read_record(from, keys::recipe(build), record::decode_recipe, named(build) + ", recipe");
  if (!recipe)
    return recipe.error();
  if (!*recipe)
    return failure{ec::damaged, named(build) + ": its recipe is missing"};
  key_range of_build{keys::step({build, {0}}), keys::after(keys::step({build, {~uint32_t{0}}}))};
  auto steps = read_range(from, of_build, record::decode_step, everything);
  if (!steps)
    return about(named(build) + ", step", steps.error());
  return std::optional<build_file>{
    build_file{**std::move(head), **std::move(recipe), *std::move(steps)}};
}

expected<std::vector<build_record>>
list_builds(const store& from, build_id before, size_t rows,
            const std::function<bool(const build_record&)>& accept) {
  build_id end{before.value == 0 ? highest_id : before.value};
  key_range newest_first{keys::build({0}), keys::build(end), scan_order::descending, rows};
  auto builds = read_range(from, newest_first, record::decode_build, accept);
  if (!builds)
    return about("builds", builds.error());
  return builds;
}

expected<std::vector<build_file>> read_active(const store& from) {
  std::vector<build_id> ids;
  bool readable = true;
  auto visit = [&](std::string_view key, std::string_view) {
    auto id = keys::read_active_build(key);
    readable = id.has_value();
    if (id)
      ids.push_back(*id);
    return readable;
  };
  auto problem = from.scan(family::active, keys::active_build({0}),
                           keys::end_of(keys::tag::active_build), scan_order::ascending, visit);
  if (problem)
    return about("active builds", *problem);
  if (!readable)
    return failure{ec::damaged, "active builds: a key is malformed; run admin verify"};
  std::vector<build_file> files;
  for (auto id : ids) {
    auto file = read_build_file(from, id);
    if (!file)
      return file.error();
    if (!*file)
      return failure{ec::damaged, named(id) + ": it is active but has no record"};
    files.push_back(**std::move(file));
  }
  return files;
}

expected<build_id> last_build(const store& from) {
  return last_id(from, keys::tag::build, keys::build({0}), keys::read_build);
}

// -- campaigns -----------------------------------------------------------------------------------

void put_campaign(write_batch& batch, const campaign_record& campaign) {
  batch.add(family::history, keys::campaign(campaign.id), record::encode(campaign));
}

expected<std::optional<campaign_record>> read_campaign(const store& from, campaign_id campaign) {
  return read_record(from, keys::campaign(campaign), record::decode_campaign, named(campaign));
}

expected<std::vector<campaign_record>> list_campaigns(const store& from, campaign_id before,
                                                      size_t rows) {
  campaign_id end{before.value == 0 ? highest_id : before.value};
  key_range newest_first{keys::campaign({0}), keys::campaign(end), scan_order::descending, rows};
  auto campaigns = read_range(from, newest_first, record::decode_campaign, everything);
  if (!campaigns)
    return about("campaigns", campaigns.error());
  return campaigns;
}

expected<campaign_id> last_campaign(const store& from) {
  return last_id(from, keys::tag::campaign, keys::campaign({0}), keys::read_campaign);
}

// -- hosts and epochs ----------------------------------------------------------------------------

void put_host(write_batch& batch, const host_record& host) {
  batch.add(family::history, keys::host(host.name), record::encode(host));
}

expected<std::vector<host_record>> read_hosts(const store& from) {
  std::string first{static_cast<char>(keys::tag::host)};
  auto hosts =
    read_range(from, {first, keys::end_of(keys::tag::host)}, record::decode_host, everything);
  if (!hosts)
    return about("hosts", hosts.error());
  return hosts;
}

void remove_host(write_batch& batch, const host_name& host) {
  batch.remove(family::history, keys::host(host));
}

void put_epoch(write_batch& batch, epoch now) {
  batch.add(family::history, keys::epoch(), record::encode(now));
}

expected<epoch> read_epoch(const store& from) {
  auto found = read_record(from, keys::epoch(), record::decode_epoch, "epoch");
  if (!found)
    return found.error();
  return found->value_or(epoch{});
}

} // namespace drover::storage
