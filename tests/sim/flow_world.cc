#include "tests/sim/flow_world.h"

#include <gtest/gtest.h>

#include "codecs/codec.h"
#include "protocol/messages/fetch.h"
#include "protocol/messages/produce.h"
#include "protocol/record.h"

namespace longhaul::test {
namespace {

constexpr std::int16_t kProduceVersion = 9;
constexpr std::int16_t kFetchVersion = 12;

sandbox::ClusterOptions cluster_options(std::uint64_t seed, milliseconds marker_delay = milliseconds(0)) {
  sandbox::ClusterOptions options;
  options.brokers = 2;
  options.default_replication_factor = 2;
  options.seed = seed;
  options.auto_create_topics = false;
  options.transaction_marker_delay = marker_delay;
  return options;
}

client::ClusterOptions client_options(const std::string& alias, const std::string& host,
                                      const std::shared_ptr<client::OutageBoard>& board) {
  client::ClusterOptions options;
  options.alias = alias;
  options.bootstrap = {{host, 1}, {host, 2}};
  options.outages = board;
  return options;
}

}  // namespace

FlowWorld::FlowWorld(const Options& options)
    : options_(options),
      a_(net_.add("a", cluster_options(1))),
      b_(net_.add("b", cluster_options(2, options.marker_delay))),
      pool_(options.memory) {
  EXPECT_TRUE(a_.create_topic(kTopic, kPartitions, 2).has_value());
}

FlowWorld::~FlowWorld() {
  if (flow_ != nullptr) (void)end();
}

replicator::FlowOptions FlowWorld::options() const {
  using namespace replicator;
  FlowOptions options;
  options.source_alias = "A";
  options.target_alias = "B";
  auto include = PatternList::compile({kTopic});
  auto policy = ReplicationPolicy::create({});
  options.selection = std::make_shared<TopicSelection>(TopicFilter(*std::move(include), PatternList()),
                                                       *std::move(policy), "B", HeartbeatsReplication::off);
  options.config_exclude = std::make_shared<PatternList>();
  options.refresh_interval = std::chrono::seconds(30);
  options.replication_factor = 2;
  options.offsets_topic = "mm2-offsets.A.internal";
  options.state_topic = "mm2-longhaul.A.internal";
  options.offsets_partitions = 2;
  options.offsets_replication_factor = 2;
  options.transactions = options_.transactions;
  options.fetch_max_wait = options_.fetch_max_wait;
  return options;
}

void FlowWorld::feed(int batches) {
  for (int i = 0; i < batches; ++i) {
    for (std::int32_t partition = 0; partition < kPartitions; ++partition) {
      replicator::testing::SourceBatch batch{.records = 3, .timestamp = net_.now().wall_ms};
      batch.value = fmt::format("{}-{}-", partition, fed_);
      write(batch, partition);
    }
    fed_ += 3;
  }
}

void FlowWorld::feed_one(const Feed& feed) {
  for (int i = 0; i < feed.batches; ++i) {
    replicator::testing::SourceBatch batch{.records = 3, .timestamp = net_.now().wall_ms - feed.age.count()};
    batch.value = std::string(feed.value_size, 'v');
    write(batch, feed.partition);
  }
}

void FlowWorld::write(const replicator::testing::SourceBatch& batch, std::int32_t partition) {
  const auto bytes = replicator::testing::encode(batch);
  const auto header = ConstBytes(bytes).first(protocol::batch_layout::kHeaderSize);
  const auto payload = ConstBytes(bytes).subspan(header.size());
  protocol::ProduceRequest request;
  request.acks = -1;
  request.timeout_ms = 1000;
  request.topic_data.push_back({.name = kTopic});
  request.topic_data[0].partition_data.push_back(
      {.index = partition, .records = {.header = header, .payload = payload}});
  const auto leader = a_.partition(kTopic, PartitionIndex(partition))->leader;
  const auto answer = net_.call("a", leader, request, kProduceVersion);
  ASSERT_EQ(answer.responses.at(0).partition_responses.at(0).error_code, protocol::KafkaErrc::none);
}

void FlowWorld::start() {
  const auto source_board = std::make_shared<client::OutageBoard>();
  const auto target_board = std::make_shared<client::OutageBoard>();
  const auto source = client_options("A", "a", source_board);
  const auto target = client_options("B", "b", target_board);
  started_.reset();
  group_ = std::make_unique<net::TaskGroup>(core_.loop.executor());
  flow_ = std::make_unique<replicator::Flow>(
      core_.io, std::vector<replicator::FlowCore>{{.io = &core_.io, .pool = &pool_}}, options(),
      replicator::FlowClients{
          .source_data = source, .source_admin = source, .target_data = target, .target_admin = target});
  group_->spawn([this]() -> net::Task { started_ = co_await flow_->start(); });
}

bool FlowWorld::begin() {
  start();
  return core_.loop.run_until([this] { return started_ && caught_up(); }, std::chrono::seconds(60));
}

std::optional<std::string> FlowWorld::only_transactional_id() {
  const auto ids = b_.transactional_ids();
  return ids.size() == 1 ? std::optional(ids[0]) : std::nullopt;
}

bool FlowWorld::caught_up(std::int32_t partition) {
  for (std::int32_t i = 0; i < kPartitions; ++i) {
    if (partition >= 0 && i != partition) continue;
    const auto state = b_.partition(kRemote, PartitionIndex(i));
    if (!state || state->end_offset < fed_) return false;
    // Markers take offsets too.
    if (std::ssize(target_records(i)) < fed_) return false;
  }
  return true;
}

Result<void> FlowWorld::end() {
  group_->cancel();
  auto drained = core_.loop.run(flow_->drain(core_.loop.time.now() + std::chrono::seconds(30)));
  core_.loop.run(group_->stop());
  flow_.reset();
  group_.reset();
  return drained;
}

std::vector<std::string> FlowWorld::source_records(std::int32_t partition) {
  return records("a", a_, kTopic, partition);
}

std::vector<std::string> FlowWorld::target_records(std::int32_t partition) {
  return records("b", b_, kRemote, partition);
}

std::vector<std::string> FlowWorld::records(const std::string& cluster, sandbox::Cluster& of,
                                            const std::string& topic, std::int32_t partition) {
  std::vector<std::string> found;
  const auto state = of.partition(topic, PartitionIndex(partition));
  if (!state) return found;
  for (auto offset = state->start_offset; offset < state->end_offset;) {
    protocol::FetchRequest request;
    request.max_bytes = 64 << 20;
    request.topics.push_back({.topic = topic});
    protocol::FetchPartition asked;
    asked.partition = partition;
    asked.fetch_offset = offset;
    asked.partition_max_bytes = 64 << 20;
    request.topics[0].partitions.push_back(asked);
    const auto answer = net_.call(cluster, state->leader, request, kFetchVersion);
    const auto& data = answer.responses.at(0).partitions.at(0);
    if (data.error_code != protocol::KafkaErrc::none) break;  // what is missing is noticed
    const auto before = offset;
    protocol::RecordSetReader reader(data.records);
    while (const auto entry = reader.next()) {
      const auto* batch = std::get_if<protocol::RecordBatchView>(&*entry);
      if (batch == nullptr) break;
      offset = batch->next_offset().value();
      if (batch->is_control()) continue;
      const auto payload = codecs::decompress(batch->compression(), batch->payload(), std::size_t{64} << 20U);
      EXPECT_TRUE(payload.has_value());
      protocol::RecordReader each(*batch, *payload);
      for (auto record = each.next(); record && *record; record = each.next()) {
        const auto value = (*record)->value.value_or(ConstBytes());
        found.push_back(
            fmt::format("{} at {}", as_text(value), protocol::record_timestamp(*batch, **record)));
      }
    }
    if (offset == before) break;
  }
  return found;
}

}  // namespace longhaul::test
