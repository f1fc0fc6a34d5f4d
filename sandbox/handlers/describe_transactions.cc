#include "sandbox/handlers/handlers.h"
#include "sandbox/transactions.h"

namespace longhaul::sandbox {

using protocol::KafkaErrc;

protocol::DescribeTransactionsResponse handle(Core& core, const Call& call,
                                              const protocol::DescribeTransactionsRequest& request) {
  protocol::DescribeTransactionsResponse response;
  for (const auto& id : request.transactional_ids) {
    auto& answer = response.transaction_states.emplace_back();
    answer.transactional_id = id;
    answer.error_code = transaction_error(core, call, id);
    if (answer.error_code != KafkaErrc::none) continue;
    const auto found = core.transactions.find(id);
    if (found == core.transactions.end()) {
      answer.error_code = KafkaErrc::transactional_id_not_found;
      continue;
    }
    const auto& transaction = found->second;
    answer.transaction_state = name_of(transaction.state);
    answer.transaction_timeout_ms = static_cast<std::int32_t>(transaction.timeout.count());
    answer.transaction_start_time_ms = transaction.started_ms;
    answer.producer_id = transaction.producer_id;
    answer.producer_epoch = transaction.epoch;
    for (const auto& [topic, index] : transaction.partitions) {
      if (answer.topics.empty() || answer.topics.back().topic != topic) {
        answer.topics.push_back({.topic = topic, .partitions = {}});
      }
      answer.topics.back().partitions.push_back(index);
    }
  }
  return response;
}

}  // namespace longhaul::sandbox
