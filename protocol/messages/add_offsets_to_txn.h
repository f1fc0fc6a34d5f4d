#pragma once

#include <cstdint>
#include <string>

#include "protocol/message.h"

namespace longhaul::protocol {

struct AddOffsetsToTxnResponse {
  static constexpr ApiKey kApi = ApiKey::add_offsets_to_txn;

  std::int32_t throttle_time_ms = 0;
  KafkaErrc error_code = KafkaErrc::none;

  static void describe(auto& m, auto&& field) {
    field("throttle_time_ms", m.throttle_time_ms);
    field("error_code", m.error_code);
  }
};

/// Adds the partition of the offsets topic that holds `group_id` to the transaction.
struct AddOffsetsToTxnRequest {
  static constexpr ApiKey kApi = ApiKey::add_offsets_to_txn;
  using Response = AddOffsetsToTxnResponse;

  std::string transactional_id;
  std::int64_t producer_id = 0;
  std::int16_t producer_epoch = 0;
  std::string group_id;

  static void describe(auto& m, auto&& field) {
    field("transactional_id", m.transactional_id);
    field("producer_id", m.producer_id);
    field("producer_epoch", m.producer_epoch);
    field("group_id", m.group_id);
  }
};

}  // namespace longhaul::protocol
