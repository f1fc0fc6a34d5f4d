#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "protocol/record_batch.h"

namespace longhaul::replicator {

/// The last value of a key in a compacted topic, nullopt for a tombstone, and who wrote it.
struct CompactedValue {
  std::optional<std::string> value;
  ProducerId writer;
};

/// What changed in a partition of a compacted topic, by key.
using CompactedChanges = std::map<std::string, CompactedValue>;

/// Takes the batches of a partition of a compacted topic, in order, as read_uncommitted gives them, and finds
/// what they change: records outside of transactions at once, those of a transaction with its commit marker.
/// A read_committed fetch would end at the first open transaction, whose ever it is, and a transaction whose
/// marker was lost stays open for long (docs/decisions/062).
class CompactedReader {
 public:
  /// Errors: the records or the marker cannot be read.
  [[nodiscard]] Result<void> add(const protocol::RecordBatchView& batch);
  /// What was decided since the last call.
  [[nodiscard]] CompactedChanges take() { return std::exchange(changes_, {}); }

 private:
  struct Held {
    Offset offset;
    CompactedValue value;
  };
  [[nodiscard]] Result<void> add_data(const protocol::RecordBatchView& batch);
  /// Of one key the record with the highest offset counts, in whichever order they are decided.
  void decide(const std::string& key, Held record);

  CompactedChanges changes_;
  std::map<ProducerId, std::map<std::string, Held>> open_;
};

}  // namespace longhaul::replicator
