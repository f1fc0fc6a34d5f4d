#include <algorithm>
#include <chrono>
#include <set>

#include "sandbox/handlers/fetch_reader.h"
#include "sandbox/handlers/handlers.h"

namespace longhaul::sandbox {
namespace {

using protocol::FetchRequest;
using protocol::FetchResponse;
using protocol::KafkaErrc;

constexpr int kEndpointsSince = 16;

/// The leaders that the response names, with their addresses (KIP-951).
void add_endpoints(const Core& core, const Call& call, FetchResponse& response) {
  if (call.version < kEndpointsSince) return;
  std::set<std::int32_t> leaders;
  for (const auto& topic : response.responses) {
    for (const auto& partition : topic.partitions) {
      if (partition.current_leader.leader_id >= 0) leaders.insert(partition.current_leader.leader_id);
    }
  }
  for (const auto leader : leaders) {
    const auto& endpoint = core.endpoint(leader);
    response.node_endpoints.push_back(
        {.node_id = leader, .host = endpoint.host, .port = endpoint.port, .rack = {}});
  }
}

void respond(Core& core, const Call& call, const FetchPlan& plan, FetchReading reading) {
  FetchResponse response;
  std::vector<std::size_t> kept;
  response.session_id =
      core.fetch_sessions(call.broker).finish(plan, reading.answers, kept, core.now.steady, core.random);
  auto held = std::make_shared<std::vector<std::shared_ptr<const void>>>();
  for (const auto i : kept) {
    const auto& partition = plan.partitions[i];
    auto& topics = response.responses;
    if (topics.empty() || topics.back().topic != partition.topic ||
        topics.back().topic_id != partition.topic_id) {
      topics.push_back({.topic = partition.topic, .topic_id = partition.topic_id, .partitions = {}});
    }
    topics.back().partitions.push_back(std::move(reading.answers[i]));
    if (reading.keeps[i]) held->push_back(std::move(reading.keeps[i]));
  }
  add_endpoints(core, call, response);
  core.answer(call, response, std::move(held));
}

void wait(Core& core, const Call& call, FetchPlan plan, const FetchLimits& limits, milliseconds time_max) {
  FetchWaits::Wait wait;
  wait.connection = call.connection;
  for (const auto& fetched : plan.partitions) {
    if (auto* partition = find_fetched(core, plan, fetched)) wait.partitions.push_back(partition);
  }
  const auto shared = std::make_shared<const FetchPlan>(std::move(plan));
  wait.is_ready = [&core, call, shared, limits] { return is_fetch_ready(core, call, *shared, limits); };
  wait.answer = [&core, call, shared, limits] {
    respond(core, call, *shared, read_fetch(core, call, *shared, limits));
  };
  core.fetch_waits.add(core.timers, core.now.steady + time_max, std::move(wait));
}

}  // namespace

void handle(Core& core, const Call& call, const FetchRequest& request) {
  auto plan = core.fetch_sessions(call.broker).begin(request, call.version, core.now.steady);
  const auto whole =
      call.fault && !call.fault->topic ? call.injected_error(FaultMoment::before) : KafkaErrc::none;
  if (plan.error != KafkaErrc::none || is_fetch_session_error(whole)) {
    FetchResponse response;
    response.error_code = plan.error != KafkaErrc::none ? plan.error : whole;
    return core.answer(call, response);
  }
  FetchLimits limits;
  limits.bytes_max = static_cast<std::size_t>(std::clamp(request.max_bytes, 0, core.options.fetch_max_bytes));
  limits.bytes_min = std::min(static_cast<std::size_t>(std::max(request.min_bytes, 0)), limits.bytes_max);
  limits.isolation = request.isolation_level;
  auto reading = read_fetch(core, call, plan, limits);
  if (request.max_wait_ms <= 0 || plan.partitions.empty() || reading.bytes >= limits.bytes_min ||
      reading.has_error) {
    return respond(core, call, plan, std::move(reading));
  }
  wait(core, call, std::move(plan), limits, milliseconds(request.max_wait_ms));
}

}  // namespace longhaul::sandbox
