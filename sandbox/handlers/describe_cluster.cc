#include "sandbox/handlers/handlers.h"

namespace longhaul::sandbox {

using protocol::KafkaErrc;

protocol::DescribeClusterResponse handle(Core& core, const Call& call,
                                         const protocol::DescribeClusterRequest& request) {
  constexpr std::int8_t kBrokers = 1;
  constexpr std::int32_t kAllOperations = 8096;
  protocol::DescribeClusterResponse response;
  response.error_code = call.injected_error(FaultMoment::before);
  if (request.endpoint_type != kBrokers) {
    response.error_code = KafkaErrc::mismatched_endpoint_type;
    response.error_message = "The request was sent to an endpoint of the wrong type.";
  }
  if (response.error_code != KafkaErrc::none) return response;
  response.endpoint_type = kBrokers;
  response.cluster_id = core.options.cluster_id;
  response.controller_id = core.topics.controller();
  for (const auto id : core.topics.live_brokers()) {
    const auto& endpoint = core.endpoint(id);
    response.brokers.push_back({.broker_id = id, .host = endpoint.host, .port = endpoint.port, .rack = {}});
  }
  if (request.include_cluster_authorized_operations) response.cluster_authorized_operations = kAllOperations;
  return response;
}

}  // namespace longhaul::sandbox
