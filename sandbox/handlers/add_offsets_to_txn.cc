#include "sandbox/handlers/handlers.h"
#include "sandbox/transactions.h"

namespace longhaul::sandbox {

using protocol::KafkaErrc;

protocol::AddOffsetsToTxnResponse handle(Core& core, const Call& call,
                                         const protocol::AddOffsetsToTxnRequest& request) {
  constexpr int kFencedSince = 2;
  protocol::AddOffsetsToTxnResponse response;
  response.error_code = transaction_error(core, call, request.transactional_id);
  if (response.error_code != KafkaErrc::none) return response;
  const auto error = add_to_transaction(
      core, {request.transactional_id, request.producer_id, request.producer_epoch}, {}, {request.group_id});
  response.error_code = fenced_in_words_of(call, kFencedSince, error);
  if (const auto after = call.injected_error(FaultMoment::after); after != KafkaErrc::none) {
    response.error_code = after;
  }
  return response;
}

}  // namespace longhaul::sandbox
