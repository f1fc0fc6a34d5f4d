// The part of TargetWriter that is about what comes of its requests.

#include <algorithm>

#include "base/log.h"
#include "client/retry.h"
#include "replicator/kafka/refusal.h"
#include "replicator/kafka/target_writer.h"

namespace longhaul::replicator {

using client::Reaction;
using protocol::KafkaErrc;

void TargetWriter::take(const protocol::ProduceResponse& response, std::vector<Sent>& sent) {
  for (const auto& topic : response.responses) {
    for (const auto& answer : topic.partition_responses) {
      const auto found = std::ranges::find_if(sent, [&](const Sent& s) {
        return s.partition->target.partition.value() == answer.index &&
               (topic.name.empty() ? s.partition->target_id == topic.topic_id
                                   : s.partition->target.topic == topic.name);
      });
      if (found == sent.end()) continue;
      const auto one = *found;
      *found = sent.back();
      sent.pop_back();
      if (answer.error_code == KafkaErrc::none && answer.base_offset >= 0) {
        one.partition->backoff.reset();
        one.partition->target_start = std::max(one.partition->target_start, Offset(answer.log_start_offset));
        one.partition->pipeline.on_acknowledged(one.number, Offset(answer.base_offset));
      } else {
        take_error(one, answer);
      }
      wake(*one.partition);
      changed_(*one.partition);
    }
  }
}

void TargetWriter::take_error(const Sent& sent, const protocol::PartitionProduceResponse& answer) {
  auto& partition = *sent.partition;
  auto& pipeline = partition.pipeline;
  auto detail = protocol::kafka_error(answer.error_code).message();
  if (answer.error_message) detail += ": " + *answer.error_message;
  // Damage on the way looks like a wrong checksum, or, in the bytes in front of it, like a batch against the
  // rules.
  if (answer.error_code == KafkaErrc::corrupt_message || answer.error_code == KafkaErrc::invalid_record) {
    report_refusal(partition, detail);
    const auto retry_at = net::saturating_add(target_.io().time.now(), partition.backoff.next());
    pipeline.on_corrupt(sent.number, refusal_reason(answer.error_code), std::move(detail), retry_at);
    return;
  }
  if (!partition.transaction_id.empty() && is_about_transaction(answer.error_code)) {
    pipeline.on_refused(sent.number, StopReason::transaction_aborted, std::move(detail));
    return;
  }
  switch (client::reaction_to(answer.error_code)) {
    case Reaction::retry:
    case Reaction::find_coordinator:
    case Reaction::restart_session:
      break;
    case Reaction::refresh_metadata:
      if (answer.current_leader.leader_id >= 0) {
        target_.learn_leader(partition.target, {BrokerId(answer.current_leader.leader_id),
                                                LeaderEpoch(answer.current_leader.leader_epoch)});
      } else {
        target_.request_refresh();
      }
      break;
    case Reaction::check_sequence:
      // A gap in the sequence is the consequence of an earlier batch that failed; by itself it is news.
      if (pipeline.follows_failure(sent.number)) break;
      pipeline.on_refused(sent.number, StopReason::sequence_mismatch, std::move(detail));
      return;
    case Reaction::proceed:
      pipeline.on_refused(sent.number, StopReason::sequence_mismatch, std::move(detail));
      return;
    case Reaction::reset_position:
    case Reaction::fail_partition:
    case Reaction::fail_flow:
      pipeline.on_refused(sent.number, refusal_reason(answer.error_code), std::move(detail));
      return;
  }
  report_refusal(partition, detail);
  const bool unknown = client::effect_of(protocol::kafka_error(answer.error_code)) == client::Effect::unknown;
  fail_one(sent, unknown ? PartitionPipeline::Fate::unknown : PartitionPipeline::Fate::not_stored);
}

void TargetWriter::report_refusal(const ShardPartition& partition, const std::string& reason) {
  if (!lines_.pass(reason, target_.io().time.now())) return;
  log::warn("the target refuses writes for now; they are repeated",
            {{"flow", options_.name()},
             {"topic", partition.target.topic},
             {"partition", partition.target.partition},
             {"reason", reason}});
}

void TargetWriter::fail_one(const Sent& sent, PartitionPipeline::Fate fate) {
  auto& time = target_.io().time;
  sent.partition->pipeline.on_failed(sent.number, fate,
                                     net::saturating_add(time.now(), sent.partition->backoff.next()));
}

void TargetWriter::fail_all(const std::vector<Sent>& sent) {
  for (const auto& one : sent) {
    fail_one(one, PartitionPipeline::Fate::unknown);
    wake(*one.partition);
    changed_(*one.partition);
  }
}

}  // namespace longhaul::replicator
