#include "replicator/partition_pipeline.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "replicator/tail_match.h"

namespace longhaul::replicator {
namespace {

constexpr int kAnomaliesTolerated = 2;

}  // namespace

std::int32_t advance_sequence(std::int32_t sequence, std::int32_t records) {
  return static_cast<std::int32_t>((static_cast<std::int64_t>(sequence) + records) & 0x7FFFFFFF);
}

PartitionPipeline::PartitionPipeline(Progress start, PipelineOptions options)
    : options_(options),
      fetch_offset_(start.source_offset),
      fetch_epoch_(start.source_leader_epoch),
      planned_sequence_(start.producer.next_sequence),
      progress_(std::move(start)) {
  options_.limits.pool = options_.pool;
}

bool PartitionPipeline::wants_fetch() const {
  return reading_ && !held_back_ && !stop_ && !pending_stop_ && window_bytes_ <= options_.window_bytes / 2;
}

void PartitionPipeline::on_fetched(const FetchedSet& set) {
  if (!reading_ || stop_ || pending_stop_) return;
  end_ = set.last_stable_offset;
  options_.limits.believes_gap = anomalies_ >= kAnomaliesTolerated;
  auto plan = plan_passthrough(set, fetch_offset_, fetch_epoch_, options_.limits);
  if (plan.anomaly) return on_anomaly(std::move(plan.anomaly), std::nullopt);
  if (plan.damaged && plan.next_position == fetch_offset_) {
    // What stands before it was taken from earlier sets.
    return on_anomaly(Stop{StopReason::corrupt_batch, plan.next_position, plan.damaged->detail},
                      plan.damaged);
  }
  anomalies_ = 0;
  const bool goes_on = plan.next_position != fetch_offset_;
  read_from(plan.next_position, plan.leader_epoch, goes_on ? !plan.damaged : options_.limits.between_batches);
  counters_.records_skipped += plan.records_skipped;
  counters_.control_batches += plan.control_batches;
  for (auto& batch : plan.batches) {
    window_bytes_ += batch.bytes.size();
    const auto sequence = planned_sequence_;
    planned_sequence_ = advance_sequence(planned_sequence_, batch.records);
    window_.push_back({.batch = std::move(batch), .sequence = sequence});
  }
  pending_stop_ = std::move(plan.stop);
  settle_front();
}

void PartitionPipeline::read_from(Offset position, LeaderEpoch epoch, bool between_batches) {
  fetch_offset_ = position;
  fetch_epoch_ = epoch;
  options_.limits.between_batches = between_batches;
}

void PartitionPipeline::on_anomaly(std::optional<Stop> stop, const std::optional<DamagedBatch>& damaged) {
  if (++anomalies_ > kAnomaliesTolerated) {
    if (damaged && options_.corrupt_batches == CorruptBatches::skip) {
      skipped_.push_back({fetch_offset_, damaged->next});
      ++counters_.corrupt_batches_skipped;
      anomalies_ = 0;
      // What the batch says of its epoch is as good as the rest of it.
      read_from(damaged->next, LeaderEpoch());
      skipped_until_ = fetch_offset_;
    } else {
      pending_stop_ = std::move(stop);
    }
  }
  settle_front();
}

bool PartitionPipeline::on_cut(Cut cut) {
  const auto remains = [cut](Offset next, LeaderEpoch epoch) {
    return next <= cut.end && epoch != LeaderEpoch() && epoch <= cut.epoch;
  };
  const auto gone = std::ranges::find_if(
      window_, [&](const Entry& entry) { return !remains(entry.batch.next, entry.batch.leader_epoch); });
  // A position that came without an epoch, before records of ours, is good by its place alone.
  const bool is_bare = !progress_.anchor && progress_.source_leader_epoch == LeaderEpoch();
  const bool begins_well = is_bare ? progress_.source_offset <= cut.end
                                   : remains(progress_.source_offset, progress_.source_leader_epoch);
  if (gone == window_.begin() && !begins_well) return false;
  if (gone != window_.end() && gone->seen_by_target) return false;
  // What was skipped need not be what the log holds there now; if it is, it is met again.
  skipped_until_ = Offset();
  anomalies_ = 0;
  rewind(static_cast<std::size_t>(gone - window_.begin()));
  return true;
}

void PartitionPipeline::skip_to(Offset offset) {
  LH_CHECK(offset > fetch_offset_);
  count_lost(offset - fetch_offset_);
  read_from(offset, LeaderEpoch());
  skipped_until_ = offset;
}

bool PartitionPipeline::is_old(std::int64_t timestamp, std::int64_t wall_ms) const {
  return timestamp < wall_ms - options_.producer_memory.count();
}

bool PartitionPipeline::can_send(SteadyTime now, std::int64_t wall_ms) const {
  if (stop_ || round_failed_ || next_ >= window_.size() || in_flight_ >= options_.in_flight_max) return false;
  if (retry_at_ && now < *retry_at_) return false;
  if (options_.regime == Regime::transactional) {
    if (!gate_lets_pass()) return false;
    // An open transaction keeps its producer from being forgotten, and its end marks it as of now.
    return in_flight_ == 0 || established_;
  }
  if (options_.old_needs_transaction && is_old(window_[next_].batch.max_timestamp, wall_ms)) return false;
  if (in_flight_ == 0 || !options_.idempotent) return true;
  // After a long silence the target has forgotten us and takes any first sequence again.
  return established_ && !is_old(last_timestamp_, wall_ms) &&
         !is_old(window_[next_].batch.max_timestamp, wall_ms) &&
         !is_old(window_[next_ - 1].batch.max_timestamp, wall_ms);
}

PartitionPipeline::Outgoing PartitionPipeline::take_next(std::int64_t wall_ms) {
  LH_CHECK(next_ < window_.size());
  auto& next = window_[next_];
  LH_CHECK(next.state == State::waiting);
  retry_at_.reset();
  const auto view = protocol::RecordBatchView::parse(next.batch.bytes.bytes());
  LH_CHECK(view.has_value());
  const bool transactional = options_.regime == Regime::transactional;
  next.header = options_.idempotent ? protocol::restamped(*view, {.producer_id = progress_.producer.id,
                                                                  .producer_epoch = progress_.producer.epoch,
                                                                  .base_sequence = next.sequence,
                                                                  .transactional = transactional})
                                    : protocol::restamped(*view, {});
  const bool is_old_batch = is_old(next.batch.max_timestamp, wall_ms);
  next.old = options_.idempotent && !transactional && is_old_batch;
  sent_old_ = sent_old_ || is_old_batch;
  next.state = State::in_flight;
  next.seen_by_target = true;
  ++in_flight_;
  const auto number = first_number_ + next_++;
  return {.number = number,
          .header = next.header,
          .payload = next.batch.bytes.part(view->payload()),
          .size = next.batch.bytes.size()};
}

PartitionPipeline::Entry& PartitionPipeline::entry(std::uint64_t number) {
  LH_CHECK(number >= first_number_ && number - first_number_ < window_.size());
  auto& found = window_[number - first_number_];
  LH_CHECK(found.state == State::in_flight);
  return found;
}

bool PartitionPipeline::follows_failure(std::uint64_t number) const {
  const auto end = window_.begin() + static_cast<std::ptrdiff_t>(number - first_number_);
  return std::any_of(window_.begin(), end, [](const Entry& e) { return e.state == State::failed; });
}

void PartitionPipeline::on_acknowledged(std::uint64_t number, Offset base) {
  auto& acknowledged = entry(number);
  acknowledged.state = State::acknowledged;
  acknowledged.target_base = base;
  held_back_ = false;
  corrupt_answers_ = 0;
  --in_flight_;
  settle_front();
  finish_round();
}

void PartitionPipeline::on_failed(std::uint64_t number, Fate fate, SteadyTime retry_at) {
  auto& failed = entry(number);
  failed.state = State::failed;
  --in_flight_;
  if (fate == Fate::unknown) {
    failed.in_doubt = true;
    old_in_doubt_ = old_in_doubt_ || failed.old;
  }
  ++counters_.retries;
  round_failed_ = true;
  retry_at_ = retry_at_ ? std::max(*retry_at_, retry_at) : retry_at;
  finish_round();
}

void PartitionPipeline::on_refused(std::uint64_t number, StopReason reason, std::string detail) {
  auto& refused = entry(number);
  refused.state = State::failed;
  --in_flight_;
  round_failed_ = true;
  const auto offset = refused.batch.base;
  if (reason == StopReason::target_refused && options_.target_cleanup == TargetCleanup::compact) {
    // Compacted topics take no record without key, and a broker then refuses the whole batch.
    const auto keyless = first_without_key(refused.batch, options_.limits.unpacked_max);
    if (keyless) {
      reason = StopReason::key_missing;
      detail = fmt::format("source offset {}: {}", *keyless, detail);
    }
  }
  stop({reason, offset, std::move(detail)});
  finish_round();
}

void PartitionPipeline::on_corrupt(std::uint64_t number, StopReason reason, std::string detail,
                                   SteadyTime retry_at) {
  const auto view = protocol::RecordBatchView::parse(entry(number).batch.bytes.bytes());
  if (view && view->has_valid_crc()) {
    if (++corrupt_answers_ > kAnomaliesTolerated) {
      on_refused(number, reason, std::move(detail));
    } else {
      on_failed(number, Fate::not_stored, retry_at);
    }
    return;
  }
  round_damaged_ = std::min(round_damaged_.value_or(number), number);
  on_failed(number, Fate::not_stored, retry_at);
}

void PartitionPipeline::read_again_from(std::size_t index) {
  const auto& damaged = window_[index];
  const auto stored = std::find_if(window_.begin() + static_cast<std::ptrdiff_t>(index), window_.end(),
                                   [](const Entry& entry) { return entry.state == State::acknowledged; });
  if (stored != window_.end()) {
    stop({StopReason::target_order_broken, damaged.batch.base,
          fmt::format("source offset {} is stored at target offset {}, but the batch at source offset {} is "
                      "damaged",
                      stored->batch.base, stored->target_base, damaged.batch.base)});
    return;
  }
  const auto may_come = std::any_of(window_.begin() + static_cast<std::ptrdiff_t>(index), window_.end(),
                                    [](const Entry& entry) { return entry.in_doubt; });
  if (may_come && options_.corrupt_batches == CorruptBatches::skip) {
    // It may still arrive, under the sequence that another batch gets when the damaged one is left out.
    stop({StopReason::write_in_doubt, damaged.batch.base, {}});
    return;
  }
  options_.limits.verify_below = damaged.batch.next;
  rewind(index);
  settle_front();  // nothing may be left in front of a stop
}

void PartitionPipeline::rewind(std::size_t index) {
  const bool is_all = index == window_.size();
  if (!is_all) planned_sequence_ = window_[index].sequence;
  // Right behind the batch before it, so that offset and leader epoch belong together: what lies between the
  // two, control batches for example, may have another epoch.
  if (index > 0) {
    const auto& last = window_[index - 1].batch;
    read_from(last.next, last.leader_epoch);
  } else {
    read_from(progress_.source_offset, progress_.source_leader_epoch);
  }
  if (skipped_until_ > fetch_offset_ && (is_all || skipped_until_ <= window_[index].batch.base)) {
    read_from(skipped_until_, LeaderEpoch());
  }
  if (reading_) pending_stop_.reset();  // it lies behind and is met again
  while (window_.size() > index) {
    window_bytes_ -= window_.back().batch.bytes.size();
    window_.pop_back();
  }
  // Nothing is left that an acknowledgement could come for.
  if (window_.empty()) held_back_ = false;
}

void PartitionPipeline::settle(Entry& front) {
  if (front.target_base < progress_.target_offset) {
    stop({StopReason::target_order_broken, front.batch.base,
          fmt::format("acknowledged at target offset {}, but offset {} was acknowledged before",
                      front.target_base, progress_.target_offset.value() - 1)});
    return;
  }
  const bool begins = std::exchange(begins_transaction_, false);
  if (begins && front.target_base == progress_.target_offset) doubted_ = progress().anchor;
  for_each_run(front.batch, front.target_base, [&](const OffsetRun& run) { map_.add(run); });
  progress_.source_offset = front.batch.next;
  if (front.batch.leader_epoch != LeaderEpoch()) progress_.source_leader_epoch = front.batch.leader_epoch;
  progress_.target_offset = front.target_base + front.batch.records;
  progress_.producer.next_sequence = advance_sequence(front.sequence, front.batch.records);
  progress_.anchor = Anchor{.target_base = front.target_base,
                            .records = front.batch.records,
                            .producer = {progress_.producer.id, progress_.producer.epoch, front.sequence}};
  last_header_ = front.header;
  last_size_ = front.batch.bytes.size();
  established_ = true;
  last_timestamp_ = front.batch.max_timestamp;
  counters_.records += front.batch.records;
  ++counters_.batches;
  counters_.bytes += static_cast<std::int64_t>(last_size_);
  if (front.batch.reencoded) {
    ++counters_.reencoded_batches;
    counters_.reencoded_records += front.batch.records;
  }
}

void PartitionPipeline::settle_front() {
  while (!stop_ && !window_.empty() && window_.front().state == State::acknowledged) {
    settle(window_.front());  // may stop, and then has dropped the window
    if (stop_) return;
    window_bytes_ -= window_.front().batch.bytes.size();
    window_.pop_front();
    ++first_number_;
    --next_;
  }
  if (window_.empty() && pending_stop_ && !stop_) stop_ = std::exchange(pending_stop_, std::nullopt);
}

void PartitionPipeline::finish_round() {
  if (stop_) drop_window();
  if (!round_failed_ || in_flight_ > 0 || stop_) return;
  round_failed_ = false;
  established_ = false;
  if (std::exchange(old_in_doubt_, false)) {
    stop({StopReason::write_in_doubt, window_.front().batch.base, {}});
    return;
  }
  if (const auto damaged = std::exchange(round_damaged_, std::nullopt)) {
    read_again_from(*damaged - first_number_);
    if (stop_) return;
  }
  const Entry* missing = nullptr;
  for (auto& again : window_) {
    if (again.state == State::acknowledged && missing != nullptr) {
      stop({StopReason::target_order_broken, missing->batch.base,
            fmt::format("source offset {} is stored at target offset {}, but source offset {} is not stored",
                        again.batch.base, again.target_base, missing->batch.base)});
      return;
    }
    // Behind a batch in doubt this is no contradiction: sent again, both are recognised and answered as
    // before. The doubt stays: that an attempt was refused says nothing about those before it.
    const bool is_missing = again.state == State::failed && !again.in_doubt && options_.idempotent;
    if (is_missing && missing == nullptr) missing = &again;
    again.state = State::waiting;
  }
  next_ = 0;
  hold_back();
}

void PartitionPipeline::hold_back() {
  if (held_back_ || stop_ || in_flight_ > 0 || window_.empty()) return;
  held_back_ = true;
  // When reading has ended for good, what was read is still to be written.
  if (reading_) forget_unseen();
  for (auto& kept : window_) {
    if (kept.batch.reencoded) continue;  // it is in a slab of its own
    const auto bytes = kept.batch.bytes.bytes();
    kept.batch.bytes = options_.pool != nullptr ? options_.pool->copy(bytes) : Slice::copy_of(bytes);
  }
}

void PartitionPipeline::forget_unseen() {
  std::size_t kept = 1;
  while (kept < window_.size() && window_[kept].seen_by_target) ++kept;
  if (kept == window_.size()) return;
  rewind(kept);
}

void PartitionPipeline::stop(Stop stop) {
  reading_ = false;
  if (!stop_) stop_ = std::move(stop);
  drop_window();
}

void PartitionPipeline::stop_behind(Stop stop) {
  reading_ = false;
  if (!pending_stop_) pending_stop_ = std::move(stop);
  settle_front();
}

void PartitionPipeline::drop_window() {
  // The slabs behind the window are shared with other partitions; a stopped one must not hold them.
  dropped_ = dropped_ || !window_.empty();
  while (!window_.empty() && window_.back().state != State::in_flight) {
    const auto& last = window_.back();
    dropped_in_doubt_ = dropped_in_doubt_ || last.in_doubt || last.state == State::acknowledged;
    window_.pop_back();
  }
  next_ = window_.size();
}

Offset PartitionPipeline::settled_offset() const {
  return idle() ? fetch_offset_ : progress_.source_offset;
}

Progress PartitionPipeline::progress() const {
  auto now = progress_;
  now.source_offset = settled_offset();
  // Behind what was skipped it is unknown, and the one before says nothing of this place.
  if (idle()) now.source_leader_epoch = fetch_epoch_;
  if (now.anchor && last_size_ > 0) {
    now.anchor->payload_crc = payload_checksum(last_header_, last_size_ - last_header_.size());
  }
  return now;
}

}  // namespace longhaul::replicator
