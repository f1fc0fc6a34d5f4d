#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/ids.h"
#include "protocol/legacy_message.h"
#include "protocol/record.h"
#include "protocol/record_batch.h"

namespace longhaul::replicator {

/// A record as a consumer sees it. The views are valid until what they were read from moves on.
struct StreamRecord {
  Offset offset;
  std::int64_t timestamp = -1;
  /// The timestamp is the time of appending to this log, not what the producer set.
  bool is_append_time = false;
  protocol::NullableBytes key;
  protocol::NullableBytes value;
  protocol::RecordHeadersView headers;
};

/// Which time the records of a log with append times are given.
enum class AppendTimes {
  preserve,     ///< that of appending, as consumers of that log see it
  passthrough,  ///< what the producers set, where it is still there
};

/// Walks the records of one entry of a log, whatever its format: a batch of magic 2, a message of magic 0 or
/// 1, or a wrapper of those. The entry is held against its checksum, then unpacked; its bytes must outlive
/// the walk. Reusable, and keeps its memory.
class EntryReader {
 public:
  /// No entry may unpack to more than `unpacked_max` bytes.
  explicit EntryReader(std::size_t unpacked_max, AppendTimes append_times = AppendTimes::preserve)
      : unpacked_max_(unpacked_max), append_times_(append_times) {}

  /// Begins with an entry. Errors: RecordErrc (bad_checksum for damage), CodecErrc.
  [[nodiscard]] Result<void> open(const protocol::RecordBatchView& batch);
  [[nodiscard]] Result<void> open(const protocol::LegacyEntry& entry);

  /// The next record; offsets rise strictly and stay inside the entry's range. Nothing after the last one.
  /// Errors are final. The views are valid until the next open().
  [[nodiscard]] Result<std::optional<StreamRecord>> next();

  /// Of the entry that is open.
  [[nodiscard]] codecs::Compression compression() const { return compression_; }
  /// Its size when it is unpacked, in bytes.
  [[nodiscard]] std::size_t unpacked_size() const { return unpacked_size_; }
  /// Behind the range of the entry that is open.
  [[nodiscard]] Offset end() const { return end_; }

 private:
  [[nodiscard]] Result<void> unpack(ConstBytes packed, int magic);
  [[nodiscard]] Result<std::optional<StreamRecord>> next_legacy();

  std::size_t unpacked_max_;
  AppendTimes append_times_;
  Bytes unpacked_;
  std::size_t unpacked_size_ = 0;
  codecs::Compression compression_ = codecs::Compression::none;
  Offset end_;

  // Magic 2.
  std::optional<protocol::RecordBatchView> batch_;
  std::optional<protocol::RecordReader> records_;
  // Magic 0 and 1.
  protocol::LegacyMessageReader messages_{{}};
  int magic_ = 0;
  bool inside_wrapper_ = false;
  /// What is added to an offset inside the wrapper.
  std::int64_t offset_shift_ = 0;
  std::optional<std::int64_t> append_time_;
};

}  // namespace longhaul::replicator
