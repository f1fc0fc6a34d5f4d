#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/ids.h"
#include "base/slab.h"
#include "protocol/record.h"
#include "protocol/record_batch.h"
#include "replicator/entry_reader.h"
#include "replicator/offset_map.h"
#include "replicator/stop_reason.h"

namespace longhaul::replicator {

/// From the record of this index in its batch on, source offsets count up from `source`, until the next
/// break.
struct OffsetBreak {
  std::int32_t record = 0;
  Offset source;
  auto operator<=>(const OffsetBreak&) const = default;
};

/// A batch to be produced: dense, of magic 2, and what the window needs of it.
struct PlannedBatch {
  Slice bytes;
  /// First source offset it stands for; a batch that was cut or split begins inside a source batch.
  Offset base;
  /// Where the source goes on behind it.
  Offset next;
  std::int32_t records = 0;
  LeaderEpoch leader_epoch;
  std::int64_t max_timestamp = -1;
  /// Empty when record i has source offset base + i; otherwise the breaks, beginning with record 0.
  std::vector<OffsetBreak> runs = {};
  /// It was written anew, so its bytes are a slab of their own.
  bool reencoded = false;
};

/// Calls `visit(OffsetRun)` for each run of a batch that is stored at `target_base`, in order.
void for_each_run(const PlannedBatch& batch, Offset target_base, auto&& visit) {
  if (batch.runs.empty()) visit(OffsetRun{batch.base, target_base, batch.records});
  for (std::size_t i = 0; i < batch.runs.size(); ++i) {
    const auto& run = batch.runs[i];
    const auto end = i + 1 < batch.runs.size() ? batch.runs[i + 1].record : batch.records;
    visit(OffsetRun{run.source, target_base + run.record, end - run.record});
  }
}

/// Source offset of the first record without a key; nothing when all have one, or when the batch cannot be
/// read.
[[nodiscard]] std::optional<Offset> first_without_key(const PlannedBatch& batch, std::size_t unpacked_max);

/// What a batch for the target must keep to, and how batches are written anew.
struct PassLimits {
  /// `max.message.bytes` of the target topic: the size of a whole batch, compressed as it is.
  std::int64_t max_batch_bytes = INT64_MAX;
  AppendTimes append_times = AppendTimes::preserve;
  /// No source batch may unpack to more.
  std::size_t unpacked_max = std::size_t{128} << 20U;
  /// Batches that begin below this offset are held against their checksum though they pass as they are.
  Offset verify_below{0};
  /// The position is where a batch ended that was read before, so none begins in front of it and ends behind.
  bool between_batches = false;
  /// A batch that ends below the position may be followed by one that begins above it.
  bool believes_gap = true;
  /// Where batches that were written anew are kept; null: outside every budget.
  SlabPool* pool = nullptr;
};

/// Writes records anew as dense batches of magic 2: same order, keys, values, headers and timestamps, same
/// codec. Pure: the same records and limits give the same bytes with the same codec library.
class Reencoder {
 public:
  /// `range` is what the records stand for on the source.
  struct Target {
    codecs::Compression compression = codecs::Compression::none;
    LeaderEpoch leader_epoch;
  };
  explicit Reencoder(const PassLimits& limits) : limits_(limits) {}

  /// Appends to `out` as few batches as `max_batch_bytes` allows (by halving). `records` are not empty, their
  /// offsets lie in base..next. When a record alone is too large, the batches before it are appended, and the
  /// stop names it.
  [[nodiscard]] std::optional<Stop> write(std::span<const StreamRecord> records, Offset base, Offset next,
                                          const Target& target, std::vector<PlannedBatch>& out);

 private:
  const PassLimits& limits_;
  protocol::BatchBuilder builder_;
};

/// The stop for an entry of the source that cannot be read.
[[nodiscard]] Stop unreadable(Offset offset, const Error& error);

}  // namespace longhaul::replicator
