#include "sandbox/compaction.h"

#include <algorithm>
#include <deque>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "base/check.h"
#include "codecs/codec.h"
#include "codecs/crc32c.h"
#include "protocol/record.h"
#include "protocol/wire.h"

namespace longhaul::sandbox {
namespace {

using protocol::ControlType;
using protocol::RecordBatchView;
using protocol::RecordView;
namespace layout = protocol::batch_layout;

constexpr std::size_t kUnpackedBytesMax = std::size_t{100} << 20;

Bytes unpacked(const RecordBatchView& batch) {
  auto plain = codecs::decompress(batch.compression(), batch.payload(), kUnpackedBytesMax);
  // Whatever is in the log was unpacked when it was appended.
  LH_CHECK(plain.has_value());
  return *std::move(plain);
}

/// Calls `look` with each record and its offset.
template <class Look>
void for_each_record(const RecordBatchView& batch, ConstBytes plain, Look look) {
  // A broker takes an uncompressed batch whatever its offset deltas are, so they are not checked here.
  protocol::RecordReader reader(plain, batch.records_count(), std::numeric_limits<std::int32_t>::max());
  while (true) {
    const auto record = reader.next();
    if (!record || !*record) return;
    look(**record, batch.base_offset().value() + (*record)->offset_delta);
  }
}

/// Which transactions a pass has met, to tell aborted batches and markers that have nothing left to end.
class Transactions {
 public:
  explicit Transactions(std::vector<Partition::Aborted> aborted) : waiting_(aborted.begin(), aborted.end()) {
    std::ranges::sort(waiting_, {}, &Partition::Aborted::first_offset);
  }

  /// Whether the batch belongs to an aborted transaction.
  bool is_aborted(const RecordBatchView& batch) {
    advance(batch);
    if (!batch.is_transactional()) return false;
    const auto found = aborted_.find(batch.producer_id().value());
    if (found == aborted_.end()) {
      committed_.insert(batch.producer_id().value());
      return false;
    }
    found->second = true;
    return true;
  }

  /// Whether no batch is left of what the marker ends.
  bool is_spent(const RecordBatchView& marker) {
    advance(marker);
    const auto type = protocol::control_type(marker);
    LH_CHECK(type.has_value());
    if (!*type) return true;
    const auto id = marker.producer_id().value();
    if (**type == ControlType::commit) return committed_.erase(id) == 0;
    if (**type != ControlType::abort) return false;
    const auto ended = aborted_.extract(id);
    const bool is_needed = !ended.empty() && ended.mapped();
    if (is_needed) needed_.insert(marker.base_offset().value());
    return !is_needed;
  }

  /// Markers of aborted transactions that have batches left.
  [[nodiscard]] const std::set<std::int64_t>& needed() const { return needed_; }

 private:
  void advance(const RecordBatchView& batch) {
    for (; !waiting_.empty() && waiting_.front().first_offset <= batch.last_offset().value();
         waiting_.pop_front()) {
      aborted_.emplace(waiting_.front().producer_id, false);
    }
  }

  std::deque<Partition::Aborted> waiting_;
  /// By producer, whether a batch was met.
  std::map<std::int64_t, bool> aborted_;
  std::set<std::int64_t> committed_;
  std::set<std::int64_t> needed_;
};

/// What is kept of a batch.
struct Kept {
  protocol::GatherBuffer records;
  std::int32_t count = 0;
  std::int64_t max_timestamp = -1;
  bool has_tombstones = false;
};

void write(protocol::Writer& out, const protocol::NullableBytes& bytes) {
  if (!bytes) return out.varint(-1);
  out.varint(static_cast<std::int32_t>(bytes->size()));
  out.raw(*bytes);
}

void write(Kept& kept, const RecordView& record, std::int64_t timestamp, std::int64_t base_timestamp) {
  protocol::GatherBuffer body;
  protocol::Writer inner(body);
  inner.integer(record.attributes);
  inner.varlong(timestamp - base_timestamp);
  inner.varint(record.offset_delta);
  write(inner, record.key);
  write(inner, record.value);
  inner.varint(record.headers.count());
  inner.raw(record.headers.bytes());
  protocol::Writer out(kept.records);
  out.varint(static_cast<std::int32_t>(body.size()));
  out.raw(body.flattened());
  kept.max_timestamp = std::max(kept.max_timestamp, timestamp);
}

/// A batch in the place of `batch`, with its offsets, sequences and epochs.
Bytes rewritten(const RecordBatchView& batch, const Kept& kept, std::int64_t base_timestamp,
                std::int16_t attributes) {
  const auto codec = static_cast<codecs::Compression>(attributes & layout::kCompressionMask);
  const auto payload = codecs::compress(codec, kept.records.flattened());
  LH_CHECK(payload.has_value());
  auto header = batch.header();
  const MutableBytes out(header);
  const auto size = header.size() + payload->size();
  store_be(out, layout::kLengthAt, static_cast<std::int32_t>(size - layout::kLengthEndsAt));
  store_be(out, layout::kAttributesAt, attributes);
  store_be(out, layout::kBaseTimestampAt, base_timestamp);
  if (kept.count > 0 && !batch.is_log_append_time())
    store_be(out, layout::kMaxTimestampAt, kept.max_timestamp);
  store_be(out, layout::kRecordsCountAt, kept.count);
  Bytes whole(header.begin(), header.end());
  whole.insert(whole.end(), payload->begin(), payload->end());
  store_be(MutableBytes(whole), layout::kCrcAt,
           codecs::crc32c::value(ConstBytes(whole).subspan(layout::kChecksummedFrom)));
  return whole;
}

class Cleaner {
 public:
  Cleaner(Partition& partition, const CompactionRules& rules)
      : partition_(partition), rules_(rules), transactions_(partition.aborted()) {
    std::int64_t last = 0;
    partition.log.for_each([&](const RecordBatchView& batch) { last = batch.base_offset().value(); });
    end_ = std::min(last, partition.last_stable_offset());
  }

  std::size_t run() {
    find_latest();
    partition_.log.for_each([this](const RecordBatchView& batch) {
      if (batch.base_offset().value() >= end_) {
        // The filter has to see what follows too: an aborted transaction may reach beyond the end.
        if (batch.is_control()) (void)transactions_.is_spent(batch);
        if (!batch.is_control()) (void)transactions_.is_aborted(batch);
        return keep(batch);
      }
      clean(batch);
    });
    partition_.replace(batches_, transactions_.needed());
    return removed_;
  }

 private:
  void keep(const RecordBatchView& batch) {
    batches_.emplace_back(batch.bytes().begin(), batch.bytes().end());
  }

  void find_latest() {
    Transactions seen(partition_.aborted());
    partition_.log.for_each([&](const RecordBatchView& batch) {
      if (batch.base_offset().value() >= end_) return;
      cleaned_end_ = batch.next_offset().value();
      if (batch.is_control()) return void(seen.is_spent(batch));
      if (seen.is_aborted(batch)) return;
      for_each_record(batch, unpacked(batch), [&](const RecordView& record, std::int64_t offset) {
        if (record.key) latest_[std::string(as_text(*record.key))] = offset;
      });
    });
  }

  static std::string_view as_text(ConstBytes bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

  [[nodiscard]] std::optional<std::int64_t> horizon_of(const RecordBatchView& batch) const {
    if (!batch.has_delete_horizon()) return std::nullopt;
    return batch.base_timestamp();
  }

  [[nodiscard]] bool stays(const RecordBatchView& batch, const RecordView& record,
                           std::int64_t offset) const {
    if (batch.is_control()) return true;
    if (!record.key) return false;
    const auto found = latest_.find(std::string(as_text(*record.key)));
    if (found == latest_.end() || offset < found->second) return false;
    const auto horizon = horizon_of(batch);
    return record.value.has_value() || !horizon || rules_.now_ms < *horizon;
  }

  /// Whether the batch must stay though nothing is in it: it tells where its producer's sequence or the pass
  /// ends.
  [[nodiscard]] bool is_place_holder(const RecordBatchView& batch) const {
    return partition_.producers.is_last_of_producer(batch) || batch.next_offset().value() == cleaned_end_;
  }

  void clean(const RecordBatchView& batch) {
    const bool is_spent =
        batch.is_control() ? transactions_.is_spent(batch) : transactions_.is_aborted(batch);
    const auto horizon = horizon_of(batch);
    // A marker goes when its time is over, aborted records go at once.
    const bool is_discarded = is_spent && (!batch.is_control() || (horizon && *horizon <= rules_.now_ms));
    const auto plain = unpacked(batch);
    Kept kept;
    std::optional<std::int64_t> base;
    if (!is_discarded) {
      for_each_record(batch, plain, [&](const RecordView& record, std::int64_t offset) {
        if (!stays(batch, record, offset)) return;
        ++kept.count;
        if (!record.value) kept.has_tombstones = true;
        if (!base) base = protocol::record_timestamp(batch, record);
      });
    }
    removed_ += static_cast<std::size_t>(batch.records_count() - kept.count);
    const bool begins_horizon =
        !horizon && (kept.has_tombstones || (is_spent && batch.is_control())) && kept.count > 0;
    if (kept.count == 0) {
      if (!is_place_holder(batch)) return;
      const auto bits = layout::kLogAppendTimeBit | layout::kTransactionalBit | layout::kControlBit;
      batches_.push_back(rewritten(batch, {}, -1, static_cast<std::int16_t>(batch.attributes() & bits)));
      return;
    }
    if (kept.count == batch.records_count() && !begins_horizon) return keep(batch);
    const auto until = begins_horizon ? std::optional(rules_.now_ms + rules_.delete_retention_ms) : horizon;
    const auto base_timestamp = until.value_or(*base);
    for_each_record(batch, plain, [&](const RecordView& record, std::int64_t offset) {
      if (stays(batch, record, offset))
        write(kept, record, protocol::record_timestamp(batch, record), base_timestamp);
    });
    const auto attributes = batch.attributes() | (until ? layout::kDeleteHorizonBit : 0);
    batches_.push_back(rewritten(batch, kept, base_timestamp, static_cast<std::int16_t>(attributes)));
  }

  Partition& partition_;
  const CompactionRules& rules_;
  Transactions transactions_;
  std::int64_t end_ = 0;
  std::int64_t cleaned_end_ = 0;
  std::map<std::string, std::int64_t> latest_;
  std::vector<Bytes> batches_;
  std::size_t removed_ = 0;
};

}  // namespace

std::size_t compact(Partition& partition, const CompactionRules& rules) {
  return Cleaner(partition, rules).run();
}

}  // namespace longhaul::sandbox
