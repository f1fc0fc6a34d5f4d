#pragma once

#include "protocol/messages/all.h"
#include "sandbox/core.h"

/// One function per API, each in a file of its own. Those that return nothing answer through `core`, at once
/// or later.
namespace longhaul::sandbox {

[[nodiscard]] protocol::ApiVersionsResponse handle(Core& core, const Call& call,
                                                   const protocol::ApiVersionsRequest& request);
[[nodiscard]] protocol::MetadataResponse handle(Core& core, const Call& call,
                                                const protocol::MetadataRequest& request);
void handle(Core& core, const Call& call, const protocol::ProduceRequest& request);
void handle(Core& core, const Call& call, const protocol::FetchRequest& request);
[[nodiscard]] protocol::CreateTopicsResponse handle(Core& core, const Call& call,
                                                    const protocol::CreateTopicsRequest& request);
[[nodiscard]] protocol::ListOffsetsResponse handle(Core& core, const Call& call,
                                                   const protocol::ListOffsetsRequest& request);
[[nodiscard]] protocol::OffsetForLeaderEpochResponse handle(
    Core& core, const Call& call, const protocol::OffsetForLeaderEpochRequest& request);
[[nodiscard]] protocol::DescribeClusterResponse handle(Core& core, const Call& call,
                                                       const protocol::DescribeClusterRequest& request);
[[nodiscard]] protocol::DeleteTopicsResponse handle(Core& core, const Call& call,
                                                    const protocol::DeleteTopicsRequest& request);
[[nodiscard]] protocol::CreatePartitionsResponse handle(Core& core, const Call& call,
                                                        const protocol::CreatePartitionsRequest& request);
[[nodiscard]] protocol::DeleteRecordsResponse handle(Core& core, const Call& call,
                                                     const protocol::DeleteRecordsRequest& request);
[[nodiscard]] protocol::DescribeConfigsResponse handle(Core& core, const Call& call,
                                                       const protocol::DescribeConfigsRequest& request);
[[nodiscard]] protocol::IncrementalAlterConfigsResponse handle(
    Core& core, const Call& call, const protocol::IncrementalAlterConfigsRequest& request);
[[nodiscard]] protocol::FindCoordinatorResponse handle(Core& core, const Call& call,
                                                       const protocol::FindCoordinatorRequest& request);
[[nodiscard]] protocol::InitProducerIdResponse handle(Core& core, const Call& call,
                                                      const protocol::InitProducerIdRequest& request);
[[nodiscard]] protocol::SaslHandshakeResponse handle(Core& core, const Call& call,
                                                     const protocol::SaslHandshakeRequest& request);
[[nodiscard]] protocol::HeartbeatResponse handle(Core& core, const Call& call,
                                                 const protocol::HeartbeatRequest& request);
[[nodiscard]] protocol::LeaveGroupResponse handle(Core& core, const Call& call,
                                                  const protocol::LeaveGroupRequest& request);
[[nodiscard]] protocol::OffsetCommitResponse handle(Core& core, const Call& call,
                                                    const protocol::OffsetCommitRequest& request);
[[nodiscard]] protocol::OffsetFetchResponse handle(Core& core, const Call& call,
                                                   const protocol::OffsetFetchRequest& request);
[[nodiscard]] protocol::AddPartitionsToTxnResponse handle(Core& core, const Call& call,
                                                          const protocol::AddPartitionsToTxnRequest& request);
[[nodiscard]] protocol::AddOffsetsToTxnResponse handle(Core& core, const Call& call,
                                                       const protocol::AddOffsetsToTxnRequest& request);
[[nodiscard]] protocol::EndTxnResponse handle(Core& core, const Call& call,
                                              const protocol::EndTxnRequest& request);
[[nodiscard]] protocol::TxnOffsetCommitResponse handle(Core& core, const Call& call,
                                                       const protocol::TxnOffsetCommitRequest& request);
[[nodiscard]] protocol::ListGroupsResponse handle(Core& core, const Call& call,
                                                  const protocol::ListGroupsRequest& request);
[[nodiscard]] protocol::DescribeGroupsResponse handle(Core& core, const Call& call,
                                                      const protocol::DescribeGroupsRequest& request);
[[nodiscard]] protocol::DescribeProducersResponse handle(Core& core, const Call& call,
                                                         const protocol::DescribeProducersRequest& request);
[[nodiscard]] protocol::DescribeTransactionsResponse handle(
    Core& core, const Call& call, const protocol::DescribeTransactionsRequest& request);
void handle(Core& core, const Call& call, const protocol::SaslAuthenticateRequest& request);
void handle(Core& core, const Call& call, const protocol::JoinGroupRequest& request);
void handle(Core& core, const Call& call, const protocol::SyncGroupRequest& request);

}  // namespace longhaul::sandbox
