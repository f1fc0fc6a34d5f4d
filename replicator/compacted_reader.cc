#include "replicator/compacted_reader.h"

#include "codecs/codec.h"
#include "protocol/record.h"

namespace longhaul::replicator {
namespace {

/// Of one decompressed batch; far above what Connect writes.
constexpr std::size_t kDecompressedMax = std::size_t{64} << 20U;

}  // namespace

Result<void> CompactedReader::add(const protocol::RecordBatchView& batch) {
  if (!batch.is_control()) return add_data(batch);
  LH_TRY(const auto type, protocol::control_type(batch));
  // One that compaction has emptied says nothing any more.
  if (!type) return {};
  const auto ended = open_.extract(batch.producer_id());
  if (ended.empty() || type != protocol::ControlType::commit) return {};
  for (auto& [key, record] : ended.mapped()) decide(key, std::move(record));
  return {};
}

Result<void> CompactedReader::add_data(const protocol::RecordBatchView& batch) {
  Bytes decompressed;
  auto payload = batch.payload();
  if (batch.compression() != codecs::Compression::none) {
    LH_TRY(decompressed, codecs::decompress(batch.compression(), payload, kDecompressedMax));
    payload = decompressed;
  }
  protocol::RecordReader records(batch, payload);
  for (;;) {
    LH_TRY(const auto record, records.next());
    if (!record) return {};
    if (!record->key) continue;
    const std::string key(as_text(*record->key));
    Held held{.offset = batch.base_offset() + record->offset_delta,
              .value = {.value = std::nullopt, .writer = batch.producer_id()}};
    if (record->value) held.value.value = as_text(*record->value);
    if (batch.is_transactional()) {
      open_[batch.producer_id()][key] = std::move(held);
    } else {
      decide(key, std::move(held));
    }
  }
}

void CompactedReader::decide(const std::string& key, Held record) {
  for (auto& [producer, records] : open_) {
    const auto found = records.find(key);
    if (found != records.end() && found->second.offset < record.offset) records.erase(found);
  }
  changes_[key] = std::move(record.value);
}

}  // namespace longhaul::replicator
