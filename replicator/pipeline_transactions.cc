// The part of PartitionPipeline that is about transactions of the target (docs/decisions/062).

#include <algorithm>

#include "base/check.h"
#include "replicator/partition_pipeline.h"

namespace longhaul::replicator {

bool PartitionPipeline::look_at_times(std::int64_t wall_ms) {
  const bool looks = options_.old_needs_transaction && options_.regime == Regime::live && !stop_;
  if (!looks || in_flight_ > 0 || window_.empty()) return false;
  const auto& front = window_.front();
  if (!is_old(front.batch.max_timestamp, wall_ms)) return false;
  stop({front.in_doubt ? StopReason::write_in_doubt : StopReason::needs_transaction, front.batch.base, {}});
  return true;
}

void PartitionPipeline::open_transaction(ProducerState producer) {
  LH_CHECK(options_.regime == Regime::transactional && in_flight_ == 0);
  gate_ = Gate::open;
  auto& ours = progress_.producer;
  if (ours.id == producer.id && ours.epoch == producer.epoch) return;
  ours = {.id = producer.id, .epoch = producer.epoch, .next_sequence = 0};
  established_ = false;
  begins_transaction_ = true;
  planned_sequence_ = 0;
  for (auto& waiting : window_) {
    waiting.sequence = planned_sequence_;
    planned_sequence_ = advance_sequence(planned_sequence_, waiting.batch.records);
  }
}

void PartitionPipeline::close_transaction() {
  if (gate_ == Gate::open) gate_ = Gate::closing;
}

bool PartitionPipeline::is_settled() const {
  if (in_flight_ > 0 || gate_ == Gate::open) return false;
  return stop_.has_value() || std::ranges::none_of(window_, &Entry::seen_by_target);
}

void PartitionPipeline::end_transaction() {
  gate_ = Gate::shut;
}

}  // namespace longhaul::replicator
