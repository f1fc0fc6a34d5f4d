#include "sandbox/handlers/handlers.h"

namespace longhaul::sandbox {

using protocol::KafkaErrc;

protocol::InitProducerIdResponse handle(Core& core, const Call& call,
                                        const protocol::InitProducerIdRequest& request) {
  protocol::InitProducerIdResponse response;
  response.error_code = call.injected_error(FaultMoment::before);
  if (response.error_code == KafkaErrc::none && request.transactional_id) {
    // There is no coordinator for transactions; this error ends the client's attempt instead of repeating it.
    response.error_code = request.transactional_id->empty()
                              ? KafkaErrc::invalid_request
                              : KafkaErrc::transactional_id_authorization_failed;
  }
  if (response.error_code != KafkaErrc::none) return response;
  response.producer_id = core.next_producer_id++;
  response.producer_epoch = 0;
  return response;
}

}  // namespace longhaul::sandbox
