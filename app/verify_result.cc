#include "app/verify_result.h"

#include <fmt/format.h>

namespace longhaul::app {
namespace {

using replicator::ComparedPartition;
using replicator::Difference;

std::string place(Offset offset) {
  return offset < Offset(0) ? "has none" : fmt::format("offset {}", offset);
}

std::string explained(const Difference& difference) {
  switch (difference.kind) {
    case Difference::Kind::missing_on_target:
      return fmt::format("the target ends at offset {}; the source has a record at offset {} with key {}",
                         difference.target_offset, difference.source_offset, difference.source_text);
    case Difference::Kind::extra_on_target:
      return fmt::format(
          "the source ends at offset {}; the target has a record too much at offset {} with key {}",
          difference.source_offset, difference.target_offset, difference.target_text);
    case Difference::Kind::latest_of_key:
      return fmt::format("the last record of key {} is another one or is missing: source {}, target {}",
                         difference.source_text, place(difference.source_offset),
                         place(difference.target_offset));
    case Difference::Kind::order_of_keys:
      return fmt::format(
          "the last record of key {} is behind that of key {} on the source, and before it on "
          "the target (source offset {}, target offset {})",
          difference.source_text, difference.target_text, difference.source_offset, difference.target_offset);
    case Difference::Kind::record:
      break;
  }
  return fmt::format("{} differs at source offset {}, target offset {}: source {}, target {}",
                     to_string(difference.field), difference.source_offset, difference.target_offset,
                     difference.source_text, difference.target_text);
}

/// What was found to be the same.
std::string equal_text(const replicator::ComparisonOutcome& outcome) {
  const auto& counts = outcome.counts;
  if (!outcome.by_key) return fmt::format("{} records", counts.records);
  return fmt::format(
      "{} keys (the logs were cleaned at different times: {} records on the source, {} on the "
      "target)",
      counts.keys, counts.source_records, counts.records);
}

std::string remarks(const replicator::RecordComparer::Counts& counts) {
  std::string text;
  if (counts.skipped_on_target > 0) {
    text += fmt::format("; the source's log begins later: {} older records of the target left out",
                        counts.skipped_on_target);
  }
  if (counts.skipped_on_source > 0) {
    text += fmt::format("; the target's log begins later: {} older records of the source left out",
                        counts.skipped_on_source);
  }
  if (counts.append_times > 0) {
    text += fmt::format("; {} timestamps not compared: the target's are append times", counts.append_times);
  }
  if (counts.without_key > 0) text += fmt::format("; {} records without key left out", counts.without_key);
  return text;
}

}  // namespace

std::string arrow(const ComparedPartition& partition) {
  return fmt::format("{} -> {}", partition.source, partition.target);
}

VerifyResult result_of(const ComparedPartition& partition, const replicator::ComparisonOutcome& outcome) {
  VerifyResult result{.what = arrow(partition), .records = outcome.counts.records};
  if (partition.from_timestamp) result.what += fmt::format(" from time {}", *partition.from_timestamp);
  const auto so_far = outcome.by_key ? equal_text(outcome) : fmt::format("{} equal records", result.records);
  if (outcome.difference) {
    result.kind = VerifyResult::Kind::differs;
    result.text = fmt::format("after {}, {}", so_far, explained(*outcome.difference));
  } else if (outcome.failure) {
    result.kind = VerifyResult::Kind::not_compared;
    result.text = fmt::format("after {}: {}", so_far, *outcome.failure);
  } else {
    result.text = equal_text(outcome);
  }
  result.text += remarks(outcome.counts);
  return result;
}

}  // namespace longhaul::app
