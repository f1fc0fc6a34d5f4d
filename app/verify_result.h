#pragma once

#include <cstdint>
#include <string>

#include "replicator/kafka/partition_comparison.h"

namespace longhaul::app {

/// One partition, or one topic that could not be taken apart into partitions, after it was compared.
struct VerifyResult {
  enum class Kind { same, differs, not_compared };
  Kind kind = Kind::same;
  /// "orders-3 -> A.orders-3"
  std::string what;
  /// What was found, for one line.
  std::string text;
  std::int64_t records = 0;
};

/// "orders-3 -> A.orders-3"
[[nodiscard]] std::string arrow(const replicator::ComparedPartition& partition);

/// What is to be said of a partition that was compared, or is being compared.
[[nodiscard]] VerifyResult result_of(const replicator::ComparedPartition& partition,
                                     const replicator::ComparisonOutcome& outcome);

}  // namespace longhaul::app
