#include "tests/sim/passing_errors.h"

#include <fmt/format.h>

namespace longhaul::sim {

using protocol::ApiKey;
using protocol::KafkaErrc;
using sandbox::FaultMoment;

std::string PassingError::kind() const {
  return fmt::format("{}: {}", protocol::find_api(api)->name, protocol::name_of(code));
}

const std::vector<PassingError>& source_errors() {
  static const std::vector<PassingError> kErrors{
      {ApiKey::fetch, KafkaErrc::not_leader_or_follower},
      {ApiKey::fetch, KafkaErrc::unknown_leader_epoch},
      {ApiKey::fetch, KafkaErrc::fenced_leader_epoch},
      {ApiKey::fetch, KafkaErrc::replica_not_available},
      {ApiKey::fetch, KafkaErrc::kafka_storage_error},
      {ApiKey::fetch, KafkaErrc::offset_not_available},
      {ApiKey::metadata, KafkaErrc::leader_not_available},
      {ApiKey::list_offsets, KafkaErrc::not_leader_or_follower},
      {ApiKey::list_offsets, KafkaErrc::leader_not_available},
      {ApiKey::offset_for_leader_epoch, KafkaErrc::not_leader_or_follower},
      {ApiKey::offset_for_leader_epoch, KafkaErrc::unknown_leader_epoch},
  };
  return kErrors;
}

const std::vector<PassingError>& target_errors() {
  static const std::vector<PassingError> kErrors{
      {ApiKey::produce, KafkaErrc::not_leader_or_follower},
      {ApiKey::produce, KafkaErrc::not_enough_replicas},
      {ApiKey::produce, KafkaErrc::not_enough_replicas_after_append, FaultMoment::after},
      {ApiKey::produce, KafkaErrc::request_timed_out},
      {ApiKey::produce, KafkaErrc::request_timed_out, FaultMoment::after},
      {ApiKey::produce, KafkaErrc::kafka_storage_error},
      {ApiKey::metadata, KafkaErrc::leader_not_available},
      {ApiKey::list_offsets, KafkaErrc::not_leader_or_follower},
      {ApiKey::fetch, KafkaErrc::not_leader_or_follower},
      {ApiKey::find_coordinator, KafkaErrc::coordinator_not_available},
      {ApiKey::init_producer_id, KafkaErrc::coordinator_load_in_progress},
      {ApiKey::init_producer_id, KafkaErrc::concurrent_transactions},
      {ApiKey::init_producer_id, KafkaErrc::coordinator_not_available, FaultMoment::after},
      {ApiKey::add_partitions_to_txn, KafkaErrc::concurrent_transactions},
      {ApiKey::add_partitions_to_txn, KafkaErrc::not_coordinator},
      {ApiKey::end_txn, KafkaErrc::concurrent_transactions},
      {ApiKey::end_txn, KafkaErrc::coordinator_not_available},
      {ApiKey::end_txn, KafkaErrc::coordinator_not_available, FaultMoment::after},
      {ApiKey::describe_transactions, KafkaErrc::coordinator_load_in_progress},
      {ApiKey::describe_producers, KafkaErrc::not_leader_or_follower},
      {ApiKey::create_topics, KafkaErrc::not_controller},
      {ApiKey::create_topics, KafkaErrc::request_timed_out, FaultMoment::after},
  };
  return kErrors;
}

}  // namespace longhaul::sim
