// Calls every API that we speak on one broker, in an order in which each must succeed, and prints one line
// per call: API, version that was sent, answer. The broker must be the only one of its cluster.
// test_negotiation.py compares that with what the broker advertises.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <utility>

#include "app/run_on_core.h"
#include "client/connection.h"
#include "protocol/messages/all.h"
#include "protocol/record.h"

namespace longhaul {
namespace {

using namespace protocol;

constexpr const char* kTopic = "probe";
constexpr const char* kGroup = "probe-group";
constexpr const char* kTransaction = "probe-transaction";
constexpr milliseconds kCallTimeout{60'000};

/// What a cluster says that has just started or has just created a topic: it passes.
bool passes(const std::string& answer) {
  constexpr std::array kPassing = {
      "LEADER_NOT_AVAILABLE", "UNKNOWN_TOPIC_OR_PARTITION", "NOT_LEADER_OR_FOLLOWER",
      "UNKNOWN_TOPIC_ID",     "COORDINATOR_NOT_AVAILABLE",  "COORDINATOR_LOAD_IN_PROGRESS",
      "NOT_COORDINATOR",      "CONCURRENT_TRANSACTIONS",    "OFFSET_NOT_AVAILABLE",
      "NOT_CONTROLLER",       "UNSTABLE_OFFSET_COMMIT",     "REBALANCE_IN_PROGRESS"};
  return std::ranges::any_of(kPassing, [&](const char* code) { return answer.contains(code); });
}

class Probe {
 public:
  Probe(net::Io& io, std::shared_ptr<client::Connection> connection)
      : io_(io), connection_(std::move(connection)) {}

  net::Async<void> run() {
    LH_CO_TRY_VOID(co_await topics());
    LH_CO_TRY_VOID(co_await records());
    LH_CO_TRY_VOID(co_await group());
    LH_CO_TRY_VOID(co_await transaction());
    co_return co_await removal();
  }

 private:
  /// Prints and returns the answer; one that passes is asked for again.
  template <class Request>
  net::Async<typename Request::Response> ask(Request request,
                                             std::optional<std::int16_t> max_version = std::nullopt) {
    const auto deadline = net::saturating_add(io_.time.now(), kCallTimeout);
    for (;;) {
      LH_CO_TRY(auto answer,
                co_await connection_->call(request, {.deadline = deadline, .max_version = max_version}));
      const auto text = print(answer.body);
      if (passes(text) && io_.time.now() + milliseconds(200) < deadline) {
        LH_CO_TRY_VOID(co_await io_.time.sleep_for(milliseconds(100)));
        continue;
      }
      fmt::print("{}\t{}\t{}\n", api_info(Request::kApi).name, answer.version, text);
      co_return std::move(answer.body);
    }
  }

  net::Async<void> topics() {
    CreateTopicsRequest create;
    create.topics.push_back({.name = kTopic, .num_partitions = 1, .replication_factor = 1});
    create.topics.back().configs.push_back({.name = "retention.ms", .value = "-1"});
    LH_CO_TRY_VOID(co_await ask(create));
    CreatePartitionsRequest grow{.timeout_ms = 30'000};
    grow.topics.push_back({.name = kTopic, .count = 2, .assignments = std::nullopt});
    LH_CO_TRY_VOID(co_await ask(grow));
    IncrementalAlterConfigsRequest alter;
    alter.resources.push_back({.resource_type = ConfigResourceType::topic, .resource_name = kTopic});
    alter.resources.back().configs.push_back({.name = "max.message.bytes", .value = "2000000"});
    LH_CO_TRY_VOID(co_await ask(alter));
    DescribeConfigsRequest configs;
    configs.resources.push_back({.resource_type = ConfigResourceType::topic,
                                 .resource_name = kTopic,
                                 .configuration_keys = std::nullopt});
    LH_CO_TRY_VOID(co_await ask(configs));
    MetadataRequest metadata{.allow_auto_topic_creation = false};
    metadata.topics.emplace().push_back({.name = kTopic});
    LH_CO_TRY(const auto answer, co_await ask(metadata));
    topic_id_ = answer.topics.at(0).topic_id;
    leader_epoch_ = answer.topics.at(0).partitions.at(0).leader_epoch;
    LH_CO_TRY_VOID(co_await ask(DescribeClusterRequest{}));
    co_return Result<void>{};
  }

  net::Async<void> records() {
    InitProducerIdRequest init{.transaction_timeout_ms = 60'000};
    LH_CO_TRY(const auto producer, co_await ask(init));
    LH_CO_TRY_VOID(co_await produce(producer, std::nullopt));
    ListOffsetsRequest list;
    list.topics.push_back({.name = kTopic});
    list.topics.back().partitions.push_back(
        {.current_leader_epoch = leader_epoch_, .timestamp = kLatestTimestamp});
    LH_CO_TRY_VOID(co_await ask(list));
    OffsetForLeaderEpochRequest epoch{.replica_id = -1};
    epoch.topics.push_back({.topic = kTopic});
    epoch.topics.back().partitions.push_back(
        {.current_leader_epoch = leader_epoch_, .leader_epoch = leader_epoch_});
    LH_CO_TRY_VOID(co_await ask(epoch));
    FetchRequest fetch{.max_wait_ms = 1000, .min_bytes = 1};
    fetch.topics.push_back({.topic = kTopic, .topic_id = topic_id_});
    fetch.topics.back().partitions.push_back(
        {.current_leader_epoch = leader_epoch_, .partition_max_bytes = 1 << 20});
    // By name where the cluster has no topic ids, as the replicator does.
    const auto by_name = topic_id_.is_zero() ? std::optional<std::int16_t>(12) : std::nullopt;
    LH_CO_TRY_VOID(co_await ask(fetch, by_name));
    co_return Result<void>{};
  }

  net::Async<void> produce(const InitProducerIdResponse& producer, std::optional<std::string> transaction) {
    BatchBuilder builder;
    LH_CO_TRY_VOID(builder.add({.timestamp = io_.time.wall_ms(), .key = as_bytes("key")}));
    BatchOptions options;
    options.producer = {ProducerId(producer.producer_id), producer.producer_epoch, 0};
    if (transaction) options.attribute_bits = batch_layout::kTransactionalBit;
    LH_CO_TRY(const auto header, builder.finish(options, builder.payload()));
    ProduceRequest request{.transactional_id = std::move(transaction), .acks = -1, .timeout_ms = 30'000};
    request.topic_data.push_back({.name = kTopic});
    request.topic_data.back().partition_data.push_back(
        {.records = {.header = header, .payload = builder.payload()}});
    LH_CO_TRY_VOID(co_await ask(request));
    co_return Result<void>{};
  }

  net::Async<FindCoordinatorResponse> find_coordinator(CoordinatorType type, std::string key) {
    FindCoordinatorRequest find{.key_type = type};
    LH_CO_TRY(const auto version, connection_->version_of<FindCoordinatorRequest>());
    if (version >= 4) {
      find.coordinator_keys = {std::move(key)};
    } else {
      find.key = std::move(key);
    }
    co_return co_await ask(find);
  }

  /// The member's part of the classic group protocol, from joining to leaving.
  net::Async<void> group() {
    LH_CO_TRY_VOID(co_await find_coordinator(CoordinatorType::group, kGroup));
    JoinGroupRequest join{.group_id = kGroup,
                          .session_timeout_ms = 30'000,
                          .rebalance_timeout_ms = 30'000,
                          .protocol_type = "probe"};
    join.protocols.push_back({.name = "one", .metadata = Bytes(3)});
    // From version 4 on the first answer only gives the member id (KIP-394).
    LH_CO_TRY(auto joined, co_await ask(join));
    if (joined.error_code == KafkaErrc::member_id_required) {
      join.member_id = joined.member_id;
      LH_CO_TRY(joined, co_await ask(join));
    }
    SyncGroupRequest sync{.group_id = kGroup,
                          .generation_id = joined.generation_id,
                          .member_id = joined.member_id,
                          .protocol_type = "probe",
                          .protocol_name = "one"};
    sync.assignments.push_back({.member_id = joined.member_id, .assignment = Bytes(5)});
    LH_CO_TRY_VOID(co_await ask(sync));
    LH_CO_TRY_VOID(co_await ask(HeartbeatRequest{
        .group_id = kGroup, .generation_id = joined.generation_id, .member_id = joined.member_id}));
    OffsetCommitRequest commit{.group_id = kGroup,
                               .generation_id_or_member_epoch = joined.generation_id,
                               .member_id = joined.member_id};
    commit.topics.push_back({.name = kTopic});
    commit.topics.back().partitions.push_back({.committed_offset = 1, .committed_metadata = "here"});
    LH_CO_TRY_VOID(co_await ask(commit));
    LH_CO_TRY_VOID(co_await fetch_offsets());
    LH_CO_TRY_VOID(co_await ask(ListGroupsRequest{}));
    DescribeGroupsRequest describe;
    describe.groups = {kGroup};
    LH_CO_TRY_VOID(co_await ask(describe));
    LeaveGroupRequest leave{.group_id = kGroup};
    LH_CO_TRY(const auto version, connection_->version_of<LeaveGroupRequest>());
    if (version >= 3) {
      leave.members.push_back({.member_id = joined.member_id});
    } else {
      leave.member_id = joined.member_id;
    }
    LH_CO_TRY_VOID(co_await ask(leave));
    co_return Result<void>{};
  }

  net::Async<void> fetch_offsets() {
    OffsetFetchRequest request{.require_stable = true};
    LH_CO_TRY(const auto version, connection_->version_of<OffsetFetchRequest>());
    if (version >= 8) {
      request.groups.push_back({.group_id = kGroup, .topics = std::nullopt});
    } else {
      request.group_id = kGroup;
      request.require_stable = version >= 7;
    }
    LH_CO_TRY_VOID(co_await ask(request));
    co_return Result<void>{};
  }

  net::Async<void> transaction() {
    LH_CO_TRY_VOID(co_await find_coordinator(CoordinatorType::transaction, kTransaction));
    InitProducerIdRequest init{.transactional_id = kTransaction, .transaction_timeout_ms = 60'000};
    LH_CO_TRY(const auto producer, co_await ask(init));
    AddPartitionsToTxnRequest partitions{.transactional_id = kTransaction,
                                         .producer_id = producer.producer_id,
                                         .producer_epoch = producer.producer_epoch};
    partitions.topics.push_back({.name = kTopic, .partitions = {0}});
    LH_CO_TRY_VOID(co_await ask(partitions));
    LH_CO_TRY_VOID(co_await produce(producer, kTransaction));
    LH_CO_TRY_VOID(co_await ask(AddOffsetsToTxnRequest{.transactional_id = kTransaction,
                                                       .producer_id = producer.producer_id,
                                                       .producer_epoch = producer.producer_epoch,
                                                       .group_id = kGroup}));
    TxnOffsetCommitRequest commit{.transactional_id = kTransaction,
                                  .group_id = kGroup,
                                  .producer_id = producer.producer_id,
                                  .producer_epoch = producer.producer_epoch};
    commit.topics.push_back({.name = kTopic});
    commit.topics.back().partitions.push_back({.committed_offset = 1, .committed_metadata = ""});
    LH_CO_TRY_VOID(co_await ask(commit));
    LH_CO_TRY_VOID(co_await ask(EndTxnRequest{.transactional_id = kTransaction,
                                              .producer_id = producer.producer_id,
                                              .producer_epoch = producer.producer_epoch,
                                              .committed = true}));
    DescribeProducersRequest producers;
    producers.topics.push_back({.name = kTopic, .partition_indexes = {0}});
    LH_CO_TRY_VOID(co_await ask(producers));
    // Brokers before 3.0 do not have it.
    const auto version = connection_->version_of<DescribeTransactionsRequest>();
    if (version) {
      LH_CO_TRY_VOID(co_await ask(DescribeTransactionsRequest{.transactional_ids = {kTransaction}}));
    }
    co_return Result<void>{};
  }

  net::Async<void> removal() {
    DeleteRecordsRequest records{.timeout_ms = 30'000};
    records.topics.push_back({.name = kTopic});
    records.topics.back().partitions.push_back({.offset = 1});
    LH_CO_TRY_VOID(co_await ask(records));
    DeleteTopicsRequest topics{.timeout_ms = 30'000};
    LH_CO_TRY(const auto version, connection_->version_of<DeleteTopicsRequest>());
    if (version >= 6) {
      topics.topics.push_back({.name = kTopic});
    } else {
      topics.topic_names = {kTopic};
    }
    LH_CO_TRY_VOID(co_await ask(topics));
    co_return Result<void>{};
  }

  net::Io& io_;
  std::shared_ptr<client::Connection> connection_;
  TopicId topic_id_;
  std::int32_t leader_epoch_ = -1;
};

net::Async<void> probe(net::Io& io, std::string address) {
  LH_CO_TRY(const auto endpoints, client::parse_bootstrap_servers(address));
  net::TaskGroup group(io.executor);
  const client::ClusterOptions options{.alias = "P", .bootstrap = endpoints, .client_id = "probe"};
  const auto deadline = net::saturating_add(io.time.now(), kCallTimeout);
  auto connection = co_await client::Connection::open(io, group, options, endpoints[0], deadline);
  Result<void> outcome;
  if (connection) {
    Probe one(io, *connection);
    outcome = co_await one.run();
    (*connection)->close();
  } else {
    outcome = std::unexpected(std::move(connection).error());
  }
  co_await group.stop();
  co_return outcome;
}

}  // namespace
}  // namespace longhaul

int main(int count, char** arguments) {
  if (count != 2) {
    fmt::print(stderr, "usage: version_probe HOST:PORT\n");
    return 2;
  }
  using longhaul::net::Io;
  const std::string address = arguments[1];
  const auto done =
      longhaul::app::run_on_core<void>([&address](Io& io) { return longhaul::probe(io, address); });
  if (done) return 0;
  fmt::print(stderr, "version_probe: {}\n", done.error().message());
  return 1;
}
