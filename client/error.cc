#include "client/error.h"

#include <string>

namespace longhaul::client {
namespace {

class ClientCategory final : public boost::system::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "client"; }
  [[nodiscard]] std::string message(int code) const override {
    switch (static_cast<ClientErrc>(code)) {
      case ClientErrc::not_kafka:
        return "is not a Kafka listener: it answered with something else";
      case ClientErrc::answered_tls:
        return "answered with TLS: this listener expects an encrypted connection (security.protocol SSL or "
               "SASL_SSL)";
      case ClientErrc::answered_http:
        return "answered with HTTP: this is not a Kafka listener";
      case ClientErrc::closed_in_handshake:
        return "closed the connection instead of answering: maybe a TLS listener, or none of Kafka's";
      case ClientErrc::closed_after_tls:
        return "agreed on TLS, then closed the connection instead of answering: maybe none of Kafka's "
               "listeners, or "
               "it wants another client certificate";
      case ClientErrc::closed_in_authentication:
        return "closed the connection in the middle of SASL authentication";
      case ClientErrc::closed_at_first_request:
        return "closed the connection at the first request: maybe the listener asks for SASL authentication "
               "(security.protocol SASL_PLAINTEXT or SASL_SSL)";
      case ClientErrc::bad_frame_size:
        return "announced an answer of an impossible size";
      case ClientErrc::wrong_correlation_id:
        return "answered another request than the oldest one";
      case ClientErrc::unexpected_response:
        return "sent an answer although nothing was asked";
      case ClientErrc::undecodable_response:
        return "sent an answer that cannot be read";
      case ClientErrc::unsupported_version:
        return "no version in common";
      case ClientErrc::too_many_requests:
        return "too many requests are waiting on this connection";
      case ClientErrc::connection_closed:
        return "connection closed";
      case ClientErrc::no_leader:
        return "the partition has no leader at the moment";
      case ClientErrc::no_controller:
        return "the cluster names no controller at the moment";
      case ClientErrc::unknown_topic:
        return "the cluster does not have this topic";
      case ClientErrc::unknown_broker:
        return "the cluster does not list this broker";
        return "no broker can be reached";
    }
    return "unknown client error";
  }
};

}  // namespace

const boost::system::error_category& client_category() {
  static const ClientCategory category;
  return category;
}

}  // namespace longhaul::client
