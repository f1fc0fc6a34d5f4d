#include "replicator/kafka/internal_topics.h"

#include <algorithm>

#include "codecs/codec.h"
#include "protocol/messages/produce.h"
#include "protocol/record.h"
#include "replicator/abort_filter.h"
#include "replicator/kafka/simple_fetch.h"
#include "replicator/partition_pipeline.h"

namespace longhaul::replicator {
namespace {

using protocol::KafkaErrc;

constexpr std::size_t kBatchBytes = std::size_t{256} << 10U;
/// Of one decompressed batch; far above what Connect writes.
constexpr std::size_t kDecompressedMax = std::size_t{64} << 20U;

ErrorCode unusable() {
  return make_error_code(boost::system::errc::invalid_argument);
}

using Compacted = std::map<std::string, std::string>;

Result<void> take_batch(const protocol::RecordBatchView& batch, Compacted& into) {
  Bytes decompressed;
  auto payload = batch.payload();
  if (batch.compression() != codecs::Compression::none) {
    LH_TRY(decompressed, codecs::decompress(batch.compression(), payload, kDecompressedMax));
    payload = decompressed;
  }
  protocol::RecordReader records(batch, payload);
  for (;;) {
    LH_TRY(const auto record, records.next());
    if (!record) return {};
    if (!record->key) continue;
    const std::string key(as_text(*record->key));
    if (record->value) {
      into[key] = as_text(*record->value);
    } else {
      into.erase(key);
    }
  }
}

/// Takes a fetched record set; returns the offset to go on at.
Result<Offset> take_records(const protocol::PartitionData& data, Offset position, Compacted& into) {
  AbortFilter filter(aborted_transactions(data));
  protocol::RecordSetReader reader(data.records);
  while (const auto entry = reader.next()) {
    const auto* batch = std::get_if<protocol::RecordBatchView>(&*entry);
    if (batch == nullptr || !batch->has_valid_crc())
      return fail(unusable(), "damaged batch at offset {}", position);
    LH_TRY(const bool is_aborted, filter.is_aborted(*batch));
    if (!is_aborted && !batch->is_control()) LH_TRY_VOID(take_batch(*batch, into));
    position = std::max(position, batch->next_offset());
  }
  return position;
}

net::Async<void> read_partition(client::Cluster& cluster, TopicPartition partition, Offset start, Offset end,
                                Compacted& into, SteadyTime deadline) {
  auto position = start;
  while (position < end) {
    const auto committed = protocol::IsolationLevel::read_committed;
    LH_CO_TRY(const auto fetched,
              co_await fetch_partition(cluster, partition, position, committed, deadline));
    auto next = take_records(fetched.data, position, into);
    if (!next) co_return in_context(std::move(next).error(), "{}: {}", cluster.name(), partition);
    // Compaction may have left nothing between the last batch and the end.
    if (*next == position && fetched.data.records.empty()) break;
    position = *next;
  }
  co_return Result<void>{};
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

net::Async<std::map<std::string, std::string>> read_compacted_topic(client::Cluster& cluster,
                                                                    std::string topic, SteadyTime deadline) {
  Compacted records;
  LH_CO_TRY(const auto count, co_await count_partitions(cluster, topic, deadline));
  std::vector<client::OffsetQuery> starts;
  std::vector<TopicPartition> partitions;
  for (std::int32_t i = 0; i < count; ++i) {
    partitions.push_back({topic, PartitionIndex(i)});
    starts.push_back({partitions.back(), protocol::kEarliestTimestamp});
  }
  constexpr auto kCommitted = protocol::IsolationLevel::read_committed;
  LH_CO_TRY(const auto first,
            co_await client::list_offsets(cluster, std::move(starts), kCommitted, deadline));
  LH_CO_TRY(const auto last, co_await client::end_offsets(cluster, partitions, kCommitted, deadline));
  for (std::size_t i = 0; i < partitions.size(); ++i) {
    if (!first[i].listed)
      co_return in_context(first[i].listed.error(), "{}: {}", cluster.name(), partitions[i]);
    if (!last[i].listed)
      co_return in_context(last[i].listed.error(), "{}: {}", cluster.name(), partitions[i]);
    LH_CO_TRY_VOID(co_await read_partition(cluster, partitions[i], first[i].listed->offset,
                                           last[i].listed->offset, records, deadline));
  }
  co_return records;
}

net::Async<void> InternalTopicWriter::write(TopicPartition partition, std::vector<Group> groups,
                                            SteadyTime deadline) {
  if (!producer_) {
    LH_CO_TRY(producer_, co_await client::init_producer_id(cluster_, deadline));
  }
  protocol::BatchBuilder builder;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    for (const auto& record : groups[i]) {
      protocol::NewRecord added{.timestamp = cluster_.io().time.wall_ms(), .key = as_bytes(record.key)};
      if (record.value) added.value = as_bytes(*record.value);
      LH_CO_TRY_VOID(builder.add(added));
    }
    if (i + 1 < groups.size() && builder.size() < kBatchBytes) continue;
    protocol::BatchOptions options;
    options.producer = {producer_->id, producer_->epoch, sequences_[partition]};
    LH_CO_TRY(const auto header, builder.finish(options, builder.payload()));
    auto slab = Slab::unbudgeted(builder.size());
    std::ranges::copy(header, slab.bytes().begin());
    std::ranges::copy(builder.payload(), slab.bytes().subspan(header.size()).begin());
    const auto count = builder.records_count();
    LH_CO_TRY_VOID(co_await write_batch(partition, std::move(slab).share(), deadline));
    sequences_[partition] = advance_sequence(sequences_[partition], count);
    builder.clear();
  }
  co_return Result<void>{};
}

net::Async<void> InternalTopicWriter::write_batch(TopicPartition partition, Slice batch,
                                                  SteadyTime deadline) {
  auto backoff = cluster_.retry_backoff();
  for (;;) {
    auto attempt = co_await attempt_write(partition, batch, deadline);
    if (attempt) co_return Result<void>{};
    auto error = std::move(attempt).error();
    const auto reaction = client::reaction_to(error);
    const bool final = reaction == client::Reaction::fail_partition ||
                       reaction == client::Reaction::check_sequence ||
                       (reaction == client::Reaction::fail_flow && !client::is_connection_error(error.code));
    auto paused =
        final ? Result<void>(std::unexpected(error)) : co_await cluster_.back_off(backoff, deadline, error);
    if (paused) paused = co_await cluster_.refresh_topics({partition.topic}, deadline);
    if (paused) continue;
    // Whether the batch was appended is unknown: only a new producer may write after it.
    producer_.reset();
    sequences_.clear();
    co_return in_context(std::move(paused).error(), "cannot write to {}", partition);
  }
}

net::Async<void> InternalTopicWriter::attempt_write(const TopicPartition& partition, const Slice& batch,
                                                    SteadyTime deadline) {
  constexpr auto kHeaderSize = protocol::batch_layout::kHeaderSize;
  const auto leader = cluster_.leader(partition);
  if (!leader) co_return fail(client::make_error_code(client::ClientErrc::no_leader), "{}", cluster_.name());
  LH_CO_TRY(const auto connection,
            co_await cluster_.connection(leader->broker, {client::Role::produce, 1}, deadline));
  protocol::ProduceRequest request;
  request.acks = -1;
  request.timeout_ms = static_cast<std::int32_t>(cluster_.options().request_timeout.count());
  request.topic_data.push_back({.name = partition.topic});
  request.topic_data.back().partition_data.push_back(
      {.index = partition.partition.value(),
       .records = {.header = batch.bytes().first(kHeaderSize),
                   .payload = batch.bytes().subspan(kHeaderSize)}});
  client::CallOptions call{.deadline = cluster_.attempt_deadline(SteadyTime::max()), .keep = {batch}};
  LH_CO_TRY(auto pending, connection->submit(request, std::move(call)));
  LH_CO_TRY(const auto answer, co_await pending.wait());
  const auto& topics = answer.body.responses;
  const bool answered = !topics.empty() && !topics[0].partition_responses.empty();
  const auto code = answered ? topics[0].partition_responses[0].error_code : KafkaErrc::unknown_server_error;
  if (code != KafkaErrc::none) co_return fail(protocol::kafka_error(code), "{}", connection->name());
  co_return Result<void>{};
}

}  // namespace longhaul::replicator
