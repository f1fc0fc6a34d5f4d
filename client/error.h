#pragma once

#include <boost/system/error_category.hpp>
#include <boost/system/error_code.hpp>
#include <type_traits>

#include "base/result.h"

namespace longhaul::client {

/// Failures of the client itself: of a peer that does not speak as it should, and of calls that cannot be
/// made.
enum class ClientErrc {
  not_kafka = 1,             ///< the peer's first bytes are no Kafka answer
  answered_tls,              ///< they are TLS: the listener expects encryption
  answered_http,             ///< they are HTTP
  closed_in_handshake,       ///< the peer closed a plain connection instead of answering ApiVersions
  closed_after_tls,          ///< the same over TLS
  closed_in_authentication,  ///< the peer closed instead of answering a SASL request
  closed_at_first_request,   ///< without SASL: versions were negotiated, then the first real request got no
                             ///< answer
  bad_frame_size,            ///< negative, too small for a header, or above the limit
  wrong_correlation_id,      ///< an answer to another request than the oldest one
  unexpected_response,       ///< an answer although nothing was asked
  undecodable_response,      ///< an answer that its API's description does not fit
  unsupported_version,       ///< the broker and we have no version of this API in common
  too_many_requests,         ///< the limit of queued requests on one connection
  connection_closed,         ///< closed by us, or earlier: the reason was reported then
  no_leader,                 ///< the partition has no leader now
  no_controller,             ///< the cluster has no known controller now
  unknown_topic,             ///< the cluster does not have the topic
  unknown_broker,            ///< the cluster does not list the broker
};

[[nodiscard]] const boost::system::error_category& client_category();
[[nodiscard]] inline boost::system::error_code make_error_code(ClientErrc code) {
  return {static_cast<int>(code), client_category()};
}

}  // namespace longhaul::client

template <>
struct boost::system::is_error_code_enum<longhaul::client::ClientErrc> : std::true_type {};
