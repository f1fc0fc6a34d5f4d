#include "replicator/kafka/topic_check.h"

#include <fmt/format.h>

namespace longhaul::replicator {
namespace {

using protocol::KafkaErrc;

constexpr int kUnknownAnswers = 3;
constexpr milliseconds kUnknownTime{10'000};

}  // namespace

std::optional<std::string> topic_is_gone(const client::TopicInfo* info, const TopicId& expected,
                                         UnknownTopic& unknown, SteadyTime now) {
  const bool is_unknown = info == nullptr || info->error == KafkaErrc::unknown_topic_or_partition ||
                          info->error == KafkaErrc::unknown_topic_id;
  if (is_unknown) {
    if (unknown.answers++ == 0) unknown.since = now;
    if (unknown.answers < kUnknownAnswers || now - unknown.since < kUnknownTime) return std::nullopt;
    return std::string();
  }
  unknown = {};
  if (info->id.is_zero() || expected.is_zero() || info->id == expected) return std::nullopt;
  return fmt::format("and created anew (topic id {}, was {})", info->id.to_string(), expected.to_string());
}

}  // namespace longhaul::replicator
