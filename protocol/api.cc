#include "protocol/api.h"

#include "base/check.h"

namespace longhaul::protocol {

const ApiInfo& api_info(ApiKey key) {
  const auto* api = find_api(key);
  LH_CHECK(api != nullptr);
  return *api;
}

int request_header_version(ApiKey key, int version) {
  return api_info(key).is_flexible(version) ? 2 : 1;
}

int response_header_version(ApiKey key, int version) {
  if (key == ApiKey::api_versions) return 0;
  return api_info(key).is_flexible(version) ? 1 : 0;
}

}  // namespace longhaul::protocol
