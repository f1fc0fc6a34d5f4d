#include "replicator/record_stream.h"

#include <algorithm>
#include <utility>

#include "codecs/codec.h"

namespace longhaul::replicator {
namespace {

/// Where reading goes on behind an entry, as far as its header tells.
Offset behind(const protocol::RecordSetEntry& entry) {
  if (const auto* batch = std::get_if<protocol::RecordBatchView>(&entry)) return batch->next_offset();
  if (const auto* legacy = std::get_if<protocol::LegacyEntry>(&entry)) return legacy->offset + 1;
  return {};
}

}  // namespace

RecordStream::RecordStream(OffsetRange range, std::size_t payload_max)
    : range_(range), payload_max_(payload_max), fetch_offset_(range.begin), position_(range.begin) {}

Result<void> RecordStream::feed(Slice records, std::vector<AbortedTransaction> aborted) {
  auto next = fetch_offset_;
  bool malformed = false;
  protocol::RecordSetReader headers(records.bytes());
  while (const auto entry = headers.next()) {
    next = std::max(next, behind(*entry));
    malformed = malformed || std::holds_alternative<protocol::MalformedEntry>(*entry);
  }
  // A malformed entry is reported when its turn comes; what stands before it can still be compared.
  if (next == fetch_offset_ && !malformed) {
    return fail(protocol::RecordErrc::truncated, "offset {}: no complete record batch in {} bytes",
                fetch_offset_, records.size());
  }
  fetch_offset_ = malformed ? range_.end : next;
  protocol::RecordSetReader reader(records.bytes());
  sets_.push_back({std::move(records), AbortFilter(std::move(aborted)), reader});
  return {};
}

void RecordStream::extend(Offset end) {
  // A fetch position beyond the old end is right for the new one too: it lies behind a batch that was fetched
  // whole.
  range_.end = std::max(range_.end, end);
}

bool RecordStream::finished() const {
  return !records_ && (position_ >= range_.end || (sets_.empty() && fetch_offset_ >= range_.end));
}

Result<bool> RecordStream::advance() {
  for (;;) {
    if (records_) {
      LH_TRY(const bool found, next_record());
      if (found) return true;
      continue;
    }
    if (sets_.empty() || position_ >= range_.end) return false;
    const auto entry = sets_.front().reader.next();
    if (!entry) {
      sets_.pop_front();
      continue;
    }
    LH_TRY_VOID(open(*entry, sets_.front().aborted));
  }
}

Result<bool> RecordStream::next_record() {
  auto record = records_->next();
  if (!record) return in_context(std::move(record).error(), "batch at offset {}", batch_->base_offset());
  if (!*record) {
    position_ = batch_->next_offset();
    records_.reset();
    return false;
  }
  const auto offset = batch_->base_offset() + (*record)->offset_delta;
  if (offset < position_) return false;
  if (offset >= range_.end) {
    // The rest of the batch comes with the next fetch, should the range be extended.
    position_ = range_.end;
    fetch_offset_ = range_.end;
    sets_.clear();
    records_.reset();
    return false;
  }
  current_ = {.offset = offset,
              .timestamp = protocol::record_timestamp(*batch_, **record),
              .is_append_time = batch_->is_log_append_time(),
              .key = (*record)->key,
              .value = (*record)->value,
              .headers = (*record)->headers};
  position_ = offset + 1;
  return true;
}

Result<void> RecordStream::open(const protocol::RecordSetEntry& entry, AbortFilter& aborted) {
  if (const auto* broken = std::get_if<protocol::MalformedEntry>(&entry)) {
    return in_context(broken->error, "offset {}", broken->offset);
  }
  if (const auto* legacy = std::get_if<protocol::LegacyEntry>(&entry)) {
    if (legacy->offset < position_) return {};
    return fail(protocol::RecordErrc::unsupported_magic, "offset {}: message format of magic {}",
                legacy->offset, legacy->magic);
  }
  const auto& batch = std::get<protocol::RecordBatchView>(entry);
  LH_TRY(const bool is_aborted, aborted.is_aborted(batch));
  if (batch.next_offset() <= position_) return {};
  if (is_aborted || batch.is_control() || batch.records_count() == 0) {
    position_ = batch.next_offset();
    return {};
  }
  return open_batch(batch);
}

Result<void> RecordStream::open_batch(const protocol::RecordBatchView& batch) {
  if (!batch.has_valid_crc()) {
    return fail(protocol::RecordErrc::bad_checksum, "batch at offset {}", batch.base_offset());
  }
  auto plain = batch.payload();
  if (batch.compression() != codecs::Compression::none) {
    auto unpacked = codecs::decompress_into(batch.compression(), plain, payload_max_, payload_);
    if (!unpacked) return in_context(std::move(unpacked).error(), "batch at offset {}", batch.base_offset());
    plain = payload_;
  }
  batch_ = batch;
  records_.emplace(batch, plain);
  return {};
}

}  // namespace longhaul::replicator
