#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"

namespace longhaul::replicator {

/// A producer id and the epoch under which it writes.
struct ProducerEpoch {
  ProducerId id;
  std::int16_t epoch = -1;
  auto operator<=>(const ProducerEpoch&) const = default;
};

/// The transactional id that guards a target partition: a pure function of these three, so that whoever takes
/// the partition next meets whoever had it before, in whatever process, on whatever core. 32 neighbouring
/// partitions of a topic share one, and a flow has at most 1,024 of them.
[[nodiscard]] std::string transactional_id(std::string_view deployment, std::string_view flow,
                                           const TopicPartition& target);

/// The one whose transactions hold the partitions that are guarded by another.
[[nodiscard]] std::string transaction_id_for(const std::string& guard);

/// Takes one transactional id over: gets the next epoch, makes the partitions part of a transaction, ends
/// it, and waits until its marker, which carries the epoch, has been read in each of them. Behind its
/// marker a partition takes nothing any more from producers of earlier epochs; in front of it, it still may.
/// All calls succeed on a partition without leader too, and its marker never comes: only a marker that was
/// read counts.
///
/// Pure: the driver performs `action()` and reports what came of it. Calls are repeated by the driver as long
/// as their errors pass by themselves (51, 14, 15, 16, lost connections); what is reported here is final for
/// the call.
class Fence {
 public:
  struct Options {
    /// Where a marker is needed. None for a mere renewal of the epoch.
    std::vector<TopicPartition> partitions;
    /// Under which producer this process holds the id; none when it does not.
    std::optional<ProducerEpoch> held;
    /// Whether a held id gets a new epoch. The same will do for partitions that it never wrote to.
    enum class Epoch { next, same } epoch = Epoch::next;
    milliseconds transaction_timeout{60'000};
  };
  enum class Action {
    initialise,       ///< InitProducerId(timeout, holder)
    add_partitions,   ///< AddPartitionsToTxn(waiting)
    end_transaction,  ///< EndTxn
    await_markers,    ///< read until the marker of `producer` is found in each of waiting
    finished,
  };
  enum class Verdict {
    pending,
    /// `markers` and `dropped` say how each partition fared.
    fenced,
    /// The cluster does not let us use transactional ids at all.
    refused,
    /// Another process has taken the id over meanwhile.
    taken_over,
    failed,
  };

  explicit Fence(Options options);

  [[nodiscard]] Action action() const { return action_; }
  [[nodiscard]] milliseconds transaction_timeout() const { return timeout_; }
  /// To be named to InitProducerId, so that only the holder gets the next epoch.
  [[nodiscard]] const std::optional<ProducerEpoch>& holder() const { return holder_; }
  [[nodiscard]] const ProducerEpoch& producer() const { return producer_; }
  /// Partitions that have no marker yet and are not dropped.
  [[nodiscard]] std::vector<TopicPartition> waiting() const { return {waiting_.begin(), waiting_.end()}; }

  void on_initialised(const Result<ProducerEpoch>& result);
  using Outcome = std::pair<TopicPartition, Result<void>>;
  void on_added(const Result<std::vector<Outcome>>& result);
  void on_ended(const Result<void>& result);
  /// The marker of `producer()` stands at `offset`.
  void on_marker(const TopicPartition& partition, Offset offset);
  /// A marker of a later epoch of the same producer was found.
  void on_later_marker(const TopicPartition& partition);
  /// The partition cannot be read.
  void on_unreadable(const TopicPartition& partition, Error error);
  /// The time for this round of waiting is over. What is missing is marked once more, a few times.
  void on_waited();

  [[nodiscard]] Verdict verdict() const { return verdict_; }
  [[nodiscard]] const std::map<TopicPartition, Offset>& markers() const { return markers_; }
  [[nodiscard]] const std::map<TopicPartition, Error>& dropped() const { return dropped_; }
  /// Why, for `refused`, `taken_over` and `failed`.
  [[nodiscard]] const Error& error() const { return error_; }

 private:
  void end(Verdict verdict, Error error);
  /// The id's state at the coordinator is not what we think it is: from the beginning, a few times.
  void begin_again(const Error& error);
  void on_refused_call(const Error& error);
  void drop(const TopicPartition& partition, Error error);
  void look_whether_done();

  std::set<TopicPartition> waiting_;
  std::optional<ProducerEpoch> holder_;
  ProducerEpoch producer_;
  milliseconds timeout_;
  Action action_ = Action::initialise;
  Verdict verdict_ = Verdict::pending;
  int rounds_ = 0;
  int restarts_ = 0;
  std::map<TopicPartition, Offset> markers_;
  std::map<TopicPartition, Error> dropped_;
  Error error_;
};

}  // namespace longhaul::replicator
