// Decompressing and compressing one batch of 16 KB, the size a Java producer makes by default.
#include <benchmark/benchmark.h>

#include <random>

#include "codecs/codec.h"

namespace longhaul::codecs {
namespace {

constexpr std::size_t kBatch = 16 << 10;

Bytes text_like() {
  constexpr std::string_view kWords = "orders payments shipments returns invoices ";
  std::mt19937 random(9);
  Bytes bytes(kBatch);
  for (auto& byte : bytes) byte = static_cast<std::byte>(kWords[random() % kWords.size()]);
  return bytes;
}

void unpack(benchmark::State& state) {
  const auto type = static_cast<Compression>(state.range(0));
  state.SetLabel(std::string(name(type)));
  const auto packed = compress(type, text_like()).value();
  Bytes out;
  for (auto _ : state) {
    if (!decompress_into(type, packed, kBatch, out)) state.SkipWithError("decompress");
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(kBatch));
}
BENCHMARK(unpack)->DenseRange(0, 4);

void pack(benchmark::State& state) {
  const auto type = static_cast<Compression>(state.range(0));
  state.SetLabel(std::string(name(type)));
  const auto plain = text_like();
  for (auto _ : state) benchmark::DoNotOptimize(compress(type, plain));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(kBatch));
}
BENCHMARK(pack)->DenseRange(0, 4);

}  // namespace
}  // namespace longhaul::codecs
