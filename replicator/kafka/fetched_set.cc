#include "replicator/kafka/fetched_set.h"

#include "replicator/abort_filter.h"

namespace longhaul::replicator {

using protocol::IsolationLevel;

Offset end_of(const protocol::PartitionData& data, IsolationLevel isolation) {
  return Offset(isolation == IsolationLevel::read_committed ? data.last_stable_offset : data.high_watermark);
}

FetchedSet fetched_set(const protocol::PartitionData& data, const Slice& frame, IsolationLevel isolation,
                       LeaderEpoch leader_epoch) {
  FetchedSet set{.records = frame.part(data.records),
                 .high_watermark = Offset(data.high_watermark),
                 .last_stable_offset = end_of(data, isolation),
                 .leader_epoch = leader_epoch};
  if (isolation == IsolationLevel::read_committed) set.aborted = aborted_transactions(data);
  return set;
}

}  // namespace longhaul::replicator
