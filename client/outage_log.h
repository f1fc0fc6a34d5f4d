#pragma once

#include <optional>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace longhaul::client {

/// Reports that something is down when that begins, again after a minute and then ever less often while it
/// lasts, and that it is back: not one line per attempt. What comes and goes within a minute is one outage:
/// a listener that accepts connections and does not answer on them is not up in between.
class OutageLog {
 public:
  /// `reason` says by itself what is down.
  void down(SteadyTime now, const Error& reason);
  void up(SteadyTime now, std::string_view what);
  [[nodiscard]] bool is_down() const { return is_down_; }

 private:
  bool is_down_ = false;
  std::optional<SteadyTime> since_;  ///< when the outage began, until it has been over for long
  SteadyTime ended_{};               ///< when it was over last
  SteadyTime last_line_{};
  SteadyTime::duration repeat_{};
  bool end_reported_ = false;  ///< after the last line about it
};

}  // namespace longhaul::client
