#include "app/wiring.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

#include "app/client_security.h"
#include "base/log.h"

namespace longhaul::app {
namespace {

/// One fetch answer is read into one slab, so its size is what a read lane holds at a time. Larger answers
/// gain nothing.
constexpr std::int32_t kFetchBytesMax = 8 << 20;

/// "host/4711": enough for a person to find the process.
std::string this_process() {
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) return fmt::format("unknown host/{}", getpid());
  return fmt::format("{}/{}", host.data(), getpid());
}

replicator::OffsetReset to_reset(config::AutoOffsetReset reset) {
  switch (reset) {
    case config::AutoOffsetReset::earliest:
      return replicator::OffsetReset::earliest;
    case config::AutoOffsetReset::latest:
      return replicator::OffsetReset::latest;
    case config::AutoOffsetReset::none:
      return replicator::OffsetReset::none;
  }
  return replicator::OffsetReset::none;
}

replicator::Transactions to_transactions(config::Transactions transactions) {
  switch (transactions) {
    case config::Transactions::never:
      return replicator::Transactions::never;
    case config::Transactions::backfill:
      return replicator::Transactions::backfill;
    case config::Transactions::always:
      return replicator::Transactions::always;
  }
  return replicator::Transactions::never;
}

}  // namespace

Result<client::ClusterOptions> cluster_options(const config::ClientSettings& settings) {
  client::ClusterOptions options;
  LH_TRY(auto security, client_security(settings.security));
  options.tls = std::move(security.tls);
  options.sasl = std::move(security.sasl);
  options.alias = settings.cluster;
  for (const auto& server : settings.bootstrap_servers)
    options.bootstrap.push_back({server.host, server.port});
  options.client_id = settings.client_id;
  options.request_timeout = settings.request_timeout;
  options.connect_timeout = settings.connection_setup_timeout;
  options.retry_backoff = settings.retry_backoff;
  options.retry_backoff_max = settings.retry_backoff_max;
  options.reconnect_backoff = settings.reconnect_backoff;
  options.reconnect_backoff_max = settings.reconnect_backoff_max;
  options.metadata_max_age = settings.metadata_max_age;
  return options;
}

namespace {

/// What stores with several certificates and the like deserve a line about, once for each cluster.
void warn_about(const client::ClusterOptions& options, std::set<std::string>& said) {
  if (!options.tls) return;
  for (const auto& warning : options.tls->warnings()) {
    auto text = fmt::format("cluster {}: {}", options.alias, warning);
    if (said.insert(text).second) log::warn(text);
  }
}

}  // namespace

Result<std::vector<WiredFlow>> wire_flows(const std::vector<const config::FlowConfig*>& flows) {
  std::map<std::string, std::shared_ptr<client::OutageBoard>> boards;
  std::set<std::string> said;
  std::vector<WiredFlow> wired;
  for (const auto* flow : flows) {
    replicator::FlowClients clients;
    LH_TRY(clients.source_data, cluster_options(flow->source_consumer));
    LH_TRY(clients.source_admin, cluster_options(flow->source_admin));
    LH_TRY(clients.target_data, cluster_options(flow->data_producer));
    LH_TRY(clients.target_admin, cluster_options(flow->target_admin));
    for (auto* options :
         {&clients.source_data, &clients.source_admin, &clients.target_data, &clients.target_admin}) {
      auto& board = boards[options->alias];
      if (board == nullptr) board = std::make_shared<client::OutageBoard>();
      options->outages = board;
      warn_about(*options, said);
    }
    wired.push_back({flow, std::move(clients)});
  }
  return wired;
}

replicator::FlowOptions flow_options(const config::FlowConfig& flow) {
  replicator::FlowOptions options;
  options.source_alias = flow.source;
  options.target_alias = flow.target;
  options.selection = flow.selection;
  options.config_exclude = flow.config_exclude;
  options.defaults_from = flow.use_defaults_from == config::UseDefaultsFrom::source
                              ? replicator::DefaultsFrom::source
                              : replicator::DefaultsFrom::target;
  options.replication_factor = flow.replication_factor;
  options.refresh_interval = flow.refresh_topics;

  const auto& consumer = flow.source_consumer;
  options.isolation = consumer.isolation_level == config::IsolationLevel::read_committed
                          ? protocol::IsolationLevel::read_committed
                          : protocol::IsolationLevel::read_uncommitted;
  options.append_times = flow.own.append_times == config::AppendTimes::preserve
                             ? replicator::AppendTimes::preserve
                             : replicator::AppendTimes::passthrough;
  options.reset = to_reset(consumer.auto_offset_reset);
  options.fetch_min_bytes = consumer.fetch_min_bytes;
  options.fetch_max_wait = consumer.fetch_max_wait;
  options.fetch_max_bytes = std::min(consumer.fetch_max_bytes, kFetchBytesMax);
  options.max_partition_fetch_bytes = consumer.max_partition_fetch_bytes;
  options.request_timeout = flow.data_producer.request_timeout;
  options.retry_backoff = flow.data_producer.retry_backoff;
  options.retry_backoff_max = flow.data_producer.retry_backoff_max;

  options.connector_name = flow.connector_name;
  options.offsets_topic = flow.worker.offset_storage_topic;
  options.connector_offsets_topic = flow.connector_offsets_topic;
  options.state_topic = flow.own.state_topic;
  options.offsets_partitions = flow.worker.offset_storage_partitions;
  options.offsets_replication_factor = flow.worker.offset_storage_replication_factor;
  options.offsets_topic_configs = flow.worker.offset_storage_topic_configs;
  options.exactly_once = flow.own.exactly_once ? replicator::ExactlyOnce::on : replicator::ExactlyOnce::off;
  options.transactions = to_transactions(flow.own.transactions);
  options.transaction_interval = flow.own.transaction_interval;
  options.transaction_timeout = flow.own.transaction_timeout;
  options.transaction_calm = flow.own.transaction_calm;
  options.deployment_id = flow.own.deployment_id;
  options.instance = this_process();
  options.position_flush_interval = flow.own.position_flush_interval;
  return options;
}

}  // namespace longhaul::app
