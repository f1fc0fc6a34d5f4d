#include "replicator/kafka/refusal.h"

namespace longhaul::replicator {

using protocol::KafkaErrc;

StopReason refusal_reason(KafkaErrc code) {
  switch (code) {
    case KafkaErrc::message_too_large:
    case KafkaErrc::record_list_too_large:
      return StopReason::batch_too_large;
    case KafkaErrc::invalid_timestamp:
      return StopReason::timestamp_refused;
    case KafkaErrc::corrupt_message:
      return StopReason::target_corrupt;
    case KafkaErrc::invalid_producer_epoch:
    case KafkaErrc::producer_fenced:
      return StopReason::taken_over;
    default:
      return StopReason::target_refused;
  }
}

bool is_about_transaction(KafkaErrc code) {
  return code == KafkaErrc::invalid_producer_epoch || code == KafkaErrc::producer_fenced ||
         code == KafkaErrc::invalid_txn_state || code == KafkaErrc::invalid_producer_id_mapping ||
         code == KafkaErrc::transaction_abortable;
}

}  // namespace longhaul::replicator
