#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include "tests/support/batches.h"
#include "tests/support/sandbox_driver.h"

/// A transactional producer of a sandbox, one request at a time.
namespace longhaul::testing {

/// Frames that reach one broker, for a producer with a transactional id. Versions are those at which a client
/// of transaction version 1 stays.
class TransactionalClient {
 public:
  TransactionalClient(SandboxDriver& driver, std::string id, std::int32_t broker = 1)
      : driver_(driver), id_(std::move(id)), connection_(driver.connect(broker)) {}

  std::int64_t producer_id = -1;
  std::int16_t epoch = -1;
  std::int32_t sequence = 0;
  std::int32_t timeout_ms = 60'000;

  /// Becomes the holder of the id where that succeeds.
  protocol::KafkaErrc init(int version = 4) { return init_as(-1, -1, version); }
  /// The same for who has an identity already (KIP-360).
  protocol::KafkaErrc init_as(std::int64_t known_id, std::int16_t known_epoch, int version = 4) {
    protocol::InitProducerIdRequest request;
    request.transactional_id = id_;
    request.transaction_timeout_ms = timeout_ms;
    request.producer_id = known_id;
    request.producer_epoch = known_epoch;
    const auto response = driver_.call(connection_, request, version);
    if (response.error_code != protocol::KafkaErrc::none) return response.error_code;
    producer_id = response.producer_id;
    epoch = response.producer_epoch;
    sequence = 0;
    return response.error_code;
  }

  std::vector<protocol::KafkaErrc> add(const std::string& topic, std::vector<std::int32_t> partitions,
                                       int version = 3) {
    protocol::AddPartitionsToTxnRequest request{
        .transactional_id = id_, .producer_id = producer_id, .producer_epoch = epoch, .topics = {}};
    request.topics.push_back({.name = topic, .partitions = std::move(partitions)});
    const auto response = driver_.call(connection_, request, version);
    std::vector<protocol::KafkaErrc> errors;
    for (const auto& result : response.results_by_topic.at(0).results_by_partition) {
      errors.push_back(result.partition_error_code);
    }
    return errors;
  }
  /// Adds one partition.
  protocol::KafkaErrc add(const std::string& topic, std::int32_t partition) {
    return add(topic, std::vector{partition}).at(0);
  }

  enum class Kind { transactional, plain };

  /// One batch of `records`; the sequence goes on where it was taken.
  protocol::KafkaErrc produce(const std::string& topic, std::int32_t partition, int records = 1,
                              Kind kind = Kind::transactional, int version = 11) {
    auto batch = batch_builder().records(records).producer(producer_id, epoch, sequence);
    if (kind == Kind::transactional) batch.transactional();
    const auto bytes = batch.build();
    auto request = produce_request(topic, partition, bytes);
    if (kind == Kind::transactional) request.transactional_id = id_;
    const auto response = driver_.call(connection_, request, version);
    const auto& answer = response.responses.at(0).partition_responses.at(0);
    if (answer.error_code == protocol::KafkaErrc::none) sequence += records;
    return answer.error_code;
  }

  protocol::EndTxnResponse end(bool committed, int version = 4) {
    return driver_.call(connection_,
                        protocol::EndTxnRequest{.transactional_id = id_,
                                                .producer_id = producer_id,
                                                .producer_epoch = epoch,
                                                .committed = committed},
                        version);
  }
  protocol::KafkaErrc commit(int version = 4) { return end(true, version).error_code; }
  protocol::KafkaErrc abort(int version = 4) { return end(false, version).error_code; }

  protocol::KafkaErrc add_offsets(const std::string& group, int version = 3) {
    const protocol::AddOffsetsToTxnRequest request{
        .transactional_id = id_, .producer_id = producer_id, .producer_epoch = epoch, .group_id = group};
    return driver_.call(connection_, request, version).error_code;
  }
  protocol::KafkaErrc commit_offset(const std::string& group, const std::string& topic, std::int64_t offset,
                                    int version = 3) {
    protocol::TxnOffsetCommitRequest request;
    request.transactional_id = id_;
    request.group_id = group;
    request.producer_id = producer_id;
    request.producer_epoch = epoch;
    request.topics.push_back(
        {.name = topic, .partitions = {{.partition_index = 0, .committed_offset = offset}}});
    return driver_.call(connection_, request, version).topics.at(0).partitions.at(0).error_code;
  }

 private:
  SandboxDriver& driver_;
  std::string id_;
  sandbox::ConnectionId connection_;
};

}  // namespace longhaul::testing
