#include "app/verify_sample.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "client/admin_requests.h"
#include "replicator/kafka/simple_fetch.h"

namespace longhaul::app {
namespace {

using client::Cluster;
using protocol::IsolationLevel;
using replicator::ComparedPartition;

constexpr std::int64_t kPlaces = 10;
constexpr std::size_t kPayloadMax = std::size_t{128} << 20U;

/// The first record that is as late as `timestamp`; its offset is -1 when there is none.
net::Async<client::ListedOffset> first_from(Cluster& cluster, TopicPartition partition,
                                            std::int64_t timestamp, IsolationLevel isolation,
                                            SteadyTime deadline) {
  std::vector<client::OffsetQuery> query = {{std::move(partition), timestamp}};
  LH_CO_TRY(const auto found, co_await client::list_offsets(cluster, std::move(query), isolation, deadline));
  if (!found.at(0).listed) co_return in_context(found[0].listed.error(), "{}", cluster.name());
  co_return *found[0].listed;
}

/// Timestamp of the last record; now where the log ends with something else.
net::Async<std::int64_t> last_timestamp(Cluster& cluster, const ComparedPartition& whole,
                                        IsolationLevel isolation, SteadyTime deadline) {
  const replicator::OffsetRange last{whole.source_range.end + -1, whole.source_range.end};
  LH_CO_TRY(const auto fetched,
            co_await replicator::fetch_partition(cluster, whole.source, last.begin, isolation, deadline));
  auto timestamp = cluster.io().time.wall_ms();
  replicator::RecordStream stream(last, kPayloadMax);
  // What cannot be read here is reported when it is compared.
  if (stream.feed(fetched.frame.part(fetched.data.records), replicator::aborted_transactions(fetched.data))) {
    const auto found = stream.advance();
    if (found && *found) timestamp = stream.current().timestamp;
  }
  co_return timestamp;
}

}  // namespace

net::Async<std::vector<ComparedPartition>> sample_places(Cluster& source, Cluster& target,
                                                         ComparedPartition whole, IsolationLevel isolation,
                                                         std::int64_t records, SteadyTime deadline) {
  std::vector<ComparedPartition> places;
  if (whole.source_range.begin >= whole.source_range.end) {
    places.push_back(std::move(whole));
    co_return places;
  }
  LH_CO_TRY(const auto first, co_await first_from(source, whole.source, 0, isolation, deadline));
  LH_CO_TRY(const auto copied,
            co_await first_from(target, whole.target, 0, IsolationLevel::read_committed, deadline));
  if (first.offset < Offset(0)) {
    places.push_back(std::move(whole));
    co_return places;
  }
  LH_CO_TRY(const auto last, co_await last_timestamp(source, whole, isolation, deadline));
  // What the target has first may be a marker of the flow's own, which is as new as the flow, so it counts
  // only where older records may be gone.
  const bool target_is_cut = whole.target_range.begin > Offset(0);
  const auto begin = target_is_cut ? std::max(first.timestamp, copied.timestamp) : first.timestamp;
  const auto count = std::min(kPlaces, records);
  // A log whose start has moved may lack the first records of its earliest time.
  const bool is_cut = whole.source_range.begin > Offset(0) || target_is_cut;
  Offset previous;
  for (std::int64_t i = is_cut ? 1 : 0; i < count; ++i) {
    const auto time = begin + std::max<std::int64_t>(0, last - begin) / count * i;
    LH_CO_TRY(const auto from, co_await first_from(source, whole.source, time, isolation, deadline));
    if (from.offset <= previous || from.offset >= whole.source_range.end) continue;
    previous = from.offset;
    LH_CO_TRY(const auto to,
              co_await first_from(target, whole.target, time, IsolationLevel::read_committed, deadline));
    auto place = whole;
    place.source_range = {from.offset, std::min(from.offset + std::max<std::int64_t>(1, records / count),
                                                whole.source_range.end)};
    const auto on_target = to.offset < Offset(0) ? whole.target_range.end : to.offset;
    place.target_range = {on_target, std::max(on_target, whole.target_range.end)};
    place.from_timestamp = time;
    places.push_back(std::move(place));
  }
  co_return places;
}

}  // namespace longhaul::app
