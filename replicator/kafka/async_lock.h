#pragma once

#include "net/event.h"

namespace longhaul::replicator {

/// Lets coroutines of one core take turns with something that suspends.
class AsyncLock {
 public:
  explicit AsyncLock(net::TimeSource& time) : freed_(time) {}

  /// Gives the turn back when it goes.
  class Turn {
   public:
    explicit Turn(AsyncLock& lock) : lock_(&lock) {}
    Turn(Turn&& other) noexcept : lock_(std::exchange(other.lock_, nullptr)) {}
    Turn& operator=(Turn&&) = delete;
    ~Turn() {
      if (lock_ == nullptr) return;
      lock_->taken_ = false;
      lock_->freed_.notify();
    }

   private:
    AsyncLock* lock_;
  };

  [[nodiscard]] net::Async<Turn> take(SteadyTime deadline) {
    while (taken_) LH_CO_TRY_VOID(co_await freed_.wait_until(deadline));
    taken_ = true;
    co_return Turn(*this);
  }

 private:
  net::Event freed_;
  bool taken_ = false;
};

}  // namespace longhaul::replicator
