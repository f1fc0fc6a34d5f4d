#include "client/session_fsm.h"

#include <algorithm>

#include "base/check.h"
#include "client/error.h"

namespace longhaul::client {

using protocol::ApiKey;
using protocol::KafkaErrc;

SessionFsm::Step SessionFsm::start() {
  if (!sasl_) return ask_versions();
  asked_ = 0;
  return AskVersions{asked_};
}

SessionFsm::Step SessionFsm::ask_versions() {
  asked_ = protocol::api_info(ApiKey::api_versions).version_max;
  return AskVersions{asked_};
}

SessionFsm::Step SessionFsm::on_response(ConstBytes body) {
  if (authentication_) return on_authentication(authentication_->on_response(body));
  return on_versions(body);
}

SessionFsm::Step SessionFsm::on_versions(ConstBytes body) {
  auto response = protocol::decode_api_versions(body, asked_);
  if (!response) {
    auto& error = response.error();
    return Error{ClientErrc::not_kafka, "its answer to ApiVersions cannot be read: " + error.message()};
  }
  if (response->error_code == KafkaErrc::unsupported_version) return unsupported(*response);
  if (response->error_code != KafkaErrc::none) {
    return Error{protocol::kafka_error(response->error_code), "its answer to ApiVersions"};
  }
  advertised_.clear();
  for (const auto& api : response->api_keys) advertised_[api.api_key] = {api.min_version, api.max_version};
  for (const auto& feature : response->finalized_features)
    features_[feature.name] = feature.max_version_level;
  if (sasl_ && !authenticated_) return authenticate();
  ready_ = true;
  return Ready{lifetime_};
}

SessionFsm::Step SessionFsm::authenticate() {
  for (const auto api : {ApiKey::sasl_handshake, ApiKey::sasl_authenticate}) {
    if (auto version = version_of(api, std::nullopt); !version) {
      return in_context(std::move(version).error(), "SASL is configured here").error();
    }
  }
  authentication_.emplace(*sasl_, *version_of(ApiKey::sasl_authenticate, std::nullopt));
  return on_authentication(authentication_->start());
}

SessionFsm::Step SessionFsm::reauthenticate() {
  LH_CHECK(ready_ && sasl_ && !authentication_);
  return authenticate();
}

SessionFsm::Step SessionFsm::on_authentication(Authentication::Step step) {
  if (auto* const handshake = std::get_if<AskHandshake>(&step)) return std::move(*handshake);
  if (auto* const token = std::get_if<AskToken>(&step)) return std::move(*token);
  if (auto* const error = std::get_if<Error>(&step)) return std::move(*error);
  lifetime_ = std::get<Authentication::Done>(step).lifetime;
  authentication_.reset();
  authenticated_ = true;
  // The versions are those of before when it was a repetition.
  if (ready_) return Ready{lifetime_};
  return ask_versions();
}

// Brokers since 2.4 name the range of ApiVersions in the refusal (KIP-511), earlier ones do not: version 0
// then.
SessionFsm::Step SessionFsm::unsupported(const protocol::ApiVersionsResponse& response) {
  const auto& ours = protocol::api_info(ApiKey::api_versions);
  std::int16_t next = 0;
  for (const auto& api : response.api_keys) {
    if (api.api_key == static_cast<std::int16_t>(ApiKey::api_versions)) {
      next = std::clamp(std::min(api.max_version, ours.version_max), ours.version_min, ours.version_max);
    }
  }
  if (next >= asked_) {
    return Error{protocol::kafka_error(KafkaErrc::unsupported_version), "its answer to ApiVersions"};
  }
  asked_ = next;
  return AskVersions{next};
}

Result<std::int16_t> SessionFsm::version_of(ApiKey api, std::optional<std::int16_t> max_version) const {
  const auto& ours = protocol::api_info(api);
  const auto theirs = advertised(api);
  if (!theirs) return fail(ClientErrc::unsupported_version, "{} is not served by this broker", ours.name);
  const auto newest = max_version ? std::min(*max_version, ours.version_max_described) : ours.version_max;
  const auto version = std::min(newest, theirs->max);
  // A broker's minimum may lie (Produce, KAFKA-18659), but only downwards.
  if (version < ours.version_min || version < theirs->min) {
    return fail(ClientErrc::unsupported_version,
                "{}: it serves versions {} to {}, versions {} to {} are spoken here", ours.name, theirs->min,
                theirs->max, ours.version_min, newest);
  }
  return version;
}

std::optional<VersionRange> SessionFsm::advertised(ApiKey api) const {
  const auto found = advertised_.find(static_cast<std::int16_t>(api));
  if (found == advertised_.end()) return std::nullopt;
  return found->second;
}

std::optional<std::int16_t> SessionFsm::finalized_feature(std::string_view name) const {
  const auto found = features_.find(name);
  if (found == features_.end()) return std::nullopt;
  return found->second;
}

}  // namespace longhaul::client
