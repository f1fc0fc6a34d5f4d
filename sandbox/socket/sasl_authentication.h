#pragma once

#include <memory>
#include <vector>

#include "base/clock.h"
#include "net/sasl.h"
#include "sandbox/authenticator.h"

namespace longhaul::sandbox {

/// Authentication of a cluster by Cyrus SASL with `users`, under one of `mechanisms`.
[[nodiscard]] std::shared_ptr<const Authentication> sasl_authentication(
    const std::vector<net::SaslMechanism>& mechanisms, std::shared_ptr<const net::SaslUsers> users,
    milliseconds session_lifetime);

}  // namespace longhaul::sandbox
