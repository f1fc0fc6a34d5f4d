#include "sandbox/batch_validator.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "base/check.h"
#include "codecs/codec.h"
#include "codecs/crc32c.h"
#include "protocol/record.h"
#include "sandbox/record_walk.h"

namespace longhaul::sandbox {
namespace {

using codecs::Compression;
using protocol::KafkaErrc;
namespace layout = protocol::batch_layout;

/// The smallest size that a batch's length field may hold: that of a message of magic 0.
constexpr std::int32_t kLengthMin = 14;
constexpr std::size_t kUnpackedBytesMax = std::size_t{1} << 30;

std::unexpected<Refusal> refuse(KafkaErrc error) {
  return std::unexpected(Refusal{.error = error, .record_errors = {}, .message = {}});
}

/// Size of the batch at the front, 0 where the bytes hold no complete one.
std::expected<std::size_t, Refusal> next_batch_size(ConstBytes records) {
  if (records.size() < layout::kLengthEndsAt) return 0;
  const auto length = load_be<std::int32_t>(records, layout::kLengthAt);
  if (length < kLengthMin) return refuse(KafkaErrc::corrupt_message);
  if (records.size() <= layout::kMagicAt) return 0;
  const auto magic = load_be<std::int8_t>(records, layout::kMagicAt);
  if (magic < 0 || magic > 2) return refuse(KafkaErrc::corrupt_message);
  const auto size = static_cast<std::size_t>(length) + layout::kLengthEndsAt;
  return size <= records.size() ? size : 0;
}

/// Header fields by their places; the batch may be shorter than its header says until its size was checked.
template <class T>
T field(ConstBytes batch, std::size_t at) {
  return load_be<T>(batch, at);
}

std::int16_t attributes_of(ConstBytes batch) {
  return field<std::int16_t>(batch, layout::kAttributesAt);
}

/// The part of Kafka's UnifiedLog that looks at the batch as a whole.
KafkaErrc check_integrity(ConstBytes batch, const BatchRules& rules) {
  if (field<std::int64_t>(batch, layout::kBaseOffsetAt) != 0) return KafkaErrc::invalid_record;
  // The broker reads the last offset delta of whatever came, and fails inside when it is not there.
  if (batch.size() < layout::kBaseTimestampAt) return KafkaErrc::unknown_server_error;
  if (batch.size() > static_cast<std::size_t>(rules.max_message_bytes)) return KafkaErrc::message_too_large;
  if (batch.size() < layout::kHeaderSize) return KafkaErrc::corrupt_message;
  const auto stored = field<std::uint32_t>(batch, layout::kCrcAt);
  if (stored != codecs::crc32c::value(batch.subspan(layout::kChecksummedFrom))) {
    return KafkaErrc::corrupt_message;
  }
  const auto codec = static_cast<Compression>(attributes_of(batch) & layout::kCompressionMask);
  if (!codecs::is_known(codec)) return KafkaErrc::unknown_server_error;
  return KafkaErrc::none;
}

/// Kafka's LogValidator.validateBatch.
KafkaErrc check_header(ConstBytes batch) {
  const auto range = std::int64_t{field<std::int32_t>(batch, layout::kLastOffsetDeltaAt)} + 1;
  const auto count = field<std::int32_t>(batch, layout::kRecordsCountAt);
  if (range <= 0 || count <= 0 || range != count) return KafkaErrc::invalid_record;
  if ((attributes_of(batch) & layout::kControlBit) != 0) return KafkaErrc::invalid_record;
  const auto producer_id = field<std::int64_t>(batch, layout::kProducerIdAt);
  if (producer_id > -1 && field<std::int32_t>(batch, layout::kBaseSequenceAt) < 0) {
    return KafkaErrc::invalid_record;
  }
  return KafkaErrc::none;
}

/// A compressed stream that cannot be read is an internal error of the broker, except that the end of a gzip
/// stream looks to it like the end of the records.
KafkaErrc unpack_error(Compression codec, const Error& error) {
  return codec == Compression::gzip && error.code == codecs::CodecErrc::truncated
             ? KafkaErrc::invalid_record
             : KafkaErrc::unknown_server_error;
}

struct Walked {
  std::int64_t max_timestamp = -1;
  bool is_dense = true;
};

/// Goes through the records of one batch and collects what is wrong with them.
class RecordChecks {
 public:
  RecordChecks(ConstBytes batch, const BatchRules& rules, std::int64_t now_ms)
      : rules_(rules),
        now_ms_(now_ms),
        base_timestamp_(field<std::int64_t>(batch, layout::kBaseTimestampAt)),
        append_time_((attributes_of(batch) & layout::kLogAppendTimeBit) != 0
                         ? std::optional(field<std::int64_t>(batch, layout::kMaxTimestampAt))
                         : std::nullopt) {}

  /// What records of this batch report as their time.
  [[nodiscard]] std::int64_t timestamp_of(const WalkedRecord& record) const {
    // Wraps as Java's addition does; foreign bytes must not be undefined behaviour.
    return append_time_.value_or(static_cast<std::int64_t>(
        static_cast<std::uint64_t>(base_timestamp_) + static_cast<std::uint64_t>(record.timestamp_delta)));
  }

  void look_at(const WalkedRecord& record, std::int32_t index) {
    const auto timestamp = timestamp_of(record);
    if (rules_.is_compacted && !record.key) {
      add(KafkaErrc::invalid_record, index, "Compacted topic cannot accept message without key.");
    } else if (!rules_.is_log_append_time && timestamp != -1) {
      if (!is_in_window(timestamp)) {
        add(KafkaErrc::invalid_timestamp, index,
            fmt::format("Timestamp {} of message with offset {} is out of range.", timestamp,
                        record.offset_delta));
      }
    } else if (append_time_) {
      add(KafkaErrc::invalid_timestamp, index,
          "Invalid timestamp type in message. Producer should not set timestamp type to LogAppendTime.");
    }
    walked_.max_timestamp = std::max(walked_.max_timestamp, timestamp);
    if (record.offset_delta != index) walked_.is_dense = false;
  }

  [[nodiscard]] const Walked& walked() const { return walked_; }

  /// One bad timestamp decides over any number of other reasons.
  [[nodiscard]] std::optional<Refusal> refusal() {
    if (errors_.empty()) return std::nullopt;
    const bool is_time = error_ == KafkaErrc::invalid_timestamp;
    return Refusal{.error = error_,
                   .record_errors = std::move(errors_),
                   .message = is_time ? "One or more records have been rejected due to invalid timestamp"
                                      : "One or more records have been rejected"};
  }

 private:
  [[nodiscard]] bool is_in_window(std::int64_t timestamp) const {
    const auto age = static_cast<std::int64_t>(static_cast<std::uint64_t>(now_ms_) -
                                               static_cast<std::uint64_t>(timestamp));
    const auto ahead = static_cast<std::int64_t>(-static_cast<std::uint64_t>(age));
    return age <= rules_.timestamp_before_max_ms && ahead <= rules_.timestamp_after_max_ms;
  }
  void add(KafkaErrc error, std::int32_t index, std::string message) {
    if (error_ != KafkaErrc::invalid_timestamp) error_ = error;
    errors_.push_back({.batch_index = index, .batch_index_error_message = std::move(message)});
  }

  const BatchRules& rules_;
  std::int64_t now_ms_;
  std::int64_t base_timestamp_;
  std::optional<std::int64_t> append_time_;
  Walked walked_;
  KafkaErrc error_ = KafkaErrc::none;
  std::vector<protocol::BatchIndexAndErrorMessage> errors_;
};

/// Writes `value` into the header and reports whether that changed it.
template <class T>
void put(protocol::BatchHeader& header, std::size_t at, T value) {
  store_be(MutableBytes(header), at, value);
}

/// Gives a batch that stays as it is its place in the log, the way Kafka does it in place: the checksum is
/// written anew only where the timestamp type or the largest timestamp changes.
ValidBatch place(ConstBytes batch, const BatchRules& rules, std::int64_t max_timestamp) {
  ValidBatch valid;
  std::copy_n(batch.begin(), layout::kHeaderSize, valid.header.begin());
  valid.payload = batch.subspan(layout::kHeaderSize);
  const auto attributes = attributes_of(batch);
  const bool is_append_time = (attributes & layout::kLogAppendTimeBit) != 0;
  const auto stored = field<std::int64_t>(batch, layout::kMaxTimestampAt);
  if (is_append_time == rules.is_log_append_time && stored == max_timestamp) return valid;
  const auto kept = attributes & 0xFF & ~layout::kLogAppendTimeBit;
  put(valid.header, layout::kAttributesAt,
      static_cast<std::int16_t>(kept | (rules.is_log_append_time ? layout::kLogAppendTimeBit : 0)));
  put(valid.header, layout::kMaxTimestampAt, max_timestamp);
  const auto crc = codecs::crc32c::replaced_prefix(
      field<std::uint32_t>(batch, layout::kCrcAt),
      batch.subspan(layout::kChecksummedFrom, layout::kHeaderSize - layout::kChecksummedFrom),
      ConstBytes(valid.header).subspan(layout::kChecksummedFrom), valid.payload.size());
  put(valid.header, layout::kCrcAt, crc);
  return valid;
}

std::vector<protocol::RecordHeader> headers_of(const WalkedRecord& record) {
  std::vector<protocol::RecordHeader> headers;
  protocol::Reader in(record.headers);
  for (std::int32_t i = 0; i < record.headers_count; ++i) {
    const auto key = in.take(static_cast<std::size_t>(in.varint()));
    const auto length = in.varint();
    protocol::NullableBytes value;
    if (length >= 0) value = in.take(static_cast<std::size_t>(length));
    headers.push_back({.key = key, .value = value});
  }
  return headers;
}

/// Writes the records anew in the topic's codec, with dense offsets.
std::expected<ValidBatch, Refusal> rebuild(ConstBytes batch, ConstBytes plain, const BatchRules& rules,
                                           const RecordChecks& checks, std::int64_t now_ms) {
  protocol::BatchBuilder builder;
  RecordWalk walk(plain, field<std::int32_t>(batch, layout::kRecordsCountAt));
  while (const auto record = walk.next()) {
    const auto headers = headers_of(*record);
    const auto added = builder.add({.timestamp = checks.timestamp_of(*record),
                                    .key = record->key,
                                    .value = record->value,
                                    .headers = headers});
    if (!added) return refuse(KafkaErrc::unknown_server_error);
  }
  const auto codec = rules.compression.value_or(Compression::none);
  auto payload = codecs::compress(codec, builder.payload(), rules.compression_level);
  if (!payload) return refuse(KafkaErrc::unknown_server_error);
  protocol::BatchOptions options;
  options.compression = codec;
  options.producer = {.producer_id = ProducerId(field<std::int64_t>(batch, layout::kProducerIdAt)),
                      .producer_epoch = field<std::int16_t>(batch, layout::kProducerEpochAt),
                      .base_sequence = field<std::int32_t>(batch, layout::kBaseSequenceAt)};
  options.attribute_bits = static_cast<std::int16_t>(attributes_of(batch) & layout::kTransactionalBit);
  if (rules.is_log_append_time) {
    options.attribute_bits = static_cast<std::int16_t>(options.attribute_bits | layout::kLogAppendTimeBit);
    options.max_timestamp = now_ms;
  }
  const auto header = builder.finish(options, *payload);
  if (!header) return refuse(KafkaErrc::unknown_server_error);
  ValidBatch valid{.header = *header, .payload = {}, .rebuilt = *std::move(payload)};
  valid.payload = valid.rebuilt;
  if (valid.header.size() + valid.payload.size() > static_cast<std::size_t>(rules.max_message_bytes)) {
    return refuse(KafkaErrc::message_too_large);
  }
  return valid;
}

}  // namespace

std::expected<ConstBytes, Refusal> single_batch(ConstBytes records, int version) {
  constexpr int kZstdSince = 7;
  const auto first = next_batch_size(records);
  if (!first) return std::unexpected(first.error());
  if (*first == 0) return refuse(KafkaErrc::invalid_record);
  const auto batch = records.first(*first);
  if (field<std::int8_t>(batch, layout::kMagicAt) != 2) return refuse(KafkaErrc::invalid_record);
  if (version < kZstdSince && batch.size() > layout::kAttributesAt + 1 &&
      static_cast<Compression>(attributes_of(batch) & layout::kCompressionMask) == Compression::zstd) {
    return refuse(KafkaErrc::unsupported_compression_type);
  }
  const auto second = next_batch_size(records.subspan(*first));
  if (!second) return std::unexpected(second.error());
  if (*second != 0) return refuse(KafkaErrc::invalid_record);
  return batch;
}

std::expected<ValidBatch, Refusal> validate_batch(ConstBytes batch, const BatchRules& rules,
                                                  std::int64_t base_offset, std::int32_t leader_epoch,
                                                  std::int64_t now_ms) {
  if (const auto error = check_integrity(batch, rules); error != KafkaErrc::none) return refuse(error);
  if (const auto error = check_header(batch); error != KafkaErrc::none) return refuse(error);

  const auto codec = static_cast<Compression>(attributes_of(batch) & layout::kCompressionMask);
  const auto payload = batch.subspan(layout::kHeaderSize);
  thread_local Bytes unpacked;
  ConstBytes plain = payload;
  if (codec != Compression::none) {
    const auto result = codecs::decompress_into(codec, payload, kUnpackedBytesMax, unpacked);
    if (!result) return refuse(unpack_error(codec, result.error()));
    plain = unpacked;
  }

  RecordChecks checks(batch, rules, now_ms);
  RecordWalk walk(plain, field<std::int32_t>(batch, layout::kRecordsCountAt));
  std::int32_t index = 0;
  while (const auto record = walk.next()) checks.look_at(*record, index++);
  if (walk.error() != KafkaErrc::none) return refuse(walk.error());
  if (auto refusal = checks.refusal()) return std::unexpected(*std::move(refusal));

  const auto target = rules.compression.value_or(codec);
  const bool stays = target == codec;
  // The broker skips keys and values of compressed records that seem to stay, and cannot rebuild the batch
  // when their offsets turn out to have gaps. Uncompressed ones it does not look at.
  if (stays && codec != Compression::none && !checks.walked().is_dense) {
    return refuse(KafkaErrc::unknown_server_error);
  }
  const auto max_timestamp = rules.is_log_append_time ? now_ms : checks.walked().max_timestamp;
  auto valid = stays ? std::expected<ValidBatch, Refusal>(place(batch, rules, max_timestamp))
                     : rebuild(batch, plain, rules, checks, now_ms);
  if (!valid) return valid;
  put(valid->header, layout::kBaseOffsetAt, base_offset);
  put(valid->header, layout::kLeaderEpochAt, leader_epoch);
  if (valid->header.size() + valid->payload.size() > static_cast<std::size_t>(rules.segment_bytes)) {
    return refuse(KafkaErrc::record_list_too_large);
  }
  return valid;
}

}  // namespace longhaul::sandbox
