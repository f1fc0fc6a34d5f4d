#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "app/verify_flow.h"

namespace longhaul::app {

struct FollowedFlow {
  const config::FlowConfig* config = nullptr;
  VerifyClusters clusters;
};

/// How far one flow has been followed.
struct FollowProgress {
  std::int64_t partitions = 0;
  std::int64_t records = 0;
  std::int64_t different = 0;
  std::int64_t not_compared = 0;
  /// Partitions whose target does not have all yet, what it lacks in offsets of the source (keys where
  /// cleaned logs are compared), and for how long the longest of them has been behind.
  std::int64_t behind = 0;
  std::int64_t lag = 0;
  milliseconds behind_for{0};
  /// Why nothing could be read lately; empty when all is well.
  std::string trouble;
};

struct FollowReports {
  /// A partition that differs or cannot be compared on, at once; all others when following ends.
  std::function<void(const config::FlowConfig&, const VerifyResult&)> result;
  /// Every `interval`.
  std::function<void(const config::FlowConfig&, const FollowProgress&)> progress;
  milliseconds interval{10'000};
};

/// Compares the flows as their records arrive, from the starts of the logs (or from `options.since` on) until
/// it is cancelled, or until no partition is left that could be followed. What the target does not have yet
/// is no difference. New topics and partitions are found. Cancelling it is its ordinary end; an error says
/// why a flow could not even begin.
[[nodiscard]] net::Async<void> follow_flows(net::Io& io, std::vector<FollowedFlow> flows,
                                            const VerifyOptions& options, const FollowReports& reports);

}  // namespace longhaul::app
