#include "client/broker_pool.h"

#include <algorithm>
#include <utility>

#include "client/error.h"
#include "net/error.h"

namespace longhaul::client {

std::shared_ptr<BrokerPool::Slot> BrokerPool::slot(const Key& key, const Endpoint& endpoint) {
  const auto found = slots_.find(key);
  if (found != slots_.end()) {
    if (found->second->endpoint == endpoint) return found->second;
    close_slot(found);
  }
  const Backoff backoff(options_.reconnect_backoff, options_.reconnect_backoff_max, io_.random);
  return slots_[key] = std::make_shared<Slot>(endpoint, backoff, io_.time);
}

net::Async<std::shared_ptr<Connection>> BrokerPool::connection(BrokerId broker, Lane lane, Endpoint endpoint,
                                                               SteadyTime deadline) {
  const auto used = slot({broker, lane}, endpoint);
  while (true) {
    if (group_.stopping()) co_return fail(net::aborted());
    if (used->connection != nullptr) {
      if (used->connection->is_open()) co_return used->connection;
      note_loss(*used, broker);
    }
    if (!used->connecting) {
      const auto now = io_.time.now();
      if (now < used->not_before) {
        // Waits even where the deadline comes first: whoever asks again at once must not do so in a tight
        // loop. After a refusal the pause is long, and there may be others to turn to meanwhile.
        const bool refused = used->error && is_refusal(used->error->code);
        const auto until =
            refused ? std::min(used->not_before, now + options_.reconnect_backoff_max) : used->not_before;
        LH_CO_TRY_VOID(co_await io_.time.sleep_until(std::min(until, deadline)));
        if (used->closed) {
          co_return fail(ClientErrc::connection_closed, "cluster {}: broker {}", options_.alias,
                         endpoint.to_string());
        }
        if (refused && used->error && io_.time.now() < used->not_before) co_return fail(*used->error);
        if (io_.time.now() < used->not_before && io_.time.now() >= deadline) {
          co_return used->error
              ? fail(*used->error)
              : fail(net::NetErrc::timed_out, "cluster {}: broker {}", options_.alias, endpoint.to_string());
        }
        continue;
      }
      used->connecting = true;
      used->error.reset();
      if (!group_.spawn([this, used, broker]() -> net::Task { return attempt(used, broker); })) {
        co_return fail(net::aborted());
      }
    }
    LH_CO_TRY_VOID(co_await wait_for_attempt(used, deadline));
    if (used->error) co_return fail(*used->error);
  }
}

net::Async<void> BrokerPool::wait_for_attempt(std::shared_ptr<Slot> slot, SteadyTime deadline) {
  while (slot->connecting) {
    const auto waited = co_await slot->attempted.wait_until(deadline);
    if (!waited && waited.error().code == net::NetErrc::timed_out) {
      co_return fail(waited.error().code, "cluster {}: broker {}: connecting", options_.alias,
                     slot->endpoint.to_string());
    }
    if (!waited) co_return waited;
  }
  co_return Result<void>{};
}

net::Task BrokerPool::attempt(std::shared_ptr<Slot> slot, BrokerId broker) {
  const auto deadline = net::saturating_add(io_.time.now(), options_.connect_timeout);
  auto opened = co_await Connection::open(io_, group_, options_, slot->endpoint, deadline);
  slot->connecting = false;
  if (opened && slot->closed) {
    (*opened)->close();
    slot->error = Error{ClientErrc::connection_closed, (*opened)->name()};
  } else if (opened) {
    slot->connection = *std::move(opened);
    if (broker.value() >= 0) {
      const auto what =
          fmt::format("cluster {}: broker {} at {}", options_.alias, broker, slot->endpoint.to_string());
      outages_.broker_up(broker, io_.time.now(), what);
    }
  } else {
    slot->error = std::move(opened).error();
    ++slot->failures;
    slot->not_before = io_.time.now() + slot->backoff.next_after(slot->error->code);
    // Bootstrap addresses have no number; that none of them answers is reported for the cluster as a whole.
    if (broker.value() >= 0 && !net::is_aborted(*slot->error))
      outages_.broker_down(broker, io_.time.now(), *slot->error);
  }
  slot->attempted.notify();
}

// A connection that never answered anything counts as a failed attempt, or a listener that accepts and hangs
// up would be called as often as it hangs up.
void BrokerPool::note_loss(Slot& slot, BrokerId broker) {
  const auto lost = std::exchange(slot.connection, nullptr);
  if (lost->answered() > 0) {
    slot.backoff.reset();
    slot.failures = 0;
  } else {
    ++slot.failures;
  }
  const auto* const reason = lost->closed_reason();
  if (is_refusal(reason->code)) slot.error = *reason;
  slot.not_before = io_.time.now() + slot.backoff.next_after(reason->code);
  const bool unserved = lost->answered() == 0 || is_refusal(reason->code) ||
                        reason->code == make_error_code(net::NetErrc::timed_out);
  const bool noteworthy = unserved && broker.value() >= 0;
  if (noteworthy && !net::is_aborted(*reason)) outages_.broker_down(broker, io_.time.now(), *reason);
}

void BrokerPool::note_losses() {
  for (const auto& [key, slot] : slots_) {
    if (slot->connection != nullptr && !slot->connection->is_open()) note_loss(*slot, key.first);
  }
}

int BrokerPool::reluctance(BrokerId broker, Lane lane) const {
  const auto found = slots_.find({broker, lane});
  if (found == slots_.end()) return 1;
  const auto& slot = *found->second;
  if (slot.connection != nullptr && slot.connection->is_open()) return 0;
  return 1 + slot.failures;
}

void BrokerPool::close_idle(BrokerId broker, Lane lane) {
  const auto found = slots_.find({broker, lane});
  if (found == slots_.end() || found->second->connection == nullptr) return;
  if (found->second->connection->pending() == 0) close_slot(found);
}

void BrokerPool::close_slot(Slots::iterator entry) {
  const auto slot = entry->second;
  slots_.erase(entry);
  slot->closed = true;
  if (slot->connection != nullptr) slot->connection->close();
}

void BrokerPool::close_all(const Error& reason) {
  for (const auto& [key, slot] : slots_) {
    slot->closed = true;
    if (slot->connection != nullptr) slot->connection->close(reason);
  }
}

}  // namespace longhaul::client
