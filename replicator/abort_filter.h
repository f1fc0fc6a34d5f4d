#pragma once

#include <cstdint>
#include <unordered_set>
#include <vector>

#include "base/ids.h"
#include "base/result.h"

namespace longhaul::protocol {
class RecordBatchView;
struct PartitionData;
}  // namespace longhaul::protocol

namespace longhaul::replicator {

/// A transaction of the source that was aborted: its producer and the offset of its first record.
struct AbortedTransaction {
  ProducerId producer_id;
  Offset first_offset;
};

/// The list of a Fetch answer; empty where the broker gave none, as under read_uncommitted.
[[nodiscard]] std::vector<AbortedTransaction> aborted_transactions(const protocol::PartitionData& data);

/// Tells which batches of one read_committed fetch belong to aborted transactions, from batch headers alone
/// (KIP-98). Made anew for each fetched partition: the list of its answer covers just that slice of the log.
class AbortFilter {
 public:
  explicit AbortFilter(std::vector<AbortedTransaction> aborted);
  /// To be called for each batch in log order; true when its records were aborted. Fails for a control batch
  /// that cannot be read: without it, later records of its producer could be taken for aborted ones.
  [[nodiscard]] Result<bool> is_aborted(const protocol::RecordBatchView& batch);

 private:
  std::vector<AbortedTransaction> pending_;  // last one first
  std::unordered_set<std::int64_t> active_;
};

}  // namespace longhaul::replicator
