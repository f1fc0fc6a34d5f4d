#include "tests/sim/plan.h"

#include <fmt/format.h>

namespace longhaul::sim {
namespace {

constexpr auto kTransactional = WriterPlan::Kind::transactional;

sandbox::ClusterOptions cluster_options(Chance& chance) {
  sandbox::ClusterOptions options;
  options.brokers = static_cast<int>(chance.between(1, 3));
  options.default_replication_factor = static_cast<std::int16_t>(std::min(2, options.brokers));
  options.auto_create_topics = false;
  options.seed = chance.bits();
  options.producer_id_check_interval = milliseconds(chance.one_of({10'000, 60'000, 600'000}));
  options.transaction_marker_delay = milliseconds(chance.one_of({0, 0, 50, 2'000}));
  options.retention_check_interval = milliseconds(chance.one_of({20'000, 60'000, 300'000}));
  return options;
}

WriterPlan writer_plan(Chance& chance, const TopicPlan& topic, bool old_timestamps) {
  using enum codecs::Compression;
  WriterPlan plan;
  plan.topic = topic.name;
  plan.keyed = topic.is_compacted;
  plan.kind = chance.one_of({WriterPlan::Kind::plain, WriterPlan::Kind::idempotent, kTransactional});
  plan.compression = chance.one_of({none, none, gzip, snappy, lz4, lz4, zstd});
  plan.stamps = chance.percent(70)
                    ? Stamps::now
                    : chance.one_of({Stamps::around_now, Stamps::old, Stamps::ancient, Stamps::none});
  // Compaction leaves of transactions what only the cleaner knows.
  if (plan.keyed && plan.kind == WriterPlan::Kind::transactional) plan.kind = WriterPlan::Kind::idempotent;
  const bool is_old =
      plan.stamps == Stamps::old || plan.stamps == Stamps::ancient || plan.stamps == Stamps::none;
  if (is_old && !old_timestamps) plan.stamps = Stamps::around_now;
  plan.records_max = static_cast<int>(chance.one_of({1, 5, 20, 20, 60}));
  plan.value_max = static_cast<int>(chance.one_of({0, 40, 200}));
  return plan;
}

InstancePlan instance_plan(Chance& chance) {
  InstancePlan plan;
  plan.topics = {"topic.*"};
  plan.cores = static_cast<int>(chance.between(1, 2));
  plan.memory = chance.one_of<std::size_t>({64U << 20U, 1U << 20U, 200U << 10U});
  plan.request_timeout = milliseconds(chance.one_of({5'000, 15'000, 30'000}));
  plan.connect_timeout = milliseconds(chance.one_of({2'000, 10'000}));
  plan.metadata_max_age = milliseconds(chance.one_of({10'000, 300'000}));
  plan.flush_interval = milliseconds(chance.one_of({200, 1'000, 1'000, 5'000}));
  plan.refresh_interval = std::chrono::seconds(chance.one_of({5, 30, 30}));
  plan.fetch_max_wait = milliseconds(chance.one_of({500, 2'000}));
  plan.max_partition_fetch_bytes = chance.one_of<std::int32_t>({100, 2'000, 20'000, 1 << 20});
  plan.fetch_max_bytes = chance.one_of<std::int32_t>({5'000, 100'000, 8 << 20});
  if (chance.one_in(4)) plan.isolation = protocol::IsolationLevel::read_committed;
  plan.offsets_partitions = static_cast<std::int32_t>(chance.between(1, 3));
  return plan;
}

/// Drawn apart, so that a seed's world is the same otherwise.
void plan_transactions(std::uint64_t seed, const RunOptions& options, InstancePlan& plan) {
  using enum replicator::Transactions;
  Chance chance(seed, 0x74786E);
  plan.transactions = options.transactions ? chance.one_of({backfill, backfill, always})
                                           : Chance(seed, 0x6E6576).one_of({never, backfill});
  plan.transaction_interval = milliseconds(chance.one_of({100, 500, 1'000, 5'000}));
  plan.transaction_timeout = milliseconds(chance.one_of({10'000, 60'000, 900'000}));
  plan.transaction_calm = milliseconds(chance.one_of({3'000, 30'000}));
}

std::string_view name_of(replicator::Transactions transactions) {
  switch (transactions) {
    case replicator::Transactions::never:
      return "never";
    case replicator::Transactions::backfill:
      return "backfill";
    case replicator::Transactions::always:
      return "always";
  }
  return "unknown";
}

}  // namespace

WorldPlan make_plan(std::uint64_t seed, const RunOptions& options) {
  Chance chance(seed, 0x706C61);
  WorldPlan plan{.seed = seed};
  plan.source = cluster_options(chance);
  plan.target = cluster_options(chance);
  plan.instance = instance_plan(chance);
  plan.instance.source_brokers = plan.source.brokers;
  plan.instance.target_brokers = plan.target.brokers;
  plan.faults_end = milliseconds(options.virtual_minutes * 60'000 * 4 / 5);
  plan.late_requests = chance.one_in(2);
  plan.two_instances = chance.one_in(2);
  plan_transactions(seed, options, plan.instance);
  // As brokers before Kafka 3.6.
  plan.target.verify_transactions = Chance(seed, 0x766572).one_in(2);
  const bool never = plan.instance.transactions == replicator::Transactions::never;
  // A limit of writing without transactions, which docs/decisions names: of records that are too old to be
  // remembered a broker does not know who may write them.
  const bool one_writer = plan.has_one_writer();
  const bool old_timestamps = (!never || one_writer) && chance.one_in(2);
  plan.target.authorize_transactions =
      !one_writer || options.transactions || !Chance(seed, 0x726566).one_in(4);
  // Nor may it forget our producer together with its tail: then it takes whatever comes.
  plan.target_loses_tails =
      one_writer && !old_timestamps && plan.target.authorize_transactions && Chance(seed, 0x746C).one_in(3);
  plan.instance_life = milliseconds(chance.one_of({0, 20'000, 60'000, 150'000}));
  Chance shape(seed, 0x736861);
  Chance cuts(seed, 0x637574);
  const bool committed = plan.instance.isolation == protocol::IsolationLevel::read_committed;
  const auto topics = chance.between(1, 3);
  for (std::int64_t i = 0; i < topics; ++i) {
    TopicPlan topic{.name = fmt::format("topic{}", i)};
    topic.partitions = static_cast<std::int32_t>(chance.between(1, 3));
    const auto within = [&] { return milliseconds(chance.below(plan.faults_end.count())); };
    if (i > 0 && chance.one_in(3)) topic.created_at = within();
    if (chance.one_in(4)) topic.grows_at = topic.created_at + within();
    topic.is_compacted = plan.instance_life.count() == 0 && chance.one_in(2);
    if (plan.instance_life.count() != 0) topic.is_compacted = shape.one_in(4);
    // A tail that was lost just when its carrier died looks like the cleaner's work then (062, "Honest
    // limits").
    if (plan.target_loses_tails && !never) topic.is_compacted = false;
    topic.is_append_time = shape.one_in(5);
    // Of what is gone nobody can say any more whether it was committed.
    topic.loses_start = shape.one_in(4) && !topic.is_compacted && !committed;
    const auto writers = chance.between(1, 2);
    for (std::int64_t w = 0; w < writers; ++w)
      plan.writers.push_back(writer_plan(chance, topic, old_timestamps));
    // Where the target loses what the source has lost, too, nobody can say what had come; where markers are
    // lost, nobody can say what was committed.
    const bool has_markers = std::any_of(plan.writers.end() - writers, plan.writers.end(),
                                         [](const auto& one) { return one.kind == kTransactional; });
    topic.loses_end = cuts.one_in(5) && !topic.is_compacted && !topic.loses_start &&
                      !plan.target_loses_tails && !(committed && has_markers);
    plan.topics.push_back(std::move(topic));
  }
  // The records of a world are about the same number, whatever its writers are like.
  for (auto& writer : plan.writers) {
    const auto batches = std::max<std::int64_t>(20, 1'600 / std::ssize(plan.writers) / writer.records_max);
    writer.pace = milliseconds(plan.faults_end.count() / batches);
  }
  plan.backlog = static_cast<int>(chance.one_of({0, 3, 20}));
  plan.fault_pace = milliseconds(chance.one_of({3'000, 10'000, 25'000}));
  return plan;
}

std::string WorldPlan::to_string() const {
  auto text = fmt::format(
      "seed {}: {} source brokers, {} target brokers, {} cores, memory {}, backlog {}, "
      "a fault every {} ms, instances live {} ms{}",
      seed, source.brokers, target.brokers, instance.cores, instance.memory, backlog, fault_pace.count(),
      instance_life.count(),
      instance.isolation == protocol::IsolationLevel::read_committed ? ", read_committed" : "");
  if (late_requests) text += ", late requests";
  if (two_instances) text += ", two instances";
  if (target_loses_tails) text += ", the target loses tails";
  if (!target.authorize_transactions) text += ", no transactional ids";
  if (instance.transactions != replicator::Transactions::never) {
    text += fmt::format(", transactions {} of {} ms, aborted after {} ms, calm after {} ms",
                        name_of(instance.transactions), instance.transaction_interval.count(),
                        instance.transaction_timeout.count(), instance.transaction_calm.count());
  }
  for (const auto& topic : topics) {
    text +=
        fmt::format("\n  {}{}{}{}{} with {} partitions from {} ms{}", topic.is_compacted ? "compacted " : "",
                    topic.is_append_time ? "append-time " : "", topic.loses_start ? "losing " : "",
                    topic.loses_end ? "cut " : "", topic.name, topic.partitions, topic.created_at.count(),
                    topic.grows_at ? fmt::format(", one more at {} ms", topic.grows_at->count()) : "");
  }
  for (const auto& writer : writers) {
    text += fmt::format("\n  writer on {}: {}, {}, stamps {}, up to {} records each {} ms", writer.topic,
                        writer.kind == WriterPlan::Kind::plain        ? "plain"
                        : writer.kind == WriterPlan::Kind::idempotent ? "idempotent"
                                                                      : "transactional",
                        codecs::name(writer.compression), static_cast<int>(writer.stamps), writer.records_max,
                        writer.pace.count());
  }
  return text;
}

}  // namespace longhaul::sim
