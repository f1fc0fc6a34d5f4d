// The part of Flow that keeps its transactional ids from expiring (docs/decisions/061).

#include <algorithm>

#include "base/log.h"
#include "replicator/kafka/flow.h"
#include "replicator/kafka/takeover.h"

namespace longhaul::replicator {
namespace {

constexpr auto kKeepAliveInterval = std::chrono::hours(24);
constexpr milliseconds kKeepAliveTimeout{60'000};

}  // namespace

net::Task Flow::keep_alive_loop() {
  auto& time = control_.time;
  for (;;) {
    const auto slept = co_await time.sleep_for(kKeepAliveInterval);
    if (!slept) co_return;
    const auto done = co_await keep_alive(net::saturating_add(time.now(), kKeepAliveTimeout));
    if (done) continue;
    if (net::is_aborted(done.error())) co_return;
    log::warn("transactional ids could not be kept alive; it will be tried again",
              {{"flow", options_.name()}, {"reason", done.error().message()}});
  }
}

net::Async<void> Flow::keep_alive(SteadyTime deadline) {
  for (const auto& owner : owners_.held()) {
    LH_CO_TRY(const auto turn, co_await positions_lock_.take(deadline));
    TakeoverRequest request{.transactional_id = owner->transactional_id,
                            .held = owner->producer,
                            .epoch = Fence::Options::Epoch::same};
    // An empty transaction would not touch the coordinator's log: one marker a day in a topic of our own
    // does.
    request.internal.push_back({options_.state_topic, PartitionIndex(0)});
    const auto before = owner->producer;
    LH_CO_TRY(const auto done, co_await take_over(target_, std::move(request), markers_in(store_), deadline));
    for (const auto& [source, active] : active_) {
      if (owners_.id_of(active.target) != owner->transactional_id) continue;
      if (done.verdict() == Fence::Verdict::taken_over) {
        found_lost_.try_emplace(owner->transactional_id, source);
      } else if (done.producer() != before) {
        // The id had expired under us, or somebody had it: what we hold under the former one guards nothing.
        retakes_.try_emplace(source, 1);
      }
    }
    if (done.producer().id != ProducerId()) owner->producer = done.producer();
  }
  co_return Result<void>{};
}

}  // namespace longhaul::replicator
