#include "replicator/kafka/internal_topics.h"

#include <algorithm>
#include <set>

#include "base/check.h"
#include "net/error.h"
#include "protocol/messages/produce.h"
#include "protocol/record.h"
#include "replicator/kafka/simple_fetch.h"
#include "replicator/partition_pipeline.h"

namespace longhaul::replicator {
namespace {

using protocol::KafkaErrc;

/// Transactions are told apart by their markers, see CompactedReader.
constexpr auto kUncommitted = protocol::IsolationLevel::read_uncommitted;
constexpr std::size_t kBatchBytes = std::size_t{256} << 10U;

ErrorCode unusable() {
  return make_error_code(boost::system::errc::invalid_argument);
}

/// Number of partitions of a topic that exists, as soon as a broker says so.
net::Async<std::int32_t> count_partitions(client::Cluster& cluster, std::string topic, SteadyTime deadline) {
  auto backoff = cluster.retry_backoff();
  for (;;) {
    LH_CO_TRY_VOID(co_await cluster.refresh_topics({topic}, deadline));
    const auto* info = cluster.metadata().topic(topic);
    if (info != nullptr && info->error == KafkaErrc::none && !info->partitions.empty()) {
      co_return static_cast<std::int32_t>(info->partitions.size());
    }
    const auto code = info == nullptr ? KafkaErrc::unknown_topic_or_partition : info->error;
    LH_CO_TRY_VOID(co_await cluster.back_off(
        backoff, deadline, Error{protocol::kafka_error(code), cluster.name() + ": topic " + topic}));
  }
}

}  // namespace

net::Async<std::int32_t> ensure_compacted_topic(client::Cluster& cluster, InternalTopicOptions options,
                                                SteadyTime deadline) {
  client::NewTopic topic{.name = options.name,
                         .partitions_count = options.partitions,
                         .replication_factor = options.replication_factor};
  for (const auto& [key, value] : options.configs) topic.configs[key] = value;
  topic.configs["cleanup.policy"] = "compact";
  LH_CO_TRY_VOID(co_await cluster.refresh_topics({options.name}, deadline));
  const auto* known = cluster.metadata().topic(options.name);
  if (known == nullptr || known->error == KafkaErrc::unknown_topic_or_partition) {
    std::vector<client::NewTopic> topics;
    topics.push_back(std::move(topic));
    LH_CO_TRY(const auto created,
              co_await client::create_topics(cluster, std::move(topics), client::DryRun::no, deadline));
    const auto& outcome = created.at(0).outcome;
    if (!outcome && outcome.error().code != KafkaErrc::topic_already_exists) {
      co_return in_context(outcome.error(), "{}: cannot create topic {}", cluster.name(), options.name);
    }
  }
  std::vector<client::ConfigResource> resources = {{client::ConfigResourceType::topic, options.name}};
  LH_CO_TRY(const auto described, co_await client::describe_configs(cluster, std::move(resources), deadline));
  if (described.at(0).entries) {
    for (const auto& entry : *described[0].entries) {
      if (entry.name != "cleanup.policy" || entry.value == "compact") continue;
      co_return fail(unusable(), "{}: topic {} has cleanup.policy={}, but positions need compact",
                     cluster.name(), options.name, entry.value.value_or("(none)"));
    }
  }
  co_return co_await count_partitions(cluster, std::move(options.name), deadline);
}

Result<void> CompactedTopic::take(Partition& partition, const protocol::PartitionData& data) {
  protocol::RecordSetReader reader(data.records);
  while (const auto entry = reader.next()) {
    const auto* batch = std::get_if<protocol::RecordBatchView>(&*entry);
    if (batch == nullptr || !batch->has_valid_crc()) {
      return fail(unusable(), "damaged batch at offset {}", partition.position);
    }
    if (batch->next_offset() <= partition.position) continue;
    LH_TRY_VOID(partition.reader.add(*batch));
    partition.position = batch->next_offset();
    if (!batch->is_control()) continue;
    auto& marker = partition.markers[batch->producer_id()];
    if (marker.offset != Offset() && batch->producer_epoch() < marker.epoch) continue;
    marker = {.epoch = batch->producer_epoch(),
              .offset = batch->base_offset(),
              .written_ms = batch->max_timestamp()};
  }
  return {};
}

net::Async<Offset> CompactedTopic::read_piece(PartitionIndex index, Partition& partition,
                                              SteadyTime deadline) {
  const TopicPartition name{name_, index};
  LH_CO_TRY(const auto fetched,
            co_await fetch_partition(cluster_, name, partition.position, kUncommitted, deadline));
  auto taken = take(partition, fetched.data);
  if (!taken) co_return in_context(std::move(taken).error(), "{}: {}", cluster_.name(), name);
  co_return Offset(fetched.data.high_watermark);
}

net::Async<CompactedChanges> CompactedTopic::read_all(SteadyTime deadline) {
  LH_CO_TRY(const auto count, co_await count_partitions(cluster_, name_, deadline));
  std::vector<client::OffsetQuery> starts;
  std::vector<TopicPartition> names;
  for (std::int32_t i = 0; i < count; ++i) {
    names.push_back({name_, PartitionIndex(i)});
    starts.push_back({names.back(), protocol::kEarliestTimestamp});
  }
  LH_CO_TRY(const auto first,
            co_await client::list_offsets(cluster_, std::move(starts), kUncommitted, deadline));
  for (const auto& [name, listed] : first) {
    if (!listed) co_return in_context(listed.error(), "{}: {}", cluster_.name(), name);
    auto& partition = partitions_[name.partition];
    partition = std::make_unique<Partition>(cluster_.io().time);
    partition->position = listed->offset;
  }
  // Of all at once: each such call begins with fresh metadata, which is not asked for at any pace.
  LH_CO_TRY(const auto last,
            co_await client::end_offsets(cluster_, std::move(names), kUncommitted, deadline));
  CompactedChanges all;
  for (const auto& [name, listed] : last) {
    if (!listed) co_return in_context(listed.error(), "{}: {}", cluster_.name(), name);
    auto& partition = *partitions_.at(name.partition);
    LH_CO_TRY(const auto turn, co_await partition.turn.take(deadline));
    LH_CO_TRY(auto changes, co_await read_up_to(name.partition, partition, listed->offset, deadline));
    for (auto& [key, value] : changes) all[key] = std::move(value);
  }
  co_return all;
}

net::Async<CompactedChanges> CompactedTopic::read_on(PartitionIndex index, SteadyTime deadline) {
  auto& partition = *partitions_.at(index);
  LH_CO_TRY(const auto turn, co_await partition.turn.take(deadline));
  std::vector<TopicPartition> names = {{name_, index}};
  LH_CO_TRY(const auto last,
            co_await client::end_offsets(cluster_, std::move(names), kUncommitted, deadline));
  const auto& end = last.at(0).listed;
  if (!end) co_return in_context(end.error(), "{}: {}-{}", cluster_.name(), name_, index);
  co_return co_await read_up_to(index, partition, end->offset, deadline);
}

net::Async<CompactedChanges> CompactedTopic::read_up_to(PartitionIndex index, Partition& partition,
                                                        Offset end, SteadyTime deadline) {
  while (partition.position < end) {
    const auto before = partition.position;
    LH_CO_TRY(const auto known, co_await read_piece(index, partition, deadline));
    if (partition.position != before) continue;
    // Compaction may have left nothing between the last batch and the end; or a new leader does not know yet
    // how far the log goes.
    if (known >= end) partition.position = end;
    if (cluster_.io().time.now() >= deadline) co_return fail(net::NetErrc::timed_out, "{}-{}", name_, index);
  }
  co_return partition.reader.take();
}

net::Async<CompactedTopic::UpToMarker> CompactedTopic::read_to_marker(PartitionIndex index,
                                                                      ProducerEpoch producer,
                                                                      SteadyTime deadline) {
  auto& partition = *partitions_.at(index);
  LH_CO_TRY(const auto turn, co_await partition.turn.take(deadline));
  for (;;) {
    const auto found = partition.markers.find(producer.id);
    if (found != partition.markers.end() && found->second.epoch > producer.epoch) {
      co_return fail(protocol::kafka_error(KafkaErrc::producer_fenced), "{}-{}", name_, index);
    }
    if (found != partition.markers.end() && found->second.epoch == producer.epoch) {
      co_return UpToMarker{found->second.offset, found->second.written_ms, partition.reader.take()};
    }
    if (cluster_.io().time.now() >= deadline) co_return fail(net::NetErrc::timed_out, "{}-{}", name_, index);
    LH_CO_TRY([[maybe_unused]] const auto end, co_await read_piece(index, partition, deadline));
  }
}

void InternalTopicWriter::forget() {
  lanes_.clear();
  used_.reset();
}

net::Async<void> InternalTopicWriter::prepare(SteadyTime deadline) {
  if (producer_->lost) {
    co_return fail(protocol::kafka_error(KafkaErrc::producer_fenced), "{}", producer_->transactional_id);
  }
  if (!producer_->producer) {
    if (!producer_->transactional_id.empty()) {
      co_return fail(protocol::kafka_error(KafkaErrc::invalid_producer_id_mapping), "{}",
                     producer_->transactional_id);
    }
    LH_CO_TRY(const auto fresh, co_await client::init_producer_id(cluster_, deadline));
    producer_->producer = ProducerEpoch{fresh.id, fresh.epoch};
  }
  // What is in doubt under the former epoch is refused by now, or stands in front of what follows.
  if (used_ != producer_->producer) lanes_.clear();
  used_ = producer_->producer;
  co_return Result<void>{};
}

Result<void> InternalTopicWriter::encode(const TopicPartition& partition, const std::vector<Group>& groups) {
  auto& lane = lanes_[partition];
  protocol::BatchBuilder builder;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    for (const auto& record : groups[i]) {
      protocol::NewRecord added{.timestamp = untimed_ ? -1 : clock_.wall_ms(), .key = as_bytes(record.key)};
      if (record.value) added.value = as_bytes(*record.value);
      LH_TRY_VOID(builder.add(added));
    }
    if (i + 1 < groups.size() && builder.size() < kBatchBytes) continue;
    protocol::BatchOptions options;
    options.producer = {used_->id, used_->epoch, lane.next_sequence};
    if (producer_->transactional) options.attribute_bits = protocol::batch_layout::kTransactionalBit;
    LH_TRY(const auto header, builder.finish(options, builder.payload()));
    auto slab = Slab::unbudgeted(builder.size());
    std::ranges::copy(header, slab.bytes().begin());
    std::ranges::copy(builder.payload(), slab.bytes().subspan(header.size()).begin());
    lane.next_sequence = advance_sequence(lane.next_sequence, builder.records_count());
    lane.unsent.push_back(std::move(slab).share());
    builder.clear();
  }
  return {};
}

net::Async<void> InternalTopicWriter::write(Writes writes, SteadyTime deadline) {
  auto written = co_await write_once(writes, deadline);
  const bool refused = !written && written.error().code == KafkaErrc::invalid_timestamp;
  if (!refused || untimed_ || !producer_->transactional_id.empty()) co_return written;
  untimed_ = true;
  // What was refused has taken sequences.
  producer_->producer.reset();
  forget();
  co_return co_await write_once(writes, deadline);
}

net::Async<void> InternalTopicWriter::write_once(const Writes& writes, SteadyTime deadline) {
  LH_CO_TRY_VOID(co_await prepare(deadline));
  // What an earlier call left: its sequences are taken, and nothing may be written in front of it.
  LH_CO_TRY_VOID(co_await send_all(deadline));
  for (const auto& [partition, groups] : writes) LH_CO_TRY_VOID(encode(partition, groups));
  co_return co_await send_all(deadline);
}

net::Async<void> InternalTopicWriter::send_all(SteadyTime deadline) {
  const auto waits = [](const auto& entry) { return !entry.second.unsent.empty(); };
  auto backoff = cluster_.retry_backoff();
  while (std::ranges::any_of(lanes_, waits)) {
    auto sent = co_await send_round();
    if (sent) {
      backoff.reset();
      continue;
    }
    auto error = std::move(sent).error();
    const auto reaction = client::reaction_to(error);
    if (reaction == client::Reaction::check_sequence && producer_->transactional_id.empty()) {
      // Only a new producer may write there.
      producer_->producer.reset();
      forget();
    }
    const bool final = reaction == client::Reaction::fail_partition ||
                       reaction == client::Reaction::check_sequence ||
                       (reaction == client::Reaction::fail_flow && !client::is_connection_error(error.code));
    if (final) co_return in_context(std::move(error), "cannot store positions");
    LH_CO_TRY_VOID(co_await cluster_.back_off(backoff, deadline, std::move(error)));
    std::set<std::string> topics;
    for (const auto& [partition, lane] : lanes_) {
      if (!lane.unsent.empty()) topics.insert(partition.topic);
    }
    LH_CO_TRY_VOID(co_await cluster_.refresh_topics({topics.begin(), topics.end()}, deadline));
  }
  co_return Result<void>{};
}

namespace {

/// One Produce request in the making: the first batch of partitions of one leader.
struct Round {
  protocol::ProduceRequest request;
  std::vector<Slice> keep;
  std::vector<TopicPartition> partitions;
};

void add_to(Round& round, const TopicPartition& partition, const Slice& batch) {
  constexpr auto kHeaderSize = protocol::batch_layout::kHeaderSize;
  auto& topics = round.request.topic_data;
  auto place = std::ranges::find(topics, partition.topic, &protocol::TopicProduceData::name);
  if (place == topics.end()) {
    topics.push_back({.name = partition.topic});
    place = topics.end() - 1;
  }
  place->partition_data.push_back({.index = partition.partition.value(),
                                   .records = {.header = batch.bytes().first(kHeaderSize),
                                               .payload = batch.bytes().subspan(kHeaderSize)}});
  round.keep.push_back(batch);
  round.partitions.push_back(partition);
}

/// What the answer says about each partition of the round; partitions it does not name are in doubt.
std::map<TopicPartition, KafkaErrc> codes_of(const protocol::ProduceResponse& response) {
  std::map<TopicPartition, KafkaErrc> codes;
  for (const auto& topic : response.responses) {
    for (const auto& answer : topic.partition_responses) {
      codes[{topic.name, PartitionIndex(answer.index)}] = answer.error_code;
    }
  }
  return codes;
}

}  // namespace

net::Async<void> InternalTopicWriter::send_round() {
  std::map<BrokerId, Round> rounds;
  Result<void> outcome;
  const auto failed = [&](Error error) {
    if (outcome) outcome = std::unexpected(std::move(error));
  };
  for (auto& [partition, lane] : lanes_) {
    if (lane.unsent.empty()) continue;
    if (const auto leader = cluster_.leader(partition)) {
      add_to(rounds[leader->broker], partition, lane.unsent.front());
    } else {
      failed({client::make_error_code(client::ClientErrc::no_leader), fmt::format("{}", partition)});
    }
  }
  std::vector<std::pair<Round*, client::Pending<protocol::ProduceResponse>>> under_way;
  for (auto& [broker, round] : rounds) {
    round.request.acks = -1;
    if (producer_->transactional) round.request.transactional_id = producer_->transactional_id;
    round.request.timeout_ms = static_cast<std::int32_t>(cluster_.options().request_timeout.count());
    const auto attempt = cluster_.attempt_deadline(SteadyTime::max());
    const auto connection = co_await cluster_.connection(broker, {client::Role::produce, 1}, attempt);
    if (!connection) {
      failed(connection.error());
      continue;
    }
    client::CallOptions call{.deadline = attempt, .keep = std::move(round.keep)};
    if (producer_->transactional) call.max_version = client::kTransactionalProduceMax;
    auto pending = (*connection)->submit(round.request, std::move(call));
    if (pending) {
      under_way.emplace_back(&round, *std::move(pending));
    } else {
      failed(std::move(pending).error());
    }
  }
  for (auto& [round, pending] : under_way) {
    const auto answer = co_await pending.wait();
    if (!answer) {
      failed(answer.error());
      continue;
    }
    const auto codes = codes_of(answer->body);
    for (const auto& partition : round->partitions) {
      const auto code = codes.find(partition);
      if (code != codes.end() && code->second == KafkaErrc::none) {
        lanes_[partition].unsent.pop_front();
      } else {
        const auto reason = code == codes.end() ? KafkaErrc::unknown_server_error : code->second;
        failed({protocol::kafka_error(reason), fmt::format("{}: {}", cluster_.name(), partition)});
      }
    }
  }
  co_return outcome;
}

}  // namespace longhaul::replicator
