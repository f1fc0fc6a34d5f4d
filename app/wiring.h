#pragma once

#include <vector>

#include "app/config/flow_config.h"
#include "base/result.h"
#include "client/options.h"
#include "client/outage_board.h"
#include "replicator/flow_options.h"
#include "replicator/kafka/flow.h"

namespace longhaul::app {

/// How a client of the file reaches its cluster. Reads key stores, which blocks. Errors name file, line and
/// key.
[[nodiscard]] Result<client::ClusterOptions> cluster_options(const config::ClientSettings& settings);
[[nodiscard]] replicator::FlowOptions flow_options(const config::FlowConfig& flow);

/// A flow with all that it needs to begin.
struct WiredFlow {
  const config::FlowConfig* config = nullptr;
  replicator::FlowClients clients;
};

/// `cluster_options` for each client of all flows; what is out of reach is reported once per cluster.
[[nodiscard]] Result<std::vector<WiredFlow>> wire_flows(const std::vector<const config::FlowConfig*>& flows);

}  // namespace longhaul::app
