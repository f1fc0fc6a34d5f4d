#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/message.h"

namespace longhaul::protocol {

struct ApiVersion {
  std::int16_t api_key = 0;
  std::int16_t min_version = 0;
  std::int16_t max_version = 0;

  static void describe(auto& m, auto&& field) {
    field("api_key", m.api_key);
    field("min_version", m.min_version);
    field("max_version", m.max_version);
  }
};

struct SupportedFeatureKey {
  std::string name;
  std::int16_t min_version = 0;
  std::int16_t max_version = 0;

  static void describe(auto& m, auto&& field) {
    field("name", m.name);
    field("min_version", m.min_version);
    field("max_version", m.max_version);
  }
};

struct FinalizedFeatureKey {
  std::string name;
  std::int16_t max_version_level = 0;
  std::int16_t min_version_level = 0;

  static void describe(auto& m, auto&& field) {
    field("name", m.name);
    field("max_version_level", m.max_version_level);
    field("min_version_level", m.min_version_level);
  }
};

/// The ranges that a broker serves. Brokers from 4.0 on list Produce from version 0 though they refuse 0 to 2
/// (KAFKA-18659), so only the maxima are to be trusted.
struct ApiVersionsResponse {
  static constexpr ApiKey kApi = ApiKey::api_versions;

  KafkaErrc error_code = KafkaErrc::none;
  std::vector<ApiVersion> api_keys;
  std::int32_t throttle_time_ms = 0;
  std::vector<SupportedFeatureKey> supported_features;
  std::int64_t finalized_features_epoch = -1;  ///< -1: none known.
  std::vector<FinalizedFeatureKey> finalized_features;
  bool zk_migration_ready = false;

  static void describe(auto& m, auto&& field) {
    field("error_code", m.error_code);
    field("api_keys", m.api_keys);
    field("throttle_time_ms", m.throttle_time_ms, since(1), ignorable);
    field("supported_features", m.supported_features, tagged(0, 3), ignorable);
    field("finalized_features_epoch", m.finalized_features_epoch, tagged(1, 3), ignorable);
    field("finalized_features", m.finalized_features, tagged(2, 3), ignorable);
    field("zk_migration_ready", m.zk_migration_ready, tagged(3, 3), ignorable);
  }
};

/// Name and version of our software end up in the broker's metrics; it refuses names with unusual characters.
struct ApiVersionsRequest {
  static constexpr ApiKey kApi = ApiKey::api_versions;
  using Response = ApiVersionsResponse;

  std::string client_software_name;
  std::string client_software_version;

  static void describe(auto& m, auto&& field) {
    field("client_software_name", m.client_software_name, since(3), ignorable);
    field("client_software_version", m.client_software_version, since(3), ignorable);
  }
};

/// The response to an ApiVersions request of `version`. A broker that does not know that version answers with
/// a body of version 0 and UNSUPPORTED_VERSION (KIP-511), which names the range it does know; that body is
/// recognised.
[[nodiscard]] Result<ApiVersionsResponse> decode_api_versions(ConstBytes body, int version);

}  // namespace longhaul::protocol
