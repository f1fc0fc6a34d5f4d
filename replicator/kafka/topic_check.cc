#include "replicator/kafka/topic_check.h"

#include <fmt/format.h>

namespace longhaul::replicator {
namespace {

using protocol::KafkaErrc;

constexpr int kUnknownAnswers = 3;

}  // namespace

std::optional<std::string> topic_is_gone(const client::TopicInfo* info, const TopicId& expected,
                                         int& unknown_answers) {
  const bool unknown = info == nullptr || info->error == KafkaErrc::unknown_topic_or_partition ||
                       info->error == KafkaErrc::unknown_topic_id;
  if (unknown) {
    if (++unknown_answers < kUnknownAnswers) return std::nullopt;
    return std::string();
  }
  unknown_answers = 0;
  if (info->id.is_zero() || expected.is_zero() || info->id == expected) return std::nullopt;
  return fmt::format("and created anew (topic id {}, was {})", info->id.to_string(), expected.to_string());
}

}  // namespace longhaul::replicator
