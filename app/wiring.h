#pragma once

#include <map>
#include <memory>
#include <string>

#include "app/config/flow_config.h"
#include "client/options.h"
#include "client/outage_board.h"
#include "replicator/flow_options.h"
#include "replicator/kafka/flow.h"

namespace longhaul::app {

/// By alias, for all flows of the process: what is out of reach is reported once per cluster.
using OutageBoards = std::map<std::string, std::shared_ptr<client::OutageBoard>>;

/// How a client of the file reaches its cluster.
[[nodiscard]] client::ClusterOptions cluster_options(const config::ClientSettings& settings);
[[nodiscard]] replicator::FlowOptions flow_options(const config::FlowConfig& flow);
[[nodiscard]] replicator::FlowClients flow_clients(const config::FlowConfig& flow, OutageBoards& boards);

}  // namespace longhaul::app
