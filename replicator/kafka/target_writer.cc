#include "replicator/kafka/target_writer.h"

#include <algorithm>
#include <map>
#include <string>

#include "base/log.h"
#include "client/admin_requests.h"
#include "replicator/kafka/topic_check.h"

namespace longhaul::replicator {
namespace {

constexpr int kRequestsInFlight = 5;
/// A request ends with the batch that reaches this size. Brokers refuse frames above
/// `socket.request.max.bytes` (100 MiB by default), and a larger request gains nothing.
constexpr std::size_t kRequestBytes = std::size_t{4} << 20U;
constexpr std::int16_t kAcksAll = -1;
constexpr milliseconds kDeadlineSlack{5'000};

}  // namespace

struct TargetWriter::Broker {
  Broker(BrokerId broker_id, net::TimeSource& time) : id(broker_id), changed(time) {}
  BrokerId id;
  /// Partitions that may have something to send, in the order in which they get their turn.
  std::deque<ShardPartition*> queue;
  int in_flight = 0;
  net::Event changed;
};

/// One Produce request in the making.
struct TargetWriter::Round {
  protocol::ProduceRequest request;
  std::vector<Slice> keep;
  std::vector<Sent> sent;
};

TargetWriter::TargetWriter(client::Cluster& target, const FlowOptions& options, Changed changed)
    : target_(target),
      options_(options),
      changed_(std::move(changed)),
      leaderless_changed_(target.io().time),
      group_(target.io().executor) {
  group_.spawn([this] { return leader_loop(); });
}

TargetWriter::~TargetWriter() = default;

net::Task TargetWriter::stop() {
  co_await group_.stop();
}

TargetWriter::Broker& TargetWriter::broker(BrokerId id) {
  auto& slot = brokers_[id];
  if (slot == nullptr) {
    slot = std::make_unique<Broker>(id, target_.io().time);
    auto& made = *slot;
    group_.spawn([this, &made] { return write_loop(made); });
  }
  return *slot;
}

void TargetWriter::enqueue(Broker& broker, ShardPartition& partition) {
  partition.queued_for_write = true;
  broker.queue.push_back(&partition);
  broker.changed.notify();
}

void TargetWriter::wake(ShardPartition& partition) {
  if (partition.pipeline.look_at_times(partition.wall_ms(target_.io().time))) {
    changed_(partition);
    return;
  }
  if (partition.in_leader_queue || !partition.pipeline.has_unsent()) return;
  if (partition.queued_for_write) {
    // It may wait for a transaction there, which is open by now.
    if (!partition.transaction_id.empty()) broker(partition.target_broker).changed.notify();
    return;
  }
  // Batches under way bind the partition to their broker: on another connection later ones could overtake
  // them.
  if (partition.pipeline.in_flight() > 0 && partition.target_broker != BrokerId()) {
    enqueue(broker(partition.target_broker), partition);
    return;
  }
  const auto leader = leader_of(partition);
  if (leader == BrokerId()) {
    look_for_leader(partition);
    return;
  }
  partition.target_broker = leader;
  partition.unknown_target = {};
  enqueue(broker(leader), partition);
}

BrokerId TargetWriter::leader_of(const ShardPartition& partition) const {
  const auto* topic = target_.metadata().topic(partition.target.topic);
  const bool same_topic =
      topic != nullptr && (partition.target_id.is_zero() || topic->id == partition.target_id);
  const auto leader = target_.leader(partition.target);
  return leader && same_topic ? leader->broker : BrokerId();
}

void TargetWriter::look_for_leader(ShardPartition& partition) {
  partition.in_leader_queue = true;
  leaderless_.push_back(&partition);
  leaderless_changed_.notify();
}

bool TargetWriter::check_topic(ShardPartition& partition) {
  const auto gone = topic_is_gone(target_.metadata().topic(partition.target.topic), partition.target_id,
                                  partition.unknown_target, target_.io().time.now());
  if (gone) partition.pipeline.stop({StopReason::target_deleted, partition.pipeline.settled_offset(), *gone});
  return gone.has_value();
}

net::Task TargetWriter::leader_loop() {
  auto backoff = target_.retry_backoff();
  auto& time = target_.io().time;
  for (;;) {
    while (leaderless_.empty()) {
      const auto woken = co_await leaderless_changed_.wait();
      if (!woken) co_return;
      backoff.reset();
    }
    const auto slept = co_await time.sleep_until(net::saturating_add(time.now(), backoff.next()));
    if (!slept) co_return;
    const auto refreshed = co_await target_.refresh_metadata(SteadyTime::max());
    if (!refreshed && net::is_aborted(refreshed.error())) co_return;
    if (!refreshed) continue;
    const auto looked_at = std::exchange(leaderless_, {});
    for (auto* partition : looked_at) {
      partition->in_leader_queue = false;
      if (check_topic(*partition)) {
        changed_(*partition);
      } else {
        wake(*partition);
      }
    }
    for (auto* partition : leaderless_) partition->pipeline.hold_back();
    report_leaderless();
  }
}

bool TargetWriter::has_sendable(const Broker& broker) const {
  auto& time = target_.io().time;
  return broker.in_flight < kRequestsInFlight &&
         std::ranges::any_of(
             broker.queue,
             [&](const ShardPartition* p) { return p->pipeline.can_send(time.now(), p->wall_ms(time)); });
}

SteadyTime TargetWriter::next_retry(const Broker& broker) const {
  auto next = SteadyTime::max();
  for (const auto* partition : broker.queue) {
    if (const auto at = partition->pipeline.retry_at()) next = std::min(next, *at);
  }
  return next;
}

void TargetWriter::look_again(Broker& broker) {
  auto& time = target_.io().time;
  for (auto* partition : std::exchange(broker.queue, {})) {
    // While it waited its records may have become too old to be sent like this.
    if (partition->pipeline.look_at_times(partition->wall_ms(time))) {
      partition->queued_for_write = false;
      changed_(*partition);
    } else {
      broker.queue.push_back(partition);
    }
  }
}

net::Task TargetWriter::write_loop(Broker& broker) {
  for (;;) {
    while (!has_sendable(broker)) {
      if (options_.transactions == Transactions::backfill) look_again(broker);
      const auto until = broker.in_flight < kRequestsInFlight ? next_retry(broker) : SteadyTime::max();
      const auto woken = co_await broker.changed.wait_until(until);
      if (!woken && net::is_aborted(woken.error())) co_return;
    }
    const auto sent = co_await send_round(broker);
    if (sent) continue;
    if (net::is_aborted(sent.error()) && group_.stopping()) co_return;
    // Nothing is under way on a connection that could not be had: everything here looks for its leader again.
    for (auto* partition : std::exchange(broker.queue, {})) {
      partition->queued_for_write = false;
      partition->target_broker = BrokerId();
      partition->pipeline.hold_back();
      look_for_leader(*partition);
    }
  }
}

TargetWriter::Round TargetWriter::gather(Broker& broker) {
  auto& time = target_.io().time;
  const auto now = time.now();
  Round round;
  std::vector<PartitionPipeline::Outgoing> batches;
  std::size_t bytes = 0;
  // A request belongs to one transaction, or to none.
  const std::string* transaction = nullptr;
  // What has to wait goes in front of what was served: there may be enough to serve for ever.
  std::deque<ShardPartition*> waiting;
  std::deque<ShardPartition*> served;
  while (!broker.queue.empty() && bytes < kRequestBytes) {
    auto* partition = broker.queue.front();
    broker.queue.pop_front();
    partition->queued_for_write = false;
    if (partition->pipeline.in_flight() == 0 && leader_of(*partition) != broker.id) {
      wake(*partition);
      continue;
    }
    if (!partition->pipeline.can_send(now, partition->wall_ms(time))) {
      // Kept only for a retry that waits for its time; anything else wakes it by itself.
      if (partition->pipeline.retry_at()) {
        waiting.push_back(partition);
      } else if (partition->pipeline.look_at_times(partition->wall_ms(time))) {
        changed_(*partition);
      }
      continue;
    }
    if (transaction == nullptr) transaction = &partition->transaction_id;
    if (partition->transaction_id != *transaction) {
      waiting.push_back(partition);
      continue;
    }
    batches.push_back(partition->pipeline.take_next(partition->wall_ms(time)));
    round.sent.push_back({partition, batches.back().number});
    bytes += batches.back().size;
    if (partition->pipeline.has_unsent()) served.push_back(partition);
  }
  for (auto* later : {&waiting, &served}) {
    for (auto* partition : *later) {
      partition->queued_for_write = true;
      broker.queue.push_back(partition);
    }
  }
  if (transaction != nullptr && !transaction->empty()) round.request.transactional_id = *transaction;
  fill_request(round, batches);
  return round;
}

void TargetWriter::fill_request(Round& round, const std::vector<PartitionPipeline::Outgoing>& batches) const {
  round.request.acks = kAcksAll;
  round.request.timeout_ms = static_cast<std::int32_t>(options_.request_timeout.count());
  constexpr auto kHeaderSize = protocol::batch_layout::kHeaderSize;
  // The stamped headers live as long as the write does, whatever becomes of the pipelines meanwhile.
  auto slab = Slab::unbudgeted(batches.size() * kHeaderSize);
  for (std::size_t i = 0; i < batches.size(); ++i) {
    std::ranges::copy(batches[i].header, slab.bytes().subspan(i * kHeaderSize).begin());
  }
  const auto headers = std::move(slab).share();
  round.keep.push_back(headers);
  std::map<std::pair<std::string_view, TopicId>, std::size_t> places;
  for (std::size_t i = 0; i < batches.size(); ++i) {
    const auto& target = round.sent[i].partition->target;
    const auto& id = round.sent[i].partition->target_id;
    const auto [place, is_new] =
        places.emplace(std::pair(std::string_view(target.topic), id), round.request.topic_data.size());
    if (is_new) round.request.topic_data.push_back({.name = target.topic, .topic_id = id});
    round.request.topic_data[place->second].partition_data.push_back(
        {.index = target.partition.value(),
         .records = {.header = headers.bytes().subspan(i * kHeaderSize, kHeaderSize),
                     .payload = batches[i].payload.bytes()}});
    round.keep.push_back(batches[i].payload);
  }
}

net::Async<void> TargetWriter::send_round(Broker& broker) {
  LH_CO_TRY(const auto connection, co_await target_.connection(broker.id, {client::Role::produce, 0}));
  if (!has_sendable(broker)) co_return Result<void>{};
  auto round = gather(broker);
  if (round.sent.empty()) co_return Result<void>{};
  auto& time = target_.io().time;
  client::CallOptions call;
  call.keep = std::move(round.keep);
  if (round.request.transactional_id) {
    call.max_version = client::kTransactionalProduceMax;
  } else if (std::ranges::none_of(round.sent,
                                  [](const Sent& s) { return s.partition->target_id.is_zero(); })) {
    // By id, so that nothing of ours comes into a topic that was created anew under the name.
    call.max_version = protocol::api_info(protocol::ApiKey::produce).version_max_described;
  }
  call.deadline = net::saturating_add(time.now(), options_.request_timeout + kDeadlineSlack);
  auto pending = connection->submit(round.request, std::move(call));
  if (!pending) {
    fail_all(round.sent);
    co_return std::unexpected(std::move(pending).error());
  }
  ++broker.in_flight;
  group_.spawn([this, &broker, pending = std::move(*pending), sent = std::move(round.sent)]() mutable {
    return collect(broker, std::move(pending), std::move(sent));
  });
  co_return Result<void>{};
}

net::Task TargetWriter::collect(Broker& broker, client::Pending<protocol::ProduceResponse> pending,
                                std::vector<Sent> sent) {
  const auto response = co_await pending.wait();
  --broker.in_flight;
  broker.changed.notify();
  if (!response) {
    if (net::is_aborted(response.error()) && group_.stopping()) co_return;
    target_.request_refresh();
    fail_all(sent);
    co_return;
  }
  for (const auto& endpoint : response->body.node_endpoints) {
    target_.learn_broker(
        BrokerId(endpoint.node_id),
        {.endpoint = {endpoint.host, static_cast<std::uint16_t>(endpoint.port)}, .rack = endpoint.rack});
  }
  take(response->body, sent);
  // What the answer says nothing about is in doubt, like after a lost connection.
  fail_all(sent);
}

void TargetWriter::report_leaderless() {
  if (leaderless_.empty() || !lines_.pass("leaderless", target_.io().time.now())) return;
  const auto& example = *leaderless_.front();
  log::warn("partitions of the target have no reachable leader; waiting for one",
            {{"flow", options_.name()},
             {"partitions", leaderless_.size()},
             {"topic", example.target.topic},
             {"partition", example.target.partition}});
}

}  // namespace longhaul::replicator
