// The part of Flow that finds topics, creates what is missing, and sees which partitions are new.

#include <algorithm>

#include "base/log.h"
#include "client/admin_requests.h"
#include "replicator/kafka/flow.h"
#include "replicator/kafka/flow_candidate.h"
#include "replicator/kafka/topic_reader.h"

namespace longhaul::replicator {
namespace {

using protocol::KafkaErrc;

constexpr milliseconds kVisibleTimeout{30'000};

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

}  // namespace longhaul::replicator
