#pragma once

#include <cstdint>
#include <string>

#include "protocol/message.h"

namespace longhaul::protocol {

/// From version 5 on (KIP-890) the transaction has bumped the epoch, and its markers carry the bumped one:
/// the next transaction must use the producer id and epoch returned here. Therefore 5 is not negotiated by
/// itself.
struct EndTxnResponse {
  static constexpr ApiKey kApi = ApiKey::end_txn;

  std::int32_t throttle_time_ms = 0;
  KafkaErrc error_code = KafkaErrc::none;
  std::int64_t producer_id = -1;
  std::int16_t producer_epoch = -1;

  static void describe(auto& m, auto&& field) {
    field("throttle_time_ms", m.throttle_time_ms);
    field("error_code", m.error_code);
    field("producer_id", m.producer_id, since(5), ignorable);
    field("producer_epoch", m.producer_epoch, since(5), ignorable);
  }
};

struct EndTxnRequest {
  static constexpr ApiKey kApi = ApiKey::end_txn;
  using Response = EndTxnResponse;

  std::string transactional_id;
  std::int64_t producer_id = 0;
  std::int16_t producer_epoch = 0;
  bool committed = false;  ///< false: abort.

  static void describe(auto& m, auto&& field) {
    field("transactional_id", m.transactional_id);
    field("producer_id", m.producer_id);
    field("producer_epoch", m.producer_epoch);
    field("committed", m.committed);
  }
};

}  // namespace longhaul::protocol
