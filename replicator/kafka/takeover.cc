#include "replicator/kafka/takeover.h"

#include <algorithm>

#include "client/admin_requests.h"
#include "client/error.h"
#include "net/error.h"
#include "protocol/record_batch.h"
#include "replicator/kafka/simple_fetch.h"

namespace longhaul::replicator {
namespace {

using protocol::KafkaErrc;

/// How long markers are waited for before they are asked for once more.
constexpr milliseconds kMarkerTimeout{3'000};
/// For each partition at least, so that one without leader leaves time for those behind it.
constexpr milliseconds kMarkerLook{1'500};
/// Transactions of one id that are ended, one after the other, by who takes it.
constexpr int kOpenRoundsMax = 3;

/// What the pure Fence understands: an API that the cluster does not have is Kafka's own refusal of it.
Error plain(Error error) {
  if (error.code == client::ClientErrc::unsupported_version)
    error.code = protocol::kafka_error(KafkaErrc::unsupported_version);
  return error;
}

/// The drivers of one take-over share these.
struct Drive {
  client::Cluster& target;
  const TakeoverRequest& request;
  const AwaitInternal& await_internal;
  SteadyTime deadline;
};

net::Async<ProducerEpoch> initialise(const Drive& drive, const Fence& fence) {
  std::optional<client::ProducerIdentity> holder;
  if (fence.holder()) holder = identity(*fence.holder());
  const auto made = co_await client::init_transactional_id(
      drive.target, drive.request.transactional_id, fence.transaction_timeout(), holder, drive.deadline);
  if (!made) co_return fail(plain(made.error()));
  co_return ProducerEpoch{made->id, made->epoch};
}

net::Async<std::vector<Fence::Outcome>> add(const Drive& drive, const Fence& fence) {
  auto added =
      co_await client::add_partitions_to_txn(drive.target, drive.request.transactional_id,
                                             identity(fence.producer()), fence.waiting(), drive.deadline);
  if (!added) co_return fail(plain(std::move(added).error()));
  std::vector<Fence::Outcome> outcomes;
  for (auto& one : *added) outcomes.emplace_back(std::move(one.partition), std::move(one.outcome));
  co_return outcomes;
}

net::Async<void> finish(const Drive& drive, const Fence& fence) {
  auto ended = co_await client::end_txn(drive.target, drive.request.transactional_id,
                                        identity(fence.producer()), drive.request.end, drive.deadline);
  if (!ended) co_return fail(plain(std::move(ended).error()));
  co_return Result<void>{};
}

net::Async<Offset> await_data(client::Cluster& target, const TopicPartition& partition, Offset from,
                              ProducerEpoch producer, SteadyTime deadline) {
  constexpr auto kUncommitted = protocol::IsolationLevel::read_uncommitted;
  auto position = from;
  for (;;) {
    LH_CO_TRY(const auto fetched,
              co_await fetch_partition(target, partition, position, kUncommitted, deadline));
    const auto scan = find_marker(fetched.data.records, producer, position);
    if (scan.marker && scan.marker->epoch > producer.epoch) {
      co_return fail(protocol::kafka_error(KafkaErrc::producer_fenced), "{}", partition);
    }
    if (scan.marker) co_return scan.marker->offset;
    position = scan.next;
    if (target.io().time.now() >= deadline) co_return fail(net::NetErrc::timed_out, "{}", partition);
  }
}

/// Reading there will not succeed by waiting.
bool is_final(const Error& error) {
  const auto reaction = client::reaction_to(error);
  return reaction == client::Reaction::fail_partition || reaction == client::Reaction::reset_position;
}

/// One round of waiting; returns an error only when it is aborted.
net::Async<void> await_markers(const Drive& drive, Fence& fence) {
  auto& time = drive.target.io().time;
  const auto round_ends = net::saturating_add(time.now(), kMarkerTimeout);
  for (const auto& partition : fence.waiting()) {
    if (time.now() >= drive.deadline) break;
    if (!drive.target.leader(partition)) continue;  // no marker can come there, nor be read
    const auto look_ends = std::max(round_ends, net::saturating_add(time.now(), kMarkerLook));
    const auto until = std::min(drive.deadline, look_ends);
    const auto data = drive.request.data.find(partition);
    const auto producer = fence.producer();
    Result<Offset> found;
    if (data == drive.request.data.end()) {
      found = co_await drive.await_internal(partition, producer, until);
    } else {
      found = co_await await_data(drive.target, partition, data->second, producer, until);
    }
    if (found) {
      fence.on_marker(partition, *found);
    } else if (net::is_aborted(found.error())) {
      co_return std::unexpected(std::move(found).error());
    } else if (found.error().code == KafkaErrc::producer_fenced) {
      fence.on_later_marker(partition);
    } else if (is_final(found.error())) {
      fence.on_unreadable(partition, std::move(found).error());
    }
  }
  if (fence.action() != Fence::Action::await_markers) co_return Result<void>{};
  // Those without leader have their time too.
  drive.target.request_refresh();
  LH_CO_TRY_VOID(co_await time.sleep_until(std::min(drive.deadline, round_ends)));
  fence.on_waited();
  co_return Result<void>{};
}

}  // namespace

client::ProducerIdentity identity(const ProducerEpoch& producer) {
  return {.id = producer.id, .epoch = producer.epoch};
}

bool is_worth_waiting(const Error& error) {
  return net::is_aborted(error) || client::passes(error);
}

MarkerScan find_marker(ConstBytes records, ProducerEpoch producer, Offset from) {
  MarkerScan scan{.marker = std::nullopt, .next = from};
  protocol::RecordSetReader reader(records);
  while (const auto entry = reader.next()) {
    if (const auto* legacy = std::get_if<protocol::LegacyEntry>(&*entry)) {
      scan.next = std::max(scan.next, legacy->offset + 1);
      continue;
    }
    const auto* batch = std::get_if<protocol::RecordBatchView>(&*entry);
    if (batch == nullptr) break;
    if (batch->next_offset() <= scan.next) continue;
    scan.next = batch->next_offset();
    const bool is_marker = batch->is_control() && batch->producer_id() == producer.id &&
                           batch->producer_epoch() >= producer.epoch;
    if (!is_marker) continue;
    scan.marker = FoundMarker{batch->producer_epoch(), batch->base_offset()};
    break;
  }
  return scan;
}

net::Async<void> commit_open_transaction(client::Cluster& target, std::string transactional_id,
                                         SteadyTime deadline) {
  for (int round = 0; round < kOpenRoundsMax; ++round) {
    const auto open = co_await client::open_transaction(target, transactional_id, deadline);
    if (!open && is_worth_waiting(open.error())) co_return std::unexpected(open.error());
    if (!open || !*open) break;
    const auto ended =
        co_await client::end_txn(target, transactional_id, **open, client::TransactionEnd::commit, deadline);
    if (ended) break;
    if (is_worth_waiting(ended.error())) co_return std::unexpected(ended.error());
    // Its owner has ended it, and may have begun another.
  }
  co_return Result<void>{};
}

net::Async<Fence> take_over(client::Cluster& target, TakeoverRequest request, AwaitInternal await_internal,
                            SteadyTime deadline) {
  Fence::Options options{.partitions = request.internal,
                         .held = request.held,
                         .epoch = request.epoch,
                         .transaction_timeout = request.transaction_timeout};
  for (const auto& [partition, from] : request.data) options.partitions.push_back(partition);
  Fence fence(std::move(options));
  const Drive drive{target, request, await_internal, deadline};
  while (fence.action() != Fence::Action::finished) {
    switch (fence.action()) {
      case Fence::Action::initialise: {
        const auto result = co_await initialise(drive, fence);
        if (!result && net::is_aborted(result.error())) co_return std::unexpected(result.error());
        fence.on_initialised(result);
        break;
      }
      case Fence::Action::add_partitions: {
        const auto result = co_await add(drive, fence);
        if (!result && net::is_aborted(result.error())) co_return std::unexpected(result.error());
        fence.on_added(result);
        break;
      }
      case Fence::Action::end_transaction: {
        const auto result = co_await finish(drive, fence);
        if (!result && net::is_aborted(result.error())) co_return std::unexpected(result.error());
        fence.on_ended(result);
        break;
      }
      case Fence::Action::await_markers:
        LH_CO_TRY_VOID(co_await await_markers(drive, fence));
        break;
      case Fence::Action::finished:
        break;
    }
  }
  co_return fence;
}

}  // namespace longhaul::replicator
