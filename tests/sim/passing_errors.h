#pragma once

#include <string>
#include <vector>

#include "protocol/api.h"
#include "protocol/error_code.h"
#include "sandbox/faults.h"

namespace longhaul::sim {

/// What a broker may answer for a while although nothing is wrong with the request.
struct PassingError {
  protocol::ApiKey api;
  protocol::KafkaErrc code;
  sandbox::FaultMoment moment = sandbox::FaultMoment::before;

  /// How it is counted.
  [[nodiscard]] std::string kind() const;
};

[[nodiscard]] const std::vector<PassingError>& source_errors();
[[nodiscard]] const std::vector<PassingError>& target_errors();

}  // namespace longhaul::sim
