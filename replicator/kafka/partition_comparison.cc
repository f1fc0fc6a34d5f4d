#include "replicator/kafka/partition_comparison.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>
#include <vector>

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
      source_(VerifySide::source, source, partition.source, options.source_isolation),
      target_(VerifySide::target, target, partition.target, protocol::IsolationLevel::read_committed),
      partition_(std::move(partition)),
      changed_(source.io().time) {}

SteadyTime PartitionComparison::after(milliseconds duration) const {
  return net::saturating_add(source_.cluster.io().time.now(), duration);
}

void PartitionComparison::begin_exact(Mode mode) {
  mode_ = mode;
  keys_ = nullptr;
  comparer_ = std::make_unique<PartitionVerifier>(
      PartitionVerifier::Options{.source = partition_.source_range,
                                 .target = partition_.target_range,
                                 .append_times = options_.append_times,
                                 .from_timestamp = partition_.from_timestamp,
                                 .follow = mode == Mode::follow});
}

void PartitionComparison::begin_keys(Mode mode, KeySlice slice) {
  mode_ = mode;
  lacking_since_.reset();
  auto keys = std::make_unique<KeyVerifier>(KeyVerifier::Options{.source = partition_.source_range,
                                                                 .target = partition_.target_range,
                                                                 .append_times = options_.append_times,
                                                                 .follow = mode == Mode::follow,
                                                                 .slice = slice});
  keys_ = keys.get();
  comparer_ = std::move(keys);
}

net::Async<ComparisonOutcome> PartitionComparison::run() {
  begin_exact(Mode::to_the_ends);
  LH_CO_TRY(auto outcome, co_await drive());
  if (!outcome.difference || !partition_.is_compacted) co_return outcome;
  co_return co_await compare_keys(std::move(outcome));
}

/// A pass for each part of the keys that has room in memory.
net::Async<ComparisonOutcome> PartitionComparison::compare_keys(ComparisonOutcome exact) {
  if (partition_.from_timestamp) {
    // The first records that are late enough need not be the same ones in both logs.
    exact.difference.reset();
    exact.failure = "the logs were cleaned at different times, so samples of them do not match";
    co_return exact;
  }
  ComparisonOutcome all;
  all.by_key = true;
  std::vector<KeySlice> slices = {{}};
  while (!slices.empty()) {
    begin_keys(Mode::to_the_ends, slices.back());
    slices.pop_back();
    LH_CO_TRY(auto outcome, co_await drive());
    all.counts.records += outcome.counts.records;
    all.counts.source_records += outcome.counts.source_records;
    all.counts.keys += outcome.counts.keys;
    all.counts.skipped_on_source += outcome.counts.skipped_on_source;
    all.counts.skipped_on_target += outcome.counts.skipped_on_target;
    all.counts.append_times += outcome.counts.append_times;
    all.counts.without_key = outcome.counts.without_key;
    all.difference = std::move(outcome.difference);
    all.failure = std::move(outcome.failure);
    if (all.difference || all.failure) break;
    for (const auto& slice : keys_->left_over()) slices.push_back(slice);
  }
  co_return all;
}

bool PartitionComparison::has_news(Offset source_end, Offset target_end) const {
  if (!comparer_ || !followed_to_ || lacking_since_) return true;
  return followed_to_->begin != source_end || followed_to_->end != target_end;
}

std::int64_t PartitionComparison::lag(Offset source_end) {
  if (!comparer_) return source_end - partition_.source_range.begin;
  if (keys_ != nullptr) return keys_->waiting();
  return std::max<std::int64_t>(0, source_end - comparer_->stream(VerifySide::source).resume_offset());
}

net::Async<ComparisonOutcome> PartitionComparison::follow(Offset source_end, Offset target_end) {
  if (!comparer_) begin_exact(Mode::follow);
  followed_to_.reset();
  for (;;) {
    comparer_->stream(VerifySide::source).extend(source_end);
    comparer_->stream(VerifySide::target).extend(target_end);
    auto outcome = co_await drive();
    comparer_->release();
    if (!outcome) co_return outcome;
    const bool start_anew = outcome->difference && keys_ == nullptr && partition_.is_compacted;
    if (!start_anew) {
      if (!outcome->failure) followed_to_ = OffsetRange{source_end, target_end};
      co_return outcome;
    }
    if (partition_.from_timestamp) {
      outcome->difference.reset();
      outcome->failure = "the logs were cleaned while they were compared; follow them from their starts";
      co_return outcome;
    }
    begin_keys(Mode::follow, {});
  }
}

ComparisonOutcome PartitionComparison::standing() const {
  if (!comparer_) return {};
  return {.failure = {},
          .difference = comparer_->difference(),
          .counts = comparer_->counts(),
          .by_key = keys_ != nullptr};
}

net::Async<ComparisonOutcome> PartitionComparison::drive() {
  source_.failure.reset();
  target_.failure.reset();
  out_of_reach_ = false;
  group_.emplace(source_.cluster.io().executor);
  group_->spawn([this] { return read(source_); });
  group_->spawn([this] { return read(target_); });
  const auto compared = co_await compare();
  co_await group_->stop();
  if (!compared && net::is_aborted(compared.error())) co_return std::unexpected(compared.error());
  auto outcome = standing();
  if (!compared) outcome.failure = compared.error().message();
  co_return outcome;
}

net::Async<void> PartitionComparison::compare() {
  using Need = RecordComparer::Need;
  for (;;) {
    LH_CO_TRY(const auto need, comparer_->run(kTurn));
    source_.wanted.notify();
    target_.wanted.notify();
    if (need == Need::done) co_return Result<void>{};
    if (need == Need::turn) {
      co_await boost::asio::post(source_.cluster.io().executor, boost::asio::use_awaitable);
      if (co_await net::cancelled()) co_return fail(net::aborted());
    } else if (need == Need::later_end) {
      LH_CO_TRY(const auto next, co_await ask_later_end());
      if (next == Next::later) co_return Result<void>{};
    } else if (source_.failure || target_.failure) {
      // What came before the failure has been compared: a difference found there is the better answer.
      LH_CO_TRY_VOID(co_await find_new_start(source_.failure ? source_ : target_));
    } else {
      LH_CO_TRY_VOID(co_await changed_.wait());
    }
  }
}

net::Async<Offset> PartitionComparison::offset_of(Side& side, std::int64_t timestamp) {
  std::vector<client::OffsetQuery> asked = {{side.partition, timestamp}};
  const auto listed = co_await client::list_offsets(side.cluster, std::move(asked), side.isolation,
                                                    after(options_.outage_max));
  if (!listed) {
    out_of_reach_ = true;
    co_return fail(listed.error());
  }
  if (!listed->at(0).listed) co_return fail(listed->at(0).listed.error());
  co_return listed->at(0).listed->offset;
}

/// Goes on where a log begins whose start has moved behind what was to be read; other failures are final.
net::Async<void> PartitionComparison::find_new_start(Side& side) {
  auto failure = *std::exchange(side.failure, std::nullopt);
  if (failure.code != protocol::kafka_error(KafkaErrc::offset_out_of_range)) co_return fail(failure);
  LH_CO_TRY(const auto start, co_await offset_of(side, protocol::kEarliestTimestamp));
  if (start <= comparer_->stream(side.side).fetch_offset()) co_return fail(failure);
  comparer_->lost_start(side.side, start);
  group_->spawn([this, &side] { return read(side); });
  co_return Result<void>{};
}

net::Async<PartitionComparison::Next> PartitionComparison::ask_later_end() {
  using Doubt = RecordComparer::Doubt;
  const auto doubt = comparer_->doubt();
  if (mode_ == Mode::follow && doubt == Doubt::on_its_way) {
    lacking_since_.reset();
    co_return Next::later;
  }
  auto& side = side_of(comparer_->lacking());
  auto& stream = comparer_->stream(comparer_->lacking());
  LH_CO_TRY(const auto end, co_await offset_of(side, protocol::kLatestTimestamp));
  if (end > stream.range().end) {
    stream.extend(end);
    co_return Next::go_on;
  }
  if (doubt == Doubt::asked_only) {
    comparer_->give_up();
    co_return Next::go_on;
  }
  // A source that just changed its leader may say for a moment that it ends earlier than it does.
  if (lacking_since_ != comparer_->progress()) {
    lacking_since_ = comparer_->progress();
    lacking_until_ = after(options_.patience);
  }
  if (after(milliseconds(0)) >= lacking_until_) {
    comparer_->give_up();
    co_return Next::go_on;
  }
  if (mode_ == Mode::follow) co_return Next::later;
  LH_CO_TRY_VOID(co_await side.cluster.io().time.sleep_until(after(kPause)));
  co_return Next::go_on;
}

net::Task PartitionComparison::read(Side& side) {
  const auto done = co_await read_on(side);
  if (!done && !net::is_aborted(done.error())) side.failure = done.error();
  changed_.notify();
}

net::Async<void> PartitionComparison::read_on(Side& side) {
  auto& stream = comparer_->stream(side.side);
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
                           comparer_->stream(side.side).fetch_offset(), side.cluster.name());
    }
    const bool is_final =
        reaction == client::Reaction::fail_partition || reaction == client::Reaction::fail_flow;
    if (is_final && !client::is_connection_error(error.code)) co_return fail(std::move(error));
    const auto waited = co_await side.cluster.back_off(backoff, deadline, std::move(error));
    if (!waited) {
      out_of_reach_ = true;
      co_return fail(waited.error());
    }
    std::vector<std::string> topics = {side.partition.topic};
    const auto refreshed = co_await side.cluster.refresh_topics(std::move(topics), deadline);
    if (!refreshed) {
      out_of_reach_ = true;
      co_return fail(refreshed.error());
    }
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
       .fetch_offset = comparer_->stream(side.side).fetch_offset().value(),
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
  auto& stream = comparer_->stream(side.side);
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
