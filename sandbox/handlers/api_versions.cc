#include <algorithm>

#include "sandbox/dispatch.h"
#include "sandbox/handlers/handlers.h"

namespace longhaul::sandbox {
namespace {

/// Names and versions of client software end up in metrics, so a broker takes only letters, digits, '.' and
/// '-', the last two not at an end (KIP-511).
bool is_software_word(std::string_view word) {
  const auto is_inner = [](char c) { return c == '.' || c == '-'; };
  if (word.empty() || is_inner(word.front()) || is_inner(word.back())) return false;
  return std::ranges::all_of(word, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || is_inner(c);
  });
}

}  // namespace

protocol::ApiVersionsResponse handle(Core& /*core*/, const Call& call,
                                     const protocol::ApiVersionsRequest& request) {
  protocol::ApiVersionsResponse response;
  response.error_code = call.injected_error(FaultMoment::before);
  constexpr int kSoftwareSince = 3;
  if (call.version >= kSoftwareSince && !(is_software_word(request.client_software_name) &&
                                          is_software_word(request.client_software_version))) {
    response.error_code = protocol::KafkaErrc::invalid_request;
    return response;
  }
  for (const auto& api : served_apis()) {
    response.api_keys.push_back({.api_key = static_cast<std::int16_t>(api.key),
                                 .min_version = api.version_min,
                                 .max_version = api.version_max});
  }
  response.finalized_features_epoch = 0;
  return response;
}

}  // namespace longhaul::sandbox
