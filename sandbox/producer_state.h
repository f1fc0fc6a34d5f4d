#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>

#include "protocol/error_code.h"
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

  [[nodiscard]] static ProducerBatch of(const protocol::BatchHeader& header);
};

/// What the producers of one partition have written last, so that a repeated batch is not appended twice and
/// a missing one is noticed (KIP-98, KIP-360). Producer ids are never held against those that were allocated:
/// a broker does not do it either.
class ProducerState {
 public:
  /// A batch that the partition holds.
  struct Appended {
    std::int32_t first_sequence = 0;
    std::int32_t last_sequence = 0;
    std::int64_t base_offset = 0;
    std::int64_t last_offset = 0;
    std::int64_t timestamp = -1;  ///< The batch's largest.
    std::int64_t append_time = -1;
  };
  /// Either nothing (append it), the batch that it repeats, or the error that refuses it.
  struct Verdict {
    protocol::KafkaErrc error = protocol::KafkaErrc::none;
    std::optional<Appended> duplicate;
  };

  /// What a broker says to `batch` before it appends it.
  [[nodiscard]] Verdict check(const ProducerBatch& batch) const;
  /// Remembers a batch as it was appended; `append_time` is -1 where the log's times are the producers'.
  void appended(const ProducerBatch& batch, std::int64_t append_time);

  /// Forgets producers whose last batch is older than `oldest_ms`: by its own timestamp, not by when it came.
  void expire(std::int64_t oldest_ms);
  /// Forgets producers of which the log holds nothing any more.
  void forget_before(std::int64_t offset);

  [[nodiscard]] std::size_t size() const { return producers_.size(); }

 private:
  struct Entry {
    std::int16_t epoch = -1;
    std::deque<Appended> batches;
  };
  std::map<ProducerId, Entry> producers_;
};

/// `sequence` moved on by `increment`: after the largest comes 0.
[[nodiscard]] std::int32_t next_sequence(std::int32_t sequence, std::int32_t increment);

}  // namespace longhaul::sandbox
