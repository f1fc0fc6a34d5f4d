#pragma once

#include <string>
#include <string_view>

#include "app/config/option_reader.h"
#include "app/config/security_settings.h"

namespace longhaul::config {

/// `security.protocol`, noted as in effect.
[[nodiscard]] SecurityProtocol read_security_protocol(OptionReader& in);

/// `security.protocol` and what it makes matter of `ssl.*` and `sasl.*`. No file is opened. Wrong values
/// become the reader's error; what is right but not served is said in the result.
[[nodiscard]] SecuritySettings read_security(OptionReader& in, std::string_view cluster);

/// PEM text as OpenSSL needs it: Kafka accepts an item whose lines were joined, by blanks or by nothing, as
/// happens to a value that goes over several lines of a properties file. Text that is no PEM comes back as it
/// is.
[[nodiscard]] std::string normal_pem(std::string_view text);

}  // namespace longhaul::config
