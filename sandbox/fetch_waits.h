#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "sandbox/timers.h"

namespace longhaul::sandbox {

struct Partition;

/// Fetches that wait for their smallest number of bytes. Each is looked at again when one of its partitions
/// changes, and ends at the latest when its time is over.
class FetchWaits {
 public:
  using Id = std::uint64_t;

  struct Wait {
    /// Whether the fetch can be answered now.
    std::function<bool()> is_ready;
    std::function<void()> answer;
    /// Those that wake it; pointers are removed by forget().
    std::vector<Partition*> partitions;
    std::uint64_t connection = 0;
  };

  void add(Timers& timers, SteadyTime deadline, Wait wait);
  /// Looks at everything that waits for `partition`.
  void wake(Timers& timers, Partition& partition);
  /// Answers everything that waits for `partition`, which is about to go away.
  void release(Timers& timers, Partition& partition);
  /// Forgets the fetches of a connection.
  void drop(Timers& timers, std::uint64_t connection);

  [[nodiscard]] std::size_t size() const { return waits_.size(); }

 private:
  struct Entry {
    Wait wait;
    Timers::Id timer = 0;
  };
  [[nodiscard]] Wait take(Timers& timers, Id id);

  std::map<Id, Entry> waits_;
  Id last_ = 0;
};

}  // namespace longhaul::sandbox
