// A fetched record set through the planner: two bytes of options, then the records.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/check.h"
#include "replicator/passthrough.h"

namespace {

using namespace longhaul;
using replicator::PassPlan;

constexpr std::size_t kLargestPayload = 1 << 20;

/// Whatever was planned is what a broker takes, and it stands for rising offsets of the source.
void check_batch(const replicator::PlannedBatch& batch, Offset& behind, std::int64_t largest) {
  LH_CHECK(batch.base >= behind && batch.next > batch.base);
  behind = batch.next;
  const auto view = protocol::RecordBatchView::parse(batch.bytes.bytes());
  LH_CHECK(view && view->size() == batch.bytes.size() && view->is_dense());
  LH_CHECK(view->records_count() == batch.records && batch.records > 0 && !view->is_control());
  LH_CHECK(static_cast<std::int64_t>(view->size()) <= largest);
  std::int64_t records = 0;
  Offset last = batch.base + -1;
  replicator::for_each_run(batch, Offset(0), [&](const replicator::OffsetRun& run) {
    LH_CHECK(run.target.value() == records && run.records > 0 && run.source > last);
    records += run.records;
    last = run.source + run.records + -1;
  });
  LH_CHECK(records == batch.records && last < batch.next);
  if (!batch.reencoded) return;
  replicator::EntryReader reader(2 * kLargestPayload);
  LH_CHECK(reader.open(*view).has_value());
  for (std::int32_t i = 0; i < batch.records; ++i) {
    const auto record = reader.next();
    LH_CHECK(record && *record && (*record)->offset == view->base_offset() + i);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const auto input = std::as_bytes(std::span(data + 2, size - 2));
  replicator::PassLimits limits{.unpacked_max = kLargestPayload};
  if ((data[0] & 1) != 0) limits.append_times = replicator::AppendTimes::passthrough;
  if ((data[0] & 2) != 0) limits.max_batch_bytes = 200;
  if ((data[0] & 4) != 0) limits.verify_below = Offset(INT64_MAX);
  const Offset position(data[1]);
  replicator::FetchedSet set{.records = Slice::copy_of(input),
                             .high_watermark = Offset(1 << 20),
                             .last_stable_offset = Offset(1 << 20)};
  if ((data[0] & 8) != 0) set.aborted = {{ProducerId(7), Offset(0)}};
  const auto plan = replicator::plan_passthrough(set, position, LeaderEpoch(), limits);
  LH_CHECK(plan.next_position >= position);
  if (plan.anomaly) return 0;
  auto behind = position;
  for (const auto& batch : plan.batches) check_batch(batch, behind, limits.max_batch_bytes);
  LH_CHECK(plan.next_position >= behind);
  LH_CHECK(!plan.stop || plan.stop->source_offset == plan.next_position);
  LH_CHECK(!plan.damaged || plan.damaged->next > plan.next_position);
  return 0;
}
