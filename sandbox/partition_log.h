#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "protocol/record_batch.h"

namespace longhaul::sandbox {

/// Where one leader epoch begins in a log.
struct EpochStart {
  std::int32_t epoch = 0;
  std::int64_t start_offset = 0;
};

/// An epoch and where it ends; both -1 where the log does not know.
struct EpochEnd {
  std::int32_t epoch = -1;
  std::int64_t end_offset = -1;
};

/// Bytes of a log, and what keeps them alive.
struct LogSlice {
  ConstBytes bytes;
  /// Behind the last batch, also where that is cut.
  std::int64_t end_offset = -1;
  std::shared_ptr<const void> keep;
};

/// A record with its time; both -1 where there is none.
struct TimestampedOffset {
  std::int64_t timestamp = -1;
  std::int64_t offset = -1;
  std::int32_t leader_epoch = -1;
};

struct ReadLimits {
  std::size_t bytes_max = 0;
  /// Whether a first batch above the limit comes whole; otherwise nothing comes.
  bool whole_first_batch = true;
  /// Batches that reach this offset are not returned.
  std::int64_t end_offset = std::numeric_limits<std::int64_t>::max();
};

/// The batches of one partition in memory. Bytes are written once into segments that never move, so a reader
/// gets references and the log may go on, or drop the segment, meanwhile. All replicas are taken to hold the
/// same log, so the high watermark is the end.
class PartitionLog {
 public:
  static constexpr std::size_t kSegmentBytesMax = std::size_t{4} << 20;

  explicit PartitionLog(std::size_t segment_bytes_max = kSegmentBytesMax)
      : segment_bytes_max_(segment_bytes_max) {}

  [[nodiscard]] std::int64_t start_offset() const { return start_offset_; }
  [[nodiscard]] std::int64_t end_offset() const { return end_offset_; }
  /// Bytes of all batches that are held.
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

  /// Puts a batch at the end: `header` as it is to be stored, with its final offsets, and `payload`, both
  /// copied.
  void append(const protocol::BatchHeader& header, ConstBytes payload);

  /// From the batch that holds `offset` on, up to the end of its segment; the last batch may be cut. Nothing
  /// at the end. `offset` lies between start and end.
  [[nodiscard]] LogSlice read(std::int64_t offset, ReadLimits limits) const;
  /// How many bytes a read from `offset` has before it, and whether they begin in an older segment than the
  /// end of the log.
  struct Backlog {
    std::size_t bytes = 0;
    bool on_older_segment = false;
  };
  [[nodiscard]] Backlog backlog(std::int64_t offset,
                                std::int64_t end_offset = std::numeric_limits<std::int64_t>::max()) const;
  /// Calls `look` with each batch, in order.
  void for_each(const std::function<void(const protocol::RecordBatchView&)>& look) const;

  /// The first record at or after `timestamp`. Reads compressed batches.
  [[nodiscard]] TimestampedOffset find_timestamp(std::int64_t timestamp) const;
  /// The first record that has the largest timestamp.
  [[nodiscard]] TimestampedOffset find_max_timestamp() const;

  /// A leader begins at the end of the log.
  void begin_epoch(std::int32_t epoch);
  [[nodiscard]] EpochEnd epoch_end(std::int32_t epoch) const;
  /// Epoch of the last batch; -1 for an empty log.
  [[nodiscard]] std::int32_t last_epoch() const;
  /// Epoch of the records at `offset`.
  [[nodiscard]] std::int32_t epoch_at(std::int64_t offset) const;

  /// Moves the start; segments wholly below it go.
  void delete_before(std::int64_t offset);
  /// Drops segments from the front whose newest record is older than `oldest_ms`, and as long as more than
  /// `bytes_max` bytes would be left without them. Returns whether anything went.
  bool enforce_retention(std::int64_t oldest_ms, std::optional<std::size_t> bytes_max);
  /// Drops everything from `offset` on, and the whole batch that holds it. The bytes stay as long as somebody
  /// reads them.
  void truncate(std::int64_t offset);
  /// Puts `batches` in place of all that are there, as the log cleaner does: in order, inside of the range of
  /// offsets, which stays as it is.
  void replace(const std::vector<Bytes>& batches);
  [[nodiscard]] std::size_t segments() const { return segments_.size(); }
  /// Drops the oldest segment, with records that retention would keep. There is one.
  void drop_oldest_segment();

 private:
  struct BatchEntry {
    std::int64_t base_offset;
    std::int64_t last_offset;
    std::int64_t max_timestamp;
    std::uint32_t position;
    std::uint32_t size;
    std::int32_t leader_epoch;
  };
  struct Memory {
    explicit Memory(std::size_t size) : bytes(std::make_unique_for_overwrite<std::byte[]>(size)) {}
    std::unique_ptr<std::byte[]> bytes;
  };
  struct Segment {
    std::shared_ptr<Memory> memory;
    std::size_t capacity = 0;
    std::size_t used = 0;
    std::int64_t max_timestamp = -1;
    std::vector<BatchEntry> batches;
  };

  [[nodiscard]] std::deque<Segment>::const_iterator segment_of(std::int64_t offset) const;
  [[nodiscard]] static std::vector<BatchEntry>::const_iterator batch_of(const Segment& segment,
                                                                        std::int64_t offset);
  [[nodiscard]] TimestampedOffset find_in(const Segment& segment, const BatchEntry& entry,
                                          std::int64_t timestamp) const;
  /// Where in the segment the first batch begins that reaches `offset`.
  [[nodiscard]] static std::size_t position_of(const Segment& segment, std::int64_t offset);
  Segment& segment_with_room(std::size_t size);
  /// Copies a batch behind the others.
  protocol::RecordBatchView store(ConstBytes header, ConstBytes payload);
  void drop_front();
  void cut_epochs();

  std::size_t segment_bytes_max_;
  std::deque<Segment> segments_;
  std::vector<EpochStart> epochs_;
  std::int64_t start_offset_ = 0;
  std::int64_t end_offset_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace longhaul::sandbox
