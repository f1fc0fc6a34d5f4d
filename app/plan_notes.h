#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "client/cluster.h"
#include "net/async.h"
#include "replicator/flow_options.h"
#include "replicator/topic_sync.h"

namespace longhaul::app {

/// What a person should know of one selected topic before it is replicated.
struct TopicTraits {
  /// As the source describes them; empty when they could not be read.
  std::vector<replicator::ConfigValue> source;
  /// Of the remote topic; empty when it does not exist or could not be read.
  std::vector<replicator::ConfigValue> target;
  /// What the remote topic would be created with, by name.
  std::vector<std::pair<std::string, std::string>> creation;
  /// Transactional batches or markers were seen in it.
  bool holds_transactions = false;
  /// It begins with records that are older than the target remembers their producer, and they are to be
  /// copied.
  bool begins_old = false;
};

/// One line each: batches that have to be written anew, times and codecs that will not be the source's,
/// records that the target will refuse, aborted records that are copied, records that go in transactions.
[[nodiscard]] std::vector<std::string> topic_notes(const TopicTraits& traits,
                                                   const replicator::FlowOptions& options);

/// Whether the last batch of one of the topic's first partitions is transactional or a marker: transactions
/// end with one, so a topic that is written in transactions shows it there.
[[nodiscard]] net::Async<bool> ends_with_transaction(client::Cluster& source, replicator::TopicFacts topic,
                                                     SteadyTime deadline);
/// Whether one of the topic's first partitions holds records, at its start, of before `wall_ms`.
[[nodiscard]] net::Async<bool> begins_before(client::Cluster& source, replicator::TopicFacts topic,
                                             std::int64_t wall_ms, SteadyTime deadline);

}  // namespace longhaul::app
