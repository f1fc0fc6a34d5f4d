#pragma once

#include "protocol/error_code.h"
#include "replicator/stop_reason.h"

namespace longhaul::replicator {

/// Why a partition stops whose batch the target has refused for good.
[[nodiscard]] StopReason refusal_reason(protocol::KafkaErrc code);

/// Whether a broker says that the transaction is not what we take it for.
[[nodiscard]] bool is_about_transaction(protocol::KafkaErrc code);

}  // namespace longhaul::replicator
