#pragma once

#include <optional>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace longhaul::client {

/// Reports that something is down when that begins, again after a minute and then ever less often while it
/// lasts, and that it is back: not one line per attempt. What flaps within seconds is reported once.
class OutageLog {
 public:
  /// `reason` says by itself what is down.
  void down(SteadyTime now, const Error& reason);
  void up(SteadyTime now, std::string_view what);
  [[nodiscard]] bool is_down() const { return since_.has_value(); }

 private:
  std::optional<SteadyTime> since_;
  std::optional<SteadyTime> last_line_;
  SteadyTime::duration repeat_{};
  bool reported_ = false;  ///< whether this outage has had a line
};

}  // namespace longhaul::client
