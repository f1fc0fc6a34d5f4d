#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "protocol/messages/fetch.h"
#include "sandbox/core.h"
#include "sandbox/fetch_session.h"

namespace longhaul::sandbox {

/// What a fetch may return, and from how many bytes on it does not wait.
struct FetchLimits {
  std::size_t bytes_max = 0;
  std::size_t bytes_min = 0;
  protocol::IsolationLevel isolation = protocol::IsolationLevel::read_uncommitted;
};

/// The answers of a fetch, one per partition of its plan.
struct FetchReading {
  std::vector<protocol::PartitionData> answers;
  std::vector<std::shared_ptr<const void>> keeps;
  std::size_t bytes = 0;
  /// Something that is answered at once, however few bytes there are.
  bool has_error = false;
};

/// The partition that is meant, by name or by id; null when there is none.
[[nodiscard]] Partition* find_fetched(const Core& core, const FetchPlan& plan,
                                      const FetchedPartition& fetched);

/// Reads all partitions of `plan` in its order, as far as the limits allow.
[[nodiscard]] FetchReading read_fetch(const Core& core, const Call& call, const FetchPlan& plan,
                                      const FetchLimits& limits);

/// Whether a waiting fetch has enough to return, or a reason to return without.
[[nodiscard]] bool is_fetch_ready(const Core& core, const Call& call, const FetchPlan& plan,
                                  const FetchLimits& limits);

/// Errors that concern a fetch session and therefore the whole response.
[[nodiscard]] bool is_fetch_session_error(protocol::KafkaErrc error);

}  // namespace longhaul::sandbox
