#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "protocol/message.h"

namespace longhaul::protocol {

struct DescribeClusterBroker {
  std::int32_t broker_id = 0;
  std::string host;
  std::int32_t port = 0;
  std::optional<std::string> rack;
  bool is_fenced = false;

  static void describe(auto& m, auto&& field) {
    field("broker_id", m.broker_id);
    field("host", m.host);
    field("port", m.port);
    field("rack", m.rack);
    field("is_fenced", m.is_fenced, since(2));
  }
};

struct DescribeClusterResponse {
  static constexpr ApiKey kApi = ApiKey::describe_cluster;

  std::int32_t throttle_time_ms = 0;
  KafkaErrc error_code = KafkaErrc::none;
  std::optional<std::string> error_message;
  std::int8_t endpoint_type = 1;
  std::string cluster_id;
  std::int32_t controller_id = -1;
  std::vector<DescribeClusterBroker> brokers;
  std::int32_t cluster_authorized_operations = std::numeric_limits<std::int32_t>::min();

  static void describe(auto& m, auto&& field) {
    field("throttle_time_ms", m.throttle_time_ms);
    field("error_code", m.error_code);
    field("error_message", m.error_message);
    field("endpoint_type", m.endpoint_type, since(1));
    field("cluster_id", m.cluster_id);
    field("controller_id", m.controller_id);
    field("brokers", m.brokers);
    field("cluster_authorized_operations", m.cluster_authorized_operations);
  }
};

/// Cluster id, controller and brokers without any topic (KIP-700); brokers before 2.8 have Metadata only.
struct DescribeClusterRequest {
  static constexpr ApiKey kApi = ApiKey::describe_cluster;
  using Response = DescribeClusterResponse;

  bool include_cluster_authorized_operations = false;
  std::int8_t endpoint_type = 1;  ///< 1: brokers, 2: controllers (KIP-919).
  bool include_fenced_brokers = false;

  static void describe(auto& m, auto&& field) {
    field("include_cluster_authorized_operations", m.include_cluster_authorized_operations);
    field("endpoint_type", m.endpoint_type, since(1));
    field("include_fenced_brokers", m.include_fenced_brokers, since(2));
  }
};

}  // namespace longhaul::protocol
