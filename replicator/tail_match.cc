#include "replicator/tail_match.h"

#include "codecs/crc32c.h"

namespace longhaul::replicator {
namespace {

using protocol::RecordBatchView;
namespace layout = protocol::batch_layout;

}  // namespace

std::uint32_t payload_checksum(const protocol::BatchHeader& header, std::size_t payload_size) {
  const auto fields = ConstBytes(header).subspan(layout::kChecksummedFrom);
  const protocol::BatchHeader zero{};
  return codecs::crc32c::replaced_prefix(load_be<std::uint32_t>(header, layout::kCrcAt), fields,
                                         ConstBytes(zero).first(fields.size()), payload_size);
}

Result<void> TailMatch::add_target(ConstBytes records) {
  protocol::RecordSetReader reader(records);
  while (const auto entry = reader.next()) {
    if (!std::holds_alternative<RecordBatchView>(*entry)) {
      return fail(protocol::make_error_code(protocol::RecordErrc::unsupported_magic),
                  "target batch at offset {}", target_position());
    }
    const auto& batch = std::get<RecordBatchView>(*entry);
    const bool seen = batch.base_offset() < target_position();
    target_position_ = batch.next_offset();
    const bool ours = batch.producer_id() == progress_.producer.id &&
                      batch.producer_epoch() == progress_.producer.epoch && !batch.is_control();
    if (seen || !ours) continue;
    appended_.push_back({.base = batch.base_offset(),
                         .records = batch.records_count(),
                         .sequence = batch.base_sequence(),
                         .checksum = payload_checksum(batch.header(), batch.payload().size())});
  }
  return {};
}

void TailMatch::add_source(const FetchedSet& set) {
  auto plan = plan_passthrough(set, source_position(), progress_.source_leader_epoch, limits_);
  const auto stop = [&](Offset offset, std::string detail) {
    stop_ = Stop{StopReason::state_mismatch, offset, std::move(detail)};
  };
  if (plan.anomaly) {
    stop_ = std::move(plan.anomaly);
    return;
  }
  if (plan.damaged && plan.next_position == source_position()) {
    stop_ = Stop{StopReason::corrupt_batch, plan.next_position, std::move(plan.damaged->detail)};
    return;
  }
  for (const auto& batch : plan.batches) {
    if (appended_.empty()) return;
    const auto& found = appended_.front();
    const auto view = RecordBatchView::parse(batch.bytes.bytes());
    const auto checksum = payload_checksum(view->header(), view->payload().size());
    if (found.sequence != progress_.producer.next_sequence || found.records != batch.records ||
        found.checksum != checksum) {
      stop(batch.base,
           fmt::format("target offset {} holds a batch of ours (sequence {}, {} records) that is not the one "
                       "at source offset {} (sequence {}, {} records)",
                       found.base, found.sequence, found.records, batch.base,
                       progress_.producer.next_sequence, batch.records) +
               (found.checksum == checksum
                    ? ""
                    : "; their contents differ (a remote topic whose compression.type is not "
                      "'producer' compresses anew)"));
      return;
    }
    progress_.source_offset = batch.next;
    if (batch.leader_epoch != LeaderEpoch()) progress_.source_leader_epoch = batch.leader_epoch;
    progress_.target_offset = found.base + found.records;
    progress_.producer.next_sequence = advance_sequence(progress_.producer.next_sequence, found.records);
    progress_.anchor = Anchor{.target_base = found.base, .records = found.records, .payload_crc = checksum};
    for_each_run(batch, found.base, [&](const OffsetRun& run) { runs_.push_back(run); });
    appended_.pop_front();
  }
  source_position_ = plan.next_position;
  if (plan.stop && !appended_.empty()) {
    stop(plan.stop->source_offset, "the target holds records of ours that cannot be compared: " +
                                       std::string(describe(plan.stop->reason)));
  }
}

}  // namespace longhaul::replicator
