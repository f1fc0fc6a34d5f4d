#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "protocol/error_code.h"
#include "protocol/messages/describe_producers.h"
#include "protocol/record_batch.h"

namespace longhaul::sandbox {

/// What a batch's header says about its producer and its place.
struct ProducerBatch {
  ProducerId producer_id;
  std::int16_t producer_epoch = -1;
  std::int32_t base_sequence = -1;
  std::int32_t last_offset_delta = 0;
  std::int64_t base_offset = 0;
  std::int64_t max_timestamp = -1;
  bool is_transactional = false;

  [[nodiscard]] static ProducerBatch of(const protocol::BatchHeader& header);
};

/// The end of a producer's transaction in one partition.
struct ProducerMarker {
  ProducerId producer_id;
  std::int16_t producer_epoch = -1;
  /// Kafka's transaction version: from 2 on a marker's epoch is above that of what it ends (KIP-890).
  int transaction_version = 0;
  std::int64_t timestamp = -1;
};

/// What the producers of one partition have written last, so that a repeated batch is not appended twice and
/// a missing one is noticed (KIP-98, KIP-360), and which of them have a transaction open. Producer ids are
/// never held against those that were allocated: a broker does not do it either.
class ProducerState {
 public:
  /// A batch that the partition holds.
  struct Appended {
    std::int32_t first_sequence = 0;
    std::int32_t last_sequence = 0;
    std::int64_t base_offset = 0;
    std::int64_t last_offset = 0;
    std::int64_t timestamp = -1;  ///< The batch's largest.
  };
  /// Either nothing (append it), the batch that it repeats, or the error that refuses it.
  struct Verdict {
    protocol::KafkaErrc error = protocol::KafkaErrc::none;
    std::optional<Appended> duplicate;
  };

  /// What a broker says to `batch` before it appends it.
  [[nodiscard]] Verdict check(const ProducerBatch& batch) const;
  /// Remembers a batch as it was appended.
  void appended(const ProducerBatch& batch);

  /// Whether a broker would append the marker.
  [[nodiscard]] protocol::KafkaErrc check(const ProducerMarker& marker) const;
  /// Remembers a marker as it was appended, which fences all older epochs also where the transaction had
  /// written nothing. Returns where the transaction began that it ends; nothing when there was none.
  std::optional<std::int64_t> appended(const ProducerMarker& marker);

  /// Whether a transaction of that very epoch is open: what it writes need not be verified again.
  [[nodiscard]] bool has_open_transaction(ProducerId producer_id, std::int16_t producer_epoch) const;
  /// Whether the last batches of the producer are known; they are not right behind a marker of a new epoch.
  [[nodiscard]] bool has_batches(ProducerId producer_id) const;
  /// Whether the batch is what is known last of its producer; a marker is, where no batch is known.
  [[nodiscard]] bool is_last_of_producer(const protocol::RecordBatchView& batch) const;
  /// All that are remembered, as DescribeProducers tells them.
  [[nodiscard]] std::vector<protocol::ActiveProducer> describe() const;
  /// Where the oldest open transaction begins.
  [[nodiscard]] std::optional<std::int64_t> first_open_offset() const;

  /// Forgets producers whose last batch is not newer than `oldest_ms`: by its own timestamp, not by when it
  /// came. A marker counts with the time at which it was written, and who has a transaction open stays.
  void expire(std::int64_t oldest_ms);
  void clear();

  [[nodiscard]] std::size_t size() const { return producers_.size(); }

 private:
  struct Entry {
    std::int16_t epoch = -1;
    std::deque<Appended> batches;
    std::optional<std::int64_t> transaction_start;
    std::int64_t last_timestamp = -1;
  };
  /// The producer's entry, with nothing of other epochs.
  Entry& entry_of(ProducerId producer_id, std::int16_t producer_epoch);

  std::map<ProducerId, Entry> producers_;
  std::set<std::pair<std::int64_t, ProducerId>> open_;
};

/// `sequence` moved on by `increment`: after the largest comes 0.
[[nodiscard]] std::int32_t next_sequence(std::int32_t sequence, std::int32_t increment);

}  // namespace longhaul::sandbox
