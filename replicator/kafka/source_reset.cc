// The part of SourceReader that finds a position when the source refuses the one it has, or has cut its log.

#include <utility>
#include <vector>

#include "base/log.h"
#include "client/admin_requests.h"
#include "replicator/kafka/epoch_check.h"
#include "replicator/kafka/source_reader.h"

namespace longhaul::replicator {
namespace {

constexpr milliseconds kOffsetsTimeout{30'000};

}  // namespace

void SourceReader::take_cut(ShardPartition& partition, LeaderEpoch epoch, Offset end) {
  auto& pipeline = partition.pipeline;
  if (!pipeline.reading() || pipeline.stopped()) return;
  const auto position = pipeline.fetch_offset();
  // A marker that was cut off may have decided about records in front of the cut.
  const bool may_go_back = options_.isolation == protocol::IsolationLevel::read_uncommitted;
  if (may_go_back && pipeline.on_cut({.epoch = epoch, .end = end})) {
    log::warn("the log of the source was cut: what was read beyond, and not sent, is read again",
              {{"flow", options_.name()},
               {"topic", partition.source.topic},
               {"partition", partition.source.partition},
               {"read_to", position},
               {"log_end", end},
               {"leader_epoch", epoch}});
    return;
  }
  pipeline.stop(cut_below(pipeline.settled_offset(), end, epoch));
}

net::Task SourceReader::find_position(ShardPartition& partition) {
  const auto isolation = options_.isolation;
  // Not longer: whether the topic is still there is found out on the way to another attempt.
  const auto deadline = net::saturating_add(source_.io().time.now(), kOffsetsTimeout);
  std::vector<client::OffsetQuery> first = {{partition.source, protocol::kEarliestTimestamp}};
  std::vector<client::OffsetQuery> second = {{partition.source, protocol::kLatestTimestamp}};
  const auto start = co_await client::list_offsets(source_, std::move(first), isolation, deadline);
  if (!start && net::is_aborted(start.error())) co_return;
  const auto end = co_await client::list_offsets(source_, std::move(second), isolation, deadline);
  if (!end && net::is_aborted(end.error())) co_return;
  auto& pipeline = partition.pipeline;
  const auto position = pipeline.fetch_offset();
  const bool known = start && end && start->at(0).listed && end->at(0).listed;
  if (!known) {
    unroute(partition);
    co_return;
  }
  const auto from = start->at(0).listed->offset;
  const auto to = end->at(0).listed->offset;
  if (position >= from && position <= to) {
    // The leader does not know the epoch of our last batch any more; the range alone says the position is
    // good.
    partition.checks_divergence = false;
  } else if (position < from && options_.reset != OffsetReset::none) {
    log::error("records were deleted on the source before they were replicated: they are lost",
               {{"flow", options_.name()},
                {"topic", partition.source.topic},
                {"partition", partition.source.partition},
                {"from_offset", position},
                {"to_offset", from.value() - 1},
                {"lost_offsets", from - position}});
    pipeline.skip_to(from);
  } else {
    pipeline.stop_behind({StopReason::source_offset_out_of_range, position,
                          fmt::format("the source holds offsets {}..{}", from, to.value() - 1)});
    changed_(partition);
    co_return;
  }
  unroute(partition);
}

}  // namespace longhaul::replicator
