#include "replicator/abort_filter.h"

#include <algorithm>

#include "protocol/messages/fetch.h"
#include "protocol/record.h"

namespace longhaul::replicator {

std::vector<AbortedTransaction> aborted_transactions(const protocol::PartitionData& data) {
  std::vector<AbortedTransaction> aborted;
  if (!data.aborted_transactions) return aborted;
  for (const auto& one : *data.aborted_transactions) {
    aborted.push_back({ProducerId(one.producer_id), Offset(one.first_offset)});
  }
  return aborted;
}

AbortFilter::AbortFilter(std::vector<AbortedTransaction> aborted) : pending_(std::move(aborted)) {
  // Brokers list them in the order of their markers.
  std::ranges::sort(pending_, std::ranges::greater{}, &AbortedTransaction::first_offset);
}

Result<bool> AbortFilter::is_aborted(const protocol::RecordBatchView& batch) {
  const auto producer = batch.producer_id().value();
  if (producer < 0) return false;
  while (!pending_.empty() && pending_.back().first_offset <= batch.last_offset()) {
    active_.insert(pending_.back().producer_id.value());
    pending_.pop_back();
  }
  if (batch.is_control()) {
    LH_TRY(const auto type, protocol::control_type(batch));
    if (type == protocol::ControlType::abort) active_.erase(producer);
    return false;
  }
  return batch.is_transactional() && active_.contains(producer);
}

}  // namespace longhaul::replicator
