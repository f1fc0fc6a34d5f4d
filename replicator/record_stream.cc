#include "replicator/record_stream.h"

#include <algorithm>
#include <utility>

namespace longhaul::replicator {
namespace {

/// Where reading goes on behind an entry, as far as its header tells.
Offset behind(const protocol::RecordSetEntry& entry) {
  if (const auto* batch = std::get_if<protocol::RecordBatchView>(&entry)) return batch->next_offset();
  if (const auto* legacy = std::get_if<protocol::LegacyEntry>(&entry)) return legacy->offset + 1;
  return {};
}

}  // namespace

RecordStream::RecordStream(OffsetRange range, std::size_t payload_max, AppendTimes append_times)
    : range_(range), fetch_offset_(range.begin), position_(range.begin), entry_(payload_max, append_times) {}

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

void RecordStream::read_from(Offset offset) {
  sets_.clear();
  entry_offset_.reset();
  fetch_offset_ = offset;
  position_ = offset;
}

bool RecordStream::finished() const {
  return !entry_offset_ && (position_ >= range_.end || (sets_.empty() && fetch_offset_ >= range_.end));
}

Result<bool> RecordStream::advance() {
  for (;;) {
    if (entry_offset_) {
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
  auto record = entry_.next();
  if (!record) return in_context(std::move(record).error(), "batch at offset {}", *entry_offset_);
  if (!*record) {
    position_ = entry_.end();
    entry_offset_.reset();
    return false;
  }
  const auto offset = (*record)->offset;
  if (offset < position_) return false;
  if (offset >= range_.end) {
    // The rest of the batch comes with the next fetch, should the range be extended.
    position_ = range_.end;
    fetch_offset_ = range_.end;
    sets_.clear();
    entry_offset_.reset();
    return false;
  }
  current_ = **record;
  position_ = offset + 1;
  return true;
}

Result<void> RecordStream::open(const protocol::RecordSetEntry& entry, AbortFilter& aborted) {
  if (const auto* broken = std::get_if<protocol::MalformedEntry>(&entry)) {
    return in_context(broken->error, "offset {}", broken->offset);
  }
  Result<void> opened;
  Offset offset;
  if (const auto* legacy = std::get_if<protocol::LegacyEntry>(&entry)) {
    if (legacy->offset < position_) return {};
    offset = legacy->offset;
    opened = entry_.open(*legacy);
  } else {
    const auto& batch = std::get<protocol::RecordBatchView>(entry);
    const auto is_aborted = aborted.is_aborted(batch);
    if (batch.next_offset() <= position_) return {};
    const bool leaves_out = !is_aborted || *is_aborted || batch.is_control() || batch.records_count() == 0;
    // Left out by what its header says, which therefore has to be true.
    if (leaves_out && !batch.has_valid_crc()) {
      return in_context(Error{protocol::RecordErrc::bad_checksum, {}}, "batch at offset {}",
                        batch.base_offset());
    }
    if (!is_aborted) return in_context(is_aborted.error(), "batch at offset {}", batch.base_offset());
    if (leaves_out) {
      position_ = batch.next_offset();
      return {};
    }
    offset = batch.base_offset();
    opened = entry_.open(batch);
  }
  if (!opened) return in_context(std::move(opened).error(), "batch at offset {}", offset);
  entry_offset_ = offset;
  return {};
}

}  // namespace longhaul::replicator
