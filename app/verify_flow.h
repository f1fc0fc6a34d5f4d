#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "app/config/flow_config.h"
#include "app/verify_result.h"
#include "base/clock.h"
#include "client/options.h"
#include "net/io.h"
#include "replicator/java_pattern.h"

namespace longhaul::app {

struct VerifyOptions {
  /// Source topics to compare of those that the flow selects; all when empty.
  std::optional<replicator::JavaPattern> topics;
  /// Partitions compared at the same time.
  int parallel = 8;
  /// How long a target that lacks records may take to get the next ones.
  milliseconds patience{5'000};
  /// Records to compare of each partition, at places spread over its time; all when empty.
  std::optional<std::int64_t> sample = std::nullopt;
  /// Following begins with the first record that is this late (milliseconds of the epoch); with the first of
  /// all without it.
  std::optional<std::int64_t> since = std::nullopt;
};

/// How both sides are reached.
struct VerifyClusters {
  client::ClusterOptions source;
  client::ClusterOptions target;
};

/// Compares all partitions of the flow, up to the ends they have when this begins. `report` is called on the
/// core of `io`, once per partition, in the order in which they are done. An error says why nothing could be
/// compared.
[[nodiscard]] net::Async<void> verify_flow(net::Io& io, const config::FlowConfig& flow,
                                           VerifyClusters clusters, const VerifyOptions& options,
                                           std::function<void(const VerifyResult&)> report);

}  // namespace longhaul::app
