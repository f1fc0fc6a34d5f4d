#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <utility>

#include "base/clock.h"

namespace longhaul::sandbox {

/// What is to happen at a later time, under whatever time the caller has. Entries of the same time run in the
/// order they were added.
class Timers {
 public:
  /// Identifies an entry; never 0.
  using Id = std::uint64_t;

  Id at(SteadyTime time, std::function<void()> action);
  /// Forgets an entry; nothing happens when it has run already.
  void cancel(Id id);
  [[nodiscard]] std::optional<SteadyTime> next() const;
  /// Runs everything that is due at `now`, also what becomes due meanwhile.
  void run(SteadyTime now);

 private:
  using Key = std::pair<SteadyTime, Id>;
  std::map<Key, std::function<void()>> entries_;
  std::map<Id, SteadyTime> times_;
  Id last_ = 0;
};

}  // namespace longhaul::sandbox
