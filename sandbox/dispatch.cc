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

template <class Request>
Row row() {
  const auto& api = protocol::api_info(Request::kApi);
  return {{Request::kApi, api.version_min, api.version_max_described}, &serve<Request>};
}

const std::vector<Row>& rows() {
  static const std::vector<Row> table = {
      row<protocol::ProduceRequest>(),      row<protocol::FetchRequest>(),
      row<protocol::MetadataRequest>(),     row<protocol::ApiVersionsRequest>(),
      row<protocol::CreateTopicsRequest>(),
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
  return row != nullptr && version >= row->api.version_min && version <= row->api.version_max;
}

Result<void> dispatch(Core& core, Call& call, ConstBytes body) {
  const auto* row = find_row(call.api);
  if (row == nullptr) return fail(protocol::WireErrc::unknown_api);
  return row->serve(core, call, body);
}

}  // namespace longhaul::sandbox
