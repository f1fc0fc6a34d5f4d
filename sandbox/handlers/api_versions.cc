#include "sandbox/dispatch.h"
#include "sandbox/handlers/handlers.h"

namespace longhaul::sandbox {

protocol::ApiVersionsResponse handle(Core& /*core*/, const Call& call,
                                     const protocol::ApiVersionsRequest& /*request*/) {
  protocol::ApiVersionsResponse response;
  response.error_code = call.injected_error(FaultMoment::before);
  for (const auto& api : served_apis()) {
    response.api_keys.push_back({.api_key = static_cast<std::int16_t>(api.key),
                                 .min_version = api.version_min,
                                 .max_version = api.version_max});
  }
  response.finalized_features_epoch = 0;
  return response;
}

}  // namespace longhaul::sandbox
