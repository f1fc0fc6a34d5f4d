#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "codecs/compression.h"
#include "protocol/error_code.h"
#include "protocol/messages/produce.h"
#include "protocol/record_batch.h"

namespace longhaul::sandbox {

/// What of a topic's configuration decides about a batch.
struct BatchRules {
  std::int32_t max_message_bytes = 1'048'588;
  std::int32_t segment_bytes = 1 << 30;
  bool is_compacted = false;
  bool is_log_append_time = false;
  std::int64_t timestamp_before_max_ms = INT64_MAX;
  std::int64_t timestamp_after_max_ms = 3'600'000;
  /// The codec in which the topic keeps its batches; nothing: the producer's.
  std::optional<codecs::Compression> compression;
  std::optional<int> compression_level;
};

/// Why a batch is refused, as a Produce response says it.
struct Refusal {
  protocol::KafkaErrc error = protocol::KafkaErrc::none;
  /// The records that are to blame, where single ones are.
  std::vector<protocol::BatchIndexAndErrorMessage> record_errors;
  std::optional<std::string> message;
};

/// A batch as it is to be stored.
struct ValidBatch {
  protocol::BatchHeader header{};
  /// In the request, or in `rebuilt` where the broker had to write the records anew.
  ConstBytes payload;
  Bytes rebuilt;
};

/// The checks that a broker makes before it knows the partition's log, of one partition's `records` in a
/// Produce request of `version`. On success the one batch's bytes, without an incomplete tail.
[[nodiscard]] std::expected<ConstBytes, Refusal> single_batch(ConstBytes records, int version);

/// The batch as the broker stores it at `base_offset` under `leader_epoch`, or why it refuses it. The order
/// of the checks is Kafka's, since it decides which error a batch with several faults gets.
[[nodiscard]] std::expected<ValidBatch, Refusal> validate_batch(ConstBytes batch, const BatchRules& rules,
                                                                std::int64_t base_offset,
                                                                std::int32_t leader_epoch,
                                                                std::int64_t now_ms);

}  // namespace longhaul::sandbox
