#pragma once

#include <tuple>

#include "protocol/messages/add_offsets_to_txn.h"
#include "protocol/messages/add_partitions_to_txn.h"
#include "protocol/messages/api_versions.h"
#include "protocol/messages/create_partitions.h"
#include "protocol/messages/create_topics.h"
#include "protocol/messages/delete_records.h"
#include "protocol/messages/delete_topics.h"
#include "protocol/messages/describe_cluster.h"
#include "protocol/messages/describe_configs.h"
#include "protocol/messages/describe_groups.h"
#include "protocol/messages/describe_producers.h"
#include "protocol/messages/describe_transactions.h"
#include "protocol/messages/end_txn.h"
#include "protocol/messages/fetch.h"
#include "protocol/messages/find_coordinator.h"
#include "protocol/messages/heartbeat.h"
#include "protocol/messages/incremental_alter_configs.h"
#include "protocol/messages/init_producer_id.h"
#include "protocol/messages/join_group.h"
#include "protocol/messages/leave_group.h"
#include "protocol/messages/list_groups.h"
#include "protocol/messages/list_offsets.h"
#include "protocol/messages/metadata.h"
#include "protocol/messages/offset_commit.h"
#include "protocol/messages/offset_fetch.h"
#include "protocol/messages/offset_for_leader_epoch.h"
#include "protocol/messages/produce.h"
#include "protocol/messages/sasl_authenticate.h"
#include "protocol/messages/sasl_handshake.h"
#include "protocol/messages/sync_group.h"
#include "protocol/messages/txn_offset_commit.h"

namespace longhaul::protocol {

/// The request of every API in the table, in the table's order; for servers, tests and fuzzing.
using AllRequests =
    std::tuple<ProduceRequest, FetchRequest, ListOffsetsRequest, MetadataRequest, OffsetCommitRequest,
               OffsetFetchRequest, FindCoordinatorRequest, JoinGroupRequest, HeartbeatRequest,
               LeaveGroupRequest, SyncGroupRequest, DescribeGroupsRequest, ListGroupsRequest,
               SaslHandshakeRequest, ApiVersionsRequest, CreateTopicsRequest, DeleteTopicsRequest,
               DeleteRecordsRequest, InitProducerIdRequest, OffsetForLeaderEpochRequest,
               AddPartitionsToTxnRequest, AddOffsetsToTxnRequest, EndTxnRequest, TxnOffsetCommitRequest,
               DescribeConfigsRequest, SaslAuthenticateRequest, CreatePartitionsRequest,
               IncrementalAlterConfigsRequest, DescribeClusterRequest, DescribeProducersRequest,
               DescribeTransactionsRequest>;

static_assert(std::tuple_size_v<AllRequests> == kApis.size());

}  // namespace longhaul::protocol
