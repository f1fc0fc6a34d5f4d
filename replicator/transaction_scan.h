#pragma once

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "replicator/abort_filter.h"
#include "replicator/tail_match.h"

namespace longhaul::replicator {

/// Finds the transactions in a stretch of a log that were aborted, by their markers and not by the list of a
/// read_committed fetch: that ends at the first open transaction, whose ever it is.
class TransactionScan {
 public:
  /// `whose`: only transactions of these producers; nullopt for all.
  TransactionScan(std::optional<OwnProducers> whose, Offset begin)
      : whose_(std::move(whose)), position_(begin) {}
  /// Takes a record set, fetched at `position()`. Fails for a marker that cannot be read.
  [[nodiscard]] Result<void> add(ConstBytes records);
  [[nodiscard]] Offset position() const { return position_; }
  /// The end of one of them is still to come.
  [[nodiscard]] bool is_open() const { return !open_.empty(); }
  /// One that began in front of the stretch is listed with its first batch inside.
  [[nodiscard]] const std::vector<AbortedTransaction>& aborted() const { return aborted_; }

 private:
  std::optional<OwnProducers> whose_;
  Offset position_;
  std::map<ProducerId, Offset> open_;
  std::vector<AbortedTransaction> aborted_;
};

}  // namespace longhaul::replicator
