#pragma once

#include <cstdint>
#include <random>
#include <vector>

namespace longhaul::sim {

/// Chance that is the same everywhere: the standard distributions differ between libraries, the engine does
/// not.
class Chance {
 public:
  /// `purpose` keeps the streams of one seed apart, so that one more draw here changes nothing there.
  Chance(std::uint64_t seed, std::uint64_t purpose) : engine_((seed + 1) * 0x9E3779B97F4A7C15U ^ purpose) {}

  [[nodiscard]] std::uint64_t bits() { return engine_(); }
  /// 0 to `count` - 1; `count` is above 0.
  [[nodiscard]] std::int64_t below(std::int64_t count) {
    return static_cast<std::int64_t>(engine_() % static_cast<std::uint64_t>(count));
  }
  /// `low` to `high`, both included.
  [[nodiscard]] std::int64_t between(std::int64_t low, std::int64_t high) {
    return low + below(high - low + 1);
  }
  [[nodiscard]] bool one_in(std::int64_t count) { return below(count) == 0; }
  [[nodiscard]] bool percent(std::int64_t likely) { return below(100) < likely; }
  template <class T>
  [[nodiscard]] const T& pick(const std::vector<T>& from) {
    return from[static_cast<std::size_t>(below(std::ssize(from)))];
  }
  template <class T>
  [[nodiscard]] T one_of(std::initializer_list<T> from) {
    return *(from.begin() + below(std::ssize(from)));
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace longhaul::sim
