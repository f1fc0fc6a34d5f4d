#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "client/admin_requests.h"
#include "client/cluster.h"
#include "replicator/fence.h"

namespace longhaul::replicator {

[[nodiscard]] client::ProducerIdentity identity(const ProducerEpoch& producer);
/// Whether a call that failed with this has to be repeated at another time; also when it was aborted.
[[nodiscard]] bool is_worth_waiting(const Error& error);

/// What is to be taken over under one transactional id.
struct TakeoverRequest {
  std::string transactional_id;
  std::optional<ProducerEpoch> held;
  Fence::Options::Epoch epoch = Fence::Options::Epoch::next;
  milliseconds transaction_timeout{60'000};
  /// How the transaction ends that brings the markers. Committed, it also commits what the partitions still
  /// hold of the id, because the marker of its own transaction was lost or it came late.
  client::TransactionEnd end = client::TransactionEnd::abort;
  /// Data partitions, each with the offset from which its marker is looked for.
  std::map<TopicPartition, Offset> data;
  /// Partitions of internal topics; `await_internal` looks for their markers.
  std::vector<TopicPartition> internal;
};

/// Reads on in a partition of an internal topic until the marker of that producer is found, and takes in what
/// stands in front of it. Fails with PRODUCER_FENCED at a marker of a later epoch, with NetErrc::timed_out at
/// the deadline.
using AwaitInternal =
    std::function<net::Async<Offset>(TopicPartition partition, ProducerEpoch producer, SteadyTime deadline)>;

/// Drives a Fence to its end, on the coordinator of the id and the leaders of the partitions. Fails only when
/// it is aborted; everything else is in the Fence that comes back.
[[nodiscard]] net::Async<Fence> take_over(client::Cluster& target, TakeoverRequest request,
                                          AwaitInternal await_internal, SteadyTime deadline);

/// Commits what whoever had the id left open, so that taking the id does not abort it. Succeeds also where
/// that cannot be known (Kafka before 3.0) or somebody else has ended it meanwhile; fails when the
/// coordinator cannot be asked before the deadline.
[[nodiscard]] net::Async<void> commit_open_transaction(client::Cluster& target, std::string transactional_id,
                                                       SteadyTime deadline);

/// Where the abort or commit marker of a producer stands in a record set.
struct FoundMarker {
  std::int16_t epoch = -1;
  Offset offset;
};
/// The first marker of producer `id` with at least epoch `epoch` at or behind `from`, and the offset behind
/// the last whole batch, which is `from` when there is none.
struct MarkerScan {
  std::optional<FoundMarker> marker;
  Offset next;
};
[[nodiscard]] MarkerScan find_marker(ConstBytes records, ProducerEpoch producer, Offset from);

}  // namespace longhaul::replicator
