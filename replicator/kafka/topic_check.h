#pragma once

#include <optional>
#include <string>

#include "base/ids.h"
#include "client/metadata.h"

namespace longhaul::replicator {

/// Whether the topic that a partition belongs to is gone, by its cluster's metadata: unknown in three answers
/// in a row (brokers learn of changes one after the other), or known under another id. The text says which;
/// empty for plainly deleted. `unknown_answers` is the caller's counter. `info` is null for a topic the
/// cluster did not name.
[[nodiscard]] std::optional<std::string> topic_is_gone(const client::TopicInfo* info, const TopicId& expected,
                                                       int& unknown_answers);

}  // namespace longhaul::replicator
