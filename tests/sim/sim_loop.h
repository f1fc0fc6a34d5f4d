#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>

#include "tests/unit/net/virtual_time.h"

namespace longhaul::sim {

/// The event loop of a simulated world: runs what can run, then jumps to the next timer. Code that keeps
/// running without time passing is a defect, and is found instead of waited for.
class SimLoop {
 public:
  /// Handlers that may run at one instant; a busy instant of a sound world needs some thousand.
  static constexpr std::int64_t kHandlersMax = 500'000;

  [[nodiscard]] net::Executor executor() { return context_.get_executor(); }

  /// Runs everything that needs no time to pass.
  void settle() {
    context_.restart();
    for (std::int64_t ran = 0; context_.poll_one() > 0; ++ran) {
      if (ran < kHandlersMax) continue;
      spins_ = true;
      return;
    }
  }
  /// Goes on until `done` or until `when`; returns whether it was done. Time stands at `when` if not.
  template <class Done>
  bool run_until(SteadyTime when, Done done) {
    settle();
    while (!spins_ && !done()) {
      const auto next = std::max(time.now(), time.next_timer());
      if (next > when) {
        time.advance_to(std::max(time.now(), when));
        settle();
        return done();
      }
      time.advance_to(next);
      settle();
    }
    return !spins_;
  }
  void run_to(SteadyTime when) {
    (void)run_until(when, [] { return false; });
  }
  /// Something ran for ever at one instant; the loop does not go on.
  [[nodiscard]] bool spins() const { return spins_; }

  test::VirtualTime time;

 private:
  boost::asio::io_context context_{1};
  bool spins_ = false;
};

/// The time of one host: the world's, with a wall clock that may be wrong and may jump.
class HostTime final : public net::TimeSource {
 public:
  explicit HostTime(net::TimeSource& world) : world_(world) {}

  [[nodiscard]] SteadyTime now() const override { return world_.now(); }
  [[nodiscard]] std::int64_t wall_ms() const override { return world_.wall_ms() + ahead_ms_; }
  [[nodiscard]] net::TimerId call_at(SteadyTime when, Callback callback) override {
    return world_.call_at(when, std::move(callback));
  }
  void cancel(const net::TimerId& timer) override { world_.cancel(timer); }

  void set_ahead(std::int64_t ms) { ahead_ms_ = ms; }

 private:
  net::TimeSource& world_;
  std::int64_t ahead_ms_ = 0;
};

}  // namespace longhaul::sim
