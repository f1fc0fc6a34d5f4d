#include "replicator/entry_reader.h"

#include <utility>

#include "codecs/codec.h"
#include "codecs/lz4_legacy.h"

namespace longhaul::replicator {

using codecs::Compression;
using protocol::RecordErrc;

Result<void> EntryReader::unpack(ConstBytes packed, int magic) {
  if (magic == 0 && compression_ == Compression::lz4) {
    return codecs::decompress_into(compression_, codecs::lz4_frame_of_magic0(packed), unpacked_max_,
                                   unpacked_);
  }
  return codecs::decompress_into(compression_, packed, unpacked_max_, unpacked_);
}

Result<void> EntryReader::open(const protocol::RecordBatchView& batch) {
  records_.reset();
  batch_.reset();
  compression_ = batch.compression();
  end_ = batch.next_offset();
  if (!batch.has_valid_crc()) return fail(RecordErrc::bad_checksum);
  auto plain = batch.payload();
  if (compression_ != Compression::none) {
    LH_TRY_VOID(unpack(plain, 2));
    plain = unpacked_;
  }
  unpacked_size_ = plain.size();
  batch_ = batch;
  records_.emplace(batch, plain);
  return {};
}

Result<void> EntryReader::open(const protocol::LegacyEntry& entry) {
  records_.reset();
  batch_.reset();
  end_ = entry.offset + 1;
  magic_ = entry.magic;
  inside_wrapper_ = false;
  offset_shift_ = 0;
  append_time_.reset();
  messages_ = protocol::LegacyMessageReader({});
  if (entry.offset < Offset(0)) return fail(RecordErrc::bad_offset);

  LH_TRY(const auto outer, protocol::LegacyMessageReader(entry.bytes).next());
  if (!outer) return fail(RecordErrc::truncated);
  compression_ = outer->compression();
  unpacked_size_ = entry.size();
  if (!outer->is_wrapper()) {
    messages_ = protocol::LegacyMessageReader(entry.bytes);
    return {};
  }
  if (!outer->value) return fail(RecordErrc::bad_length);
  LH_TRY_VOID(unpack(*outer->value, outer->magic));
  unpacked_size_ = unpacked_.size();
  inside_wrapper_ = true;
  if (outer->is_log_append_time()) append_time_ = outer->timestamp;

  // Offsets inside are absolute in magic 0. In magic 1 they count from the wrapper's first message, and the
  // wrapper has the offset of its last one (KIP-32), so the whole set is walked before its first record.
  protocol::LegacyMessageReader walk{ConstBytes(unpacked_)};
  std::optional<Offset> last;
  for (;;) {
    LH_TRY(const auto inner, walk.next());
    if (!inner) break;
    if (inner->is_wrapper()) return fail(RecordErrc::bad_length, "a wrapper inside a wrapper");
    if (inner->magic != magic_) return fail(RecordErrc::unsupported_magic);
    if (inner->offset < Offset(0) || (last && inner->offset <= *last)) return fail(RecordErrc::out_of_order);
    last = inner->offset;
  }
  if (!last) return fail(RecordErrc::bad_count, "a wrapper without messages");
  if (*last > entry.offset) return fail(RecordErrc::bad_offset);
  if (magic_ == 1) offset_shift_ = entry.offset - *last;
  messages_ = protocol::LegacyMessageReader(ConstBytes(unpacked_));
  return {};
}

Result<std::optional<StreamRecord>> EntryReader::next_legacy() {
  LH_TRY(const auto message, messages_.next());
  if (!message) return std::nullopt;
  const bool own_append_time = !inside_wrapper_ && message->is_log_append_time();
  StreamRecord record{.offset = message->offset + offset_shift_,
                      .timestamp = message->timestamp,
                      .is_append_time = append_time_.has_value() || own_append_time,
                      .key = message->key,
                      .value = message->value};
  if (append_time_ && append_times_ == AppendTimes::preserve) record.timestamp = *append_time_;
  return record;
}

Result<std::optional<StreamRecord>> EntryReader::next() {
  if (!records_ || !batch_) return next_legacy();
  LH_TRY(const auto record, records_->next());
  if (!record) return std::nullopt;
  const bool keeps_append_time = append_times_ == AppendTimes::preserve || !batch_->is_log_append_time();
  return StreamRecord{.offset = batch_->base_offset() + record->offset_delta,
                      .timestamp = keeps_append_time ? protocol::record_timestamp(*batch_, *record)
                                                     : protocol::create_timestamp(*batch_, *record),
                      .is_append_time = batch_->is_log_append_time(),
                      .key = record->key,
                      .value = record->value,
                      .headers = record->headers};
}

}  // namespace longhaul::replicator
