#include "replicator/fence.h"

#include <fmt/format.h>

#include "base/check.h"
#include "protocol/error_code.h"
#include "replicator/stored_position.h"

namespace longhaul::replicator {
namespace {

using protocol::KafkaErrc;

constexpr std::int32_t kNeighbours = 32;
constexpr std::int32_t kIdsMax = 1024;
constexpr int kRoundsMax = 3;
constexpr int kRestartsMax = 3;
constexpr milliseconds kTimeoutMin{1'000};

bool is_fenced(const Error& error) {
  return error.code == KafkaErrc::producer_fenced || error.code == KafkaErrc::invalid_producer_epoch;
}

bool is_refused(const Error& error) {
  return error.code == KafkaErrc::transactional_id_authorization_failed ||
         error.code == KafkaErrc::cluster_authorization_failed ||
         error.code == KafkaErrc::unsupported_version;
}

/// The coordinator knows the id under another producer id, or in another state, than we do.
bool is_other_state(const Error& error) {
  return error.code == KafkaErrc::invalid_producer_id_mapping || error.code == KafkaErrc::invalid_txn_state;
}

}  // namespace

std::string transactional_id(std::string_view deployment, std::string_view flow,
                             const TopicPartition& target) {
  const auto key = fmt::format("{}-{}", target.topic, target.partition.value() / kNeighbours);
  const auto number = partition_for_key(as_bytes(key), kIdsMax);
  return fmt::format("longhaul:{}:{}:{}", deployment, flow, number);
}

std::string transaction_id_for(const std::string& guard) {
  return guard + ":t";
}

Fence::Fence(Options options)
    : waiting_(options.partitions.begin(), options.partitions.end()),
      holder_(options.held),
      timeout_(options.transaction_timeout) {
  if (!holder_ || options.epoch == Options::Epoch::next) return;
  producer_ = *holder_;
  action_ = Action::add_partitions;
  look_whether_done();
}

void Fence::end(Verdict verdict, Error error) {
  verdict_ = verdict;
  error_ = std::move(error);
  action_ = Action::finished;
}

void Fence::begin_again(const Error& error) {
  if (++restarts_ > kRestartsMax) {
    end(Verdict::failed, error);
    return;
  }
  // A marker under the former epoch does not hold back what was written under it.
  for (const auto& [partition, offset] : markers_) waiting_.insert(partition);
  markers_.clear();
  holder_.reset();
  action_ = Action::initialise;
}

void Fence::on_refused_call(const Error& error) {
  if (is_refused(error)) {
    end(Verdict::refused, error);
  } else if (is_fenced(error) && action_ != Action::initialise && ++restarts_ <= kRestartsMax) {
    // The coordinator raises the epoch too, when it aborts a transaction that has lasted too long: a request
    // of ours that came late may have opened one. It gives the next epoch to the last owner then (KIP-588),
    // and refuses whoever was the owner before that.
    for (const auto& [partition, offset] : markers_) waiting_.insert(partition);
    markers_.clear();
    holder_ = producer_;
    action_ = Action::initialise;
  } else if (is_fenced(error)) {
    // Whoever took the id after us goes on: two that fence each other for ever help nobody.
    end(Verdict::taken_over, error);
  } else if (is_other_state(error)) {
    begin_again(error);
  } else {
    end(Verdict::failed, error);
  }
}

void Fence::on_initialised(const Result<ProducerEpoch>& result) {
  LH_CHECK(action_ == Action::initialise);
  if (result) {
    producer_ = *result;
    holder_ = producer_;
    action_ = Action::add_partitions;
    look_whether_done();
  } else if (result.error().code == KafkaErrc::invalid_transaction_timeout && timeout_ > kTimeoutMin) {
    timeout_ = std::max(timeout_ / 2, kTimeoutMin);
  } else {
    on_refused_call(result.error());
  }
}

void Fence::on_added(const Result<std::vector<Outcome>>& result) {
  LH_CHECK(action_ == Action::add_partitions);
  if (!result) {
    on_refused_call(result.error());
    return;
  }
  bool all = true;
  const Error* not_attempted = nullptr;
  bool dropped = false;
  for (const auto& [partition, outcome] : *result) {
    if (outcome) continue;
    all = false;
    if (outcome.error().code == KafkaErrc::operation_not_attempted) {
      not_attempted = &outcome.error();
      continue;
    }
    drop(partition, outcome.error());
    dropped = true;
  }
  if (all) {
    action_ = Action::end_transaction;
  } else if (!dropped) {
    end(Verdict::failed, *not_attempted);
  } else {
    look_whether_done();  // the others are added without those
  }
}

void Fence::on_ended(const Result<void>& result) {
  LH_CHECK(action_ == Action::end_transaction);
  if (result) {
    action_ = Action::await_markers;
  } else {
    on_refused_call(result.error());
  }
}

void Fence::on_marker(const TopicPartition& partition, Offset offset) {
  if (action_ != Action::await_markers || waiting_.erase(partition) == 0) return;
  markers_[partition] = offset;
  look_whether_done();
}

void Fence::on_later_marker(const TopicPartition& partition) {
  if (action_ != Action::await_markers) return;
  on_refused_call(Error{protocol::kafka_error(KafkaErrc::producer_fenced),
                        fmt::format("a later marker in {}", partition)});
}

void Fence::on_unreadable(const TopicPartition& partition, Error error) {
  if (action_ != Action::await_markers) return;
  drop(partition, std::move(error));
  look_whether_done();
}

void Fence::on_waited() {
  if (action_ != Action::await_markers) return;
  if (++rounds_ < kRoundsMax) {
    action_ = Action::add_partitions;
    return;
  }
  for (const auto& partition : waiting()) {
    drop(partition, Error{protocol::kafka_error(KafkaErrc::request_timed_out),
                          fmt::format("no marker came in {}", partition)});
  }
  look_whether_done();
}

void Fence::drop(const TopicPartition& partition, Error error) {
  waiting_.erase(partition);
  dropped_[partition] = std::move(error);
}

void Fence::look_whether_done() {
  if (waiting_.empty()) end(Verdict::fenced, {});
}

}  // namespace longhaul::replicator
