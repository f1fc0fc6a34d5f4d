#include "sandbox/handlers/handlers.h"
#include "sandbox/transactions.h"

namespace longhaul::sandbox {

using protocol::KafkaErrc;

protocol::EndTxnResponse handle(Core& core, const Call& call, const protocol::EndTxnRequest& request) {
  constexpr int kFencedSince = 2;
  protocol::EndTxnResponse response;
  response.error_code = transaction_error(core, call, request.transactional_id);
  if (response.error_code != KafkaErrc::none) return response;
  const auto ended = end_transaction(core, request, call.version);
  response.error_code = fenced_in_words_of(call, kFencedSince, ended.error);
  response.producer_id = ended.producer_id;
  response.producer_epoch = ended.producer_epoch;
  if (const auto error = call.injected_error(FaultMoment::after); error != KafkaErrc::none) {
    response.error_code = error;
  }
  return response;
}

}  // namespace longhaul::sandbox
