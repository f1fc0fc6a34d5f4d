#include "replicator/kafka/tail_look.h"

#include "replicator/kafka/simple_fetch.h"

namespace longhaul::replicator {
namespace {

FetchedSet to_set(const SimpleFetch& fetched, protocol::IsolationLevel isolation) {
  FetchedSet set{.records = fetched.frame.part(fetched.data.records),
                 .high_watermark = Offset(fetched.data.high_watermark),
                 .last_stable_offset = Offset(fetched.data.last_stable_offset)};
  if (isolation == protocol::IsolationLevel::read_committed) set.aborted = aborted_transactions(fetched.data);
  return set;
}

}  // namespace

net::Async<TailLook> look_at_tail(client::Cluster& source, client::Cluster& target,
                                  const FlowOptions& options, TopicPartition source_partition,
                                  TopicPartition target_partition, Progress stored, Offset target_end,
                                  PassLimits limits, SteadyTime deadline) {
  TailMatch match(std::move(stored), limits);
  constexpr auto kUncommitted = protocol::IsolationLevel::read_uncommitted;
  while (match.target_position() < target_end) {
    const auto position = match.target_position();
    LH_CO_TRY(const auto fetched,
              co_await fetch_partition(target, target_partition, position, kUncommitted, deadline));
    LH_CO_TRY_VOID(match.add_target(fetched.data.records));
    // Compaction may have left nothing between here and the end.
    if (match.target_position() == position && fetched.data.records.empty()) break;
  }
  while (match.wants_source()) {
    const auto position = match.source_position();
    LH_CO_TRY(const auto fetched,
              co_await fetch_partition(source, source_partition, position, options.isolation, deadline));
    match.add_source(to_set(fetched, options.isolation));
    if (match.wants_source() && match.source_position() == position) {
      co_return TailLook{.progress = match.progress(),
                         .runs = match.runs(),
                         .stop = Stop{StopReason::state_mismatch, position,
                                      "the target holds more records of ours than the source has"}};
    }
  }
  co_return TailLook{.progress = match.progress(), .runs = match.runs(), .stop = match.stopped()};
}

}  // namespace longhaul::replicator
