// What one forwarded batch costs before it is written: walk, restamp and checksum patch; and what the patch
// saves.
#include <benchmark/benchmark.h>

#include "codecs/crc32c.h"
#include "protocol/record_batch.h"
#include "tests/support/batches.h"

namespace longhaul {
namespace {

Bytes batch_of(std::size_t payload_bytes) {
  return testing::batch_builder().record({.value = std::string(payload_bytes, 'x')}).build();
}

void set_rate(benchmark::State& state, std::size_t bytes) {
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes));
}

void restamp_one(benchmark::State& state) {
  const auto wire = batch_of(static_cast<std::size_t>(state.range(0)));
  const auto batch = protocol::RecordBatchView::parse(wire);
  std::int32_t sequence = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(protocol::restamped(*batch, {ProducerId(9000), 3, ++sequence}));
  }
  set_rate(state, wire.size());
}
BENCHMARK(restamp_one)->Arg(1 << 10)->Arg(16 << 10)->Arg(1000 << 10);

void patch_portable(benchmark::State& state) {
  const auto wire = batch_of(16 << 10);
  const auto batch = protocol::RecordBatchView::parse(wire);
  const auto before = batch->header();
  auto after = before;
  after[50] ^= std::byte{1};
  const auto from = protocol::batch_layout::kChecksummedFrom;
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        codecs::crc32c::portable::replaced_prefix(batch->crc(), ConstBytes(before).subspan(from),
                                                  ConstBytes(after).subspan(from), batch->payload().size()));
  }
}
BENCHMARK(patch_portable);

void walk_and_restamp(benchmark::State& state) {
  Bytes set;
  for (int i = 0; i < 64; ++i) {
    const auto batch = batch_of(static_cast<std::size_t>(state.range(0)));
    set.insert(set.end(), batch.begin(), batch.end());
  }
  for (auto _ : state) {
    protocol::RecordSetReader reader(set);
    while (const auto entry = reader.next()) {
      const auto& batch = std::get<protocol::RecordBatchView>(*entry);
      benchmark::DoNotOptimize(protocol::restamped(batch, {ProducerId(9000), 3, 7}));
    }
  }
  set_rate(state, set.size());
}
BENCHMARK(walk_and_restamp)->Arg(16 << 10);

void checksum(benchmark::State& state) {
  const auto wire = batch_of(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(codecs::crc32c::value(wire));
  set_rate(state, wire.size());
}
BENCHMARK(checksum)->Arg(1 << 10)->Arg(16 << 10)->Arg(1000 << 10);

void checksum_portable(benchmark::State& state) {
  const auto wire = batch_of(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(codecs::crc32c::portable::extend(0, wire));
  set_rate(state, wire.size());
}
BENCHMARK(checksum_portable)->Arg(16 << 10);

}  // namespace
}  // namespace longhaul
