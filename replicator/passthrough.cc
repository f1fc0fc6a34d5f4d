#include "replicator/passthrough.h"

#include <fmt/format.h>

#include "protocol/record_batch.h"

namespace longhaul::replicator {
namespace {

using protocol::RecordBatchView;

/// Why this data batch cannot be passed through as it is; nullopt when it can.
std::optional<Stop> obstacle(const RecordBatchView& batch, Offset position, const PassLimits& limits) {
  const auto stop = [&](StopReason reason, std::string detail = {}) {
    return Stop{reason, std::max(batch.base_offset(), position), std::move(detail)};
  };
  if (!codecs::is_known(batch.compression())) {
    return stop(StopReason::unknown_codec, fmt::format("codec {}", static_cast<int>(batch.compression())));
  }
  if (batch.base_offset() < position) {
    return stop(StopReason::position_inside_batch,
                fmt::format("batch {}..{}", batch.base_offset(), batch.last_offset()));
  }
  if (!batch.is_dense()) {
    return stop(StopReason::sparse_batch, fmt::format("{} records in offsets {}..{}", batch.records_count(),
                                                      batch.base_offset(), batch.last_offset()));
  }
  if (batch.is_log_append_time()) return stop(StopReason::log_append_time);
  if (static_cast<std::int64_t>(batch.size()) > limits.max_batch_bytes) {
    return stop(StopReason::batch_too_large,
                fmt::format("{} bytes, max.message.bytes is {}", batch.size(), limits.max_batch_bytes));
  }
  return std::nullopt;
}

/// What in the walk so far contradicts this batch; nullopt when it fits.
std::optional<std::string> contradiction(const RecordBatchView& batch, Offset next, LeaderEpoch epoch,
                                         Offset high_watermark) {
  if (batch.base_offset() < next) {
    return fmt::format("base offset {} after offset {}", batch.base_offset(), next.value() - 1);
  }
  if (batch.last_offset() >= high_watermark) {
    return fmt::format("offset {} at or above the high watermark {}", batch.last_offset(), high_watermark);
  }
  if (batch.leader_epoch() < epoch && batch.leader_epoch() != LeaderEpoch()) {
    return fmt::format("leader epoch {} after {} at offset {}", batch.leader_epoch(), epoch,
                       batch.base_offset());
  }
  return std::nullopt;
}

}  // namespace

PassPlan plan_passthrough(const FetchedSet& set, Offset position, LeaderEpoch last_epoch,
                          const PassLimits& limits) {
  PassPlan plan{.next_position = position, .leader_epoch = last_epoch};
  AbortFilter aborted(set.aborted);
  protocol::RecordSetReader reader(set.records.bytes());
  Offset next(0);
  while (const auto entry = reader.next()) {
    if (const auto* malformed = std::get_if<protocol::MalformedEntry>(&*entry)) {
      plan.anomaly = Stop{StopReason::malformed_batch, plan.next_position, malformed->error.message()};
      return plan;
    }
    if (const auto* legacy = std::get_if<protocol::LegacyEntry>(&*entry)) {
      plan.stop =
          Stop{StopReason::old_message_format, plan.next_position, fmt::format("magic {}", legacy->magic)};
      return plan;
    }
    const auto& batch = std::get<RecordBatchView>(*entry);
    if (auto what = contradiction(batch, next, plan.leader_epoch, set.high_watermark)) {
      plan.anomaly = Stop{StopReason::inconsistent_source, plan.next_position, std::move(*what)};
      return plan;
    }
    next = batch.next_offset();
    // Also for batches below the position: their markers end the transactions that the list names.
    const auto is_aborted = aborted.is_aborted(batch);
    if (!is_aborted) {
      plan.anomaly = Stop{StopReason::malformed_batch, plan.next_position, is_aborted.error().message()};
      return plan;
    }
    if (batch.last_offset() < position) continue;
    const bool dropped = *is_aborted || batch.is_control() || batch.records_count() == 0;
    if (!dropped) {
      if (auto stop = obstacle(batch, position, limits)) {
        plan.stop = std::move(stop);
        return plan;
      }
      plan.batches.push_back({.bytes = set.records.part(batch.bytes()),
                              .base = batch.base_offset(),
                              .next = batch.next_offset(),
                              .records = batch.records_count(),
                              .leader_epoch = batch.leader_epoch(),
                              .max_timestamp = batch.max_timestamp()});
    } else if (batch.is_control()) {
      ++plan.control_batches;
    } else {
      plan.records_skipped += batch.records_count();
    }
    plan.next_position = batch.next_offset();
    if (batch.leader_epoch() != LeaderEpoch()) plan.leader_epoch = batch.leader_epoch();
  }
  return plan;
}

}  // namespace longhaul::replicator
