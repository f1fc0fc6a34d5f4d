#include "app/record_producer.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "codecs/codec.h"
#include "net/error.h"

namespace longhaul::app {
namespace {

using client::Reaction;
using protocol::KafkaErrc;

constexpr int kRequestsMax = 5;
/// Small requests keep broker and generator busy at the same time.
constexpr std::size_t kRequestBytes = 1 << 20;
/// Bounds memory whatever the number of partitions.
constexpr std::size_t kUnacknowledgedMax = std::size_t{64} << 20U;
constexpr milliseconds kRequestTimeout{30'000};
/// Without any success for so long, the cluster is given up.
constexpr milliseconds kDeliveryTimeout{120'000};
constexpr milliseconds kPause{100};
/// How often a limited rate hands out records: often enough to look even, seldom enough to fill batches.
constexpr milliseconds kRateTick{20};
constexpr std::int64_t kSequences = std::int64_t{std::numeric_limits<std::int32_t>::max()} + 1;

}  // namespace

struct RecordProducer::Partition {
  Partition(ProduceShare share, const GenerateOptions& options, std::shared_ptr<const std::string> text)
      : partition(std::move(share.partition)),
        left(share.records.value_or(std::numeric_limits<std::int64_t>::max())),
        generator(partition, options, std::move(text)) {}
  TopicPartition partition;
  std::int64_t left;
  RecordGenerator generator;
  ProduceWindow window;
  std::int64_t next_sequence = 0;
  std::size_t next_codec = 0;
  BrokerId broker;
  /// After a failure nothing is sent before this.
  SteadyTime paused_until{};
};

struct RecordProducer::Broker {
  Broker(BrokerId broker_id, net::TimeSource& time) : id(broker_id), changed(time) {}
  BrokerId id;
  std::vector<Partition*> partitions;
  /// Where the next request begins, so that all have their turn.
  std::size_t next = 0;
  int in_flight = 0;
  net::Event changed;
};

RecordProducer::RecordProducer(net::Io& io, client::ClusterOptions cluster, const GenerateOptions& options,
                               std::vector<ProduceShare> shares, std::optional<double> rate,
                               ProduceTotals& totals)
    : io_(io),
      cluster_(io, std::move(cluster)),
      options_(options),
      rate_(rate),
      totals_(totals),
      route_wanted_(io.time),
      done_(io.time),
      group_(io.executor) {
  const auto text = value_text(options.seed, options.size.largest);
  for (auto& share : shares)
    partitions_.push_back(std::make_unique<Partition>(std::move(share), options, text));
}

RecordProducer::~RecordProducer() = default;

net::Async<void> RecordProducer::run() {
  const auto done = co_await produce_all();
  co_await group_.stop();
  co_await cluster_.stop();
  co_return done;
}

net::Async<void> RecordProducer::produce_all() {
  const auto deadline = net::saturating_add(io_.time.now(), kDeliveryTimeout);
  LH_CO_TRY(identity_, co_await client::init_producer_id(cluster_, deadline));
  std::vector<std::string> topics;
  for (const auto& partition : partitions_) {
    const auto& topic = partition->partition.topic;
    if (std::ranges::find(topics, topic) == topics.end()) topics.push_back(topic);
  }
  LH_CO_TRY_VOID(co_await cluster_.refresh_topics(std::move(topics), deadline));
  started_ = io_.time.now();
  last_success_ = started_;
  group_.spawn([this] { return route_loop(); });
  while (!failure_ && !is_done()) LH_CO_TRY_VOID(co_await done_.wait());
  if (failure_) co_return fail(*failure_);
  co_return Result<void>{};
}

void RecordProducer::stop_soon() {
  stopping_ = true;
  wake_all();
}

void RecordProducer::wake_all() {
  for (const auto& [id, broker] : brokers_) broker->changed.notify();
  done_.notify();
}

bool RecordProducer::is_done() const {
  return std::ranges::all_of(
      partitions_, [this](const auto& p) { return p->window.empty() && (stopping_ || p->left == 0); });
}

net::Task RecordProducer::route_loop() {
  while (!group_.stopping()) {
    if (route_all()) {
      if (!co_await route_wanted_.wait()) co_return;
      continue;
    }
    if (net::saturating_add(last_success_, kDeliveryTimeout) < io_.time.now()) {
      note_failure({client::make_error_code(client::ClientErrc::no_leader), cluster_.name()}, true);
      co_return;
    }
    const auto refreshed =
        co_await cluster_.refresh_metadata(net::saturating_add(io_.time.now(), kRequestTimeout));
    if (!refreshed && net::is_aborted(refreshed.error())) co_return;
    if (!co_await io_.time.sleep_for(kPause)) co_return;
  }
}

/// Gives partitions without a broker to the one that leads them; false when some have no leader now.
bool RecordProducer::route_all() {
  bool all = true;
  for (const auto& partition : partitions_) {
    if (partition->broker != BrokerId()) continue;
    const auto leader = cluster_.leader(partition->partition);
    if (!leader) {
      all = false;
      continue;
    }
    partition->broker = leader->broker;
    auto& slot = brokers_[leader->broker];
    if (slot == nullptr) {
      slot = std::make_unique<Broker>(leader->broker, io_.time);
      auto& made = *slot;
      group_.spawn([this, &made] { return broker_loop(made); });
    }
    slot->partitions.push_back(partition.get());
    slot->changed.notify();
  }
  return all;
}

net::Task RecordProducer::broker_loop(Broker& broker) {
  while (!failure_ && !group_.stopping()) {
    auto sent = co_await send_round(broker);
    if (sent) continue;
    if (net::is_aborted(sent.error())) co_return;
    // Nothing of this round is under way: its partitions look for their leaders again.
    note_failure(std::move(sent).error(), false);
    cluster_.request_refresh();
    for (auto* partition : std::exchange(broker.partitions, {})) partition->broker = BrokerId();
    route_wanted_.notify();
    if (!co_await io_.time.sleep_for(kPause)) co_return;
  }
}

net::Async<void> RecordProducer::send_round(Broker& broker) {
  if (broker.partitions.empty() || broker.in_flight >= kRequestsMax) {
    co_return co_await broker.changed.wait();
  }
  LH_CO_TRY(const auto connection, co_await cluster_.connection(broker.id, {client::Role::produce, 0}));
  auto round = gather(broker);
  if (!round) {
    note_failure(std::move(round).error(), true);
    co_return Result<void>{};
  }
  if (round->sent.empty()) {
    const auto wake =
        rate_ && !stopping_ ? net::saturating_add(io_.time.now(), kRateTick) : SteadyTime::max();
    const auto woken = co_await broker.changed.wait_until(wake);
    if (!woken && net::is_aborted(woken.error())) co_return std::unexpected(woken.error());
    co_return Result<void>{};
  }
  client::CallOptions call{.deadline = net::saturating_add(io_.time.now(), kRequestTimeout + kRequestTimeout),
                           .keep = std::move(round->keep)};
  auto pending = connection->submit(round->request, std::move(call));
  if (!pending) {
    give_back(round->sent);
    co_return std::unexpected(std::move(pending).error());
  }
  ++broker.in_flight;
  group_.spawn([this, &broker, answer = *std::move(pending), sent = std::move(round->sent)]() mutable {
    return collect(broker, std::move(answer), std::move(sent));
  });
  co_return Result<void>{};
}

/// Records that the rate allows now.
std::int64_t RecordProducer::allowance() const {
  if (!rate_) return std::numeric_limits<std::int64_t>::max();
  const std::chrono::duration<double> elapsed = io_.time.now() - started_;
  return static_cast<std::int64_t>(elapsed.count() * *rate_) - made_;
}

Result<RecordProducer::Round> RecordProducer::gather(Broker& broker) {
  Round round;
  round.request.acks = -1;
  round.request.timeout_ms = static_cast<std::int32_t>(kRequestTimeout.count());
  const auto now = io_.time.now();
  if (rate_ && !stopping_) round.try_again = net::saturating_add(now, kRateTick);
  std::map<std::string_view, std::size_t> places;
  const auto count = broker.partitions.size();
  // A limited rate is spread over the partitions; what one leaves over, the next ones get.
  const auto allowed = allowance();
  const auto share = rate_ ? std::max<std::int64_t>(1, allowed / static_cast<std::int64_t>(count)) : allowed;
  std::size_t visited = 0;
  for (; visited < count && round.bytes < kRequestBytes; ++visited) {
    auto& partition = *broker.partitions[(broker.next + visited) % count];
    if (partition.paused_until > now) {
      round.try_again = std::min(round.try_again, partition.paused_until);
      continue;
    }
    auto outgoing = partition.window.next_to_send();
    const auto records_max = stopping_ ? 0 : std::min({partition.left, share, allowance()});
    if (outgoing.batch == nullptr && records_max > 0 && partition.window.has_room() &&
        !partition.window.is_rewinding() && unacknowledged_bytes_ < kUnacknowledgedMax) {
      LH_TRY_VOID(make_batch(partition, records_max));
      outgoing = partition.window.next_to_send();
    }
    if (outgoing.batch == nullptr) continue;
    const auto [place, is_new] = places.emplace(partition.partition.topic, round.request.topic_data.size());
    if (is_new) round.request.topic_data.push_back({.name = partition.partition.topic});
    const auto& batch = *outgoing.batch;
    round.request.topic_data[place->second].partition_data.push_back(
        {.index = partition.partition.partition.value(),
         .records = {batch.header.bytes(), batch.payload.bytes()}});
    round.keep.push_back(batch.header);
    round.keep.push_back(batch.payload);
    round.sent.push_back({&partition, outgoing.number});
    round.bytes += batch.bytes();
    partition.window.sent();
  }
  // The next request begins behind the last partition of this one, so that all have their turn.
  broker.next += visited < count ? visited : 1;
  return round;
}

Result<void> RecordProducer::make_batch(Partition& partition, std::int64_t records_max) {
  builder_.clear();
  LH_TRY(const auto records,
         partition.generator.fill(builder_, records_max, options_.batch_bytes, io_.time.wall_ms()));
  const auto codec = options_.codecs[partition.next_codec++ % options_.codecs.size()];
  LH_TRY(const auto payload, codecs::compress(codec, builder_.payload()));
  LH_TRY(const auto header,
         builder_.finish({.compression = codec,
                          .producer = {.producer_id = identity_.id,
                                       .producer_epoch = identity_.epoch,
                                       .base_sequence = static_cast<std::int32_t>(partition.next_sequence)}},
                         payload));
  ProducedBatch batch{.header = Slice::copy_of(header),
                      .payload = Slice::copy_of(payload),
                      .records = static_cast<std::int32_t>(records),
                      .codec = codec};
  // Sequence numbers run from 0 to 2^31 - 1 and start again (KIP-98).
  partition.next_sequence = (partition.next_sequence + records) % kSequences;
  partition.left -= records;
  made_ += records;
  unacknowledged_bytes_ += batch.bytes();
  partition.window.push(std::move(batch));
  return {};
}

net::Task RecordProducer::collect(Broker& broker, client::Pending<protocol::ProduceResponse> pending,
                                  std::vector<Sent> sent) {
  const auto answer = co_await pending.wait();
  if (!answer) {
    if (net::is_aborted(answer.error())) co_return;
    note_failure(answer.error(), false);
  } else {
    for (const auto& topic : answer->body.responses) {
      for (const auto& one : topic.partition_responses) {
        const auto found = std::ranges::find_if(sent, [&](const Sent& s) {
          return s.partition->partition.partition.value() == one.index &&
                 s.partition->partition.topic == topic.name;
        });
        if (found != sent.end() && take(one, *found)) sent.erase(found);
      }
    }
  }
  // What is left failed, or was not mentioned in the answer.
  if (!sent.empty()) cluster_.request_refresh();
  give_back(sent);
  --broker.in_flight;
  wake_all();
}

/// True when the batch is done with; false when it must be sent again.
bool RecordProducer::take(const protocol::PartitionProduceResponse& answer, const Sent& sent) {
  auto& window = sent.partition->window;
  const auto reaction = client::reaction_to(answer.error_code);
  if (reaction == Reaction::proceed) {
    for (const auto& batch : window.acknowledged(sent.number)) {
      totals_.records += batch.records;
      totals_.batches += 1;
      totals_.bytes += static_cast<std::int64_t>(batch.bytes());
      unacknowledged_bytes_ -= batch.bytes();
    }
    last_success_ = io_.time.now();
    return true;
  }
  const bool is_final = reaction == Reaction::fail_partition || reaction == Reaction::fail_flow ||
                        (reaction == Reaction::check_sequence && !window.is_rewinding());
  note_failure({protocol::kafka_error(answer.error_code),
                fmt::format("{}{}{}", sent.partition->partition, answer.error_message ? ": " : "",
                            answer.error_message.value_or(""))},
               is_final);
  return false;
}

/// These go again, to whoever leads their partition by then.
void RecordProducer::give_back(const std::vector<Sent>& sent) {
  for (const auto& one : sent) {
    // At once, although the next attempt waits: batches behind this one are refused as out of sequence
    // meanwhile.
    one.partition->window.failed(one.number);
    one.partition->paused_until = net::saturating_add(io_.time.now(), kPause);
    if (one.partition->broker == BrokerId()) continue;
    const auto leader = cluster_.leader(one.partition->partition);
    if (leader && leader->broker == one.partition->broker) continue;
    std::erase(brokers_[one.partition->broker]->partitions, one.partition);
    one.partition->broker = BrokerId();
    route_wanted_.notify();
  }
}

void RecordProducer::note_failure(Error error, bool is_final) {
  const bool gives_up = net::saturating_add(last_success_, kDeliveryTimeout) < io_.time.now();
  if (!failure_ && (is_final || gives_up) && !net::is_aborted(error)) failure_ = std::move(error);
  if (failure_) wake_all();
}

}  // namespace longhaul::app
