#pragma once

#include <string>

#include "protocol/record.h"

namespace longhaul::replicator {

/// One line for a person: the bytes as text where they are text, their number, and nothing that a terminal
/// obeys. Long ones are cut.
[[nodiscard]] std::string shown(const protocol::NullableBytes& bytes);
/// The same of headers, the first few of them.
[[nodiscard]] std::string shown(const protocol::RecordHeadersView& headers);

}  // namespace longhaul::replicator
