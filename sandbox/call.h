#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "protocol/api.h"
#include "protocol/error_code.h"
#include "sandbox/faults.h"
#include "sandbox/options.h"

namespace longhaul::sandbox {

/// One request on its way through a broker, apart from its message. Copied by whatever answers later.
struct Call {
  ConnectionId connection = 0;
  /// Counts the requests of the connection, so that a late answer cannot meet another request.
  std::uint64_t serial = 0;
  std::int32_t broker = 0;
  protocol::ApiKey api{};
  std::int16_t version = 0;
  std::int32_t correlation_id = 0;
  std::string client_id;
  std::shared_ptr<const FaultRule> fault;

  /// The error that a fault rule puts on this partition, or on the request as a whole without a topic.
  [[nodiscard]] protocol::KafkaErrc injected_error(FaultMoment moment, std::string_view topic = {},
                                                   std::int32_t partition = -1) const;
};

}  // namespace longhaul::sandbox
