#pragma once

#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "sandbox/timers.h"

namespace longhaul::sandbox {

enum class TransactionState : std::uint8_t {
  empty,
  ongoing,
  prepare_commit,
  prepare_abort,
  complete_commit,
  complete_abort,
};

/// Kafka's spelling, such as "PrepareCommit".
[[nodiscard]] std::string_view name_of(TransactionState state);

/// What a coordinator knows of one transactional id (KIP-98).
struct Transaction {
  std::string id;
  std::int64_t producer_id = -1;
  /// Who the producer was before its epochs were used up.
  std::int64_t previous_producer_id = -1;
  std::int16_t epoch = -1;
  /// The epoch that the holder had before the last bump, for a repeated request; -1: there is none.
  std::int16_t last_epoch = -1;
  milliseconds timeout{0};
  TransactionState state = TransactionState::empty;
  /// Partitions and groups that are part of the transaction, or still to get their marker.
  std::set<std::pair<std::string, std::int32_t>> partitions;
  std::set<std::string> groups;
  std::int64_t started_ms = -1;
  std::int64_t updated_ms = -1;

  /// Kafka's transaction version of the end that is under way, see ProducerMarker.
  int version = 0;
  /// The producer id that follows when it is over; -1: the same.
  std::int64_t next_producer_id = -1;
  /// A partition knew a newer epoch: the coordinator gives the end up and leaves the id as it is.
  bool is_abandoned = false;
  Timers::Id marker_timer = 0;

  /// The last epoch that a producer gets: the one above is the coordinator's, which fences with it.
  static constexpr std::int16_t kLastEpoch = std::numeric_limits<std::int16_t>::max() - 1;
  [[nodiscard]] bool is_exhausted() const { return epoch >= kLastEpoch; }
  [[nodiscard]] bool is_ending() const {
    return state == TransactionState::prepare_commit || state == TransactionState::prepare_abort;
  }
};

}  // namespace longhaul::sandbox
