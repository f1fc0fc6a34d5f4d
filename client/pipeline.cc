#include "client/pipeline.h"

#include <algorithm>
#include <limits>

#include "base/check.h"
#include "client/error.h"
#include "net/timer.h"

namespace longhaul::client {
namespace {

/// Kafka's clients use the eight highest ids for SASL frames of a re-authentication (KIP-368).
constexpr std::int32_t kLastCorrelationId = std::numeric_limits<std::int32_t>::max() - 8;

}  // namespace

void Pipeline::add(std::shared_ptr<Call> call) {
  LH_CHECK(!full());
  const auto deadline = call->options.deadline;
  in_flight_.push_back({next_correlation_id_, deadline, std::move(call)});
  next_correlation_id_ = next_correlation_id_ == kLastCorrelationId ? 0 : next_correlation_id_ + 1;
}

void Pipeline::add_before(std::size_t count, std::shared_ptr<Call> call, std::int32_t correlation_id) {
  LH_CHECK(count <= in_flight_.size());
  const auto deadline = call->options.deadline;
  in_flight_.insert(in_flight_.end() - static_cast<std::ptrdiff_t>(count),
                    {correlation_id, deadline, std::move(call)});
}

Result<std::shared_ptr<Call>> Pipeline::match(std::int32_t correlation_id) {
  if (in_flight_.empty()) return fail(ClientErrc::unexpected_response, "correlation id {}", correlation_id);
  auto& oldest = in_flight_.front();
  if (oldest.correlation_id != correlation_id) {
    return fail(ClientErrc::wrong_correlation_id, "correlation id {} where {} was due", correlation_id,
                oldest.correlation_id);
  }
  auto call = std::move(oldest.call);
  in_flight_.pop_front();
  return call;
}

std::vector<std::shared_ptr<Call>> Pipeline::take_all() {
  std::vector<std::shared_ptr<Call>> calls;
  for (auto& entry : in_flight_) calls.push_back(std::move(entry.call));
  in_flight_.clear();
  return calls;
}

void Pipeline::throttle(SteadyTime now, milliseconds duration) {
  if (duration <= milliseconds(0)) return;
  const auto until = net::saturating_add(now, duration);
  if (until <= throttled_until_) return;
  postpone_deadlines(until - std::max(now, throttled_until_));
  throttled_until_ = until;
}

void Pipeline::pause(SteadyTime now) {
  LH_CHECK(paused_since_ == SteadyTime::max());
  paused_since_ = now;
}

void Pipeline::resume(SteadyTime now) {
  LH_CHECK(paused_since_ != SteadyTime::max());
  postpone_deadlines(now - paused_since_);
  paused_since_ = SteadyTime::max();
}

void Pipeline::postpone_deadlines(SteadyTime::duration duration) {
  for (auto& entry : in_flight_) entry.deadline = net::saturating_add(entry.deadline, duration);
}

SteadyTime Pipeline::next_deadline() const {
  auto next = SteadyTime::max();
  if (paused_since_ != SteadyTime::max()) return next;
  for (const auto& entry : in_flight_) next = std::min(next, entry.deadline);
  return next;
}

SteadyTime Pipeline::latest_deadline(SteadyTime now) const {
  auto latest = std::max(now, throttled_until());
  for (const auto& entry : in_flight_) {
    if (entry.deadline != SteadyTime::max()) latest = std::max(latest, entry.deadline);
  }
  return latest;
}

const Call* Pipeline::expired(SteadyTime now) const {
  if (paused_since_ != SteadyTime::max()) return nullptr;
  const auto found =
      std::ranges::find_if(in_flight_, [now](const auto& entry) { return entry.deadline <= now; });
  return found == in_flight_.end() ? nullptr : found->call.get();
}

}  // namespace longhaul::client
