#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/cluster.h"
#include "client/error.h"
#include "client/retry.h"

/// Bookkeeping shared by the administration calls (admin_*.cc): many items in one call, each with an outcome
/// of its own.
namespace longhaul::client {

/// Error of one item as an answer gives it: code and message.
[[nodiscard]] inline Error item_error(protocol::KafkaErrc code, const std::optional<std::string>& message) {
  return Error{protocol::kafka_error(code), message.value_or("")};
}

/// Sans-I/O: which items are still to be asked for, and the outcome of the others. An error that passes by
/// itself leaves its item open; one that says that a topic does not exist does so only for a few rounds,
/// because metadata of a new topic takes a moment to reach every broker, and nobody waits for ever for a
/// topic that was deleted.
template <class T>
class ItemOutcomes {
 public:
  static constexpr int kUnknownRoundsMax = 5;

  explicit ItemOutcomes(std::size_t count) : outcomes_(count), errors_(count), unknown_rounds_(count) {}

  [[nodiscard]] std::vector<std::size_t> open() const {
    std::vector<std::size_t> items;
    for (std::size_t i = 0; i < outcomes_.size(); ++i) {
      if (!outcomes_[i]) items.push_back(i);
    }
    return items;
  }
  [[nodiscard]] bool done() const {
    return std::ranges::all_of(outcomes_, [](const auto& outcome) { return outcome.has_value(); });
  }
  [[nodiscard]] std::size_t size() const { return outcomes_.size(); }

  void succeed(std::size_t item, T value) { outcomes_[item] = Result<T>(std::move(value)); }
  void fail_for_good(std::size_t item, Error error) { outcomes_[item] = std::unexpected(std::move(error)); }
  /// Final or not, as client/retry.h has it.
  void fail_with(std::size_t item, Error error) {
    if (!passes(error) || (says_unknown(error) && ++unknown_rounds_[item] >= kUnknownRoundsMax)) {
      fail_for_good(item, std::move(error));
      return;
    }
    errors_[item] = std::move(error);
  }
  /// Gives every open item the error it last had, or `reason`.
  void give_up(const Error& reason) {
    for (const auto item : open()) fail_for_good(item, errors_[item].value_or(reason));
  }
  /// Why one of the open items is still open, under the name of the API; no error when that is not known.
  [[nodiscard]] Error waiting_for(protocol::ApiKey api) const {
    for (const auto item : open()) {
      if (!errors_[item]) continue;
      std::string detail(protocol::api_info(api).name);
      if (!errors_[item]->detail.empty()) detail += ": " + errors_[item]->detail;
      return Error{errors_[item]->code, std::move(detail)};
    }
    return {};
  }
  /// Items that the answer to a round about `asked` did not name.
  void fail_unanswered(const std::vector<std::size_t>& asked, const std::vector<bool>& answered) {
    for (const auto item : asked) {
      if (!answered[item]) fail_for_good(item, Error{ClientErrc::undecodable_response, "not in the answer"});
    }
  }
  [[nodiscard]] Result<T> take(std::size_t item) { return *std::move(outcomes_[item]); }

 private:
  std::vector<std::optional<Result<T>>> outcomes_;
  std::vector<std::optional<Error>> errors_;
  std::vector<int> unknown_rounds_;
};

struct Nothing {};

/// How long a broker may take for a change: shorter than our own wait for its answer.
[[nodiscard]] inline std::int32_t broker_timeout_ms(const Cluster& cluster) {
  return static_cast<std::int32_t>(
      std::min<std::int64_t>(cluster.options().request_timeout.count() * 2 / 3, 1'000'000));
}

/// No error at the top: items have their own.
struct ItemsDecide {
  template <class Response>
  protocol::KafkaErrc operator()(const Response&) const {
    return protocol::KafkaErrc::none;
  }
};

/// After a round that left items open for `reason`: waits, and refreshes what is known about the cluster.
/// False when the deadline comes first or we are being stopped.
[[nodiscard]] inline boost::asio::awaitable<bool> prepare_next_round(Cluster& cluster, Backoff& backoff,
                                                                     SteadyTime deadline, Error reason) {
  const auto slept = co_await cluster.back_off(backoff, deadline, std::move(reason));
  if (!slept) co_return false;
  const auto refreshed = co_await cluster.refresh_metadata(deadline);
  co_return refreshed.has_value();
}

/// Rounds at the controller until every item has an outcome. `request_for(items)` builds the request,
/// `take_in(response, item_outcomes, answered)` reads the answer. An error is returned only when nothing came
/// of any item.
template <class Request, class RequestFor, class TakeIn>
[[nodiscard]] net::Async<std::vector<Result<void>>> rounds_at_controller(
    Cluster& cluster, std::size_t count, SteadyTime deadline, RequestFor request_for, TakeIn take_in,
    std::optional<std::int16_t> max_version = {}) {
  ItemOutcomes<Nothing> items(count);
  auto backoff = cluster.retry_backoff();
  while (!items.done()) {
    const auto asked = items.open();
    auto request = request_for(asked);
    const auto response =
        co_await cluster.call_controller(std::move(request), deadline, ItemsDecide{}, max_version);
    if (!response) {
      if (asked.size() == count) co_return fail(response.error());
      items.give_up(response.error());
      break;
    }
    std::vector<bool> answered(count, false);
    take_in(response->body, items, answered);
    items.fail_unanswered(asked, answered);
    if (items.done()) break;
    const bool again =
        co_await prepare_next_round(cluster, backoff, deadline, items.waiting_for(Request::kApi));
    if (!again) items.give_up(Error{});
  }
  std::vector<Result<void>> outcomes(count);
  for (std::size_t i = 0; i < count; ++i) {
    if (auto outcome = items.take(i); !outcome) outcomes[i] = std::unexpected(std::move(outcome).error());
  }
  co_return outcomes;
}

/// Position of each name in `items`; `name_of(item)` gives it.
template <class Item, class NameOf>
[[nodiscard]] auto index_by(const std::vector<Item>& items, NameOf name_of) {
  std::map<std::decay_t<decltype(name_of(items.front()))>, std::size_t, std::less<>> index;
  for (std::size_t i = 0; i < items.size(); ++i) index.emplace(name_of(items[i]), i);
  return index;
}

}  // namespace longhaul::client
