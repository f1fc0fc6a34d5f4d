#include "tests/sim/logs.h"

#include <fmt/format.h>

#include <map>
#include <set>

#include "codecs/codec.h"
#include "protocol/messages/fetch.h"
#include "protocol/record.h"

namespace longhaul::sim {
namespace {

constexpr std::int16_t kFetchVersion = 12;
constexpr std::size_t kDecompressedMax = std::size_t{64} << 20U;

std::optional<std::string> text_of(const protocol::NullableBytes& bytes) {
  if (!bytes) return std::nullopt;
  return std::string(as_text(*bytes));
}

/// Appends the records of a batch; returns what is wrong with it, or nothing.
std::string take(const protocol::RecordBatchView& batch, std::vector<Record>& into) {
  if (!batch.has_valid_crc()) return "its checksum is wrong";
  const auto payload = codecs::decompress(batch.compression(), batch.payload(), kDecompressedMax);
  if (!payload) return payload.error().message();
  protocol::RecordReader reader(batch, *payload);
  for (;;) {
    const auto record = reader.next();
    if (!record) return record.error().message();
    if (!*record) return {};
    const auto& view = **record;
    Record one{.offset = batch.base_offset().value() + view.offset_delta,
               .timestamp = protocol::record_timestamp(batch, view),
               .key = text_of(view.key),
               .value = text_of(view.value),
               .headers = {}};
    for (const auto& header : view.headers)
      one.headers.emplace_back(as_text(header.key), text_of(header.value));
    into.push_back(std::move(one));
  }
}

}  // namespace

std::string Record::to_string() const {
  const auto shown = [](const std::optional<std::string>& text) {
    return text ? "'" + text->substr(0, 40) + "'" : std::string("null");
  };
  return fmt::format("offset {} ts {} key {} value {} headers {}", offset, timestamp, shown(key),
                     shown(value), headers.size());
}

std::optional<Log> read_log(SimNet& net, Site& site, const TopicPartition& partition, std::string& problem,
                            Reads reads) {
  const auto state = site.cluster->partition(partition.topic, partition.partition);
  if (!state || state->leader < 0) {
    problem = fmt::format("{} {} cannot be read: it has no leader", site.name, partition);
    return std::nullopt;
  }
  Log log{.start = state->start_offset, .end = state->end_offset, .records = {}};
  std::set<std::int64_t> dropped;
  for (auto offset = state->start_offset; offset < log.end;) {
    protocol::FetchRequest request;
    request.max_bytes = 64 << 20;
    request.isolation_level = reads == Reads::committed ? protocol::IsolationLevel::read_committed
                                                        : protocol::IsolationLevel::read_uncommitted;
    request.topics.push_back({.topic = partition.topic});
    protocol::FetchPartition asked;
    asked.partition = partition.partition.value();
    asked.fetch_offset = offset;
    asked.partition_max_bytes = 64 << 20;
    request.topics[0].partitions.push_back(asked);
    const auto answer = net.call(site, state->leader, request, kFetchVersion);
    const auto* data =
        answer && !answer->body.responses.empty() ? &answer->body.responses[0].partitions.at(0) : nullptr;
    if (data == nullptr || data->error_code != protocol::KafkaErrc::none) {
      problem = fmt::format("{} {} cannot be read at offset {}", site.name, partition, offset);
      return std::nullopt;
    }
    const auto before = offset;
    // What comes behind it may still be aborted.
    if (reads == Reads::committed) log.end = data->last_stable_offset;
    // Aborted: from the first offset that the list names for a producer to that producer's next marker.
    std::multimap<std::int64_t, std::int64_t> aborted;
    for (const auto& one :
         data->aborted_transactions.value_or(decltype(data->aborted_transactions)::value_type{}))
      aborted.emplace(one.first_offset, one.producer_id);
    std::set<std::int64_t> in_aborted;
    protocol::RecordSetReader reader(data->records);
    while (const auto entry = reader.next()) {
      const auto* batch = std::get_if<protocol::RecordBatchView>(&*entry);
      if (batch == nullptr) break;
      offset = batch->next_offset().value();
      while (!aborted.empty() && aborted.begin()->first <= batch->last_offset().value()) {
        in_aborted.insert(aborted.begin()->second);
        aborted.erase(aborted.begin());
      }
      if (batch->is_control()) {
        log.last_marker = batch->base_offset().value();
        const auto producer = batch->producer_id().value();
        in_aborted.erase(producer);
        if (dropped.erase(producer) > 0) log.aborted.emplace(producer, batch->producer_epoch());
      }
      if (!batch->is_control() && batch->is_transactional() &&
          in_aborted.contains(batch->producer_id().value())) {
        dropped.insert(batch->producer_id().value());
        continue;
      }
      if (batch->is_control() || batch->records_count() == 0) continue;
      if (auto wrong = take(*batch, log.records); !wrong.empty()) {
        problem = fmt::format("{} {} offset {}: {}", site.name, partition, batch->base_offset(), wrong);
        return std::nullopt;
      }
    }
    if (offset == before) break;
  }
  // A log may begin in the middle of a batch.
  std::erase_if(log.records, [&](const Record& record) { return record.offset < log.start; });
  return log;
}

std::map<std::string, std::string> read_table(SimNet& net, Site& site, const std::string& topic,
                                              std::string& problem) {
  std::map<std::string, std::string> table;
  for (std::int32_t i = 0; site.cluster->partition(topic, PartitionIndex(i)); ++i) {
    const auto log = read_log(net, site, {topic, PartitionIndex(i)}, problem, Reads::committed);
    if (!log) return {};
    for (const auto& record : log->records) {
      if (record.key && record.value) table[*record.key] = *record.value;
      if (record.key && !record.value) table.erase(*record.key);
    }
  }
  return table;
}

}  // namespace longhaul::sim
