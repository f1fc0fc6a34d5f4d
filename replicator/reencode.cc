#include "replicator/reencode.h"

#include <algorithm>

#include "base/check.h"
#include "codecs/codec.h"

namespace longhaul::replicator {
namespace {

using protocol::RecordErrc;
namespace layout = protocol::batch_layout;

std::size_t weight(const StreamRecord& record) {
  constexpr std::size_t kOverhead = 8;
  return kOverhead + (record.key ? record.key->size() : 0) + (record.value ? record.value->size() : 0) +
         record.headers.bytes().size();
}

/// Where to cut records in two of about the same size; neither part is empty.
std::size_t middle(std::span<const StreamRecord> records) {
  std::size_t whole = 0;
  for (const auto& record : records) whole += weight(record);
  std::size_t before = 0;
  std::size_t at = 0;
  while (before < whole / 2) before += weight(records[at++]);
  return std::clamp<std::size_t>(at, 1, records.size() - 1);
}

std::vector<OffsetBreak> breaks_of(std::span<const StreamRecord> records, Offset base) {
  const bool is_plain = records.front().offset == base &&
                        records.back().offset - base == static_cast<std::int64_t>(records.size()) - 1;
  std::vector<OffsetBreak> breaks;
  if (is_plain) return breaks;
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (i > 0 && records[i].offset == records[i - 1].offset + 1) continue;
    breaks.push_back({static_cast<std::int32_t>(i), records[i].offset});
  }
  return breaks;
}

Result<void> add(protocol::BatchBuilder& builder, const StreamRecord& record,
                 std::vector<protocol::RecordHeader>& headers) {
  headers.clear();
  for (const auto& header : record.headers) headers.push_back(header);
  return builder.add(
      {.timestamp = record.timestamp, .key = record.key, .value = record.value, .headers = headers});
}

Slice keep(const protocol::BatchHeader& header, ConstBytes payload, SlabPool* pool) {
  Bytes whole;
  whole.reserve(header.size() + payload.size());
  whole.insert(whole.end(), header.begin(), header.end());
  whole.insert(whole.end(), payload.begin(), payload.end());
  return pool != nullptr ? pool->copy(whole) : Slice::copy_of(whole);
}

}  // namespace

std::optional<Offset> first_without_key(const PlannedBatch& batch, std::size_t unpacked_max) {
  const auto view = protocol::RecordBatchView::parse(batch.bytes.bytes());
  EntryReader reader(unpacked_max);
  if (!view || !reader.open(*view)) return std::nullopt;
  for (std::int32_t index = 0; index < batch.records; ++index) {
    const auto next = reader.next();
    if (!next) return std::nullopt;
    const auto& record = *next;
    if (!record) return std::nullopt;
    if (record->key) continue;
    std::optional<Offset> found;
    for_each_run(batch, Offset(0), [&](const OffsetRun& run) {
      if (index >= run.target.value()) found = run.source + (index - run.target.value());
    });
    return found;
  }
  return std::nullopt;
}

Stop unreadable(Offset offset, const Error& error) {
  const bool damaged = error.code == RecordErrc::bad_checksum;
  return {damaged ? StopReason::corrupt_batch : StopReason::malformed_batch, offset, error.message()};
}

std::optional<Stop> Reencoder::write(std::span<const StreamRecord> records, Offset base, Offset next,
                                     const Target& target, std::vector<PlannedBatch>& out) {
  LH_CHECK(!records.empty());
  builder_.clear();
  bool fits = true;
  std::vector<protocol::RecordHeader> headers;
  for (const auto& record : records) {
    fits = fits && add(builder_, record, headers).has_value();
  }
  std::int64_t size = INT64_MAX;
  if (fits) {
    auto payload = codecs::compress(target.compression, builder_.payload());
    if (!payload) return Stop{StopReason::malformed_batch, base, payload.error().message()};
    size = static_cast<std::int64_t>(layout::kHeaderSize + payload->size());
    const auto header = builder_.finish({.compression = target.compression}, *payload);
    if (header && size <= limits_.max_batch_bytes) {
      const auto latest = std::ranges::max_element(records, {}, &StreamRecord::timestamp)->timestamp;
      out.push_back({.bytes = keep(*header, *payload, limits_.pool),
                     .base = base,
                     .next = next,
                     .records = static_cast<std::int32_t>(records.size()),
                     .leader_epoch = target.leader_epoch,
                     .max_timestamp = latest,
                     .runs = breaks_of(records, base),
                     .reencoded = true});
      return std::nullopt;
    }
  }
  if (records.size() == 1) {
    return Stop{StopReason::batch_too_large, records.front().offset,
                fmt::format("one record alone makes a batch of {} bytes, max.message.bytes is {}", size,
                            limits_.max_batch_bytes)};
  }
  const auto at = middle(records);
  const auto cut = records[at].offset;
  if (auto stop = write(records.first(at), base, cut, target, out)) return stop;
  return write(records.subspan(at), cut, next, target, out);
}

}  // namespace longhaul::replicator
