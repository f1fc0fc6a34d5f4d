#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "net/sasl.h"
#include "protocol/messages/sasl_authenticate.h"
#include "protocol/messages/sasl_handshake.h"
#include "tests/unit/client/scripted_broker.h"

namespace longhaul::test {

/// What a SASL listener adds to a ScriptedBroker: authentications of its users, each with a lifetime.
class ScriptedSasl {
 public:
  explicit ScriptedSasl(ScriptedBroker& broker) : broker_(broker) {
    using protocol::ApiKey;
    users_ = std::make_shared<net::SaslUsers>();
    set_password("alice", "wonderland");
    for (const auto api : {ApiKey::sasl_handshake, ApiKey::sasl_authenticate}) {
      broker.on(api, [this](const auto& request) {
        if (!intercept || !intercept(request)) serve(request);
      });
    }
  }

  void set_password(const std::string& user, std::string password) {
    users_->insert_or_assign(user, Secret(std::move(password)));
  }
  [[nodiscard]] int authentications() const { return authentications_; }
  /// Answers a SASL request, for example one that was intercepted before.
  void serve(const ScriptedBroker::Request& request) {
    if (request.parts.api_key == protocol::ApiKey::sasl_handshake) {
      handshake(request);
    } else {
      authenticate(request);
    }
  }

  std::vector<std::string> mechanisms = {"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"};
  std::int64_t lifetime_ms = 0;
  /// Called instead of answering a SASL request; returns false to answer as usual.
  std::function<bool(const ScriptedBroker::Request&)> intercept;

 private:
  void handshake(const ScriptedBroker::Request& request) {
    const auto wanted = ScriptedBroker::decode<protocol::SaslHandshakeRequest>(request).mechanism;
    protocol::SaslHandshakeResponse response{.error_code = {}, .mechanisms = mechanisms};
    if (std::ranges::find(mechanisms, wanted) == mechanisms.end()) {
      response.error_code = protocol::KafkaErrc::unsupported_sasl_mechanism;
      broker_.answer(request, response);
      request.wire->hang_up();
      return;
    }
    auto server = net::make_sasl_server(*net::parse_sasl_mechanism(wanted), users_, "kafka");
    LH_CHECK(server.has_value());
    exchanges_[request.wire] = *std::move(server);
    broker_.answer(request, response);
  }

  void authenticate(const ScriptedBroker::Request& request) {
    auto& server = exchanges_.at(request.wire);
    const auto token = ScriptedBroker::decode<protocol::SaslAuthenticateRequest>(request).auth_bytes;
    auto answer = server->step(token);
    protocol::SaslAuthenticateResponse response;
    if (!answer) {
      response.error_code = protocol::KafkaErrc::sasl_authentication_failed;
      response.error_message = "Authentication failed: Invalid username or password";
      broker_.answer(request, response);
      request.wire->hang_up();
      return;
    }
    response.auth_bytes = *std::move(answer);
    if (server->done()) {
      ++authentications_;
      response.session_lifetime_ms = lifetime_ms;
    }
    broker_.answer(request, response);
  }

  ScriptedBroker& broker_;
  std::shared_ptr<net::SaslUsers> users_;
  std::map<std::shared_ptr<Wire>, std::unique_ptr<net::SaslServer>> exchanges_;
  int authentications_ = 0;
};

}  // namespace longhaul::test
