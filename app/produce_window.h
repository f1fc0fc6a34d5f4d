#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "base/slab.h"
#include "codecs/compression.h"

namespace longhaul::app {

/// A batch as it is sent, and sent again.
struct ProducedBatch {
  Slice header;
  Slice payload;
  std::int32_t records = 0;
  codecs::Compression codec = codecs::Compression::none;
  [[nodiscard]] std::size_t bytes() const { return header.size() + payload.size(); }
};

/// The batches of one partition that are not acknowledged yet, in order. An idempotent producer may have five
/// under way; when one fails, those behind it fail too, and all are sent again from the first, with the same
/// sequence numbers, once the last answer is there. The first goes alone: a broker that does not know the
/// producer takes any sequence, and with the second in front it would refuse the first for ever. Pure.
class ProduceWindow {
 public:
  struct Outgoing {
    std::uint64_t number = 0;
    const ProducedBatch* batch = nullptr;
  };

  [[nodiscard]] bool has_room() const { return batches_.size() < kInFlightMax; }
  [[nodiscard]] bool empty() const { return batches_.empty(); }
  void push(ProducedBatch batch) { batches_.push_back({next_number_++, std::move(batch), false}); }

  /// The batch to send next; its `batch` is null when there is none now.
  [[nodiscard]] Outgoing next_to_send() const;
  /// That batch is under way.
  void sent();
  /// Batch `number` was appended. Returns the batches that are done with by that, for counting: each comes
  /// once, however often it was sent.
  [[nodiscard]] std::vector<ProducedBatch> acknowledged(std::uint64_t number);
  /// Batch `number` must be sent again.
  void failed(std::uint64_t number);
  /// Whether an earlier batch has failed: then one that is refused as out of sequence is no surprise.
  [[nodiscard]] bool is_rewinding() const { return rewinding_; }

 private:
  static constexpr std::size_t kInFlightMax = 5;
  struct Entry {
    std::uint64_t number;
    ProducedBatch batch;
    bool acknowledged;
  };
  void rewind_when_quiet();

  std::deque<Entry> batches_;
  std::uint64_t next_number_ = 0;
  std::size_t next_ = 0;
  int in_flight_ = 0;
  bool rewinding_ = false;
  bool is_known_ = false;  ///< to the broker: a batch was acknowledged
};

}  // namespace longhaul::app
