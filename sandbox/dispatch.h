#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "protocol/api.h"
#include "sandbox/core.h"

namespace longhaul::sandbox {

/// An API that a cluster serves, and the versions that it lists.
struct ServedApi {
  protocol::ApiKey key;
  std::int16_t version_min;
  std::int16_t version_max;
};

/// Newest version of ApiVersions that is listed; it is served as the one before.
constexpr std::int16_t kApiVersionsNewest = 4;

/// What ApiVersions lists, by ascending key.
[[nodiscard]] const std::vector<ServedApi>& served_apis();
/// Whether that version of that API is served, not only listed.
[[nodiscard]] bool is_served(protocol::ApiKey key, std::int16_t version);

/// Decodes `body` and hands the request to its handler, which answers through `core`. An error, for a body
/// that does not decode or an API that is not served, ends the connection as it does in a broker.
[[nodiscard]] Result<void> dispatch(Core& core, Call& call, ConstBytes body);

}  // namespace longhaul::sandbox
