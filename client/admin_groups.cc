#include <map>

#include "client/admin_requests.h"
#include "client/error.h"
#include "protocol/messages/list_groups.h"
#include "protocol/messages/offset_fetch.h"

namespace longhaul::client {
namespace {

using protocol::KafkaErrc;
using protocol::OffsetFetchRequest;
using protocol::OffsetFetchResponse;

/// The group's part of the answer: a list of groups since version 8 (KIP-709).
KafkaErrc group_error(const OffsetFetchResponse& response) {
  return response.groups.empty() ? response.error_code : response.groups.front().error_code;
}

}  // namespace

net::Async<std::vector<GroupListing>> list_groups(Cluster& cluster, SteadyTime deadline) {
  LH_CO_TRY_VOID(co_await cluster.refresh_metadata(deadline));
  std::vector<BrokerId> brokers;
  for (const auto& [id, info] : cluster.metadata().brokers()) brokers.push_back(id);
  // A group whose coordinator moves while we ask may be named twice.
  std::map<std::string, GroupListing> groups;
  for (const auto broker : brokers) {
    LH_CO_TRY(const auto response,
              co_await cluster.call_broker(broker, protocol::ListGroupsRequest{}, deadline));
    for (const auto& group : response.body.groups) {
      groups[group.group_id] = {group.group_id, group.protocol_type, group.group_state};
    }
  }
  std::vector<GroupListing> listed;
  for (auto& [name, group] : groups) listed.push_back(std::move(group));
  co_return listed;
}

net::Async<std::vector<CommittedOffset>> committed_offsets(Cluster& cluster, std::string group,
                                                           SteadyTime deadline) {
  const auto make = [group](const Connection& connection) -> Result<OffsetFetchRequest> {
    LH_TRY(const auto version, connection.version_of<OffsetFetchRequest>());
    OffsetFetchRequest request;
    // Offsets of open transactions are no committed ones; brokers from 2.5 on wait for them to be decided.
    request.require_stable = version >= 7;
    if (version >= 8) {
      request.groups.push_back(
          {.group_id = group, .member_id = std::nullopt, .member_epoch = -1, .topics = std::nullopt});
    } else {
      request.group_id = group;
    }
    return request;
  };
  LH_CO_TRY(const auto response, co_await cluster.call_coordinator_with<OffsetFetchRequest>(
                                     CoordinatorType::group, group, make, deadline, group_error));
  const auto& body = response.body;
  std::vector<CommittedOffset> offsets;
  for (const auto& topic : body.groups.empty() ? body.topics : body.groups.front().topics) {
    for (const auto& partition : topic.partitions) {
      if (partition.error_code != KafkaErrc::none) {
        co_return fail(partition.error_code, "{}: group {}: {}-{}", cluster.name(), group, topic.name,
                       partition.partition_index);
      }
      offsets.push_back({.partition = {topic.name, PartitionIndex(partition.partition_index)},
                         .offset = Offset(partition.committed_offset),
                         .leader_epoch = LeaderEpoch(partition.committed_leader_epoch),
                         .metadata = partition.metadata.value_or("")});
    }
  }
  co_return offsets;
}

}  // namespace longhaul::client
