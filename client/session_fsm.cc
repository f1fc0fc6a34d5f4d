#include "client/session_fsm.h"

#include <algorithm>

#include "client/error.h"

namespace longhaul::client {

using protocol::ApiKey;
using protocol::KafkaErrc;

SessionFsm::Step SessionFsm::start() {
  asked_ = protocol::api_info(ApiKey::api_versions).version_max;
  return Ask{asked_};
}

SessionFsm::Step SessionFsm::on_response(ConstBytes body) {
  auto response = protocol::decode_api_versions(body, asked_);
  if (!response) {
    auto& error = response.error();
    return Error{ClientErrc::not_kafka, "its answer to ApiVersions cannot be read: " + error.message()};
  }
  if (response->error_code == KafkaErrc::unsupported_version) return unsupported(*response);
  if (response->error_code != KafkaErrc::none) {
    return Error{protocol::kafka_error(response->error_code), "its answer to ApiVersions"};
  }
  for (const auto& api : response->api_keys) advertised_[api.api_key] = {api.min_version, api.max_version};
  for (const auto& feature : response->finalized_features)
    features_[feature.name] = feature.max_version_level;
  ready_ = true;
  return Ready{};
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
  return Ask{next};
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
