#include "tests/sim/instance.h"

#include "base/check.h"

namespace longhaul::sim {
namespace {

client::ClusterOptions client_options(const InstancePlan& plan, const std::string& alias,
                                      const std::string& host, int brokers) {
  client::ClusterOptions options;
  options.alias = alias;
  for (int broker = 1; broker <= brokers; ++broker)
    options.bootstrap.push_back({host, static_cast<std::uint16_t>(broker)});
  options.outages = std::make_shared<client::OutageBoard>();
  options.request_timeout = plan.request_timeout;
  options.connect_timeout = plan.connect_timeout;
  options.metadata_max_age = plan.metadata_max_age;
  return options;
}

replicator::FlowOptions flow_options(const InstancePlan& plan) {
  using namespace replicator;
  FlowOptions options;
  options.source_alias = "A";
  options.target_alias = "B";
  auto include = PatternList::compile(plan.topics);
  auto policy = ReplicationPolicy::create({});
  LH_CHECK(include.has_value() && policy.has_value());
  options.selection = std::make_shared<TopicSelection>(TopicFilter(*std::move(include), PatternList()),
                                                       *std::move(policy), "B", HeartbeatsReplication::off);
  // As by default: what a source says about times is not the target's.
  auto exclude = PatternList::compile({"message.timestamp.type"});
  LH_CHECK(exclude.has_value());
  options.config_exclude = std::make_shared<PatternList>(*std::move(exclude));
  options.refresh_interval = plan.refresh_interval;
  options.replication_factor = static_cast<std::int16_t>(std::min(2, plan.target_brokers));
  options.offsets_topic = "mm2-offsets.A.internal";
  options.state_topic = "mm2-longhaul.A.internal";
  options.offsets_partitions = plan.offsets_partitions;
  options.offsets_replication_factor = options.replication_factor;
  options.request_timeout = plan.request_timeout;
  options.position_flush_interval = plan.flush_interval;
  options.fetch_max_wait = plan.fetch_max_wait;
  options.fetch_max_bytes = plan.fetch_max_bytes;
  options.max_partition_fetch_bytes = plan.max_partition_fetch_bytes;
  options.isolation = plan.isolation;
  options.transactions = plan.transactions;
  options.transaction_interval = plan.transaction_interval;
  options.transaction_timeout = plan.transaction_timeout;
  options.transaction_calm = plan.transaction_calm;
  return options;
}

}  // namespace

Instance::Instance(int number, SimLoop& loop, SimNet& net, const InstancePlan& plan, std::uint64_t seed)
    : number_(number),
      net_(net),
      time_(loop.time),
      connector_(net.connector(number)),
      random_(seed * 1'000 + static_cast<std::uint64_t>(number)),
      io_{loop.executor(), time_, *connector_, random_},
      group_(loop.executor()),
      reaper_(loop.executor()) {
  std::vector<replicator::FlowCore> cores;
  for (int i = 0; i < plan.cores; ++i) {
    pools_.push_back(std::make_unique<SlabPool>(plan.memory));
    cores.push_back({.io = &io_, .pool = pools_.back().get()});
  }
  const auto source = client_options(plan, "A", "a", plan.source_brokers);
  const auto target = client_options(plan, "B", "b", plan.target_brokers);
  flow_ = std::make_unique<replicator::Flow>(
      io_, std::move(cores), flow_options(plan),
      replicator::FlowClients{
          .source_data = source, .source_admin = source, .target_data = target, .target_admin = target});
  group_.spawn([this]() -> net::Task { started_ = co_await flow_->start(); });
}

Instance::~Instance() {
  LH_CHECK(ended_);
}

void Instance::crash(Leftovers leftovers, milliseconds later_max) {
  if (ended_) return;
  net_.kill(number_, leftovers, later_max);
  if (std::exchange(ending_, true)) return;  // killed while it drained: that goes on without a network
  group_.cancel();
  reaper_.spawn([this]() -> net::Task {
    co_await flow_->stop();
    co_await group_.stop();
    ended_ = true;
  });
}

void Instance::drain(SteadyTime deadline) {
  if (std::exchange(ending_, true)) return;
  group_.cancel();
  reaper_.spawn([this, deadline]() -> net::Task {
    drained_ = co_await flow_->drain(deadline);
    co_await group_.stop();
    ended_ = true;
  });
}

void Instance::ask_status() {
  status_.reset();
  if (!ending_) group_.spawn([this]() -> net::Task { status_ = co_await flow_->status(); });
}

}  // namespace longhaul::sim
