#pragma once

#include <array>
#include <boost/system/error_code.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <variant>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/result.h"
#include "codecs/compression.h"

namespace longhaul::protocol {

/// What can be wrong with record batches and records that a peer sent.
enum class RecordErrc {
  truncated = 1,      ///< the bytes end before the entry does
  bad_length,         ///< a length is negative, or too small or too large for what it must hold
  unsupported_magic,  ///< not the record format that was expected here
  bad_count,          ///< the record count is negative, or does not fit the offsets or the payload
  bad_offset,         ///< an offset is negative or runs past the end of the number range
  bad_varint,         ///< a variable-length integer is longer than its type
  trailing_bytes,     ///< bytes are left behind the last record
  out_of_order,       ///< offset deltas do not rise, or leave the batch's range
  bad_checksum,       ///< the stored checksum does not match the bytes
  too_large,          ///< what is to be written does not fit the format
};

[[nodiscard]] const boost::system::error_category& record_category();
[[nodiscard]] inline ErrorCode make_error_code(RecordErrc code) {
  return {static_cast<int>(code), record_category()};
}

/// Places in the 61-byte header of a record batch (magic 2), big endian. Kafka documentation, "Record Batch".
namespace batch_layout {
constexpr std::size_t kBaseOffsetAt = 0;
constexpr std::size_t kLengthAt = 8;
constexpr std::size_t kLeaderEpochAt = 12;
constexpr std::size_t kMagicAt = 16;
constexpr std::size_t kCrcAt = 17;
constexpr std::size_t kAttributesAt = 21;
constexpr std::size_t kLastOffsetDeltaAt = 23;
constexpr std::size_t kBaseTimestampAt = 27;
constexpr std::size_t kMaxTimestampAt = 35;
constexpr std::size_t kProducerIdAt = 43;
constexpr std::size_t kProducerEpochAt = 51;
constexpr std::size_t kBaseSequenceAt = 53;
constexpr std::size_t kRecordsCountAt = 57;
constexpr std::size_t kHeaderSize = 61;
/// The length field counts the bytes behind itself.
constexpr std::size_t kLengthEndsAt = 12;
/// The checksum covers everything from the attributes on; offset, length, leader epoch and magic lie outside.
constexpr std::size_t kChecksummedFrom = kAttributesAt;

constexpr std::int16_t kCompressionMask = 0x07;
constexpr std::int16_t kLogAppendTimeBit = 0x08;
constexpr std::int16_t kTransactionalBit = 0x10;
constexpr std::int16_t kControlBit = 0x20;
constexpr std::int16_t kDeleteHorizonBit = 0x40;
}  // namespace batch_layout

using BatchHeader = std::array<std::byte, batch_layout::kHeaderSize>;

/// Who writes a batch, and where it stands among the records of that producer (KIP-98).
struct ProducerStamp {
  ProducerId producer_id;
  std::int16_t producer_epoch = -1;
  std::int32_t base_sequence = -1;
  /// The batch belongs to the producer's open transaction.
  bool transactional = false;

  /// What the stamp says in a batch's attributes.
  [[nodiscard]] std::int16_t attribute_bits() const {
    return transactional ? batch_layout::kTransactionalBit : std::int16_t{0};
  }
};

/// A complete record batch of magic 2: its header is consistent in itself, its payload is not looked at. The
/// view lives as long as the bytes it was parsed from.
class RecordBatchView {
 public:
  /// The batch at the start of `in`; what follows it is not looked at. Errors are RecordErrc.
  [[nodiscard]] static Result<RecordBatchView> parse(ConstBytes in);

  /// Stored outside the checksum, so only as good as the peer.
  [[nodiscard]] Offset base_offset() const { return Offset(load<std::int64_t>(batch_layout::kBaseOffsetAt)); }
  [[nodiscard]] Offset last_offset() const { return base_offset() + last_offset_delta(); }
  /// Where reading goes on behind this batch.
  [[nodiscard]] Offset next_offset() const { return last_offset() + 1; }
  /// Stored outside the checksum, as the base offset.
  [[nodiscard]] LeaderEpoch leader_epoch() const {
    return LeaderEpoch(load<std::int32_t>(batch_layout::kLeaderEpochAt));
  }
  [[nodiscard]] std::uint32_t crc() const { return load<std::uint32_t>(batch_layout::kCrcAt); }
  [[nodiscard]] std::int16_t attributes() const { return load<std::int16_t>(batch_layout::kAttributesAt); }
  [[nodiscard]] std::int32_t last_offset_delta() const {
    return load<std::int32_t>(batch_layout::kLastOffsetDeltaAt);
  }
  /// The base of the records' timestamp deltas; with has_delete_horizon() also the time from which tombstones
  /// may go.
  [[nodiscard]] std::int64_t base_timestamp() const {
    return load<std::int64_t>(batch_layout::kBaseTimestampAt);
  }
  /// The largest timestamp in the batch, and with is_log_append_time() the timestamp of every record.
  [[nodiscard]] std::int64_t max_timestamp() const {
    return load<std::int64_t>(batch_layout::kMaxTimestampAt);
  }
  [[nodiscard]] ProducerId producer_id() const {
    return ProducerId(load<std::int64_t>(batch_layout::kProducerIdAt));
  }
  [[nodiscard]] std::int16_t producer_epoch() const {
    return load<std::int16_t>(batch_layout::kProducerEpochAt);
  }
  [[nodiscard]] std::int32_t base_sequence() const {
    return load<std::int32_t>(batch_layout::kBaseSequenceAt);
  }
  /// 0 in a batch that compaction emptied.
  [[nodiscard]] std::int32_t records_count() const {
    return load<std::int32_t>(batch_layout::kRecordsCountAt);
  }

  /// May be a type that is_known() denies.
  [[nodiscard]] codecs::Compression compression() const {
    return static_cast<codecs::Compression>(attributes() & batch_layout::kCompressionMask);
  }
  [[nodiscard]] bool is_log_append_time() const { return has(batch_layout::kLogAppendTimeBit); }
  [[nodiscard]] bool is_transactional() const { return has(batch_layout::kTransactionalBit); }
  /// A transaction marker or another control record: never delivered, never producible.
  [[nodiscard]] bool is_control() const { return has(batch_layout::kControlBit); }
  [[nodiscard]] bool has_delete_horizon() const { return has(batch_layout::kDeleteHorizonBit); }
  /// Every offset of the batch's range has its record. Brokers take no other batches from producers;
  /// compaction leaves others behind. Deltas rise strictly within the range, so the count alone decides.
  [[nodiscard]] bool is_dense() const {
    return std::int64_t{last_offset_delta()} + 1 == std::int64_t{records_count()};
  }

  /// Header and payload together, in bytes.
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  [[nodiscard]] ConstBytes bytes() const { return bytes_; }
  [[nodiscard]] BatchHeader header() const;
  /// The records, compressed as one stream unless compression() is none.
  [[nodiscard]] ConstBytes payload() const { return bytes_.subspan(batch_layout::kHeaderSize); }
  /// Whether the stored checksum matches the bytes. Reads the whole batch.
  [[nodiscard]] bool has_valid_crc() const;

 private:
  explicit RecordBatchView(ConstBytes bytes) : bytes_(bytes) {}
  template <class T>
  [[nodiscard]] T load(std::size_t at) const {
    return load_be<T>(bytes_, at);
  }
  [[nodiscard]] bool has(std::int16_t bit) const { return (attributes() & bit) != 0; }

  ConstBytes bytes_;
};

/// The header under which a batch is produced again with its payload untouched: base offset 0 and no leader
/// epoch (the target's broker assigns both), `stamp` as its producer, and of the attributes only the
/// compression: timestamp type, transactional and delete-horizon bits speak of the source's log. Whether the
/// batch is transactional on the target says `stamp` alone. The checksum is corrected without reading the
/// payload, and stays wrong where it was wrong.
[[nodiscard]] BatchHeader restamped(const RecordBatchView& batch, const ProducerStamp& stamp);

/// An entry of magic 0 or 1, as it may still stand in old segments: a message, or a wrapper of compressed
/// messages.
struct LegacyEntry {
  int magic = 0;
  /// The offset in front of the entry; in a compressed wrapper that of its last message.
  Offset offset;
  ConstBytes bytes;
  [[nodiscard]] std::size_t size() const { return bytes.size(); }
};

/// Bytes that are no entry. Nothing behind them can be found, so a walk ends here.
struct MalformedEntry {
  Error error;
  /// Place in the record set.
  std::size_t at = 0;
  /// What stands where an entry has its offset.
  Offset offset;
};

using RecordSetEntry = std::variant<RecordBatchView, LegacyEntry, MalformedEntry>;

/// Walks the `records` of one partition in a Fetch response. A fetch is cut by byte limits, so the last entry
/// may be incomplete: the walk ends in front of it. Entries are views into `records`.
class RecordSetReader {
 public:
  explicit RecordSetReader(ConstBytes records) : records_(records) {}

  /// The next entry; nothing at the end, in front of an incomplete entry, and after a MalformedEntry.
  [[nodiscard]] std::optional<RecordSetEntry> next();

  /// Bytes of the complete entries returned so far.
  [[nodiscard]] std::size_t consumed() const { return at_; }
  /// Once next() returned nothing: the size that the incomplete entry at the end claims to have; 0 where
  /// there is none or too little of it to tell. A fetch that returned nothing else needs that much room.
  [[nodiscard]] std::size_t incomplete_size() const { return incomplete_size_; }

 private:
  [[nodiscard]] RecordSetEntry malformed(RecordErrc reason, ConstBytes rest);

  ConstBytes records_;
  std::size_t at_ = 0;
  std::size_t incomplete_size_ = 0;
  bool stopped_ = false;
};

}  // namespace longhaul::protocol

template <>
struct boost::system::is_error_code_enum<longhaul::protocol::RecordErrc> : std::true_type {};
