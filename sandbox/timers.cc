#include "sandbox/timers.h"

namespace longhaul::sandbox {

Timers::Id Timers::at(SteadyTime time, std::function<void()> action) {
  const auto id = ++last_;
  entries_.emplace(Key{time, id}, std::move(action));
  times_.emplace(id, time);
  return id;
}

void Timers::cancel(Id id) {
  const auto found = times_.find(id);
  if (found == times_.end()) return;
  entries_.erase(Key{found->second, id});
  times_.erase(found);
}

std::optional<SteadyTime> Timers::next() const {
  if (entries_.empty()) return std::nullopt;
  return entries_.begin()->first.first;
}

void Timers::run(SteadyTime now) {
  while (!entries_.empty() && entries_.begin()->first.first <= now) {
    // Taken out before it runs, because it may add and cancel others.
    auto entry = entries_.extract(entries_.begin());
    times_.erase(entry.key().second);
    entry.mapped()();
  }
}

}  // namespace longhaul::sandbox
