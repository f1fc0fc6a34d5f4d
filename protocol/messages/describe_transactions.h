#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/message.h"

namespace longhaul::protocol {

struct TransactionStateTopic {
  std::string topic;
  std::vector<std::int32_t> partitions;

  static void describe(auto& m, auto&& field) {
    field("topic", m.topic);
    field("partitions", m.partitions);
  }
};

/// `transaction_state` is "Empty", "Ongoing", "PrepareCommit", "PrepareAbort", "CompleteCommit",
/// "CompleteAbort" or "Dead".
struct TransactionStateEntry {
  KafkaErrc error_code = KafkaErrc::none;
  std::string transactional_id;
  std::string transaction_state;
  std::int32_t transaction_timeout_ms = 0;
  std::int64_t transaction_start_time_ms = 0;  ///< -1: none is open.
  std::int64_t producer_id = 0;
  std::int16_t producer_epoch = 0;
  std::vector<TransactionStateTopic> topics;

  static void describe(auto& m, auto&& field) {
    field("error_code", m.error_code);
    field("transactional_id", m.transactional_id);
    field("transaction_state", m.transaction_state);
    field("transaction_timeout_ms", m.transaction_timeout_ms);
    field("transaction_start_time_ms", m.transaction_start_time_ms);
    field("producer_id", m.producer_id);
    field("producer_epoch", m.producer_epoch);
    field("topics", m.topics);
  }
};

struct DescribeTransactionsResponse {
  static constexpr ApiKey kApi = ApiKey::describe_transactions;

  std::int32_t throttle_time_ms = 0;
  std::vector<TransactionStateEntry> transaction_states;

  static void describe(auto& m, auto&& field) {
    field("throttle_time_ms", m.throttle_time_ms);
    field("transaction_states", m.transaction_states);
  }
};

/// What a coordinator knows of the transactional ids that it coordinates (KIP-664).
struct DescribeTransactionsRequest {
  static constexpr ApiKey kApi = ApiKey::describe_transactions;
  using Response = DescribeTransactionsResponse;

  std::vector<std::string> transactional_ids;

  static void describe(auto& m, auto&& field) { field("transactional_ids", m.transactional_ids); }
};

}  // namespace longhaul::protocol
