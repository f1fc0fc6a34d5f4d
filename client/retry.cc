#include "client/retry.h"

#include <algorithm>
#include <array>
#include <boost/system/error_code.hpp>
#include <utility>

#include "client/error.h"
#include "net/error.h"
#include "net/sasl.h"

namespace longhaul::client {
namespace {

using protocol::KafkaErrc;

/// Codes that are not fail_partition, which is the answer to everything that concerns one partition, topic or
/// group and does not pass by waiting.
constexpr std::array kReactions = {
    std::pair{KafkaErrc::none, Reaction::proceed},
    // The batch was appended by an earlier attempt whose answer was lost.
    std::pair{KafkaErrc::duplicate_sequence_number, Reaction::proceed},

    std::pair{KafkaErrc::request_timed_out, Reaction::retry},
    std::pair{KafkaErrc::network_exception, Reaction::retry},
    std::pair{KafkaErrc::coordinator_load_in_progress, Reaction::retry},
    std::pair{KafkaErrc::not_enough_replicas, Reaction::retry},
    std::pair{KafkaErrc::not_enough_replicas_after_append, Reaction::retry},
    std::pair{KafkaErrc::concurrent_transactions, Reaction::retry},
    // The broker knows less than we do; it will hear.
    std::pair{KafkaErrc::unknown_leader_epoch, Reaction::retry},
    std::pair{KafkaErrc::offset_not_available, Reaction::retry},
    std::pair{KafkaErrc::unstable_offset_commit, Reaction::retry},
    std::pair{KafkaErrc::throttling_quota_exceeded, Reaction::retry},
    std::pair{KafkaErrc::operation_not_attempted, Reaction::retry},
    std::pair{KafkaErrc::rebalance_in_progress, Reaction::retry},

    std::pair{KafkaErrc::unknown_topic_or_partition, Reaction::refresh_metadata},
    std::pair{KafkaErrc::leader_not_available, Reaction::refresh_metadata},
    std::pair{KafkaErrc::not_leader_or_follower, Reaction::refresh_metadata},
    std::pair{KafkaErrc::broker_not_available, Reaction::refresh_metadata},
    std::pair{KafkaErrc::replica_not_available, Reaction::refresh_metadata},
    std::pair{KafkaErrc::stale_controller_epoch, Reaction::refresh_metadata},
    std::pair{KafkaErrc::not_controller, Reaction::refresh_metadata},
    std::pair{KafkaErrc::kafka_storage_error, Reaction::refresh_metadata},
    std::pair{KafkaErrc::listener_not_found, Reaction::refresh_metadata},
    std::pair{KafkaErrc::fenced_leader_epoch, Reaction::refresh_metadata},
    std::pair{KafkaErrc::preferred_leader_not_available, Reaction::refresh_metadata},
    std::pair{KafkaErrc::eligible_leaders_not_available, Reaction::refresh_metadata},
    std::pair{KafkaErrc::unknown_topic_id, Reaction::refresh_metadata},
    std::pair{KafkaErrc::inconsistent_topic_id, Reaction::refresh_metadata},
    std::pair{KafkaErrc::new_leader_elected, Reaction::refresh_metadata},
    std::pair{KafkaErrc::rebootstrap_required, Reaction::refresh_metadata},

    std::pair{KafkaErrc::coordinator_not_available, Reaction::find_coordinator},
    std::pair{KafkaErrc::not_coordinator, Reaction::find_coordinator},

    std::pair{KafkaErrc::fetch_session_id_not_found, Reaction::restart_session},
    std::pair{KafkaErrc::invalid_fetch_session_epoch, Reaction::restart_session},
    std::pair{KafkaErrc::fetch_session_topic_id_error, Reaction::restart_session},

    std::pair{KafkaErrc::offset_out_of_range, Reaction::reset_position},

    std::pair{KafkaErrc::out_of_order_sequence_number, Reaction::check_sequence},
    std::pair{KafkaErrc::unknown_producer_id, Reaction::check_sequence},

    std::pair{KafkaErrc::invalid_required_acks, Reaction::fail_flow},
    std::pair{KafkaErrc::cluster_authorization_failed, Reaction::fail_flow},
    std::pair{KafkaErrc::unsupported_sasl_mechanism, Reaction::fail_flow},
    std::pair{KafkaErrc::illegal_sasl_state, Reaction::fail_flow},
    std::pair{KafkaErrc::unsupported_version, Reaction::fail_flow},
    std::pair{KafkaErrc::transactional_id_authorization_failed, Reaction::fail_flow},
    std::pair{KafkaErrc::security_disabled, Reaction::fail_flow},
    std::pair{KafkaErrc::sasl_authentication_failed, Reaction::fail_flow},
    std::pair{KafkaErrc::inconsistent_cluster_id, Reaction::fail_flow},
    std::pair{KafkaErrc::invalid_transaction_timeout, Reaction::fail_flow},
};

Reaction reaction_to_client(ClientErrc code) {
  switch (code) {
    case ClientErrc::no_leader:
    case ClientErrc::no_controller:
    case ClientErrc::unknown_topic:
    case ClientErrc::unknown_broker:
      return Reaction::refresh_metadata;
    case ClientErrc::unsupported_version:
      return Reaction::fail_flow;
    // A listener that is no Kafka, or the wrong kind of one, may be a start-up order or a mistake that
    // somebody is just correcting: it is reported and tried again, at back-off's pace.
    case ClientErrc::not_kafka:
    case ClientErrc::answered_tls:
    case ClientErrc::answered_http:
    case ClientErrc::closed_in_handshake:
    case ClientErrc::closed_after_tls:
    case ClientErrc::closed_in_authentication:
    case ClientErrc::closed_at_first_request:
    case ClientErrc::bad_frame_size:
    case ClientErrc::wrong_correlation_id:
    case ClientErrc::unexpected_response:
    case ClientErrc::undecodable_response:
    case ClientErrc::too_many_requests:
    case ClientErrc::connection_closed:
      return Reaction::retry;
  }
  return Reaction::fail_flow;
}

/// Failures before anything could be sent.
bool is_before_sending(const ErrorCode& code) {
  if (code.category() == client_category()) {
    switch (static_cast<ClientErrc>(code.value())) {
      case ClientErrc::not_kafka:
      case ClientErrc::answered_tls:
      case ClientErrc::answered_http:
      case ClientErrc::closed_in_handshake:
      case ClientErrc::closed_after_tls:
      case ClientErrc::unsupported_version:
      case ClientErrc::too_many_requests:
      case ClientErrc::no_leader:
      case ClientErrc::no_controller:
      case ClientErrc::unknown_topic:
      case ClientErrc::unknown_broker:
        return true;
      default:
        return false;
    }
  }
  // Also when an authentication is repeated: its answers come after those to everything that was sent before.
  if (code.category() == net::sasl_category()) return true;
  return code == boost::system::errc::connection_refused || code == net::NetErrc::host_not_found ||
         code == net::NetErrc::resolver_failed;
}

}  // namespace

Reaction reaction_to(KafkaErrc code) {
  const auto* const found = std::ranges::find(kReactions, code, &std::pair<KafkaErrc, Reaction>::first);
  return found == kReactions.end() ? Reaction::fail_partition : found->second;
}

Reaction reaction_to(const ErrorCode& code) {
  if (!code) return Reaction::proceed;
  if (net::is_aborted(code)) return Reaction::fail_flow;
  if (code.category() == protocol::kafka_category()) return reaction_to(protocol::as_kafka_errc(code));
  if (code.category() == client_category()) return reaction_to_client(static_cast<ClientErrc>(code.value()));
  if (is_refusal(code)) return Reaction::fail_flow;
  if (is_connection_error(code)) return Reaction::retry;
  // What is left are mistakes in what we wanted to send (WireErrc): repeating them changes nothing.
  return Reaction::fail_flow;
}

bool says_unknown(const Error& error) {
  return error.code == KafkaErrc::unknown_topic_or_partition || error.code == KafkaErrc::unknown_topic_id ||
         error.code == ClientErrc::unknown_topic;
}

Effect effect_of(const ErrorCode& code) {
  if (code.category() == protocol::kafka_category()) {
    switch (protocol::as_kafka_errc(code)) {
      case KafkaErrc::unknown_server_error:
      case KafkaErrc::request_timed_out:
      case KafkaErrc::network_exception:
      case KafkaErrc::not_enough_replicas_after_append:
      case KafkaErrc::kafka_storage_error:
      // Also of a batch that was appended, when the leader steps down while it waits for the other replicas.
      case KafkaErrc::not_leader_or_follower:
      case KafkaErrc::unknown_topic_or_partition:
      case KafkaErrc::unknown_topic_id:
        return Effect::unknown;
      default:
        return Effect::none;
    }
  }
  if (is_before_sending(code) || code.category() == protocol::wire_category()) return Effect::none;
  return Effect::unknown;
}

bool is_connection_error(const ErrorCode& code) {
  if (!code || net::is_aborted(code)) return false;
  if (code.category() == net::net_category() || is_refusal(code)) return true;
  if (code.category() == client_category()) {
    switch (static_cast<ClientErrc>(code.value())) {
      case ClientErrc::unsupported_version:
      case ClientErrc::too_many_requests:
      case ClientErrc::no_leader:
      case ClientErrc::no_controller:
      case ClientErrc::unknown_topic:
      case ClientErrc::unknown_broker:
        return false;
      default:
        return true;
    }
  }
  return code.category() == boost::system::system_category() ||
         code.category() == boost::system::generic_category();
}

bool is_refusal(const ErrorCode& code) {
  if (code.category() == net::sasl_category()) return true;
  if (code.category() == protocol::kafka_category()) {
    switch (protocol::as_kafka_errc(code)) {
      case KafkaErrc::sasl_authentication_failed:
      case KafkaErrc::unsupported_sasl_mechanism:
      case KafkaErrc::illegal_sasl_state:
        return true;
      default:
        return false;
    }
  }
  if (code.category() != net::net_category()) return false;
  switch (static_cast<net::NetErrc>(code.value())) {
    case net::NetErrc::tls_untrusted:
    case net::NetErrc::tls_expired:
    case net::NetErrc::tls_not_yet_valid:
    case net::NetErrc::tls_wrong_host:
    case net::NetErrc::tls_no_common_version:
    case net::NetErrc::tls_no_common_cipher:
    case net::NetErrc::tls_client_certificate_missing:
    case net::NetErrc::tls_client_certificate_refused:
      return true;
    default:
      return false;
  }
}

SteadyTime::duration Backoff::next() {
  refusals_ = 0;
  return spread(base_, max_, attempts_);
}

SteadyTime::duration Backoff::next_after(const ErrorCode& reason) {
  return is_refusal(reason) ? spread(kRefusedBackoff, kRefusedBackoffMax, refusals_) : next();
}

SteadyTime::duration Backoff::spread(milliseconds base, milliseconds max, int& attempts) {
  // 2^20 times any base is above any maximum.
  const auto doublings = std::min(attempts++, 20);
  const auto full = std::min<std::int64_t>(max.count(), base.count() << doublings);
  std::uniform_real_distribution<double> factor(0.8, 1.2);
  const auto spread_ms = static_cast<double>(full) * factor(*random_);
  return std::chrono::duration_cast<SteadyTime::duration>(
      std::chrono::duration<double, std::milli>(spread_ms));
}

}  // namespace longhaul::client
