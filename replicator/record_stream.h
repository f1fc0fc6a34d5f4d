#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "base/ids.h"
#include "base/slab.h"
#include "protocol/record.h"
#include "protocol/record_batch.h"
#include "replicator/abort_filter.h"
#include "replicator/entry_reader.h"

namespace longhaul::replicator {

/// Offsets from `begin` to before `end`.
struct OffsetRange {
  Offset begin;
  Offset end;
};

/// The records of one partition in order, out of what Fetch answers hold: batches are checked, decompressed
/// one at a time and walked; control batches, aborted transactions and offsets outside the range are left
/// out. Offsets may have holes. Sans-I/O: the driver fetches at fetch_offset() whenever wants_fetch(), and
/// hands over what came.
class RecordStream {
 public:
  /// No batch may unpack to more than `payload_max` bytes.
  RecordStream(OffsetRange range, std::size_t payload_max, AppendTimes append_times = AppendTimes::preserve);

  [[nodiscard]] const OffsetRange& range() const { return range_; }
  /// Where the next fetch reads.
  [[nodiscard]] Offset fetch_offset() const { return fetch_offset_; }
  /// Whether another fetch is wanted: something is left to read, and little is waiting.
  [[nodiscard]] bool wants_fetch() const { return fetch_offset_ < range_.end && sets_.size() < kSetsMax; }
  /// Takes the records fetched at fetch_offset(); `aborted` is the answer's list under read_committed. Fails
  /// when there is no complete entry in it, so that reading would never get further.
  [[nodiscard]] Result<void> feed(Slice records, std::vector<AbortedTransaction> aborted);
  /// The log holds nothing between fetch_offset() and the end of the range (compaction may have removed it).
  void nothing_left() { fetch_offset_ = range_.end; }
  /// Reads on to a later end.
  void extend(Offset end);
  /// Gives up what was fetched, and reads on from `offset`.
  void read_from(Offset offset);
  /// Where read_from() goes on with the record behind the current one.
  [[nodiscard]] Offset resume_offset() const {
    return sets_.empty() && !entry_offset_ ? fetch_offset_ : position_;
  }

  /// Moves to the next record; false when that needs another fetch or when there is none, see finished(). An
  /// error is final and names the offset, as of damaged batches.
  [[nodiscard]] Result<bool> advance();
  /// The record that the last successful advance() moved to.
  [[nodiscard]] const StreamRecord& current() const { return current_; }
  /// Everything in the range was read.
  [[nodiscard]] bool finished() const;
  /// Behind the last record or batch that was read.
  [[nodiscard]] Offset position() const { return position_; }

 private:
  static constexpr std::size_t kSetsMax = 2;
  struct Set {
    Slice records;
    AbortFilter aborted;
    protocol::RecordSetReader reader;
  };

  [[nodiscard]] Result<bool> next_record();
  [[nodiscard]] Result<void> open(const protocol::RecordSetEntry& entry, AbortFilter& aborted);

  OffsetRange range_;
  Offset fetch_offset_;
  Offset position_;
  std::deque<Set> sets_;
  EntryReader entry_;
  /// Of the entry that is open; nothing when none is.
  std::optional<Offset> entry_offset_;
  StreamRecord current_;
};

}  // namespace longhaul::replicator
