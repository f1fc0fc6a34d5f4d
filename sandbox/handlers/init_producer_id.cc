#include "sandbox/handlers/handlers.h"
#include "sandbox/transactions.h"

namespace longhaul::sandbox {
namespace {

using protocol::InitProducerIdRequest;
using protocol::KafkaErrc;

ProducerIdentity identify(Core& core, const Call& call, const InitProducerIdRequest& request) {
  constexpr int kFencedSince = 4;
  if (const auto error = call.injected_error(FaultMoment::before); error != KafkaErrc::none) {
    return {.error = error};
  }
  if (!request.transactional_id) return {.producer_id = core.next_producer_id++, .producer_epoch = 0};
  if (const auto error = transaction_error(core, call, *request.transactional_id); error != KafkaErrc::none) {
    return {.error = error};
  }
  auto identity = init_producer_id(core, request);
  identity.error = fenced_in_words_of(call, kFencedSince, identity.error);
  return identity;
}

}  // namespace

protocol::InitProducerIdResponse handle(Core& core, const Call& call, const InitProducerIdRequest& request) {
  protocol::InitProducerIdResponse response;
  // An id comes with its epoch (KIP-360).
  const bool is_half = (request.producer_id < 0) != (request.producer_epoch < 0);
  const auto identity =
      is_half ? ProducerIdentity{.error = KafkaErrc::invalid_request} : identify(core, call, request);
  response.error_code = identity.error;
  response.producer_id = identity.producer_id;
  response.producer_epoch = identity.producer_epoch;
  if (const auto error = call.injected_error(FaultMoment::after); error != KafkaErrc::none) {
    response.error_code = error;
    response.producer_id = -1;
    response.producer_epoch = -1;
  }
  return response;
}

}  // namespace longhaul::sandbox
