#pragma once

#include "app/config/flow_config.h"
#include "client/options.h"
#include "replicator/flow_options.h"
#include "replicator/kafka/flow.h"

namespace longhaul::app {

/// How a client of the file reaches its cluster.
[[nodiscard]] client::ClusterOptions cluster_options(const config::ClientSettings& settings);
[[nodiscard]] replicator::FlowOptions flow_options(const config::FlowConfig& flow);
[[nodiscard]] replicator::FlowClients flow_clients(const config::FlowConfig& flow);

}  // namespace longhaul::app
