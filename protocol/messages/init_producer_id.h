#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "protocol/message.h"

namespace longhaul::protocol {

struct InitProducerIdResponse {
  static constexpr ApiKey kApi = ApiKey::init_producer_id;

  std::int32_t throttle_time_ms = 0;
  KafkaErrc error_code = KafkaErrc::none;
  std::int64_t producer_id = -1;
  std::int16_t producer_epoch = 0;

  static void describe(auto& m, auto&& field) {
    field("throttle_time_ms", m.throttle_time_ms);
    field("error_code", m.error_code);
    field("producer_id", m.producer_id);
    field("producer_epoch", m.producer_epoch);
  }
};

/// Without a transactional id: a fresh producer id for idempotence. With `producer_id` and `producer_epoch`
/// of before (3 and later): a bumped epoch of the same id (KIP-360).
struct InitProducerIdRequest {
  static constexpr ApiKey kApi = ApiKey::init_producer_id;
  using Response = InitProducerIdResponse;

  std::optional<std::string> transactional_id;
  std::int32_t transaction_timeout_ms = 0;
  std::int64_t producer_id = -1;
  std::int16_t producer_epoch = -1;

  static void describe(auto& m, auto&& field) {
    field("transactional_id", m.transactional_id);
    field("transaction_timeout_ms", m.transaction_timeout_ms);
    field("producer_id", m.producer_id, since(3));
    field("producer_epoch", m.producer_epoch, since(3));
  }
};

}  // namespace longhaul::protocol
