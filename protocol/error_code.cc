#include "protocol/error_code.h"

#include <array>
#include <string>

namespace longhaul::protocol {
namespace {

enum class Kind : std::uint8_t { fatal, retriable };

struct Row {
  KafkaErrc code;
  std::string_view name;
  Kind kind;
};

/// Without holes, from -1 up, so that a code finds its row by position.
constexpr std::array kRows = {
    Row{KafkaErrc::unknown_server_error, "UNKNOWN_SERVER_ERROR", Kind::fatal},
    Row{KafkaErrc::none, "NONE", Kind::fatal},
    Row{KafkaErrc::offset_out_of_range, "OFFSET_OUT_OF_RANGE", Kind::fatal},
    Row{KafkaErrc::corrupt_message, "CORRUPT_MESSAGE", Kind::retriable},
    Row{KafkaErrc::unknown_topic_or_partition, "UNKNOWN_TOPIC_OR_PARTITION", Kind::retriable},
    Row{KafkaErrc::invalid_fetch_size, "INVALID_FETCH_SIZE", Kind::fatal},
    Row{KafkaErrc::leader_not_available, "LEADER_NOT_AVAILABLE", Kind::retriable},
    Row{KafkaErrc::not_leader_or_follower, "NOT_LEADER_OR_FOLLOWER", Kind::retriable},
    Row{KafkaErrc::request_timed_out, "REQUEST_TIMED_OUT", Kind::retriable},
    Row{KafkaErrc::broker_not_available, "BROKER_NOT_AVAILABLE", Kind::fatal},
    Row{KafkaErrc::replica_not_available, "REPLICA_NOT_AVAILABLE", Kind::retriable},
    Row{KafkaErrc::message_too_large, "MESSAGE_TOO_LARGE", Kind::fatal},
    Row{KafkaErrc::stale_controller_epoch, "STALE_CONTROLLER_EPOCH", Kind::fatal},
    Row{KafkaErrc::offset_metadata_too_large, "OFFSET_METADATA_TOO_LARGE", Kind::fatal},
    Row{KafkaErrc::network_exception, "NETWORK_EXCEPTION", Kind::retriable},
    Row{KafkaErrc::coordinator_load_in_progress, "COORDINATOR_LOAD_IN_PROGRESS", Kind::retriable},
    Row{KafkaErrc::coordinator_not_available, "COORDINATOR_NOT_AVAILABLE", Kind::retriable},
    Row{KafkaErrc::not_coordinator, "NOT_COORDINATOR", Kind::retriable},
    Row{KafkaErrc::invalid_topic_exception, "INVALID_TOPIC_EXCEPTION", Kind::fatal},
    Row{KafkaErrc::record_list_too_large, "RECORD_LIST_TOO_LARGE", Kind::fatal},
    Row{KafkaErrc::not_enough_replicas, "NOT_ENOUGH_REPLICAS", Kind::retriable},
    Row{KafkaErrc::not_enough_replicas_after_append, "NOT_ENOUGH_REPLICAS_AFTER_APPEND", Kind::retriable},
    Row{KafkaErrc::invalid_required_acks, "INVALID_REQUIRED_ACKS", Kind::fatal},
    Row{KafkaErrc::illegal_generation, "ILLEGAL_GENERATION", Kind::fatal},
    Row{KafkaErrc::inconsistent_group_protocol, "INCONSISTENT_GROUP_PROTOCOL", Kind::fatal},
    Row{KafkaErrc::invalid_group_id, "INVALID_GROUP_ID", Kind::fatal},
    Row{KafkaErrc::unknown_member_id, "UNKNOWN_MEMBER_ID", Kind::fatal},
    Row{KafkaErrc::invalid_session_timeout, "INVALID_SESSION_TIMEOUT", Kind::fatal},
    Row{KafkaErrc::rebalance_in_progress, "REBALANCE_IN_PROGRESS", Kind::fatal},
    Row{KafkaErrc::invalid_commit_offset_size, "INVALID_COMMIT_OFFSET_SIZE", Kind::fatal},
    Row{KafkaErrc::topic_authorization_failed, "TOPIC_AUTHORIZATION_FAILED", Kind::fatal},
    Row{KafkaErrc::group_authorization_failed, "GROUP_AUTHORIZATION_FAILED", Kind::fatal},
    Row{KafkaErrc::cluster_authorization_failed, "CLUSTER_AUTHORIZATION_FAILED", Kind::fatal},
    Row{KafkaErrc::invalid_timestamp, "INVALID_TIMESTAMP", Kind::fatal},
    Row{KafkaErrc::unsupported_sasl_mechanism, "UNSUPPORTED_SASL_MECHANISM", Kind::fatal},
    Row{KafkaErrc::illegal_sasl_state, "ILLEGAL_SASL_STATE", Kind::fatal},
    Row{KafkaErrc::unsupported_version, "UNSUPPORTED_VERSION", Kind::fatal},
    Row{KafkaErrc::topic_already_exists, "TOPIC_ALREADY_EXISTS", Kind::fatal},
    Row{KafkaErrc::invalid_partitions, "INVALID_PARTITIONS", Kind::fatal},
    Row{KafkaErrc::invalid_replication_factor, "INVALID_REPLICATION_FACTOR", Kind::fatal},
    Row{KafkaErrc::invalid_replica_assignment, "INVALID_REPLICA_ASSIGNMENT", Kind::fatal},
    Row{KafkaErrc::invalid_config, "INVALID_CONFIG", Kind::fatal},
    Row{KafkaErrc::not_controller, "NOT_CONTROLLER", Kind::retriable},
    Row{KafkaErrc::invalid_request, "INVALID_REQUEST", Kind::fatal},
    Row{KafkaErrc::unsupported_for_message_format, "UNSUPPORTED_FOR_MESSAGE_FORMAT", Kind::fatal},
    Row{KafkaErrc::policy_violation, "POLICY_VIOLATION", Kind::fatal},
    Row{KafkaErrc::out_of_order_sequence_number, "OUT_OF_ORDER_SEQUENCE_NUMBER", Kind::fatal},
    Row{KafkaErrc::duplicate_sequence_number, "DUPLICATE_SEQUENCE_NUMBER", Kind::fatal},
    Row{KafkaErrc::invalid_producer_epoch, "INVALID_PRODUCER_EPOCH", Kind::fatal},
    Row{KafkaErrc::invalid_txn_state, "INVALID_TXN_STATE", Kind::fatal},
    Row{KafkaErrc::invalid_producer_id_mapping, "INVALID_PRODUCER_ID_MAPPING", Kind::fatal},
    Row{KafkaErrc::invalid_transaction_timeout, "INVALID_TRANSACTION_TIMEOUT", Kind::fatal},
    Row{KafkaErrc::concurrent_transactions, "CONCURRENT_TRANSACTIONS", Kind::retriable},
    Row{KafkaErrc::transaction_coordinator_fenced, "TRANSACTION_COORDINATOR_FENCED", Kind::fatal},
    Row{KafkaErrc::transactional_id_authorization_failed, "TRANSACTIONAL_ID_AUTHORIZATION_FAILED",
        Kind::fatal},
    Row{KafkaErrc::security_disabled, "SECURITY_DISABLED", Kind::fatal},
    Row{KafkaErrc::operation_not_attempted, "OPERATION_NOT_ATTEMPTED", Kind::fatal},
    Row{KafkaErrc::kafka_storage_error, "KAFKA_STORAGE_ERROR", Kind::retriable},
    Row{KafkaErrc::log_dir_not_found, "LOG_DIR_NOT_FOUND", Kind::fatal},
    Row{KafkaErrc::sasl_authentication_failed, "SASL_AUTHENTICATION_FAILED", Kind::fatal},
    Row{KafkaErrc::unknown_producer_id, "UNKNOWN_PRODUCER_ID", Kind::fatal},
    Row{KafkaErrc::reassignment_in_progress, "REASSIGNMENT_IN_PROGRESS", Kind::fatal},
    Row{KafkaErrc::delegation_token_auth_disabled, "DELEGATION_TOKEN_AUTH_DISABLED", Kind::fatal},
    Row{KafkaErrc::delegation_token_not_found, "DELEGATION_TOKEN_NOT_FOUND", Kind::fatal},
    Row{KafkaErrc::delegation_token_owner_mismatch, "DELEGATION_TOKEN_OWNER_MISMATCH", Kind::fatal},
    Row{KafkaErrc::delegation_token_request_not_allowed, "DELEGATION_TOKEN_REQUEST_NOT_ALLOWED", Kind::fatal},
    Row{KafkaErrc::delegation_token_authorization_failed, "DELEGATION_TOKEN_AUTHORIZATION_FAILED",
        Kind::fatal},
    Row{KafkaErrc::delegation_token_expired, "DELEGATION_TOKEN_EXPIRED", Kind::fatal},
    Row{KafkaErrc::invalid_principal_type, "INVALID_PRINCIPAL_TYPE", Kind::fatal},
    Row{KafkaErrc::non_empty_group, "NON_EMPTY_GROUP", Kind::fatal},
    Row{KafkaErrc::group_id_not_found, "GROUP_ID_NOT_FOUND", Kind::fatal},
    Row{KafkaErrc::fetch_session_id_not_found, "FETCH_SESSION_ID_NOT_FOUND", Kind::retriable},
    Row{KafkaErrc::invalid_fetch_session_epoch, "INVALID_FETCH_SESSION_EPOCH", Kind::retriable},
    Row{KafkaErrc::listener_not_found, "LISTENER_NOT_FOUND", Kind::retriable},
    Row{KafkaErrc::topic_deletion_disabled, "TOPIC_DELETION_DISABLED", Kind::fatal},
    Row{KafkaErrc::fenced_leader_epoch, "FENCED_LEADER_EPOCH", Kind::retriable},
    Row{KafkaErrc::unknown_leader_epoch, "UNKNOWN_LEADER_EPOCH", Kind::retriable},
    Row{KafkaErrc::unsupported_compression_type, "UNSUPPORTED_COMPRESSION_TYPE", Kind::fatal},
    Row{KafkaErrc::stale_broker_epoch, "STALE_BROKER_EPOCH", Kind::fatal},
    Row{KafkaErrc::offset_not_available, "OFFSET_NOT_AVAILABLE", Kind::retriable},
    Row{KafkaErrc::member_id_required, "MEMBER_ID_REQUIRED", Kind::fatal},
    Row{KafkaErrc::preferred_leader_not_available, "PREFERRED_LEADER_NOT_AVAILABLE", Kind::retriable},
    Row{KafkaErrc::group_max_size_reached, "GROUP_MAX_SIZE_REACHED", Kind::fatal},
    Row{KafkaErrc::fenced_instance_id, "FENCED_INSTANCE_ID", Kind::fatal},
    Row{KafkaErrc::eligible_leaders_not_available, "ELIGIBLE_LEADERS_NOT_AVAILABLE", Kind::retriable},
    Row{KafkaErrc::election_not_needed, "ELECTION_NOT_NEEDED", Kind::retriable},
    Row{KafkaErrc::no_reassignment_in_progress, "NO_REASSIGNMENT_IN_PROGRESS", Kind::fatal},
    Row{KafkaErrc::group_subscribed_to_topic, "GROUP_SUBSCRIBED_TO_TOPIC", Kind::fatal},
    Row{KafkaErrc::invalid_record, "INVALID_RECORD", Kind::fatal},
    Row{KafkaErrc::unstable_offset_commit, "UNSTABLE_OFFSET_COMMIT", Kind::retriable},
    Row{KafkaErrc::throttling_quota_exceeded, "THROTTLING_QUOTA_EXCEEDED", Kind::retriable},
    Row{KafkaErrc::producer_fenced, "PRODUCER_FENCED", Kind::fatal},
    Row{KafkaErrc::resource_not_found, "RESOURCE_NOT_FOUND", Kind::fatal},
    Row{KafkaErrc::duplicate_resource, "DUPLICATE_RESOURCE", Kind::fatal},
    Row{KafkaErrc::unacceptable_credential, "UNACCEPTABLE_CREDENTIAL", Kind::fatal},
    Row{KafkaErrc::inconsistent_voter_set, "INCONSISTENT_VOTER_SET", Kind::fatal},
    Row{KafkaErrc::invalid_update_version, "INVALID_UPDATE_VERSION", Kind::fatal},
    Row{KafkaErrc::feature_update_failed, "FEATURE_UPDATE_FAILED", Kind::fatal},
    Row{KafkaErrc::principal_deserialization_failure, "PRINCIPAL_DESERIALIZATION_FAILURE", Kind::fatal},
    Row{KafkaErrc::snapshot_not_found, "SNAPSHOT_NOT_FOUND", Kind::fatal},
    Row{KafkaErrc::position_out_of_range, "POSITION_OUT_OF_RANGE", Kind::fatal},
    Row{KafkaErrc::unknown_topic_id, "UNKNOWN_TOPIC_ID", Kind::retriable},
    Row{KafkaErrc::duplicate_broker_registration, "DUPLICATE_BROKER_REGISTRATION", Kind::fatal},
    Row{KafkaErrc::broker_id_not_registered, "BROKER_ID_NOT_REGISTERED", Kind::fatal},
    Row{KafkaErrc::inconsistent_topic_id, "INCONSISTENT_TOPIC_ID", Kind::retriable},
    Row{KafkaErrc::inconsistent_cluster_id, "INCONSISTENT_CLUSTER_ID", Kind::fatal},
    Row{KafkaErrc::transactional_id_not_found, "TRANSACTIONAL_ID_NOT_FOUND", Kind::fatal},
    Row{KafkaErrc::fetch_session_topic_id_error, "FETCH_SESSION_TOPIC_ID_ERROR", Kind::retriable},
    Row{KafkaErrc::ineligible_replica, "INELIGIBLE_REPLICA", Kind::fatal},
    Row{KafkaErrc::new_leader_elected, "NEW_LEADER_ELECTED", Kind::fatal},
    Row{KafkaErrc::offset_moved_to_tiered_storage, "OFFSET_MOVED_TO_TIERED_STORAGE", Kind::fatal},
    Row{KafkaErrc::fenced_member_epoch, "FENCED_MEMBER_EPOCH", Kind::fatal},
    Row{KafkaErrc::unreleased_instance_id, "UNRELEASED_INSTANCE_ID", Kind::fatal},
    Row{KafkaErrc::unsupported_assignor, "UNSUPPORTED_ASSIGNOR", Kind::fatal},
    Row{KafkaErrc::stale_member_epoch, "STALE_MEMBER_EPOCH", Kind::fatal},
    Row{KafkaErrc::mismatched_endpoint_type, "MISMATCHED_ENDPOINT_TYPE", Kind::fatal},
    Row{KafkaErrc::unsupported_endpoint_type, "UNSUPPORTED_ENDPOINT_TYPE", Kind::fatal},
    Row{KafkaErrc::unknown_controller_id, "UNKNOWN_CONTROLLER_ID", Kind::fatal},
    Row{KafkaErrc::unknown_subscription_id, "UNKNOWN_SUBSCRIPTION_ID", Kind::fatal},
    Row{KafkaErrc::telemetry_too_large, "TELEMETRY_TOO_LARGE", Kind::fatal},
    Row{KafkaErrc::invalid_registration, "INVALID_REGISTRATION", Kind::fatal},
    Row{KafkaErrc::transaction_abortable, "TRANSACTION_ABORTABLE", Kind::fatal},
    Row{KafkaErrc::invalid_record_state, "INVALID_RECORD_STATE", Kind::fatal},
    Row{KafkaErrc::share_session_not_found, "SHARE_SESSION_NOT_FOUND", Kind::retriable},
    Row{KafkaErrc::invalid_share_session_epoch, "INVALID_SHARE_SESSION_EPOCH", Kind::retriable},
    Row{KafkaErrc::fenced_state_epoch, "FENCED_STATE_EPOCH", Kind::fatal},
    Row{KafkaErrc::invalid_voter_key, "INVALID_VOTER_KEY", Kind::fatal},
    Row{KafkaErrc::duplicate_voter, "DUPLICATE_VOTER", Kind::fatal},
    Row{KafkaErrc::voter_not_found, "VOTER_NOT_FOUND", Kind::fatal},
    Row{KafkaErrc::invalid_regular_expression, "INVALID_REGULAR_EXPRESSION", Kind::fatal},
    Row{KafkaErrc::rebootstrap_required, "REBOOTSTRAP_REQUIRED", Kind::fatal},
    Row{KafkaErrc::streams_invalid_topology, "STREAMS_INVALID_TOPOLOGY", Kind::fatal},
    Row{KafkaErrc::streams_invalid_topology_epoch, "STREAMS_INVALID_TOPOLOGY_EPOCH", Kind::fatal},
    Row{KafkaErrc::streams_topology_fenced, "STREAMS_TOPOLOGY_FENCED", Kind::fatal},
    Row{KafkaErrc::share_session_limit_reached, "SHARE_SESSION_LIMIT_REACHED", Kind::retriable},
};

constexpr bool is_dense() {
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    if (static_cast<int>(kRows[i].code) != static_cast<int>(i) - 1) return false;
  }
  return true;
}
static_assert(is_dense());

const Row* find(KafkaErrc code) {
  const auto at = static_cast<int>(code) + 1;
  if (at < 0 || at >= static_cast<int>(kRows.size())) return nullptr;
  return &kRows[static_cast<std::size_t>(at)];
}

class KafkaCategory final : public boost::system::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "kafka"; }
  [[nodiscard]] std::string message(int code) const override {
    const auto name_of_code = name_of(static_cast<KafkaErrc>(code));
    return (name_of_code.empty() ? "unknown Kafka error" : std::string(name_of_code)) + " (" +
           std::to_string(code) + ")";
  }
};

}  // namespace

const boost::system::error_category& kafka_category() {
  static const KafkaCategory category;
  return category;
}

KafkaErrc as_kafka_errc(const ErrorCode& error) {
  return error.category() == kafka_category() ? static_cast<KafkaErrc>(error.value()) : KafkaErrc::none;
}

std::string_view name_of(KafkaErrc code) {
  const auto* row = find(code);
  return row == nullptr ? std::string_view{} : row->name;
}

bool is_retriable(KafkaErrc code) {
  const auto* row = find(code);
  return row != nullptr && row->kind == Kind::retriable;
}

}  // namespace longhaul::protocol
