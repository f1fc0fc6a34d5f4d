#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "protocol/messages/fetch.h"
#include "protocol/record.h"
#include "sandbox/partition_log.h"
#include "sandbox/producer_state.h"

namespace longhaul::sandbox {

/// A control batch that is to end a transaction.
struct TransactionMarker {
  ProducerMarker producer;
  protocol::ControlType type = protocol::ControlType::abort;
  std::int32_t coordinator_epoch = 0;
  /// Whether the topic's times are those of the appends.
  bool is_log_append_time = false;
};

/// One partition. Its replicas share one log, so they are always in sync unless their broker is down.
struct Partition {
  explicit Partition(std::size_t segment_bytes_max) : log(segment_bytes_max) {}

  std::int32_t index = 0;
  std::vector<std::int32_t> replicas;
  std::vector<std::int32_t> isr;
  /// -1 while none of the replicas' brokers is up.
  std::int32_t leader = -1;
  std::int32_t leader_epoch = 0;
  PartitionLog log;
  ProducerState producers;
  /// Fetches that wait for something to happen here, see FetchWaits.
  std::set<std::uint64_t> waiting_fetches;

  /// What transactional readers see: everything in front of the oldest open transaction.
  [[nodiscard]] std::int64_t last_stable_offset() const;
  /// Puts a batch that was judged at the end; its header has its place in the log.
  void append(const protocol::BatchHeader& header, ConstBytes payload);
  /// Writes a marker, or says why a broker would not: INVALID_PRODUCER_EPOCH.
  [[nodiscard]] protocol::KafkaErrc append(const TransactionMarker& marker);
  /// Drops everything from `offset` on, see PartitionLog::truncate(), and takes what is known of producers
  /// and transactions from the rest.
  void truncate(std::int64_t offset);
  /// Puts other batches in place of all, as the log cleaner does. Of the aborted transactions those are kept
  /// whose markers are named.
  void replace(const std::vector<Bytes>& batches, const std::set<std::int64_t>& markers_of_aborted);

  /// An aborted transaction from its first record to its marker.
  struct Aborted {
    std::int64_t producer_id;
    std::int64_t first_offset;
    std::int64_t last_offset;
  };
  /// In the order of their markers.
  [[nodiscard]] const std::vector<Aborted>& aborted() const { return aborted_; }
  /// The aborted transactions that have records in the range, in the order of their markers.
  [[nodiscard]] std::vector<protocol::AbortedTransaction> aborted_transactions(std::int64_t from,
                                                                               std::int64_t to) const;

 private:
  void ended(const TransactionMarker& marker, std::int64_t offset);

  std::vector<Aborted> aborted_;
};

}  // namespace longhaul::sandbox
