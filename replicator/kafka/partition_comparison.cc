#include "replicator/kafka/partition_comparison.h"

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "client/admin_requests.h"
#include "net/error.h"

namespace longhaul::replicator {
namespace {

using protocol::KafkaErrc;

constexpr std::int32_t kWaitMs = 500;
/// The newest version that names topics by name.
constexpr std::int16_t kByName = 12;
/// Records compared before others on the core have their turn.
constexpr std::int64_t kTurn = 20'000;
constexpr milliseconds kPause{100};

}  // namespace

PartitionComparison::PartitionComparison(client::Cluster& source, client::Cluster& target,
                                         ComparedPartition partition, ComparisonOptions options)
    : options_(options),
      source_(VerifySide::source, source, std::move(partition.source), options.source_isolation),
      target_(VerifySide::target, target, std::move(partition.target),
              protocol::IsolationLevel::read_committed),
      verifier_({.source = partition.source_range,
                 .target = partition.target_range,
                 .append_times = options.append_times,
                 .from_timestamp = partition.from_timestamp}),
      changed_(source.io().time),
      group_(source.io().executor) {}

SteadyTime PartitionComparison::after(milliseconds duration) const {
  return net::saturating_add(source_.cluster.io().time.now(), duration);
}

net::Async<ComparisonOutcome> PartitionComparison::run() {
  group_.spawn([this] { return read(source_); });
  group_.spawn([this] { return read(target_); });
  const auto compared = co_await compare();
  co_await group_.stop();
  if (!compared && net::is_aborted(compared.error())) co_return std::unexpected(compared.error());
  ComparisonOutcome outcome{
      .failure = {}, .difference = verifier_.difference(), .counts = verifier_.counts()};
  if (!compared) outcome.failure = compared.error().message();
  co_return outcome;
}

net::Async<void> PartitionComparison::compare() {
  using Need = PartitionVerifier::Need;
  for (;;) {
    LH_CO_TRY(const auto need, verifier_.run(kTurn));
    source_.wanted.notify();
    target_.wanted.notify();
    if (need == Need::done) co_return Result<void>{};
    if (need == Need::turn) {
      co_await boost::asio::post(source_.cluster.io().executor, boost::asio::use_awaitable);
      if (co_await net::cancelled()) co_return fail(net::aborted());
    } else if (need == Need::later_end) {
      LH_CO_TRY_VOID(co_await ask_later_end());
    } else if (failure_) {
      // What came before the failure has been compared: a difference found there is the better answer.
      co_return fail(*failure_);
    } else {
      LH_CO_TRY_VOID(co_await changed_.wait());
    }
  }
}

net::Async<void> PartitionComparison::ask_later_end() {
  auto& side = side_of(verifier_.lacking());
  auto& stream = verifier_.stream(verifier_.lacking());
  std::vector<TopicPartition> asked = {side.partition};
  LH_CO_TRY(const auto ends, co_await client::end_offsets(side.cluster, std::move(asked), side.isolation,
                                                          after(options_.outage_max)));
  if (!ends.at(0).listed) co_return fail(ends[0].listed.error());
  const auto end = ends[0].listed->offset;
  if (end > stream.range().end) {
    stream.extend(end);
    co_return Result<void>{};
  }
  // The source is written first, so what it lacks now it will not get. The target may be on its way.
  if (side.side == VerifySide::source) {
    verifier_.give_up();
    co_return Result<void>{};
  }
  if (lacking_since_records_ != verifier_.counts().records) {
    lacking_since_records_ = verifier_.counts().records;
    lacking_until_ = after(options_.patience);
  }
  if (after(milliseconds(0)) >= lacking_until_) {
    verifier_.give_up();
    co_return Result<void>{};
  }
  co_return co_await side.cluster.io().time.sleep_until(after(kPause));
}

net::Task PartitionComparison::read(Side& side) {
  const auto done = co_await read_on(side);
  if (!done && !net::is_aborted(done.error()) && !failure_) failure_ = done.error();
  changed_.notify();
}

net::Async<void> PartitionComparison::read_on(Side& side) {
  auto& stream = verifier_.stream(side.side);
  for (;;) {
    while (!stream.wants_fetch()) LH_CO_TRY_VOID(co_await side.wanted.wait());
    LH_CO_TRY_VOID(co_await fetch_with_retry(side));
    changed_.notify();
  }
}

net::Async<void> PartitionComparison::fetch_with_retry(Side& side) {
  auto backoff = side.cluster.retry_backoff();
  const auto deadline = after(options_.outage_max);
  for (;;) {
    auto done = co_await fetch(side);
    if (done) co_return Result<void>{};
    auto error = std::move(done).error();
    if (net::is_aborted(error)) co_return fail(std::move(error));
    if (error.code.category() == protocol::record_category()) co_return fail(std::move(error));
    const auto reaction = client::reaction_to(error);
    if (reaction == client::Reaction::reset_position) {
      co_return in_context(std::move(error), "offset {} is gone from {}",
                           verifier_.stream(side.side).fetch_offset(), side.cluster.name());
    }
    const bool is_final =
        reaction == client::Reaction::fail_partition || reaction == client::Reaction::fail_flow;
    if (is_final && !client::is_connection_error(error.code)) co_return fail(std::move(error));
    LH_CO_TRY_VOID(co_await side.cluster.back_off(backoff, deadline, std::move(error)));
    std::vector<std::string> topics = {side.partition.topic};
    LH_CO_TRY_VOID(co_await side.cluster.refresh_topics(std::move(topics), deadline));
  }
}

net::Async<void> PartitionComparison::fetch(Side& side) {
  const auto leader = side.cluster.leader(side.partition);
  if (!leader) {
    co_return fail(client::make_error_code(client::ClientErrc::no_leader), "{}: {}", side.cluster.name(),
                   side.partition);
  }
  const client::Lane lane{client::Role::fetch, options_.lane};
  LH_CO_TRY(const auto connection, co_await side.cluster.connection(leader->broker, lane));
  protocol::FetchRequest request;
  request.max_wait_ms = kWaitMs;
  request.min_bytes = 1;
  request.max_bytes = options_.fetch_bytes;
  request.isolation_level = side.isolation;
  request.topics.push_back({.topic = side.partition.topic});
  request.topics.back().partitions.push_back(
      {.partition = side.partition.partition.value(),
       .fetch_offset = verifier_.stream(side.side).fetch_offset().value(),
       .partition_max_bytes = options_.fetch_bytes});
  client::CallOptions call{.deadline = side.cluster.attempt_deadline(SteadyTime::max()),
                           .max_version = kByName};
  LH_CO_TRY(auto answer, co_await connection->call(std::move(request), std::move(call)));
  const auto& topics = answer.body.responses;
  if (topics.empty() || topics[0].partitions.empty()) {
    // No error and nothing about the partition is what a broker answers that holds its client back.
    if (answer.body.error_code == KafkaErrc::none)
      co_return co_await side.cluster.io().time.sleep_until(after(kPause));
    co_return fail(protocol::kafka_error(answer.body.error_code), "{}: {}", side.cluster.name(),
                   side.partition);
  }
  const auto& data = topics[0].partitions[0];
  if (data.error_code != KafkaErrc::none) {
    co_return fail(protocol::kafka_error(data.error_code), "{}: {}", side.cluster.name(), side.partition);
  }
  if (data.records.empty() && answer.body.throttle_time_ms > 0) co_return Result<void>{};
  co_return co_await take(side, answer.frame, data);
}

net::Async<void> PartitionComparison::take(Side& side, Slice frame, const protocol::PartitionData& data) {
  auto& stream = verifier_.stream(side.side);
  if (!data.records.empty()) {
    std::vector<AbortedTransaction> aborted;
    if (side.isolation == protocol::IsolationLevel::read_committed) aborted = aborted_transactions(data);
    auto fed = stream.feed(frame.part(data.records), std::move(aborted));
    if (!fed) co_return in_context(std::move(fed).error(), "{}: {}", side.cluster.name(), side.partition);
    co_return Result<void>{};
  }
  const bool committed = side.isolation == protocol::IsolationLevel::read_committed;
  const auto readable = committed ? data.last_stable_offset : data.high_watermark;
  if (readable >= stream.range().end.value()) {
    // The log reaches further, yet has nothing from here on: compaction took it.
    stream.nothing_left();
    co_return Result<void>{};
  }
  // A new leader learns the high watermark a moment later than it leads.
  co_return fail(protocol::kafka_error(KafkaErrc::offset_not_available),
                 "{}: {} is readable up to offset {} only", side.cluster.name(), side.partition, readable);
}

}  // namespace longhaul::replicator
