#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "app/runner.h"

namespace longhaul::app {

/// Shows how flows are getting on: one live line per flow on a terminal, a log line now and then elsewhere.
/// Owned by the main thread.
class StatusDisplay {
 public:
  enum class Kind { terminal, log };
  explicit StatusDisplay(Kind kind);
  ~StatusDisplay();
  StatusDisplay(const StatusDisplay&) = delete;
  StatusDisplay& operator=(const StatusDisplay&) = delete;

  void update(const std::vector<FlowSnapshot>& flows, SteadyTime now);

 private:
  struct Seen {
    SteadyTime at;
    std::int64_t records = 0;
    std::int64_t bytes = 0;
    double records_per_second = 0;
    double bytes_per_second = 0;
  };
  void measure(const FlowSnapshot& flow, SteadyTime now);

  Kind kind_;
  std::map<std::string, Seen> seen_;
  SteadyTime shown_{};
};

/// "A->B  3 topics  12 partitions  84.1 MB/s  92,310 records/s  lag 1,204,512  ETA 13 s". Lag is in offsets;
/// without progress there is no ETA.
[[nodiscard]] std::string status_text(const FlowSnapshot& flow, double bytes_per_second,
                                      double records_per_second);

}  // namespace longhaul::app
