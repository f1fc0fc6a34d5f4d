#include "replicator/transaction_scan.h"

#include "protocol/record.h"

namespace longhaul::replicator {

Result<void> TransactionScan::add(ConstBytes records) {
  protocol::RecordSetReader reader(records);
  while (const auto entry = reader.next()) {
    const auto* batch = std::get_if<protocol::RecordBatchView>(&*entry);
    if (batch == nullptr) break;
    if (batch->base_offset() < position_) continue;
    position_ = batch->next_offset();
    const auto producer = batch->producer_id();
    if (whose_ && !whose_->contains(producer)) continue;
    if (!batch->is_control()) {
      if (batch->is_transactional()) open_.try_emplace(producer, batch->base_offset());
      continue;
    }
    LH_TRY(const auto type, protocol::control_type(*batch));
    // One that compaction has emptied says nothing any more.
    if (!type) continue;
    const auto ended = open_.extract(producer);
    if (!ended.empty() && type == protocol::ControlType::abort) {
      aborted_.push_back({producer, ended.mapped()});
    }
  }
  return {};
}

}  // namespace longhaul::replicator
