#include <charconv>

#include "client/admin_items.h"
#include "client/admin_requests.h"
#include "protocol/messages/describe_configs.h"
#include "protocol/messages/incremental_alter_configs.h"

namespace longhaul::client {
namespace {

using protocol::KafkaErrc;

/// Brokers are asked themselves, because only they know their static settings; everything else at any broker.
Result<std::optional<BrokerId>> broker_to_ask(const ConfigResource& resource) {
  if (resource.type != ConfigResourceType::broker || resource.name.empty()) return std::optional<BrokerId>{};
  std::int32_t id = -1;
  const auto* const end = resource.name.data() + resource.name.size();
  const auto [parsed, ec] = std::from_chars(resource.name.data(), end, id);
  if (ec != std::errc{} || parsed != end) {
    return fail(ClientErrc::unknown_broker, "'{}' is no broker id", resource.name);
  }
  return std::optional(BrokerId(id));
}

/// Positions of the open resources by the broker to ask; those that cannot be asked get their outcome here.
template <class Items, class Resources, class ResourceOf>
std::map<std::optional<BrokerId>, std::vector<std::size_t>> by_broker(Items& items,
                                                                      const Resources& resources,
                                                                      ResourceOf resource_of) {
  std::map<std::optional<BrokerId>, std::vector<std::size_t>> groups;
  for (const auto item : items.open()) {
    auto broker = broker_to_ask(resource_of(resources[item]));
    if (broker) {
      groups[*broker].push_back(item);
    } else {
      items.fail_for_good(item, std::move(broker).error());
    }
  }
  return groups;
}

/// One call to the broker, or to any.
template <class Request>
net::Async<Owned<typename Request::Response>> ask(Cluster& cluster, std::optional<BrokerId> broker,
                                                  Request request, SteadyTime deadline) {
  if (broker) co_return co_await cluster.call_broker(*broker, std::move(request), deadline);
  co_return co_await cluster.call_any(std::move(request), deadline);
}

std::vector<ConfigEntry> entries_of(const protocol::DescribeConfigsResult& result) {
  std::vector<ConfigEntry> entries;
  for (const auto& config : result.configs) {
    entries.push_back({.name = config.name,
                       .value = config.value,
                       .source = config.config_source,
                       .is_read_only = config.read_only,
                       .is_sensitive = config.is_sensitive});
  }
  return entries;
}

protocol::AlterConfigsResource to_wire(const ResourceChanges& changes) {
  protocol::AlterConfigsResource wire;
  wire.resource_type = changes.resource.type;
  wire.resource_name = changes.resource.name;
  for (const auto& change : changes.changes) {
    wire.configs.push_back(
        {.name = change.name, .config_operation = change.operation, .value = change.value});
  }
  return wire;
}

}  // namespace

net::Async<std::vector<ResourceConfigs>> describe_configs(Cluster& cluster,
                                                          std::vector<ConfigResource> resources,
                                                          SteadyTime deadline) {
  ItemOutcomes<std::vector<ConfigEntry>> items(resources.size());
  const auto index = index_by(resources, [](const ConfigResource& resource) { return resource; });
  auto backoff = cluster.retry_backoff();
  while (!items.done()) {
    const auto groups = by_broker(items, resources, [](const ConfigResource& resource) { return resource; });
    for (const auto& [broker, asked] : groups) {
      protocol::DescribeConfigsRequest request;
      for (const auto item : asked) {
        request.resources.push_back({.resource_type = resources[item].type,
                                     .resource_name = resources[item].name,
                                     .configuration_keys = std::nullopt});
      }
      const auto response = co_await ask(cluster, broker, std::move(request), deadline);
      if (!response && groups.size() == 1) co_return fail(response.error());
      std::vector<bool> answered(resources.size(), !response);
      if (!response) {
        for (const auto item : asked) items.fail_for_good(item, response.error());
        continue;
      }
      for (const auto& result : response->body.results) {
        const auto found = index.find(ConfigResource{result.resource_type, result.resource_name});
        if (found == index.end()) continue;
        answered[found->second] = true;
        if (result.error_code == KafkaErrc::none) {
          items.succeed(found->second, entries_of(result));
        } else {
          items.fail_with(found->second, item_error(result.error_code, result.error_message));
        }
      }
      items.fail_unanswered(asked, answered);
    }
    if (items.done()) break;
    const bool again = co_await prepare_next_round(cluster, backoff, deadline,
                                                   items.waiting_for(protocol::ApiKey::describe_configs));
    if (!again) items.give_up(Error{});
  }
  std::vector<ResourceConfigs> out;
  for (std::size_t i = 0; i < resources.size(); ++i) out.push_back({std::move(resources[i]), items.take(i)});
  co_return out;
}

net::Async<std::vector<NamedOutcome>> incremental_alter_configs(Cluster& cluster,
                                                                std::vector<ResourceChanges> resources,
                                                                DryRun dry_run, SteadyTime deadline) {
  ItemOutcomes<Nothing> items(resources.size());
  const auto resource_of = [](const ResourceChanges& changes) { return changes.resource; };
  const auto index = index_by(resources, resource_of);
  auto backoff = cluster.retry_backoff();
  while (!items.done()) {
    const auto groups = by_broker(items, resources, resource_of);
    for (const auto& [broker, asked] : groups) {
      protocol::IncrementalAlterConfigsRequest request;
      request.validate_only = dry_run == DryRun::yes;
      for (const auto item : asked) request.resources.push_back(to_wire(resources[item]));
      const auto response = co_await ask(cluster, broker, std::move(request), deadline);
      if (!response && groups.size() == 1) co_return fail(response.error());
      if (!response) {
        for (const auto item : asked) items.fail_for_good(item, response.error());
        continue;
      }
      std::vector<bool> answered(resources.size(), false);
      for (const auto& result : response->body.responses) {
        const auto found = index.find(ConfigResource{result.resource_type, result.resource_name});
        if (found == index.end()) continue;
        answered[found->second] = true;
        if (result.error_code == KafkaErrc::none) {
          items.succeed(found->second, {});
        } else {
          items.fail_with(found->second, item_error(result.error_code, result.error_message));
        }
      }
      items.fail_unanswered(asked, answered);
    }
    if (items.done()) break;
    const bool again = co_await prepare_next_round(
        cluster, backoff, deadline, items.waiting_for(protocol::ApiKey::incremental_alter_configs));
    if (!again) items.give_up(Error{});
  }
  std::vector<NamedOutcome> out;
  for (std::size_t i = 0; i < resources.size(); ++i) {
    auto outcome = items.take(i);
    out.push_back({std::move(resources[i].resource.name), {}});
    if (!outcome) out.back().outcome = std::unexpected(std::move(outcome).error());
  }
  co_return out;
}

}  // namespace longhaul::client
