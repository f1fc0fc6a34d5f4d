#include "tests/sim/trace.h"

#include <cstdio>

#include "codecs/crc32c.h"

namespace longhaul::sim {
namespace {

std::int64_t milliseconds_of(const Clock& clock) {
  return std::chrono::duration_cast<milliseconds>(clock.now().time_since_epoch()).count() - 3'600'000;
}

}  // namespace

void Trace::frame(std::uint64_t place, ConstBytes bytes) {
  hash_ = (hash_ ^ place) * 0x100000001B3U;
  mix(bytes);
}

void Trace::mix(ConstBytes bytes) {
  hash_ = (hash_ ^ static_cast<std::uint64_t>(clock_.now().time_since_epoch().count())) * 0x100000001B3U;
  hash_ = (hash_ ^ codecs::crc32c::value(bytes) ^ (bytes.size() << 32U)) * 0x9E3779B97F4A7C15U;
  hash_ ^= hash_ >> 29U;
}

void Trace::print(std::string_view text) const {
  const auto at = milliseconds_of(clock_);
  fmt::print(stdout, "{:4}:{:02}.{:03} {}\n", at / 60'000, at / 1000 % 60, at % 1000, text);
}

}  // namespace longhaul::sim
