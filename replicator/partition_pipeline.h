#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "protocol/record_batch.h"
#include "replicator/offset_map.h"
#include "replicator/passthrough.h"
#include "replicator/stop_reason.h"

namespace longhaul::replicator {

/// Under which producer a partition's batches are stamped. `next_sequence` is the index of the next forwarded
/// record under this (id, epoch), modulo 2^31: that makes the target partition a compare-and-swap register
/// (docs/architecture.md).
struct ProducerState {
  ProducerId id;
  std::int16_t epoch = -1;
  std::int32_t next_sequence = 0;
  auto operator<=>(const ProducerState&) const = default;
};

/// The sequence `records` after `sequence`: they run from 0 to 2^31 - 1 and start again (KIP-98).
[[nodiscard]] std::int32_t advance_sequence(std::int32_t sequence, std::int32_t records);

/// What identifies the last acknowledged batch on the target.
struct Anchor {
  Offset target_base;
  std::int32_t records = 0;
  /// CRC-32C of the batch with its header fields from byte 21 to 60 set to zero: what restamping does not
  /// change. Derived from the batch CRC without reading the payload.
  std::uint32_t payload_crc = 0;
  /// Who wrote it; `next_sequence` is the sequence of its first record. None in records of older versions.
  ProducerState producer;
  auto operator<=>(const Anchor&) const = default;
};

/// Everything acknowledged so far, as it is stored (docs/decisions/040).
struct Progress {
  /// Next source offset to replicate; all before it is acknowledged, skipped or dropped.
  Offset source_offset;
  LeaderEpoch source_leader_epoch;
  /// Target offset behind the last acknowledged batch; none when nothing was written yet.
  Offset target_offset;
  ProducerState producer;
  std::optional<Anchor> anchor;
  bool operator==(const Progress&) const = default;
};

/// How the batches of a partition are written (docs/decisions/061).
enum class Regime {
  /// Idempotent, outside of transactions.
  live,
  /// In transactions of the target, together with the partition's position.
  transactional,
};

/// Whether `cleanup.policy` of the target topic has `compact` in it.
enum class TargetCleanup { other, compact };

/// What becomes of a partition whose source holds a damaged batch.
enum class CorruptBatches { stop, skip };

struct PipelineOptions {
  /// Bytes read ahead and not yet acknowledged at which reading stops.
  std::size_t window_bytes = std::size_t{4} << 20U;
  /// A broker remembers the last five batches of a producer: a retry within them is recognised.
  int in_flight_max = 5;
  /// Records older than this may be forgotten by the target's producer state at any time
  /// (`producer.id.expiration.ms` counts from batch timestamps), so such batches go one by one.
  milliseconds producer_memory = std::chrono::hours(12);
  Regime regime = Regime::live;
  /// Live only: a batch that is older than `producer_memory` is not sent, but stops the partition
  /// (`needs_transaction`) when all before it is acknowledged.
  bool old_needs_transaction = false;
  PassLimits limits;
  TargetCleanup target_cleanup = TargetCleanup::other;
  CorruptBatches corrupt_batches = CorruptBatches::stop;
  /// Off: batches carry no producer, and a window that failed is sent again whatever became of it.
  bool idempotent = true;
  /// Where a partition that cannot write keeps what it has to send again; null: outside every budget.
  SlabPool* pool = nullptr;
};

/// Counters of one partition since start. What is read again is counted again.
struct PipelineCounters {
  std::int64_t records = 0;
  std::int64_t batches = 0;
  std::int64_t bytes = 0;
  std::int64_t records_skipped = 0;
  std::int64_t control_batches = 0;
  std::int64_t retries = 0;
  /// Of `batches` and `records`, those that were written anew.
  std::int64_t reencoded_batches = 0;
  std::int64_t reencoded_records = 0;
  std::int64_t corrupt_batches_skipped = 0;
  /// Source offsets that were deleted before they were read.
  std::int64_t lost_offsets = 0;
};

/// Source offsets that are not replicated because their batch is damaged.
struct SkippedRange {
  Offset begin;
  Offset end;
};

/// One partition from source to target: where to read, which batches wait, which are under way, what is
/// acknowledged. Pure: a driver fetches what `fetch_offset` asks for and sends what `next_to_send` gives, and
/// reports back. Owned by its shard, lives on one core.
class PartitionPipeline {
 public:
  PartitionPipeline(Progress start, PipelineOptions options);

  // Reading.
  /// True while another fetch is welcome. Reading resumes only when half the window is free, in larger
  /// pieces.
  [[nodiscard]] bool wants_fetch() const;
  [[nodiscard]] Offset fetch_offset() const { return fetch_offset_; }
  [[nodiscard]] LeaderEpoch fetched_leader_epoch() const { return fetch_epoch_; }
  /// Takes what was fetched at `fetch_offset()`. A set that contradicts itself or begins with a damaged batch
  /// is fetched again; the third in a row stops the partition.
  void on_fetched(const FetchedSet& set);
  /// True when everything below the end seen last was read.
  [[nodiscard]] bool at_end() const { return fetch_offset_ >= end_; }
  /// End of the source partition by the last answer: high watermark, or last stable offset under
  /// read_committed.
  [[nodiscard]] Offset end() const { return end_; }
  void see_end(Offset end) { end_ = end; }
  /// The source's log was cut: of `cut.epoch` and those before it, it holds what lies below `cut.end`, and of
  /// later ones that were read nothing (Fetch's diverging epoch, KIP-595). What was read beyond is read again
  /// where none of it can have been sent; returns false, and changes nothing, where some of it was.
  struct Cut {
    LeaderEpoch epoch;
    Offset end;
  };
  [[nodiscard]] bool on_cut(Cut cut);
  /// Goes on reading at `offset`, above `fetch_offset()`: what lies between does not exist any more, and
  /// counts as lost.
  void skip_to(Offset offset);
  /// So many source offsets were deleted before this pipeline began.
  void count_lost(std::int64_t offsets) { counters_.lost_offsets += offsets; }

  // Writing.
  /// A batch on its way: its stamped header and its untouched payload.
  struct Outgoing {
    std::uint64_t number = 0;
    protocol::BatchHeader header;
    Slice payload;
    std::size_t size = 0;
  };
  /// True when `take_next` would give a batch at time `now`.
  [[nodiscard]] bool can_send(SteadyTime now, std::int64_t wall_ms) const;
  /// The next batch, stamped and counted as under way. Its result must be reported.
  [[nodiscard]] Outgoing take_next(std::int64_t wall_ms = 0);
  /// Stops a partition whose next batch must not be written outside of a transaction; true when it did.
  bool look_at_times(std::int64_t wall_ms);
  /// True when a batch waits that was not sent, or has to be sent again.
  [[nodiscard]] bool has_unsent() const { return !stop_ && next_ < window_.size(); }
  /// True when a batch that was sent before `number` failed and is not stored, so `number` had to fail too.
  [[nodiscard]] bool follows_failure(std::uint64_t number) const;
  /// When a failed window may be sent again; nullopt when nothing waits for a time.
  [[nodiscard]] std::optional<SteadyTime> retry_at() const {
    return stop_ || round_failed_ || !gate_lets_pass() ? std::nullopt : retry_at_;
  }

  /// The target stored batch `number` at `base`, or had stored it before.
  void on_acknowledged(std::uint64_t number, Offset base);
  /// What is known about a batch that failed.
  enum class Fate { not_stored, unknown };
  /// Batch `number` was refused in a way that passes, or its fate is unknown. When nothing is under way any
  /// more, the window is sent again from the first unacknowledged batch, with the same sequences, not before
  /// `retry_at`. A batch in doubt whose timestamps are older than the target's memory of producers stops the
  /// partition (`write_in_doubt`): sent again, it might be stored twice.
  void on_failed(std::uint64_t number, Fate fate, SteadyTime retry_at);
  /// Batch `number` was refused for good.
  void on_refused(std::uint64_t number, StopReason reason, std::string detail);

  /// The target found that batch `number` does not match its checksum, or the rules. Where it does match here
  /// it was damaged on the way, and is sent again like after any failure; the third time in a row stops the
  /// partition with `reason`. Where it does not, no target can have stored it, nor anything behind it: all of
  /// that is fetched again, with a look at the checksum, and a batch that stays damaged stops the partition
  /// or is skipped, by the options.
  void on_corrupt(std::uint64_t number, StopReason reason, std::string detail, SteadyTime retry_at);
  /// What was skipped since the last call.
  [[nodiscard]] std::vector<SkippedRange> take_skipped() { return std::exchange(skipped_, {}); }

  // Transactions. A partition of the transactional regime sends only while one is open for it.
  /// True when it has something to send and no transaction is open.
  [[nodiscard]] bool wants_transaction() const {
    return options_.regime == Regime::transactional && gate_ == Gate::shut && has_unsent();
  }
  /// A transaction of `producer` is open. Under another one than before, sequences begin at 0 again. Nothing
  /// may be under way.
  void open_transaction(ProducerState producer);
  /// No batch is sent any more that was not sent before.
  void close_transaction();
  /// The transaction is closed, and what was sent in it has come to its end.
  [[nodiscard]] bool is_settled() const;
  /// No other batch is sent until the next one is open.
  void end_transaction();
  /// Whether `progress()` is all that the target holds of ours: false when a batch was given up that may be
  /// stored.
  [[nodiscard]] bool is_certain() const { return !dropped_in_doubt_; }
  /// The anchor that may be lost, since this was asked last: no marker stands between it and what followed in
  /// the next transaction. Either the marker was lost, or the target has lost its tail.
  [[nodiscard]] std::optional<Anchor> take_doubted() { return std::exchange(doubted_, std::nullopt); }
  /// Whether a batch was sent, since this was asked last, that is older than the target's memory.
  [[nodiscard]] bool take_sent_old() { return std::exchange(sent_old_, false); }

  /// To be called while the partition cannot write, and done by itself when a round fails: reading rests
  /// until a batch is acknowledged, and the fetched slabs, which other partitions share, are let go. What the
  /// target may have seen, and at least one batch, is copied out of them; the rest is read again.
  void hold_back();

  /// Ends reading and writing. What waits is dropped, what is under way is dropped when its result comes.
  void stop(Stop stop);
  /// Ends reading at once, and the rest as `stop` does when all that was read is acknowledged.
  void stop_behind(Stop stop);
  /// Ends reading only: what waits is still written.
  void stop_reading() { reading_ = false; }
  [[nodiscard]] bool reading() const { return reading_; }
  [[nodiscard]] const std::optional<Stop>& stopped() const { return stop_; }
  /// True when nothing waits and nothing is under way, and nothing that was read was dropped.
  [[nodiscard]] bool idle() const { return window_.empty() && !dropped_; }
  [[nodiscard]] int in_flight() const { return in_flight_; }

  [[nodiscard]] Progress progress() const;
  /// Source offset below which everything is acknowledged, skipped or dropped.
  [[nodiscard]] Offset settled_offset() const;
  [[nodiscard]] OffsetMap& offset_map() { return map_; }
  [[nodiscard]] const PipelineCounters& counters() const { return counters_; }

 private:
  enum class Gate { open, closing, shut };
  /// Whether transactions let the next batch be sent.
  [[nodiscard]] bool gate_lets_pass() const {
    if (options_.regime == Regime::live || gate_ == Gate::open) return true;
    return gate_ == Gate::closing && next_ < window_.size() && window_[next_].seen_by_target;
  }
  enum class State { waiting, in_flight, acknowledged, failed };
  struct Entry {
    PlannedBatch batch;
    protocol::BatchHeader header{};
    std::int32_t sequence = 0;
    State state = State::waiting;
    bool seen_by_target = false;  ///< it was sent at least once
    bool in_doubt = false;        ///< the fate of an attempt is unknown: it may be stored, now or later
    bool old = false;             ///< the target may have forgotten it by the time it is sent again
    Offset target_base;
  };
  /// `damaged` is set where the anomaly is a batch that can be skipped.
  void on_anomaly(std::optional<Stop> stop, const std::optional<DamagedBatch>& damaged);
  /// Reading goes on at `position`, behind a batch of `epoch`. A batch that was written anew may end inside
  /// one of the source, so only a plan that ended between two batches says so.
  void read_from(Offset position, LeaderEpoch epoch, bool between_batches = false);
  void read_again_from(std::size_t index);
  /// Takes the batches from `index` on out of the window: what lies behind those before it is read again.
  void rewind(std::size_t index);
  [[nodiscard]] Entry& entry(std::uint64_t number);
  [[nodiscard]] bool is_old(std::int64_t timestamp, std::int64_t wall_ms) const;
  void settle_front();
  void settle(Entry& entry);
  void finish_round();
  void drop_window();
  void forget_unseen();

  PipelineOptions options_;
  Offset fetch_offset_;
  LeaderEpoch fetch_epoch_;
  Offset end_{0};
  bool reading_ = true;
  int anomalies_ = 0;
  std::vector<SkippedRange> skipped_;
  /// Where reading went on behind what was skipped last.
  Offset skipped_until_;

  std::deque<Entry> window_;
  std::uint64_t first_number_ = 0;
  std::size_t next_ = 0;  // index in window_ of the next batch to send
  int in_flight_ = 0;
  bool round_failed_ = false;
  /// The first batch of the round that is damaged.
  std::optional<std::uint64_t> round_damaged_;
  int corrupt_answers_ = 0;  ///< in a row, to batches that are whole
  bool old_in_doubt_ = false;
  /// The window is in copies of its own and nothing is read.
  bool held_back_ = false;
  /// Where the regime is transactional.
  Gate gate_ = Gate::shut;
  bool sent_old_ = false;
  bool begins_transaction_ = false;
  std::optional<Anchor> doubted_;
  /// A batch was dropped that the target may hold.
  bool dropped_in_doubt_ = false;
  /// Batches were read and dropped: the position is behind what was read.
  bool dropped_ = false;
  /// The target knows our producer here. Before it does, it takes any first sequence, so a second batch under
  /// way could be stored although the first one failed.
  bool established_ = false;
  /// Newest timestamp of the last acknowledged batch: the target remembers us by it.
  std::int64_t last_timestamp_ = -1;
  std::size_t window_bytes_ = 0;
  std::optional<SteadyTime> retry_at_;

  std::int32_t planned_sequence_ = 0;
  Progress progress_;
  OffsetMap map_;
  /// Header and size of the last acknowledged batch, from which the anchor's CRC is derived when asked for.
  protocol::BatchHeader last_header_{};
  std::size_t last_size_ = 0;
  std::optional<Stop> stop_;
  std::optional<Stop> pending_stop_;  // takes effect when the batches before it are acknowledged
  PipelineCounters counters_;
};

}  // namespace longhaul::replicator
