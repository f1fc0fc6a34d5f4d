#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/ids.h"
#include "client/metadata.h"

namespace longhaul::replicator {

/// Since when a cluster's answers do not know a topic that was there.
struct UnknownTopic {
  int answers = 0;   ///< in a row
  SteadyTime since;  ///< when the first of them came
};

/// Whether the topic that a partition belongs to is gone, by its cluster's metadata at `now`: unknown in
/// three answers in a row and for ten seconds, or known under another id. Brokers learn of topics one after
/// the other, and one of a ZooKeeper cluster knows none between its start and the controller's word; nobody
/// comes back to a partition that was given up. The text says which of both; empty for plainly deleted.
/// `unknown` is the caller's memory. `info` is null for a topic the cluster did not name.
[[nodiscard]] std::optional<std::string> topic_is_gone(const client::TopicInfo* info, const TopicId& expected,
                                                       UnknownTopic& unknown, SteadyTime now);

}  // namespace longhaul::replicator
