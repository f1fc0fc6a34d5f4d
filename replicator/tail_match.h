#pragma once

#include <deque>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/slab.h"
#include "protocol/record.h"
#include "protocol/record_batch.h"
#include "replicator/abort_filter.h"
#include "replicator/fence.h"
#include "replicator/offset_map.h"
#include "replicator/partition_pipeline.h"

namespace longhaul::replicator {

/// CRC-32C of a batch with its header fields from byte 21 to 60 set to zero: the same before and after
/// restamping. O(log size), the payload is not read.
[[nodiscard]] std::uint32_t payload_checksum(const protocol::BatchHeader& header, std::size_t payload_size);

/// The batches of which producers are ours. No producer id is given out twice, so each is ours under every
/// epoch.
struct OwnProducers {
  /// Those that a stored record names.
  std::vector<ProducerState> stored;
  /// The producer ids of the shard's transactional ids.
  std::vector<ProducerId> shard;
  [[nodiscard]] bool contains(ProducerId producer) const;
};

/// The records of one batch, one after the other. The views it gives are valid until the next one is read.
class BatchCursor {
 public:
  /// `batch`: a complete batch of magic 2. No batch may unpack to more than 128 MiB.
  [[nodiscard]] static Result<BatchCursor> open(Slice batch);
  [[nodiscard]] Result<protocol::RecordView> next();
  [[nodiscard]] protocol::RecordBatchView view() const;

 private:
  BatchCursor(Slice batch, Bytes payload) : batch_(std::move(batch)), payload_(std::move(payload)) {}
  Slice batch_;
  Bytes payload_;
  std::optional<protocol::RecordReader> reader_;
};

/// Finds out how far predecessors got: walks our batches on the target, from the stored target offset D to
/// our own marker, beside what is forwarded of the source from the stored source offset S on. Both must be
/// the same records in the same order.
///
/// A predecessor may have cut its batches differently (another limit, another build of a codec), so what
/// counts is the records. Where a batch has the same number of them and the same payload checksum on both
/// sides it is not decoded. The sequences of our batches count records: a gap in them is a lost batch, except
/// where the target's cleaner may have removed it; then they tell how many records to pass over.
///
/// Sans-I/O and streaming: holds one fetched set of each side at a time.
class TailMatch {
 public:
  struct Options {
    /// What was stored; `progress.producer` is the one that wrote last.
    Progress stored;
    OwnProducers ours;
    /// Where the walk begins (D, or the log start where that is later) and ends (our marker, or the log end).
    Offset begin;
    Offset end;
    /// The target's log may lack batches or records: it is compacted, or its start was deleted.
    bool cleaned = false;
    /// Log start of the source.
    Offset source_start = {};
    /// The same of the source: what the target holds of ours may be gone there. It is passed over where the
    /// source has a hole, and nowhere else.
    bool source_cleaned = false;
    /// Transactions of ours on the target that were aborted, found from `begin` on: nothing of them counts.
    std::vector<AbortedTransaction> aborted = {};
    /// With which the source's batches are planned.
    PassLimits limits;
    /// A batch of the source that is damaged, and not what stands on the target, is left out, as the
    /// predecessor may have done.
    bool skip_corrupt = false;
  };
  explicit TailMatch(Options options);

  [[nodiscard]] bool wants_target() const;
  /// Where to fetch on the target.
  [[nodiscard]] Offset target_position() const { return target_position_; }
  /// Takes a record set of the target, fetched at `target_position()`.
  [[nodiscard]] Result<void> add_target(const Slice& records);
  /// There is nothing between `target_position()` and the end.
  void nothing_left_on_target() { target_position_ = options_.end; }

  [[nodiscard]] bool wants_source() const;
  /// Where to fetch on the source.
  [[nodiscard]] Offset source_position() const { return source_position_; }
  /// Takes a record set of the source, fetched at `source_position()`.
  void add_source(const FetchedSet& set);
  /// What was added last is damaged and to be fetched once more.
  [[nodiscard]] bool reads_again() const { return reads_again_; }
  /// There is nothing at `source_position()` and behind it.
  void nothing_left_on_source();

  /// Where to go on, when neither side is wanted. The producer in it is the last one seen, under the epoch of
  /// its last marker: the target takes nothing from it under an earlier one.
  [[nodiscard]] Progress progress() const;
  /// Records of ours that were found on the target.
  [[nodiscard]] std::int64_t records() const { return records_; }
  /// The pairs found, for the offset map.
  [[nodiscard]] const std::vector<OffsetRun>& runs() const { return runs_; }
  /// Set when target and source do not fit together.
  [[nodiscard]] const std::optional<Stop>& stopped() const { return stop_; }

 private:
  /// A batch of ours on the target.
  struct Found {
    Slice bytes;
    Offset base;
    std::int32_t records = 0;  ///< by its range of offsets, which cleaning does not change
    std::int32_t sequence = 0;
    ProducerEpoch producer;
    bool is_dense = true;
    std::int32_t matched = 0;
    std::optional<BatchCursor> cursor;
  };
  struct Forwarded {
    PlannedBatch batch;
    std::int32_t matched = 0;
    std::optional<BatchCursor> cursor;
  };

  void match();
  /// The source's batch at `at`, which ends before `next`, does not match its checksum.
  void on_damaged(Offset at, Offset next, std::string detail);
  [[nodiscard]] bool check_sequence(const Found& found);
  [[nodiscard]] bool is_same_batch(const Found& found, const Forwarded& forwarded) const;
  [[nodiscard]] Result<bool> same_records(Found& found, Forwarded& forwarded, std::int32_t count) const;
  /// Compares what comes next on both sides, and passes over a record that the source does not have any more.
  [[nodiscard]] bool compare(Found& found, Forwarded& forwarded);
  /// Offsets that the source lacks between what was matched and `source_offset`.
  [[nodiscard]] std::int64_t hole_before(Offset source_offset) const;
  /// Up to `count` records of the target's front batch, or records that both cleaners took away, are gone
  /// from the source in front of offset `until`.
  void pass_over(std::int32_t count, Offset until);
  void pass_over_removed(Offset until);
  /// The source has nothing at so many offsets.
  void pass_hole(std::int32_t offsets);
  /// `count` more records of the target's front batch are settled.
  void on_matched(std::int32_t count);
  void take(std::int32_t count);
  void advance_source(std::int32_t count);
  void stop(Offset source_offset, std::string detail);

  Options options_;
  AbortFilter aborted_;
  Progress progress_;
  Offset target_position_;
  Offset source_position_;
  /// Behind the last source record that was matched: from here to the next one there may be a hole.
  Offset source_next_;
  std::deque<Found> target_;
  std::deque<Forwarded> source_;
  /// Next sequence of each producer of ours.
  std::map<ProducerEpoch, std::int32_t> sequences_;
  /// Highest epoch among the markers of each producer id of ours.
  std::map<ProducerId, std::int16_t> markers_;
  /// Records that the cleaner took away, still to be passed over on the source.
  std::int32_t removed_ = 0;
  bool front_checked_ = false;
  std::int64_t records_ = 0;
  std::vector<OffsetRun> runs_;
  /// How often in a row the batch that comes next was damaged.
  int damaged_looks_ = 0;
  bool reads_again_ = false;
  std::optional<Stop> stop_;
};

}  // namespace longhaul::replicator
