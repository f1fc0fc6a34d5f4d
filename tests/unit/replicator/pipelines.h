#pragma once

#include <vector>

#include "replicator/partition_pipeline.h"

namespace longhaul::replicator::testing {

inline constexpr std::int64_t kNow = 1'700'000'000'000;
inline const SteadyTime kStart{};
inline constexpr auto kNotStored = PartitionPipeline::Fate::not_stored;
inline constexpr auto kUnknown = PartitionPipeline::Fate::unknown;

inline Progress start_at(std::int64_t source, std::int64_t target = -1, std::int32_t sequence = 0) {
  Progress progress;
  progress.source_offset = Offset(source);
  progress.target_offset = Offset(target);
  progress.producer = {ProducerId(9000), 3, sequence};
  return progress;
}

inline std::vector<PartitionPipeline::Outgoing> send_all(PartitionPipeline& pipeline,
                                                         SteadyTime now = kStart) {
  std::vector<PartitionPipeline::Outgoing> sent;
  while (pipeline.can_send(now, kNow)) sent.push_back(pipeline.take_next(kNow));
  return sent;
}

inline std::int32_t base_sequence(const PartitionPipeline::Outgoing& batch) {
  return load_be<std::int32_t>(batch.header, protocol::batch_layout::kBaseSequenceAt);
}

}  // namespace longhaul::replicator::testing
