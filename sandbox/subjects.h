#pragma once

#include <vector>

#include "protocol/messages/all.h"
#include "sandbox/core.h"

/// What a request is about, for fault rules that name a topic. The views live as long as the request and the
/// cluster's topics.
namespace longhaul::sandbox {

/// Requests that are about no topic.
template <class Request>
[[nodiscard]] std::vector<FaultSubject> subjects_of(Core& /*core*/, const Call& /*call*/,
                                                    const Request& /*request*/) {
  return {};
}

[[nodiscard]] std::vector<FaultSubject> subjects_of(Core& core, const Call& call,
                                                    const protocol::ProduceRequest& request);
[[nodiscard]] std::vector<FaultSubject> subjects_of(Core& core, const Call& call,
                                                    const protocol::FetchRequest& request);
[[nodiscard]] std::vector<FaultSubject> subjects_of(Core& core, const Call& call,
                                                    const protocol::MetadataRequest& request);
[[nodiscard]] std::vector<FaultSubject> subjects_of(Core& core, const Call& call,
                                                    const protocol::ListOffsetsRequest& request);
[[nodiscard]] std::vector<FaultSubject> subjects_of(Core& core, const Call& call,
                                                    const protocol::OffsetForLeaderEpochRequest& request);
[[nodiscard]] std::vector<FaultSubject> subjects_of(Core& core, const Call& call,
                                                    const protocol::CreateTopicsRequest& request);
[[nodiscard]] std::vector<FaultSubject> subjects_of(Core& core, const Call& call,
                                                    const protocol::DeleteTopicsRequest& request);
[[nodiscard]] std::vector<FaultSubject> subjects_of(Core& core, const Call& call,
                                                    const protocol::CreatePartitionsRequest& request);
[[nodiscard]] std::vector<FaultSubject> subjects_of(Core& core, const Call& call,
                                                    const protocol::DeleteRecordsRequest& request);
[[nodiscard]] std::vector<FaultSubject> subjects_of(Core& core, const Call& call,
                                                    const protocol::DescribeConfigsRequest& request);
[[nodiscard]] std::vector<FaultSubject> subjects_of(Core& core, const Call& call,
                                                    const protocol::IncrementalAlterConfigsRequest& request);
[[nodiscard]] std::vector<FaultSubject> subjects_of(Core& core, const Call& call,
                                                    const protocol::OffsetCommitRequest& request);
[[nodiscard]] std::vector<FaultSubject> subjects_of(Core& core, const Call& call,
                                                    const protocol::AddPartitionsToTxnRequest& request);
[[nodiscard]] std::vector<FaultSubject> subjects_of(Core& core, const Call& call,
                                                    const protocol::TxnOffsetCommitRequest& request);

}  // namespace longhaul::sandbox
