#include "sandbox/dispatch.h"

#include <algorithm>
#include <type_traits>

#include "protocol/messages/all.h"
#include "sandbox/handlers/handlers.h"
#include "sandbox/subjects.h"

namespace longhaul::sandbox {
namespace {

using protocol::ApiKey;

template <class Request>
Result<void> serve(Core& core, Call& call, ConstBytes body) {
  LH_TRY(auto request, protocol::decode<Request>(body, call.version));
  if (!core.faults.empty()) {
    const auto subjects =
        core.faults.looks_at_topics() ? subjects_of(core, call, request) : std::vector<FaultSubject>();
    call.fault = core.faults.decide(call.broker, call.api, subjects);
  }
  if (call.fault && call.fault->moment == FaultMoment::before) {
    if (call.fault->action == FaultAction::disconnect) {
      core.answers.close(call.connection);
      return {};
    }
    // Never answered: the connection stays busy until the client gives up.
    if (call.fault->action == FaultAction::stall) return {};
  }
  if constexpr (std::is_void_v<decltype(handle(core, call, request))>) {
    handle(core, call, request);
  } else {
    core.answer(call, handle(core, call, request));
  }
  return {};
}

using Serve = Result<void> (*)(Core&, Call&, ConstBytes);

struct Row {
  ServedApi api;
  Serve serve;
};

/// Versions below those that are served are listed where librdkafka takes them as the sign of a feature, such
/// as groups or idempotence. It asks with the newest version that both sides know, never with these; Kafka
/// itself does the same with Produce (KAFKA-18659).
template <class Request>
Row row(std::optional<std::int16_t> listed_from = std::nullopt,
        std::optional<std::int16_t> listed_to = std::nullopt) {
  const auto& api = protocol::api_info(Request::kApi);
  return {.api = {.key = Request::kApi,
                  .version_min = listed_from.value_or(api.version_min_described),
                  .version_max = listed_to.value_or(api.version_max_described)},
          .serve = &serve<Request>};
}

const std::vector<Row>& rows() {
  static const std::vector<Row> table = {
      row<protocol::ProduceRequest>(),
      row<protocol::FetchRequest>(4),
      row<protocol::ListOffsetsRequest>(),
      row<protocol::MetadataRequest>(),
      row<protocol::OffsetCommitRequest>(2),
      row<protocol::OffsetFetchRequest>(1),
      row<protocol::FindCoordinatorRequest>(0),
      row<protocol::JoinGroupRequest>(0),
      row<protocol::HeartbeatRequest>(0),
      row<protocol::LeaveGroupRequest>(0),
      row<protocol::SyncGroupRequest>(0),
      row<protocol::DescribeGroupsRequest>(),
      row<protocol::ListGroupsRequest>(),
      row<protocol::SaslHandshakeRequest>(0),
      row<protocol::ApiVersionsRequest>(0, kApiVersionsNewest),
      row<protocol::CreateTopicsRequest>(),
      row<protocol::DeleteTopicsRequest>(),
      row<protocol::DeleteRecordsRequest>(),
      row<protocol::InitProducerIdRequest>(0),
      row<protocol::OffsetForLeaderEpochRequest>(),
      row<protocol::AddPartitionsToTxnRequest>(0),
      row<protocol::AddOffsetsToTxnRequest>(0),
      row<protocol::EndTxnRequest>(0),
      row<protocol::TxnOffsetCommitRequest>(0),
      row<protocol::DescribeConfigsRequest>(),
      row<protocol::SaslAuthenticateRequest>(),
      row<protocol::CreatePartitionsRequest>(),
      row<protocol::IncrementalAlterConfigsRequest>(),
      row<protocol::DescribeClusterRequest>(),
      row<protocol::DescribeProducersRequest>(),
      row<protocol::DescribeTransactionsRequest>(),
  };
  return table;
}

const Row* find_row(ApiKey key) {
  const auto found = std::ranges::find(rows(), key, [](const Row& row) { return row.api.key; });
  return found == rows().end() ? nullptr : &*found;
}

}  // namespace

const std::vector<ServedApi>& served_apis() {
  static const auto apis = [] {
    std::vector<ServedApi> list;
    for (const auto& row : rows()) list.push_back(row.api);
    return list;
  }();
  return apis;
}

bool is_served(ApiKey key, std::int16_t version) {
  const auto* row = find_row(key);
  return row != nullptr && protocol::api_info(key).describes(version);
}

Result<void> dispatch(Core& core, Call& call, ConstBytes body) {
  const auto* row = find_row(call.api);
  if (row == nullptr) return fail(protocol::WireErrc::unknown_api);
  return row->serve(core, call, body);
}

}  // namespace longhaul::sandbox
