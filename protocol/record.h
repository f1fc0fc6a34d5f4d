#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "base/result.h"
#include "protocol/record_batch.h"

namespace longhaul::protocol {

/// Absent for a null key or value, which is not the same as an empty one.
using NullableBytes = std::optional<ConstBytes>;

struct RecordHeader {
  ConstBytes key;
  NullableBytes value;
};

/// The headers of one record, in their order; keys may repeat. Only a RecordReader makes a non-empty one,
/// after it has checked every length, so walking it cannot fail.
class RecordHeadersView {
 public:
  RecordHeadersView() = default;
  [[nodiscard]] std::int32_t count() const { return count_; }
  /// The headers as they are encoded, without their count.
  [[nodiscard]] ConstBytes bytes() const { return bytes_; }

  class Iterator {
   public:
    [[nodiscard]] const RecordHeader& operator*() const { return current_; }
    [[nodiscard]] const RecordHeader* operator->() const { return &current_; }
    Iterator& operator++();
    [[nodiscard]] bool operator==(const Iterator& other) const { return left_ == other.left_; }

   private:
    friend class RecordHeadersView;
    Iterator(ConstBytes rest, std::int32_t left) : rest_(rest), left_(left) { load(); }
    void load();

    ConstBytes rest_;
    /// Headers from the current one on.
    std::int32_t left_ = 0;
    RecordHeader current_;
  };

  [[nodiscard]] Iterator begin() const { return {bytes_, count_}; }
  [[nodiscard]] Iterator end() const { return {{}, 0}; }

 private:
  friend class RecordReader;
  RecordHeadersView(ConstBytes bytes, std::int32_t count) : bytes_(bytes), count_(count) {}

  ConstBytes bytes_;
  std::int32_t count_ = 0;
};

/// One record, as views into the payload it was read from.
struct RecordView {
  /// No bit of it has a meaning yet.
  std::int8_t attributes = 0;
  /// Milliseconds from the batch's base timestamp on; record_timestamp() gives the time that consumers see.
  std::int64_t timestamp_delta = 0;
  std::int32_t offset_delta = 0;
  NullableBytes key;
  NullableBytes value;
  RecordHeadersView headers;
};

/// Milliseconds since the epoch, -1 for none: the batch's append time where the log's times are append times,
/// otherwise what the producer set.
[[nodiscard]] std::int64_t record_timestamp(const RecordBatchView& batch, const RecordView& record);

/// What the producer set, also where the log's times are append times.
[[nodiscard]] std::int64_t create_timestamp(const RecordBatchView& batch, const RecordView& record);

/// Reads the records of an uncompressed payload, trusting nothing: every length is held against the bytes
/// that are left, and offset deltas must rise strictly within the batch's range. Allocates nothing.
class RecordReader {
 public:
  /// `payload`: the decompressed records of `batch`; must outlive the records read.
  RecordReader(const RecordBatchView& batch, ConstBytes payload)
      : RecordReader(payload, batch.records_count(), batch.last_offset_delta()) {}
  RecordReader(ConstBytes payload, std::int32_t records_count, std::int32_t last_offset_delta)
      : rest_(payload), left_(records_count), last_offset_delta_(last_offset_delta) {}

  /// The next record; nothing after the last one. An error (RecordErrc) is final and also comes when bytes
  /// are left behind the last record.
  [[nodiscard]] Result<std::optional<RecordView>> next();

 private:
  [[nodiscard]] Result<RecordView> read_record();

  ConstBytes rest_;
  std::int32_t left_;
  std::int32_t last_offset_delta_;
  std::int32_t previous_delta_ = -1;
};

/// Kinds of control records (KIP-98 and later); others may come and are skipped like these.
enum class ControlType : std::int16_t { abort = 0, commit = 1, leader_change = 2 };

/// What a control batch says; nothing for one that compaction emptied. An error for a batch that is not
/// readable as a control batch, which is never compressed and has a versioned key.
[[nodiscard]] Result<std::optional<ControlType>> control_type(const RecordBatchView& batch);

/// A record to be written; all bytes are copied.
struct NewRecord {
  std::int64_t timestamp = -1;
  NullableBytes key;
  NullableBytes value;
  std::span<const RecordHeader> headers;
};

/// What a batch's header says besides its records.
struct BatchOptions {
  codecs::Compression compression = codecs::Compression::none;
  ProducerStamp producer;
  /// Bits above the compression type, see batch_layout; a producer leaves them 0 (`producer` adds its own).
  std::int16_t attribute_bits = 0;
  /// Producers leave base offset and leader epoch to the broker.
  std::int64_t base_offset = 0;
  std::int32_t leader_epoch = -1;
  /// Where the batch's range ends; by default at its last record, as producers do.
  std::optional<std::int32_t> last_offset_delta;
  /// The append time, for batches with the LogAppendTime bit; by default the largest timestamp of the
  /// records.
  std::optional<std::int64_t> max_timestamp;
};

/// Writes records into one batch of magic 2. The caller compresses payload() if it wants to and asks for the
/// header that belongs to the result. Reusable after clear(), which keeps the memory.
class BatchBuilder {
 public:
  /// Appends at the next offset. An error (RecordErrc::too_large) leaves the batch as it was.
  [[nodiscard]] Result<void> add(const NewRecord& record) { return add_at(next_delta_, record); }
  /// Appends at a given place in the batch, above all before it.
  [[nodiscard]] Result<void> add_at(std::int64_t offset_delta, const NewRecord& record);

  [[nodiscard]] std::int32_t records_count() const { return count_; }
  [[nodiscard]] bool empty() const { return count_ == 0; }
  /// Bytes of header and uncompressed records.
  [[nodiscard]] std::size_t size() const { return batch_layout::kHeaderSize + payload_.size(); }
  /// The uncompressed records; valid until the next change.
  [[nodiscard]] ConstBytes payload() const { return payload_; }

  /// The header for `stored_payload`, which is payload() compressed with `options.compression`.
  /// An error (RecordErrc::too_large) when the batch would not fit its length field.
  [[nodiscard]] Result<BatchHeader> finish(const BatchOptions& options, ConstBytes stored_payload) const;
  void clear();

 private:
  Bytes payload_;
  std::int32_t count_ = 0;
  std::int64_t next_delta_ = 0;
  std::int64_t base_timestamp_ = -1;
  std::int64_t max_timestamp_ = -1;
};

}  // namespace longhaul::protocol
