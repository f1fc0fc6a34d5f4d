#include "app/generation.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "app/run_on_core.h"
#include "base/log.h"
#include "client/admin_requests.h"
#include "client/cluster.h"

namespace longhaul::app {
namespace {

constexpr milliseconds kAdminTimeout{30'000};
constexpr std::size_t kUsefulThreads = 4;

Error usage(std::string text) {
  return Error{{}, std::move(text)};
}

/// The number of partitions of each topic, in order, where topics are as they were asked for.
net::Async<std::vector<std::int32_t>> prepare_topics(client::Cluster& cluster,
                                                     const GenerateOptions& options) {
  const auto deadline = net::saturating_add(cluster.io().time.now(), kAdminTimeout);
  LH_CO_TRY(const auto listed, co_await client::list_topics(cluster, deadline));
  std::vector<std::int32_t> counts;
  std::vector<client::NewTopic> missing;
  for (const auto& topic : options.topics) {
    const auto found = std::ranges::find(listed, topic.name, &client::TopicListing::name);
    if (found == listed.end()) {
      counts.push_back(topic.partitions.value_or(1));
      missing.push_back({topic.name, counts.back(), options.replication_factor, {}});
    } else if (topic.partitions && *topic.partitions != found->partitions_count) {
      co_return fail(usage(fmt::format("topic {} exists with {} partitions, {} were asked for", topic.name,
                                       found->partitions_count, *topic.partitions)));
    } else {
      counts.push_back(found->partitions_count);
    }
  }
  LH_CO_TRY(const auto created,
            co_await client::create_topics(cluster, std::move(missing), client::DryRun::no, deadline));
  for (const auto& topic : created) {
    if (!topic.outcome) co_return in_context(topic.outcome.error(), "topic {} cannot be created", topic.name);
    log::info("topic created", {{"topic", topic.name}});
  }
  co_return counts;
}

std::vector<ProduceShare> shares(const GenerateOptions& options, const std::vector<std::int32_t>& counts) {
  std::vector<ProduceShare> all;
  for (std::size_t topic = 0; topic < options.topics.size(); ++topic) {
    for (std::int32_t i = 0; i < counts[topic]; ++i)
      all.push_back({{options.topics[topic].name, PartitionIndex(i)}, {}});
  }
  if (!options.records) return all;
  const auto partitions = static_cast<std::int64_t>(all.size());
  for (std::int64_t i = 0; i < partitions; ++i) {
    all[static_cast<std::size_t>(i)].records =
        *options.records / partitions + (i < *options.records % partitions ? 1 : 0);
  }
  return all;
}

std::size_t thread_count(const GenerateOptions& options, std::size_t partitions) {
  const std::size_t cores = std::max(1U, std::thread::hardware_concurrency());
  const auto wanted = options.threads > 0 ? options.threads : std::min(cores, kUsefulThreads);
  return std::max<std::size_t>(1, std::min(wanted, partitions));
}

}  // namespace

Result<std::vector<ProduceShare>> prepare_generation(const GenerateOptions& options,
                                                     const client::ClusterOptions& cluster_options) {
  LH_TRY(const auto counts,
         run_on_core<std::vector<std::int32_t>>([&](net::Io& io) -> net::Async<std::vector<std::int32_t>> {
           client::Cluster cluster(io, cluster_options);
           auto prepared = co_await prepare_topics(cluster, options);
           co_await cluster.stop();
           co_return prepared;
         }));
  return shares(options, counts);
}

struct Generation::Slot {
  explicit Slot(net::Io& io) : group(io.executor) {}
  net::TaskGroup group;
  std::unique_ptr<RecordProducer> producer;
  Result<void> outcome;
  std::atomic<bool> has_outcome = false;
  std::atomic<bool> ended = false;
};

Generation::Generation(const GenerateOptions& options, const client::ClusterOptions& cluster,
                       std::vector<ProduceShare> all)
    : threads_({.cores = thread_count(options, all.size())}) {
  const auto cores = threads_.size();
  const auto partitions = static_cast<double>(all.size());
  for (std::size_t core = 0; core < cores; ++core) {
    std::vector<ProduceShare> mine;
    for (std::size_t i = core; i < all.size(); i += cores) mine.push_back(all[i]);
    auto rate = options.rate;
    if (rate) *rate *= static_cast<double>(mine.size()) / partitions;
    slots_.push_back(std::make_unique<Slot>(threads_.core(core)));
    slots_.back()->producer = std::make_unique<RecordProducer>(threads_.core(core), cluster, options,
                                                               std::move(mine), rate, totals_);
  }
  for (const auto& slot : slots_) {
    slot->group.spawn([one = slot.get()]() -> net::Task {
      one->outcome = co_await one->producer->run();
      one->has_outcome = true;
    });
  }
  threads_.start();
}

Generation::~Generation() {
  threads_.stop();
  threads_.join();
}

void Generation::stop_soon() {
  for (std::size_t core = 0; core < slots_.size(); ++core) {
    threads_.post(core, [one = slots_[core].get()] { one->producer->stop_soon(); });
  }
}

bool Generation::ended() {
  for (std::size_t core = 0; core < slots_.size(); ++core) {
    threads_.post(core, [one = slots_[core].get()] { one->ended = one->group.size() == 0; });
  }
  return std::ranges::all_of(slots_, [](const auto& slot) { return slot->ended.load(); });
}

bool Generation::failed() const {
  return std::ranges::any_of(slots_, [](const auto& slot) { return slot->has_outcome && !slot->outcome; });
}

std::optional<Error> Generation::failure() const {
  for (const auto& slot : slots_) {
    if (!slot->outcome) return slot->outcome.error();
  }
  return std::nullopt;
}

std::string figures(const ProduceTotals& totals, double seconds) {
  const auto records = static_cast<double>(totals.records.load());
  const auto megabytes = static_cast<double>(totals.bytes.load()) / 1e6;
  return fmt::format("{} records in {} batches, {:.1f} MB, {:.1f} s: {:.0f} records/s, {:.1f} MB/s",
                     totals.records.load(), totals.batches.load(), megabytes, seconds, records / seconds,
                     megabytes / seconds);
}

}  // namespace longhaul::app
