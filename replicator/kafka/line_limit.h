#pragma once

#include <map>
#include <string>

#include "base/clock.h"

namespace longhaul::replicator {

/// Lets one log line per subject through every minute: for what is repeated until it works again.
class LineLimit {
 public:
  [[nodiscard]] bool pass(const std::string& subject, SteadyTime now) {
    constexpr auto kQuiet = std::chrono::seconds(60);
    const auto [entry, is_new] = last_.try_emplace(subject, now);
    if (!is_new && now - entry->second < kQuiet) return false;
    entry->second = now;
    return true;
  }

 private:
  std::map<std::string, SteadyTime> last_;
};

}  // namespace longhaul::replicator
