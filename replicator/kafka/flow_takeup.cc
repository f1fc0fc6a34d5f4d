// The part of Flow that takes partitions up: what is so on both sides, where each goes on, and the hand-over
// to the shards.

#include <algorithm>
#include <charconv>

#include "base/log.h"
#include "client/admin_requests.h"
#include "replicator/kafka/flow.h"
#include "replicator/kafka/flow_candidate.h"
#include "replicator/kafka/on_core.h"
#include "replicator/kafka/topic_reader.h"

namespace longhaul::replicator {
namespace {

constexpr milliseconds kHandOverTimeout{30'000};
constexpr milliseconds kOffsetsTimeout{15'000};
constexpr milliseconds kSettingTimeout{15'000};

/// Value of a setting; empty when it is unknown.
std::string setting(const std::vector<ConfigValue>& configs, std::string_view name) {
  const auto found = std::ranges::find(configs, name, &ConfigValue::name);
  return found == configs.end() ? std::string() : found->value.value_or("");
}

/// A positive number; nullopt for anything else.
std::optional<std::int64_t> positive(const std::string& text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value <= 0) return std::nullopt;
  return value;
}

struct LogRange {
  Offset start;
  Offset end;
};

/// Start and end of each log, in the order asked; the end is the last stable offset under read_committed.
net::Async<std::vector<Result<LogRange>>> read_ranges(client::Cluster& cluster,
                                                      std::vector<TopicPartition> partitions,
                                                      protocol::IsolationLevel isolation,
                                                      SteadyTime deadline) {
  std::vector<client::OffsetQuery> starts;
  for (const auto& partition : partitions) starts.push_back({partition, protocol::kEarliestTimestamp});
  constexpr auto kUncommitted = protocol::IsolationLevel::read_uncommitted;
  // A partition without leader must not hold up the others for long.
  const auto until = std::min(deadline, net::saturating_add(cluster.io().time.now(), kOffsetsTimeout));
  LH_CO_TRY(const auto first, co_await client::list_offsets(cluster, std::move(starts), kUncommitted, until));
  LH_CO_TRY(const auto last, co_await client::end_offsets(cluster, std::move(partitions), isolation, until));
  std::vector<Result<LogRange>> ranges;
  for (std::size_t i = 0; i < first.size(); ++i) {
    if (!first[i].listed) {
      ranges.emplace_back(std::unexpected(first[i].listed.error()));
    } else if (!last[i].listed) {
      ranges.emplace_back(std::unexpected(last[i].listed.error()));
    } else {
      ranges.emplace_back(LogRange{first[i].listed->offset, last[i].listed->offset});
    }
  }
  co_return ranges;
}

}  // namespace

net::Async<std::int64_t> Flow::take_up(std::vector<Candidate> candidates, SteadyTime deadline) {
  for (auto& candidate : candidates) candidate.again = active_.contains(candidate.source);
  LH_CO_TRY_VOID(co_await read_limits(candidates, deadline));
  // From here on nothing else is stored: a marker of ours refuses what was written under an epoch before it.
  LH_CO_TRY(const auto turn, co_await positions_lock_.take(deadline));
  LH_CO_TRY_VOID(co_await read_target_offsets(candidates, deadline));
  LH_CO_TRY_VOID(co_await take_from_predecessors(candidates, deadline));
  // The looks may have taken longer than they were meant to.
  const auto until = std::max(deadline, net::saturating_add(control_.time.now(), kHandOverTimeout));
  LH_CO_TRY_VOID(co_await hand_over(candidates, until));
  report_unready(candidates);
  co_return std::ranges::count(candidates, false, &Candidate::ready);
}

void Flow::report_unready(const std::vector<Candidate>& candidates) {
  const auto waits = [](const Candidate& candidate) { return candidate.unready.has_value(); };
  const auto first = std::ranges::find_if(candidates, waits);
  if (first == candidates.end() || !lines_.pass("unready", control_.time.now())) return;
  log::warn("partitions cannot be taken up yet; they will be tried again",
            {{"flow", options_.name()},
             {"partitions", std::ranges::count_if(candidates, waits)},
             {"topic", first->source.topic},
             {"partition", first->source.partition},
             {"reason", first->unready->message()}});
}

net::Async<void> Flow::read_target_offsets(std::vector<Candidate>& candidates, SteadyTime deadline) {
  std::vector<TopicPartition> targets;
  for (const auto& candidate : candidates) targets.push_back(candidate.target);
  constexpr auto kUncommitted = protocol::IsolationLevel::read_uncommitted;
  LH_CO_TRY(const auto ranges, co_await read_ranges(target_, std::move(targets), kUncommitted, deadline));
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    auto& candidate = candidates[i];
    if (ranges[i]) {
      candidate.ready = true;
      candidate.target_start = ranges[i]->start;
      candidate.target_end = ranges[i]->end;
    } else {
      candidate.leave(ranges[i].error());
    }
  }
  co_return Result<void>{};
}

net::Async<void> Flow::read_source_offsets(std::vector<Candidate>& candidates, SteadyTime deadline) {
  std::vector<TopicPartition> sources;
  for (const auto& candidate : candidates) sources.push_back(candidate.source);
  LH_CO_TRY(const auto ranges,
            co_await read_ranges(source_, std::move(sources), options_.isolation, deadline));
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    auto& candidate = candidates[i];
    if (ranges[i]) {
      candidate.source_start = ranges[i]->start;
      candidate.source_end = ranges[i]->end;
    } else if (candidate.ready) {
      candidate.leave(ranges[i].error());
    }
  }
  co_return Result<void>{};
}

net::Async<void> Flow::read_limits(std::vector<Candidate>& candidates, SteadyTime deadline) {
  std::set<std::string> names;
  for (const auto& candidate : candidates) names.insert(candidate.target.topic);
  std::vector<std::string> topics(names.begin(), names.end());
  LH_CO_TRY(const auto configs, co_await read_topic_configs(target_, std::move(topics), deadline));
  for (const auto& [topic, values] : configs) {
    const auto codec = setting(values, "compression.type");
    if (codec.empty() || codec == "producer" || !reported_.insert("codec " + topic).second) continue;
    log::warn("the remote topic compresses anew whatever it gets: its broker decompresses every batch",
              {{"flow", options_.name()}, {"remote_topic", topic}, {"compression.type", codec}});
  }
  for (auto& candidate : candidates) {
    candidate.producer_memory = producer_memory_;
    candidate.limits.append_times = options_.append_times;
    candidate.corrupt_batches = options_.corrupt_batches;
    const auto found = configs.find(candidate.target.topic);
    if (found == configs.end()) continue;
    const auto& values = found->second;
    candidate.limits.max_batch_bytes = positive(setting(values, "max.message.bytes")).value_or(INT64_MAX);
    const bool compacted = setting(values, "cleanup.policy").find("compact") != std::string::npos;
    if (compacted) candidate.target_cleanup = TargetCleanup::compact;
    if (setting(values, "message.timestamp.type") != "LogAppendTime") continue;
    // It stamps whatever comes, so nothing is gained by writing batches anew for their times.
    candidate.limits.append_times = AppendTimes::passthrough;
    if (!reported_.insert("append time " + candidate.target.topic).second) continue;
    log::warn("the remote topic gives records its own times (message.timestamp.type=LogAppendTime)",
              {{"flow", options_.name()}, {"remote_topic", candidate.target.topic}});
  }
  co_return Result<void>{};
}

net::Async<void> Flow::read_producer_memory(SteadyTime deadline) {
  // The setting of one broker stands for all; where it may not be read, Kafka's default is assumed.
  if (target_.metadata().brokers().empty()) co_return Result<void>{};
  const auto broker = target_.metadata().brokers().begin()->first;
  std::vector<client::ConfigResource> resources = {
      {client::ConfigResourceType::broker, std::to_string(broker.value())}};
  const auto until = std::min(deadline, net::saturating_add(control_.time.now(), kSettingTimeout));
  const auto described = co_await client::describe_configs(target_, std::move(resources), until);
  if (!described && net::is_aborted(described.error())) co_return std::unexpected(described.error());
  if (!described || described->empty() || !described->front().entries) co_return Result<void>{};
  for (const auto& entry : *described->front().entries) {
    if (entry.name != "producer.id.expiration.ms") continue;
    const auto expiration = positive(entry.value.value_or(""));
    if (expiration) producer_memory_ = std::min(producer_memory_, milliseconds(*expiration / 2));
  }
  co_return Result<void>{};
}

void Flow::report_note(const Candidate& candidate, const std::string& note) {
  log::warn(note, {{"flow", options_.name()},
                   {"topic", candidate.source.topic},
                   {"partition", candidate.source.partition}});
}

net::Async<void> Flow::store_candidates(std::vector<Candidate>& candidates, SteadyTime deadline) {
  std::vector<PartitionReport> reports;
  for (auto& candidate : candidates) {
    if (!candidate.ready) continue;
    unsaved_.erase(candidate.source);
    if (!candidate.stop) reports.push_back(candidate.report());
  }
  LH_CO_TRY(const auto failures, co_await store_.write(reports, deadline));
  take_failures(failures);
  for (auto& candidate : candidates) {
    const auto failed = failures.find(candidate.source);
    if (failed == failures.end()) continue;
    candidate.leave(failed->second);
  }
  co_return Result<void>{};
}

net::Async<void> Flow::hand_over(std::vector<Candidate>& candidates, SteadyTime deadline) {
  // Acknowledged before the first write: whoever comes next must know under which producer to look.
  LH_CO_TRY_VOID(co_await store_candidates(candidates, deadline));
  std::vector<std::vector<PartitionStart>> starts(shards_.size());
  for (auto& candidate : candidates) {
    if (!candidate.ready) continue;
    auto& start = starts[shard_of(candidate.target)].emplace_back(candidate.start());
    start.target_ms = store_.target_ms();
    start.taken_up = control_.time.now();
    start.taken_up_ms = control_.time.wall_ms();
  }
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    if (starts[i].empty()) continue;
    std::vector<std::pair<TopicPartition, Active>> taken;
    for (const auto& start : starts[i]) {
      taken.emplace_back(start.source, Active{start.target, start.source_id, start.target_id});
    }
    auto* shard = shards_[i].get();
    const auto until = std::min(deadline, net::saturating_add(control_.time.now(), kHandOverTimeout));
    auto work = [shard, until, list = std::move(starts[i])]() mutable {
      return shard->add(std::move(list), until);
    };
    LH_CO_TRY_VOID(co_await on_core(shard->io(), std::move(work)));
    // At once: what runs must not be taken up a second time because another shard failed.
    for (auto& [source, ids] : taken) {
      retakes_.erase(source);
      active_[std::move(source)] = std::move(ids);
    }
  }
  // Only now: what is replaced must not write once more.
  co_return co_await confirm_transactions(candidates, deadline);
}

}  // namespace longhaul::replicator
