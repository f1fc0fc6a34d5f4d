#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "base/check.h"
#include "sandbox/batch_validator.h"
#include "sandbox/handlers/handlers.h"
#include "sandbox/transactions.h"

namespace longhaul::sandbox {
namespace {

using protocol::KafkaErrc;
using protocol::PartitionProduceResponse;
using protocol::ProduceRequest;
using protocol::ProduceResponse;
namespace layout = protocol::batch_layout;

constexpr std::int16_t kAllReplicas = -1;
/// The only client that may write to internal topics.
constexpr std::string_view kAdminClientId = "__admin_client";

void refuse(PartitionProduceResponse& answer, Refusal refusal) {
  answer.error_code = refusal.error;
  answer.base_offset = -1;
  answer.record_errors = std::move(refusal.record_errors);
  answer.error_message = std::move(refusal.message);
}

void refuse(PartitionProduceResponse& answer, KafkaErrc error) {
  answer.error_code = error;
  answer.base_offset = -1;
}

bool is_transactional(ConstBytes batch) {
  return batch.size() > layout::kAttributesAt + 1 &&
         (load_be<std::int16_t>(batch, layout::kAttributesAt) & layout::kTransactionalBit) != 0;
}

/// Why the request as a whole is refused. A transactional batch needs a transactional id, also where another
/// partition's batch is an ordinary one; and a request belongs to one transactional producer.
KafkaErrc request_error(const Core& core, const ProduceRequest& request) {
  std::set<std::pair<std::int64_t, std::int16_t>> producers;
  for (const auto& topic : request.topic_data) {
    for (const auto& partition : topic.partition_data) {
      const ConstBytes batch = partition.records.payload;
      if (!is_transactional(batch) || batch.size() < layout::kHeaderSize) continue;
      producers.emplace(load_be<std::int64_t>(batch, layout::kProducerIdAt),
                        load_be<std::int16_t>(batch, layout::kProducerEpochAt));
    }
  }
  if (!producers.empty() && (!request.transactional_id || !core.options.authorize_transactions)) {
    return KafkaErrc::transactional_id_authorization_failed;
  }
  return producers.size() > 1 ? KafkaErrc::invalid_producer_id_mapping : KafkaErrc::none;
}

/// A broker that has not come as far as the partition's log when it refuses does not say where it starts.
bool tells_log_start(KafkaErrc error) {
  return error != KafkaErrc::message_too_large && error != KafkaErrc::record_list_too_large &&
         error != KafkaErrc::corrupt_message;
}

/// Whether the partition is part of the transaction in which the batch claims to be. The broker asks the
/// coordinator, unless something of that transaction is in the log already (KIP-890).
KafkaErrc verify(Core& core, const Call& call, const std::string& transactional_id, const std::string& topic,
                 const Partition& partition, const ProducerBatch& batch) {
  constexpr int kAbortableSince = 11;
  constexpr int kAddsSince = 12;
  if (partition.producers.has_open_transaction(batch.producer_id, batch.producer_epoch)) {
    return KafkaErrc::none;
  }
  // Errors of coordinators reach the client as one that it repeats without asking for the leader.
  if (core.coordinator(transactional_id) < 0 || core.are_coordinators_loading()) {
    return KafkaErrc::not_enough_replicas;
  }
  const TransactionOwner owner{transactional_id, batch.producer_id.value(), batch.producer_epoch};
  const auto error = call.version >= kAddsSince
                         ? add_to_transaction(core, owner, {{topic, partition.index}}, {})
                         : verify_partition(core, owner, topic, partition.index);
  switch (error) {
    case KafkaErrc::none:
      // From that version on a producer begins each transaction at 0.
      return call.version >= kAddsSince && batch.base_sequence != 0 &&
                     !partition.producers.has_batches(batch.producer_id)
                 ? KafkaErrc::out_of_order_sequence_number
                 : KafkaErrc::none;
    case KafkaErrc::producer_fenced:
      return KafkaErrc::invalid_producer_epoch;
    case KafkaErrc::transaction_abortable:
      return call.version >= kAbortableSince ? error : KafkaErrc::invalid_txn_state;
    case KafkaErrc::concurrent_transactions:
      return KafkaErrc::not_enough_replicas;
    default:
      return error;
  }
}

/// A batch that passed all checks but those of its producer: appended, or answered as what it repeats.
void append(Core& core, const Topic& topic, Partition& partition, const ValidBatch& valid,
            PartitionProduceResponse& answer) {
  const auto append_time = topic.config.batch_rules().is_log_append_time ? core.now.wall_ms : -1;
  const auto batch = ProducerBatch::of(valid.header);
  const auto verdict = partition.producers.check(batch);
  if (verdict.error != KafkaErrc::none) return refuse(answer, verdict.error);
  if (verdict.duplicate) {
    answer.base_offset = verdict.duplicate->base_offset;
    // Of a duplicate Kafka tells the largest timestamp, also where times are the producers'.
    answer.log_append_time_ms = verdict.duplicate->timestamp;
    return;
  }
  partition.append(valid.header, valid.payload);
  answer.base_offset = batch.base_offset;
  answer.log_append_time_ms = append_time;
  core.appended(valid.header.size() + valid.payload.size());
}

void produce(Core& core, const Call& call, const ProduceRequest& request, const std::string& name,
             const protocol::PartitionProduceData& data, PartitionProduceResponse& answer) {
  if (const auto error = call.injected_error(FaultMoment::before, name, data.index);
      error != KafkaErrc::none) {
    return refuse(answer, error);
  }
  const auto* topic = core.topics.find(name);
  auto* partition = topic == nullptr ? nullptr : topic->partition(data.index);
  const bool is_closed = is_internal_topic(name) && call.client_id != kAdminClientId;
  if (partition == nullptr) {
    // Brokers keep offsets in a topic; here it does not exist, but it is not there to be written to either.
    return refuse(answer,
                  is_closed ? KafkaErrc::invalid_topic_exception : KafkaErrc::unknown_topic_or_partition);
  }
  LH_CHECK(data.records.header.empty());
  const auto batch = single_batch(data.records.payload, call.version);
  if (!batch) return refuse(answer, batch.error());
  if (request.acks < kAllReplicas || request.acks > 1)
    return refuse(answer, KafkaErrc::invalid_required_acks);
  if (is_closed) return refuse(answer, KafkaErrc::invalid_topic_exception);
  if (partition->leader != call.broker) {
    refuse(answer, KafkaErrc::not_leader_or_follower);
    answer.current_leader = {.leader_id = partition->leader, .leader_epoch = partition->leader_epoch};
    return;
  }
  if (core.options.verify_transactions && is_transactional(*batch) && batch->size() >= layout::kHeaderSize) {
    protocol::BatchHeader header;
    std::copy_n(batch->begin(), header.size(), header.begin());
    const auto error =
        verify(core, call, *request.transactional_id, name, *partition, ProducerBatch::of(header));
    if (error != KafkaErrc::none) return refuse(answer, error);
  }
  if (request.acks == kAllReplicas && has_too_few_replicas(*topic, *partition))
    return refuse(answer, KafkaErrc::not_enough_replicas);
  auto valid = validate_batch(*batch, topic->config.batch_rules(), partition->log.end_offset(),
                              partition->leader_epoch, core.now.wall_ms);
  if (!valid) {
    refuse(answer, std::move(valid).error());
  } else {
    append(core, *topic, *partition, *valid, answer);
  }
  if (tells_log_start(answer.error_code)) answer.log_start_offset = partition->log.start_offset();
  if (const auto error = call.injected_error(FaultMoment::after, name, data.index);
      error != KafkaErrc::none) {
    refuse(answer, error);
  }
}

/// The name under which a topic stands in the request; nothing for an id that no topic has.
std::optional<std::string> name_of(const Core& core, const Call& call,
                                   const protocol::TopicProduceData& data) {
  constexpr int kIdsSince = 13;
  if (call.version < kIdsSince) return data.name;
  const auto* topic = core.topics.find(data.topic_id);
  if (topic == nullptr) return std::nullopt;
  return topic->name;
}

/// From version 10 on the leaders that were named come with their addresses (KIP-951).
void add_endpoints(const Core& core, const Call& call, ProduceResponse& response) {
  constexpr int kEndpointsSince = 10;
  std::set<std::int32_t> leaders;
  for (auto& topic : response.responses) {
    for (auto& partition : topic.partition_responses) {
      if (call.version < kEndpointsSince) partition.current_leader = {};
      if (partition.current_leader.leader_id >= 0) leaders.insert(partition.current_leader.leader_id);
    }
  }
  for (const auto leader : leaders) {
    const auto& endpoint = core.endpoint(leader);
    response.node_endpoints.push_back(
        {.node_id = leader, .host = endpoint.host, .port = endpoint.port, .rack = {}});
  }
}

}  // namespace

void handle(Core& core, const Call& call, const ProduceRequest& request) {
  ProduceResponse response;
  const auto error = request_error(core, request);
  bool failed = false;
  std::vector<Partition*> changed;
  for (const auto& topic : request.topic_data) {
    auto& answers = response.responses.emplace_back();
    answers.name = topic.name;
    answers.topic_id = topic.topic_id;
    const auto name = name_of(core, call, topic);
    for (const auto& data : topic.partition_data) {
      auto& answer = answers.partition_responses.emplace_back();
      answer.index = data.index;
      if (error != KafkaErrc::none) {
        refuse(answer, error);
      } else if (!name) {
        refuse(answer, KafkaErrc::unknown_topic_id);
      } else {
        produce(core, call, request, *name, data, answer);
      }
      failed = failed || answer.error_code != KafkaErrc::none;
      auto* partition = name ? core.topics.find(*name, data.index) : nullptr;
      if (partition != nullptr) {
        changed.push_back(partition);
      }
    }
  }
  add_endpoints(core, call, response);
  core.changed(changed);
  if (request.acks != 0) return core.answer(call, response);
  // Without acknowledgements there is no answer; an error shows as a closed connection.
  return failed ? core.answers.close(call.connection) : core.answers.finish(call);
}

}  // namespace longhaul::sandbox
