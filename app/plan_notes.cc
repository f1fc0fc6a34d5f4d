#include "app/plan_notes.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "client/admin_requests.h"
#include "protocol/record_batch.h"
#include "replicator/kafka/simple_fetch.h"

namespace longhaul::app {
namespace {

using replicator::ConfigValue;

constexpr std::int32_t kPartitionsLookedAt = 3;

/// Value of a setting; empty when it is unknown.
std::string_view setting(const std::vector<ConfigValue>& configs, std::string_view name) {
  const auto found = std::ranges::find(configs, name, &ConfigValue::name);
  return found == configs.end() || !found->value ? std::string_view() : std::string_view(*found->value);
}

std::optional<std::int64_t> number(const std::vector<ConfigValue>& configs, std::string_view name) {
  const auto text = setting(configs, name);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() && !text.empty() ? std::optional(value)
                                                                                   : std::nullopt;
}

bool is_compacted(const std::vector<ConfigValue>& configs) {
  return setting(configs, "cleanup.policy").contains("compact");
}

/// A broker of such a topic keeps no producer in mind whose records the cleaner took away.
bool will_be_compacted(const TopicTraits& traits) {
  if (is_compacted(traits.target)) return true;
  return std::ranges::any_of(traits.creation, [](const auto& entry) {
    return entry.first == "cleanup.policy" && entry.second.find("compact") != std::string::npos;
  });
}

/// "0.10.2-IV0" and older; the format of today came with 0.11.
bool is_old_format(std::string_view version) {
  return version.starts_with("0.8") || version.starts_with("0.9") || version.starts_with("0.10");
}

void note_times(const TopicTraits& traits, const replicator::FlowOptions& options,
                std::vector<std::string>& notes) {
  const bool appends = setting(traits.source, "message.timestamp.type") == "LogAppendTime";
  if (setting(traits.target, "message.timestamp.type") == "LogAppendTime") {
    notes.emplace_back("the remote topic gives records its own times (message.timestamp.type=LogAppendTime)");
  } else if (appends && options.append_times == replicator::AppendTimes::preserve) {
    notes.emplace_back(
        "LogAppendTime: batches are written anew so that the copies keep the append times "
        "(longhaul.log.append.time = passthrough copies the producers' times instead, for less CPU)");
  } else if (appends) {
    notes.emplace_back(
        "LogAppendTime: the copies get the producers' times (longhaul.log.append.time = passthrough)");
  }
}

void note_transactions(const TopicTraits& traits, std::vector<std::string>& notes) {
  constexpr std::string_view kReaders =
      "only consumers with isolation.level = read_committed are sure to see each record once";
  if (will_be_compacted(traits)) {
    notes.push_back(
        fmt::format("written in transactions, because the remote topic is compacted: {}", kReaders));
  } else if (traits.begins_old) {
    notes.push_back(
        fmt::format("its older records are written in transactions, because a target forgets who "
                    "wrote records that are as old: of these, {}",
                    kReaders));
  }
}

}  // namespace

std::vector<std::string> topic_notes(const TopicTraits& traits, const replicator::FlowOptions& options) {
  std::vector<std::string> notes;
  if (traits.holds_transactions && options.isolation == protocol::IsolationLevel::read_uncommitted) {
    notes.push_back(
        fmt::format("it holds transactions, and aborted records are copied too, as by MirrorMaker 2 "
                    "({}.consumer.isolation.level = read_committed leaves them out)",
                    options.source_alias));
  }
  note_times(traits, options, notes);
  if (is_compacted(traits.source)) {
    notes.emplace_back("compacted: batches with holes are written anew without them");
  } else if (is_compacted(traits.target)) {
    notes.emplace_back("the remote topic is compacted: a record without key would stop its partition");
  }
  // Where everything goes in transactions, that is said once for the flow.
  if (options.transactions == replicator::Transactions::backfill) note_transactions(traits, notes);
  if (const auto format = setting(traits.source, "message.format.version"); is_old_format(format)) {
    notes.push_back(fmt::format("message.format.version={}: its batches are written anew", format));
  }
  const auto codec = setting(traits.target, "compression.type");
  if (!codec.empty() && codec != "producer") {
    notes.push_back(fmt::format(
        "the remote topic compresses anew whatever it gets (compression.type={}), which costs its broker CPU",
        codec));
  }
  const auto source_max = number(traits.source, "max.message.bytes");
  const auto target_max = number(traits.target, "max.message.bytes");
  if (source_max && target_max && *target_max < *source_max) {
    notes.push_back(fmt::format(
        "max.message.bytes is {} on the remote topic and {} on the source: larger batches are split, "
        "and one record that is larger alone would stop its partition",
        *target_max, *source_max));
  }
  return notes;
}

net::Async<bool> begins_before(client::Cluster& source, replicator::TopicFacts topic, std::int64_t wall_ms,
                               SteadyTime deadline) {
  constexpr auto kUncommitted = protocol::IsolationLevel::read_uncommitted;
  std::vector<client::OffsetQuery> starts;
  std::vector<client::OffsetQuery> recent;
  std::vector<TopicPartition> partitions;
  for (std::int32_t i = 0; i < std::min(topic.partitions, kPartitionsLookedAt); ++i) {
    partitions.push_back({topic.name, PartitionIndex(i)});
    starts.push_back({partitions.back(), protocol::kEarliestTimestamp});
    recent.push_back({partitions.back(), wall_ms});
  }
  LH_CO_TRY(const auto first,
            co_await client::list_offsets(source, std::move(starts), kUncommitted, deadline));
  LH_CO_TRY(const auto since,
            co_await client::list_offsets(source, std::move(recent), kUncommitted, deadline));
  LH_CO_TRY(const auto last, co_await client::end_offsets(source, partitions, kUncommitted, deadline));
  for (std::size_t i = 0; i < partitions.size(); ++i) {
    if (!first[i].listed || !last[i].listed || !since[i].listed) continue;
    const auto start = first[i].listed->offset;
    // None is as recent: all that is there is older.
    const auto old_end =
        since[i].listed->offset == Offset() ? last[i].listed->offset : since[i].listed->offset;
    if (start < old_end) co_return true;
  }
  co_return false;
}

net::Async<bool> ends_with_transaction(client::Cluster& source, replicator::TopicFacts topic,
                                       SteadyTime deadline) {
  constexpr auto kUncommitted = protocol::IsolationLevel::read_uncommitted;
  std::vector<client::OffsetQuery> starts;
  std::vector<TopicPartition> partitions;
  for (std::int32_t i = 0; i < std::min(topic.partitions, kPartitionsLookedAt); ++i) {
    partitions.push_back({topic.name, PartitionIndex(i)});
    starts.push_back({partitions.back(), protocol::kEarliestTimestamp});
  }
  LH_CO_TRY(const auto first,
            co_await client::list_offsets(source, std::move(starts), kUncommitted, deadline));
  LH_CO_TRY(const auto last, co_await client::end_offsets(source, partitions, kUncommitted, deadline));
  for (std::size_t i = 0; i < partitions.size(); ++i) {
    if (!first[i].listed || !last[i].listed || first[i].listed->offset >= last[i].listed->offset) continue;
    LH_CO_TRY(const auto fetched,
              co_await replicator::fetch_partition(source, partitions[i], last[i].listed->offset + -1,
                                                   kUncommitted, deadline));
    protocol::RecordSetReader reader(fetched.data.records);
    while (const auto entry = reader.next()) {
      const auto* batch = std::get_if<protocol::RecordBatchView>(&*entry);
      if (batch != nullptr && (batch->is_transactional() || batch->is_control())) co_return true;
    }
  }
  co_return false;
}

}  // namespace longhaul::app
