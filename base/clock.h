#pragma once

#include <chrono>
#include <cstdint>

namespace longhaul {

using SteadyTime = std::chrono::steady_clock::time_point;
using std::chrono::milliseconds;

/// Where time comes from: the system, or a simulation's virtual time. Waiting is in `net/async.h`.
class Clock {
 public:
  virtual ~Clock() = default;
  /// Monotonic: for deadlines, intervals, rates.
  [[nodiscard]] virtual SteadyTime now() const = 0;
  /// Milliseconds since the epoch: for stored records and log lines.
  [[nodiscard]] virtual std::int64_t wall_ms() const = 0;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] SteadyTime now() const override { return std::chrono::steady_clock::now(); }
  [[nodiscard]] std::int64_t wall_ms() const override {
    return std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
  }
};

}  // namespace longhaul
