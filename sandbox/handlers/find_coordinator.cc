#include "sandbox/handlers/handlers.h"

namespace longhaul::sandbox {
namespace {

using protocol::Coordinator;
using protocol::CoordinatorType;
using protocol::KafkaErrc;

Coordinator find(const Core& core, const Call& call, CoordinatorType type, const std::string& key) {
  Coordinator found;
  found.key = key;
  found.node_id = -1;
  found.port = -1;
  found.error_code = call.injected_error(FaultMoment::before);
  if (found.error_code != KafkaErrc::none) return found;
  if (type != CoordinatorType::group && type != CoordinatorType::transaction) {
    found.error_code = KafkaErrc::invalid_request;
    found.error_message = "This cluster coordinates groups and transactions only.";
    return found;
  }
  if (type == CoordinatorType::transaction && !core.options.authorize_transactions) {
    found.error_code = KafkaErrc::transactional_id_authorization_failed;
    return found;
  }
  const auto broker = core.coordinator(key);
  if (broker < 0) {
    found.error_code = KafkaErrc::coordinator_not_available;
    return found;
  }
  found.node_id = broker;
  found.host = core.endpoint(broker).host;
  found.port = core.endpoint(broker).port;
  return found;
}

}  // namespace

protocol::FindCoordinatorResponse handle(Core& core, const Call& call,
                                         const protocol::FindCoordinatorRequest& request) {
  constexpr int kSeveralSince = 4;
  protocol::FindCoordinatorResponse response;
  if (call.version >= kSeveralSince) {
    for (const auto& key : request.coordinator_keys) {
      response.coordinators.push_back(find(core, call, request.key_type, key));
    }
    return response;
  }
  auto found = find(core, call, request.key_type, request.key);
  response.error_code = found.error_code;
  response.error_message = std::move(found.error_message);
  response.node_id = found.node_id;
  response.host = std::move(found.host);
  response.port = found.port;
  return response;
}

}  // namespace longhaul::sandbox
