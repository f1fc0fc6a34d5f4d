// The part of Flow that finds topics and takes partitions up.

#include <algorithm>
#include <charconv>

#include "base/log.h"
#include "client/admin_requests.h"
#include "replicator/kafka/flow.h"
#include "replicator/kafka/flow_candidate.h"
#include "replicator/kafka/on_core.h"
#include "replicator/kafka/tail_look.h"
#include "replicator/kafka/topic_reader.h"

namespace longhaul::replicator {
namespace {

using protocol::KafkaErrc;

constexpr milliseconds kHandOverTimeout{30'000};
constexpr milliseconds kOffsetsTimeout{15'000};
constexpr milliseconds kLookTimeout{60'000};
constexpr milliseconds kVisibleTimeout{30'000};

/// Value of a setting; empty when it is unknown.
std::string setting(const std::vector<ConfigValue>& configs, std::string_view name) {
  const auto found = std::ranges::find(configs, name, &ConfigValue::name);
  return found == configs.end() ? std::string() : found->value.value_or("");
}

std::int64_t max_message_bytes(const std::vector<ConfigValue>& configs) {
  const auto text = setting(configs, "max.message.bytes");
  std::int64_t bytes = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bytes);
  return error == std::errc{} && bytes > 0 ? bytes : INT64_MAX;
}

}  // namespace

net::Async<TopicPlan> Flow::read_plan(SteadyTime deadline) {
  LH_CO_TRY(const auto source_topics, co_await read_topics(source_, deadline));
  LH_CO_TRY(const auto target_topics, co_await read_topics(target_, deadline));
  std::map<std::string, TopicFacts> by_name;
  for (const auto& topic : target_topics) by_name.emplace(topic.name, topic);
  co_return plan_topics(options_, source_topics, by_name);
}

net::Async<void> Flow::sync_topics(SteadyTime deadline) {
  LH_CO_TRY(auto plan, co_await read_plan(deadline));
  report_plan(plan);
  const auto changes = [](const TopicChange& change) { return change.kind != TopicChange::Kind::none; };
  if (std::ranges::any_of(plan.selected, changes)) {
    LH_CO_TRY(auto made, co_await create_missing(plan, deadline));
    LH_CO_TRY(auto grown, co_await add_partitions(plan, deadline));
    made.merge(grown);
    // What was created is read back with its ids; what could not be created is tried again at the next
    // refresh.
    LH_CO_TRY(plan, co_await read_plan_with(std::move(made), deadline));
  }
  uncreated_ = std::ranges::count(plan.selected, TopicChange::Kind::create, &TopicChange::kind);
  auto candidates = find_new(plan);
  // Until they are handed over they count as behind, whatever fails on the way.
  unready_ = std::ssize(candidates);
  if (candidates.empty()) co_return Result<void>{};
  LH_CO_TRY(unready_, co_await take_up(std::move(candidates), deadline));
  co_return Result<void>{};
}

net::Async<TopicPlan> Flow::read_plan_with(std::set<std::string> made, SteadyTime deadline) {
  auto backoff = target_.retry_backoff();
  const auto until = std::min(deadline, net::saturating_add(control_.time.now(), kVisibleTimeout));
  for (;;) {
    LH_CO_TRY(auto plan, co_await read_plan(deadline));
    const bool complete = std::ranges::none_of(plan.selected, [&](const TopicChange& change) {
      return change.kind != TopicChange::Kind::none && made.contains(change.remote_topic);
    });
    if (complete) co_return plan;
    // What is never listed, such as a topic whose deletion is stuck, must not hold up the others.
    const auto waited = co_await target_.back_off(backoff, until, Error{});
    if (waited) continue;
    if (net::is_aborted(waited.error())) co_return std::unexpected(waited.error());
    co_return plan;
  }
}

void Flow::report_plan(const TopicPlan& plan) {
  for (const auto& [first, second] : plan.collisions) {
    if (!reported_.insert("collision " + first + " " + second).second) continue;
    log::error("two source topics have the same name on the target; neither is replicated",
               {{"flow", options_.name()}, {"topic", first}, {"other_topic", second}});
  }
  for (const auto& change : plan.selected) {
    if (change.remote_partitions <= change.source.partitions) continue;
    if (!reported_.insert("partitions " + change.remote_topic).second) continue;
    log::warn("the remote topic has more partitions than its source; the others stay empty",
              {{"flow", options_.name()},
               {"topic", change.source.name},
               {"partitions", change.source.partitions},
               {"remote_partitions", change.remote_partitions}});
  }
}

net::Async<std::set<std::string>> Flow::create_missing(const TopicPlan& plan, SteadyTime deadline) {
  std::vector<std::string> names;
  std::map<std::string, const TopicChange*> by_remote;
  for (const auto& change : plan.selected) {
    if (change.kind != TopicChange::Kind::create) continue;
    names.push_back(change.source.name);
    by_remote.emplace(change.remote_topic, &change);
  }
  std::set<std::string> made;
  if (names.empty()) co_return made;
  LH_CO_TRY(const auto configs, co_await read_topic_configs(source_, std::move(names), deadline));
  LH_CO_TRY(const auto known, co_await read_setting_names(target_, options_.state_topic, deadline));
  std::vector<client::NewTopic> topics;
  for (const auto& [remote, change] : by_remote) {
    client::NewTopic topic{.name = remote,
                           .partitions_count = change->source.partitions,
                           .replication_factor = options_.replication_factor};
    if (const auto found = configs.find(change->source.name); found != configs.end()) {
      auto [copied, unknown] = configs_for_creation(options_, found->second, known);
      topic.configs.insert(copied.begin(), copied.end());
      report_unknown_settings(*change, unknown);
    }
    topics.push_back(std::move(topic));
  }
  LH_CO_TRY(const auto outcomes,
            co_await client::create_topics(target_, std::move(topics), client::DryRun::no, deadline));
  for (const auto& [name, outcome] : outcomes) {
    const auto& change = *by_remote.at(name);
    if (outcome || outcome.error().code == KafkaErrc::topic_already_exists) made.insert(name);
    if (outcome) {
      log::info("remote topic created", {{"flow", options_.name()},
                                         {"topic", change.source.name},
                                         {"remote_topic", name},
                                         {"partitions", change.source.partitions}});
    } else if (outcome.error().code != KafkaErrc::topic_already_exists) {
      log::error("remote topic cannot be created; it will be tried again",
                 {{"flow", options_.name()}, {"remote_topic", name}, {"reason", outcome.error().message()}});
    }
  }
  co_return made;
}

void Flow::report_unknown_settings(const TopicChange& change, const std::vector<std::string>& settings) {
  for (const auto& setting : settings) {
    if (!reported_.insert("setting " + setting).second) continue;
    log::warn("the target does not know a setting of the source; remote topics are created without it",
              {{"flow", options_.name()}, {"topic", change.source.name}, {"setting", setting}});
  }
}

net::Async<std::set<std::string>> Flow::add_partitions(const TopicPlan& plan, SteadyTime deadline) {
  std::vector<client::PartitionGrowth> growths;
  for (const auto& change : plan.selected) {
    if (change.kind != TopicChange::Kind::add_partitions) continue;
    growths.push_back({change.remote_topic, change.source.partitions});
  }
  std::set<std::string> grown;
  if (growths.empty()) co_return grown;
  LH_CO_TRY(const auto outcomes,
            co_await client::create_partitions(target_, std::move(growths), client::DryRun::no, deadline));
  for (const auto& [name, outcome] : outcomes) {
    if (outcome) {
      grown.insert(name);
      log::info("partitions added to a remote topic", {{"flow", options_.name()}, {"remote_topic", name}});
    } else if (outcome.error().code != KafkaErrc::invalid_partitions) {
      log::error("partitions cannot be added to a remote topic; it will be tried again",
                 {{"flow", options_.name()}, {"remote_topic", name}, {"reason", outcome.error().message()}});
    }
  }
  co_return grown;
}

std::vector<Flow::Candidate> Flow::find_new(const TopicPlan& plan) const {
  std::vector<Candidate> candidates;
  for (const auto& change : plan.selected) {
    const auto count = std::min(change.source.partitions, change.remote_partitions);
    for (std::int32_t index = 0; index < count; ++index) {
      Candidate candidate;
      candidate.source = {change.source.name, PartitionIndex(index)};
      const auto active = active_.find(candidate.source);
      const bool same = active != active_.end() && active->second.source_id == change.source.id &&
                        active->second.target_id == change.remote_id;
      if (same) continue;
      candidate.target = {change.remote_topic, PartitionIndex(index)};
      candidate.source_id = change.source.id;
      candidate.target_id = change.remote_id;
      candidates.push_back(std::move(candidate));
    }
  }
  return candidates;
}

net::Async<std::int64_t> Flow::take_up(std::vector<Candidate> candidates, SteadyTime deadline) {
  // A partition that begins anew in this process must not continue under the producer it had: the target
  // would take its first batches for repeats.
  const bool again =
      std::ranges::any_of(candidates, [&](const Candidate& c) { return active_.contains(c.source); });
  if (again) LH_CO_TRY_VOID(co_await fresh_producer(deadline));
  LH_CO_TRY_VOID(co_await read_offsets(candidates, deadline));
  LH_CO_TRY_VOID(co_await read_limits(candidates, deadline));
  for (auto& candidate : candidates) {
    if (candidate.ready) LH_CO_TRY_VOID(co_await decide(candidate, deadline));
  }
  report_unready(candidates);
  const auto waiting = std::ranges::count(candidates, false, &Candidate::ready);
  LH_CO_TRY_VOID(co_await hand_over(std::move(candidates), deadline));
  co_return waiting;
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

net::Async<void> Flow::read_offsets(std::vector<Candidate>& candidates, SteadyTime deadline) {
  std::vector<client::OffsetQuery> starts;
  std::vector<TopicPartition> sources;
  std::vector<TopicPartition> targets;
  for (const auto& candidate : candidates) {
    starts.push_back({candidate.source, protocol::kEarliestTimestamp});
    sources.push_back(candidate.source);
    targets.push_back(candidate.target);
  }
  const auto isolation = options_.isolation;
  constexpr auto kUncommitted = protocol::IsolationLevel::read_uncommitted;
  // A partition without leader must not hold up the others for long.
  const auto soon = [&] {
    return std::min(deadline, net::saturating_add(control_.time.now(), kOffsetsTimeout));
  };
  LH_CO_TRY(const auto first,
            co_await client::list_offsets(source_, std::move(starts), kUncommitted, soon()));
  LH_CO_TRY(const auto last, co_await client::end_offsets(source_, std::move(sources), isolation, soon()));
  LH_CO_TRY(const auto target,
            co_await client::end_offsets(target_, std::move(targets), kUncommitted, soon()));
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    auto& candidate = candidates[i];
    const client::PartitionOffset* failed = nullptr;
    for (const auto* one : {&first[i], &last[i], &target[i]}) {
      if (!one->listed) failed = one;
    }
    if (failed != nullptr) {
      candidate.unready = failed->listed.error();
      continue;
    }
    candidate.ready = true;
    candidate.source_start = first[i].listed->offset;
    candidate.source_end = last[i].listed->offset;
    candidate.target_end = target[i].listed->offset;
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
    candidate.limits.append_times = options_.append_times;
    candidate.corrupt_batches = options_.corrupt_batches;
    const auto found = configs.find(candidate.target.topic);
    if (found == configs.end()) continue;
    const auto& values = found->second;
    candidate.limits.max_batch_bytes = max_message_bytes(values);
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

void Flow::report_note(const Candidate& candidate, const std::string& note) {
  log::warn(note, {{"flow", options_.name()},
                   {"topic", candidate.source.topic},
                   {"partition", candidate.source.partition}});
}

net::Async<void> Flow::decide(Candidate& candidate, SteadyTime deadline) {
  const ResumeFacts facts{.source_cluster_id = source_cluster_id_,
                          .target_cluster_id = target_cluster_id_,
                          .source_topic_id = candidate.source_id,
                          .target_topic_id = candidate.target_id,
                          .target_topic = candidate.target.topic,
                          .selection = selection_fingerprint(options_),
                          .source_start = candidate.source_start,
                          .source_end = candidate.source_end,
                          .target_end = candidate.target_end,
                          .reset = options_.reset,
                          .fresh_producer = producer_};
  const auto stored = store_.position(candidate.source);
  auto decision = decide_resume(stored, store_.mm2_offset(candidate.source), facts);
  if (!decision.note.empty()) report_note(candidate, decision.note);
  candidate.progress = decision.progress;
  candidate.stop = decision.stop;
  if (decision.continues && stored->map_segment >= 0) {
    auto segment = store_.segment(candidate.source, candidate.source_id, stored->map_segment);
    if (segment) candidate.map.push_back(*std::move(segment));
  }
  if (decision.kind != ResumeDecision::Kind::look_at_tail) co_return Result<void>{};
  co_return co_await look_back(candidate, decision.progress, deadline);
}

net::Async<void> Flow::look_back(Candidate& candidate, const Progress& stored, SteadyTime deadline) {
  const auto until = std::min(deadline, net::saturating_add(control_.time.now(), kLookTimeout));
  auto look = co_await look_at_tail(source_, target_, options_, candidate.source, candidate.target, stored,
                                    candidate.target_end, candidate.limits, until);
  if (!look && net::is_aborted(look.error())) co_return std::unexpected(std::move(look).error());
  if (!look && client::reaction_to(look.error()) == client::Reaction::reset_position) {
    candidate.stop = Stop{StopReason::state_mismatch, stored.source_offset,
                          "what the predecessor appended cannot be read back: " + look.error().message()};
    co_return Result<void>{};
  }
  if (!look) {
    candidate.ready = false;
    candidate.unready = look.error();
    co_return Result<void>{};
  }
  log::info("the predecessor ended without draining; what it appended was found on the target",
            {{"flow", options_.name()},
             {"topic", candidate.source.topic},
             {"partition", candidate.source.partition},
             {"stored_offset", stored.source_offset},
             {"resume_offset", look->progress.source_offset}});
  candidate.progress = look->progress;
  candidate.stop = look->stop;
  candidate.runs = std::move(look->runs);
  co_return Result<void>{};
}

net::Async<void> Flow::hand_over(std::vector<Candidate> candidates, SteadyTime deadline) {
  LH_CO_TRY(const auto turn, co_await positions_lock_.take(deadline));
  std::vector<std::vector<PartitionStart>> starts(shards_.size());
  std::vector<PartitionReport> reports;
  for (auto& candidate : candidates) {
    if (!candidate.ready) continue;
    // Acknowledged before the first write: whoever comes next must know under which producer to look.
    if (!candidate.stop) reports.push_back(candidate.report());
    unsaved_.erase(candidate.source);
    starts[shard_of(candidate.target)].push_back(candidate.start());
  }
  LH_CO_TRY_VOID(co_await store_.write(reports, deadline));
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    if (starts[i].empty()) continue;
    std::vector<std::pair<TopicPartition, Active>> taken;
    for (const auto& start : starts[i])
      taken.emplace_back(start.source, Active{start.source_id, start.target_id});
    auto* shard = shards_[i].get();
    const auto until = std::min(deadline, net::saturating_add(control_.time.now(), kHandOverTimeout));
    auto work = [shard, until, list = std::move(starts[i])]() mutable {
      return shard->add(std::move(list), until);
    };
    LH_CO_TRY_VOID(co_await on_core(shard->io(), std::move(work)));
    // At once: what runs must not be taken up a second time because another shard failed.
    for (auto& [source, ids] : taken) active_[std::move(source)] = ids;
  }
  co_return Result<void>{};
}

}  // namespace longhaul::replicator
