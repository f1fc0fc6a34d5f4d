#include "tests/sim/writers.h"

#include "codecs/codec.h"
#include "protocol/messages/add_partitions_to_txn.h"
#include "protocol/messages/end_txn.h"
#include "protocol/messages/init_producer_id.h"
#include "protocol/messages/produce.h"

namespace longhaul::sim {

using protocol::KafkaErrc;

namespace {

constexpr std::int16_t kProduceVersion = 9;
constexpr std::int16_t kInitVersion = 4;
constexpr std::int16_t kAddVersion = 3;
constexpr std::int16_t kEndVersion = 4;
constexpr std::int64_t kDayMs = 86'400'000;

protocol::NullableBytes view(const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  return as_bytes(*text);
}

Bytes encode(const std::vector<Record>& records, codecs::Compression compression,
             const protocol::ProducerStamp& stamp, bool transactional) {
  protocol::BatchBuilder builder;
  for (const auto& record : records) {
    std::vector<protocol::RecordHeader> headers;
    headers.reserve(record.headers.size());
    for (const auto& [key, value] : record.headers)
      headers.push_back({.key = as_bytes(key), .value = view(value)});
    const auto added = builder.add({.timestamp = record.timestamp,
                                    .key = view(record.key),
                                    .value = view(record.value),
                                    .headers = headers});
    LH_CHECK(added.has_value());
  }
  const auto payload = codecs::compress(compression, builder.payload());
  LH_CHECK(payload.has_value());
  protocol::BatchOptions options;
  options.compression = compression;
  options.producer = stamp;
  if (transactional) options.attribute_bits = protocol::batch_layout::kTransactionalBit;
  const auto header = builder.finish(options, *payload);
  LH_CHECK(header.has_value());
  Bytes batch(header->begin(), header->end());
  batch.insert(batch.end(), payload->begin(), payload->end());
  return batch;
}

}  // namespace

Writers::Writers(net::TimeSource& time, SimNet& net, Trace& trace, Site& source, std::uint64_t seed,
                 std::vector<WriterPlan> plans)
    : time_(time), net_(net), trace_(trace), source_(source), chance_(seed, 0x777269) {
  for (auto& plan : plans) {
    writers_.push_back(std::make_unique<Writer>());
    writers_.back()->plan = std::move(plan);
    writers_.back()->transactional_id = fmt::format("writer{}", writers_.size());
  }
}

void Writers::start(SteadyTime end) {
  for (auto& writer : writers_) schedule(*writer, end);
}

void Writers::write_once() {
  for (auto& writer : writers_) write(*writer);
}

void Writers::schedule(Writer& writer, SteadyTime end) {
  const auto when = time_.now() + milliseconds(chance_.between(1, 2 * writer.plan.pace.count()));
  if (when >= end) return;
  (void)time_.call_at(when, [this, &writer, end] {
    // Bursts, because a backlog is read in another way than a trickle.
    const auto batches = chance_.one_in(10) ? chance_.between(2, 6) : 1;
    for (std::int64_t i = 0; i < batches; ++i) write(writer);
    schedule(writer, end);
  });
}

std::int64_t Writers::timestamp(Stamps stamps) {
  const auto now = net_.now(source_).wall_ms;
  switch (stamps) {
    case Stamps::now:
      return now;
    case Stamps::around_now:
      return now + chance_.between(-600'000, 600'000);
    case Stamps::old:
      return now - chance_.between(kDayMs / 2, 3 * kDayMs);
    case Stamps::ancient:
      return chance_.between(0, 1'000'000);
    case Stamps::none:
      return -1;
  }
  return now;
}

Record Writers::make_record(const Writer& writer) {
  const auto number = next_record_++;
  Record record{.timestamp = timestamp(writer.plan.stamps)};
  const auto id = fmt::format("{}#{}", writer.plan.topic, number);
  const auto shape = chance_.below(20);
  // Each record can be told from all others, by its value or, where that is null, by its key.
  record.key = shape == 0 ? std::optional<std::string>() : shape == 1 ? "" : fmt::format("k{}", number % 97);
  if (shape == 2) {
    record.key = id;
  } else {
    record.value = id;
    const auto size = chance_.between(0, writer.plan.value_max);
    for (std::int64_t i = 0; i < size; ++i)
      record.value->push_back(static_cast<char>('a' + (chance_.one_in(3) ? chance_.below(26) : 0)));
  }
  if (writer.plan.keyed) {
    record.key = fmt::format("k{}", chance_.below(20));
    if (shape == 2) {
      record.value.reset();
      record.headers.emplace_back("id", id);
      return record;
    }
  }
  if (shape == 3) record.headers.emplace_back("h", std::nullopt);
  if (shape == 4) record.headers = {{"h", "1"}, {"h", ""}, {"", "x"}};
  return record;
}

template <class Request>
auto Writers::ask_coordinator(const Request& request, std::int16_t version) {
  std::optional<SimNet::Answer<typename Request::Response>> answer;
  for (int broker = 1; broker <= source_.cluster->options().brokers; ++broker) {
    answer = net_.call(source_, broker, request, version);
    if constexpr (requires { answer->body.error_code; }) {
      if (answer && answer->body.error_code != KafkaErrc::not_coordinator) return answer;
    } else {
      const auto& results =
          answer ? answer->body.results_by_topic : decltype(answer->body.results_by_topic){};
      const bool elsewhere = results.empty() || results[0].results_by_partition.at(0).partition_error_code ==
                                                    KafkaErrc::not_coordinator;
      if (!elsewhere) return answer;
    }
    answer.reset();
  }
  return answer;
}

bool Writers::initialise(Writer& writer) {
  protocol::InitProducerIdRequest request;
  request.transactional_id = writer.transactional_id;
  request.transaction_timeout_ms = 60'000;
  const auto answer = ask_coordinator(request, kInitVersion);
  trace_.event("{} initialises: {}", writer.transactional_id,
               answer ? protocol::name_of(answer->body.error_code) : "no answer");
  if (!answer || answer->body.error_code != KafkaErrc::none) return false;
  // What was open is aborted by this.
  if (writer.transaction >= 0) {
    trace_.event("transaction {} of {} was aborted", writer.transaction, writer.transactional_id);
  }
  writer.transaction = -1;
  writer.partitions.clear();
  writer.ending.reset();
  writer.sequences.clear();
  writer.producer_id = answer->body.producer_id;
  writer.epoch = answer->body.producer_epoch;
  return true;
}

bool Writers::has_producer(Writer& writer, std::int32_t broker) {
  if (writer.plan.kind == WriterPlan::Kind::plain || writer.producer_id >= 0) return true;
  if (writer.plan.kind == WriterPlan::Kind::transactional) return initialise(writer);
  const auto answer = net_.call(source_, broker, protocol::InitProducerIdRequest{}, kInitVersion);
  if (!answer || answer->body.error_code != KafkaErrc::none) return false;
  writer.producer_id = answer->body.producer_id;
  return true;
}

bool Writers::join_transaction(Writer& writer, std::int32_t partition) {
  if (writer.ending && !end_transaction(writer)) return false;
  if (writer.partitions.contains(partition)) return true;
  protocol::AddPartitionsToTxnRequest request{.transactional_id = writer.transactional_id,
                                              .producer_id = writer.producer_id,
                                              .producer_epoch = writer.epoch,
                                              .topics = {}};
  request.topics.push_back({.name = writer.plan.topic, .partitions = {partition}});
  const auto answer = ask_coordinator(request, kAddVersion);
  if (!answer) return false;
  const auto error = answer->body.results_by_topic.at(0).results_by_partition.at(0).partition_error_code;
  if (error != KafkaErrc::none)
    trace_.event("{} adds a partition: {}", writer.transactional_id, protocol::name_of(error));
  if (error == KafkaErrc::none) {
    if (writer.transaction < 0) writer.transaction = next_transaction_++;
    writer.partitions.insert(partition);
    return true;
  }
  if (error == KafkaErrc::producer_fenced || error == KafkaErrc::invalid_producer_epoch)
    writer.producer_id = -1;
  return false;
}

bool Writers::end_transaction(Writer& writer) {
  if (writer.transaction < 0) return true;
  if (writer.producer_id < 0) return initialise(writer);
  if (!writer.ending) writer.ending = chance_.percent(70);
  const auto answer = ask_coordinator(protocol::EndTxnRequest{.transactional_id = writer.transactional_id,
                                                              .producer_id = writer.producer_id,
                                                              .producer_epoch = writer.epoch,
                                                              .committed = *writer.ending},
                                      kEndVersion);
  trace_.event("{} ends transaction {}: {}", writer.transactional_id, writer.transaction,
               answer ? protocol::name_of(answer->body.error_code) : "no answer");
  if (!answer) return false;
  const auto error = answer->body.error_code;
  if (error == KafkaErrc::producer_fenced || error == KafkaErrc::invalid_producer_epoch) {
    writer.producer_id = -1;  // it took too long and was aborted
    return initialise(writer);
  }
  if (error != KafkaErrc::none) return false;
  trace_.event("transaction {} of {} ends: {}", writer.transaction, writer.transactional_id,
               *writer.ending ? "committed" : "aborted");
  writer.transaction = -1;
  writer.partitions.clear();
  writer.ending.reset();
  return true;
}

bool Writers::end_transactions() {
  bool all = true;
  for (auto& writer : writers_) {
    if (writer->plan.kind == WriterPlan::Kind::transactional) all = end_transaction(*writer) && all;
  }
  return all;
}

void Writers::cut(const TopicPartition& partition, std::int64_t cut, std::int64_t end) {
  auto& records = oracle_.records[partition];
  oracle_.lives[partition].push_back({.cut = cut, .end = end, .records = records});
  std::erase_if(records, [cut](const Record& record) { return record.offset >= cut; });
}

void Writers::write(Writer& writer) {
  std::int32_t partitions = 0;
  while (source_.cluster->partition(writer.plan.topic, PartitionIndex(partitions))) ++partitions;
  if (partitions == 0) return;
  const auto partition = static_cast<std::int32_t>(chance_.below(partitions));
  const auto leader = source_.cluster->partition(writer.plan.topic, PartitionIndex(partition))->leader;
  if (leader < 0 || !has_producer(writer, leader)) return;
  const bool transactional = writer.plan.kind == WriterPlan::Kind::transactional;
  if (transactional && !join_transaction(writer, partition)) return;
  produce(writer, leader, partition);
  if (transactional && chance_.one_in(3)) (void)end_transaction(writer);
}

void Writers::produce(Writer& writer, std::int32_t leader, std::int32_t partition) {
  const bool transactional = writer.plan.kind == WriterPlan::Kind::transactional;
  protocol::ProducerStamp producer;
  if (writer.plan.kind != WriterPlan::Kind::plain) {
    producer = {.producer_id = ProducerId(writer.producer_id),
                .producer_epoch = writer.epoch,
                .base_sequence = writer.sequences[partition]};
  }
  std::vector<Record> records;
  const auto count = chance_.between(1, writer.plan.records_max);
  for (std::int64_t i = 0; i < count; ++i) records.push_back(make_record(writer));
  const auto batch = encode(records, writer.plan.compression, producer, transactional);
  constexpr auto kHeader = protocol::batch_layout::kHeaderSize;
  protocol::ProduceRequest request;
  if (transactional) request.transactional_id = writer.transactional_id;
  request.acks = -1;
  request.timeout_ms = 1000;
  request.topic_data.push_back({.name = writer.plan.topic});
  request.topic_data[0].partition_data.push_back(
      {.index = partition,
       .records = {.header = ConstBytes(batch).first(kHeader),
                   .payload = ConstBytes(batch).subspan(kHeader)}});
  const auto answer = net_.call(source_, leader, request, kProduceVersion);
  if (!answer) return;
  const auto& one = answer->body.responses.at(0).partition_responses.at(0);
  if (one.error_code != KafkaErrc::none) {
    // The broker has forgotten the producer, or fenced it.
    if (writer.plan.kind != WriterPlan::Kind::plain) {
      if (!transactional) writer.sequences.clear();
      writer.producer_id = -1;
    }
    return;
  }
  auto& log = oracle_.records[{writer.plan.topic, PartitionIndex(partition)}];
  for (std::size_t i = 0; i < records.size(); ++i) {
    records[i].offset = one.base_offset + static_cast<std::int64_t>(i);
    if (one.log_append_time_ms >= 0) records[i].timestamp = one.log_append_time_ms;
    log.push_back(std::move(records[i]));
  }
  oracle_.count += count;
  writer.sequences[partition] += static_cast<std::int32_t>(count);
}

}  // namespace longhaul::sim
