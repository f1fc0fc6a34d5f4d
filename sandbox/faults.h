#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "protocol/api.h"
#include "protocol/error_code.h"

namespace longhaul::sandbox {

/// What goes wrong with a request.
enum class FaultAction : std::uint8_t {
  disconnect,  ///< The connection is closed instead of an answer.
  stall,       ///< The request is never answered, and none behind it on that connection.
  delay,       ///< The answer comes late, and holds up those behind it.
  error,       ///< The answer says `error_code`.
  truncate,    ///< Half of the answer's frame, then the connection is closed.
  garbage,     ///< A frame of the right size with random content.
};

/// Whether the request has taken effect when it goes wrong. An answer that is delayed, truncated or garbage
/// always comes of a request that was served.
enum class FaultMoment : std::uint8_t { before, after };

/// Which requests go wrong, how often and how. What is not named matches everything.
struct FaultRule {
  std::optional<std::int32_t> broker;
  std::optional<protocol::ApiKey> api;
  std::optional<std::string> topic;
  std::optional<std::int32_t> partition;

  FaultAction action = FaultAction::disconnect;
  FaultMoment moment = FaultMoment::before;
  milliseconds delay{0};
  protocol::KafkaErrc error_code = protocol::KafkaErrc::unknown_server_error;

  /// Matching requests that pass before the first fault.
  std::int64_t skip = 0;
  /// Faults after which the rule is spent; nothing: never.
  std::optional<std::int64_t> count;
  /// How likely each further matching request goes wrong.
  double probability = 1;

  /// `action=error error=NOT_LEADER_OR_FOLLOWER api=Produce topic=orders count=3`: words of the form
  /// name=value in any order, separated by blanks. Names: action, when (before or after), delay_ms, error,
  /// broker, api, topic, partition, skip, count, probability. Errors name the word.
  [[nodiscard]] static Result<FaultRule> parse(std::string_view text);
  [[nodiscard]] std::string to_string() const;
};

/// One topic partition that a request is about.
struct FaultSubject {
  std::string_view topic;
  std::int32_t partition = -1;  ///< -1: the topic as a whole.
};

/// The rules of a cluster and what they have done.
class Faults {
 public:
  using RuleId = std::uint64_t;

  explicit Faults(std::uint64_t seed) : random_(seed) {}

  RuleId add(FaultRule rule);
  /// Whether there was such a rule.
  bool remove(RuleId id);
  void clear() { rules_.clear(); }

  /// The fault of this request, by the first rule that applies; null for none. `subjects` is empty for
  /// requests that are about no topic.
  [[nodiscard]] std::shared_ptr<const FaultRule> decide(std::int32_t broker, protocol::ApiKey api,
                                                        const std::vector<FaultSubject>& subjects);
  /// Whether any rule needs to know what a request is about.
  [[nodiscard]] bool looks_at_topics() const;
  [[nodiscard]] bool empty() const { return rules_.empty(); }

  struct RuleState {
    FaultRule rule;
    std::int64_t matched = 0;
    std::int64_t injected = 0;
  };
  [[nodiscard]] const std::map<RuleId, RuleState>& rules() const { return rules_; }
  /// Faults of that kind so far, those of removed rules included.
  [[nodiscard]] std::int64_t injected(FaultAction action) const;
  /// All kinds together.
  [[nodiscard]] std::int64_t injected() const;

  /// Random bytes for a garbage frame.
  [[nodiscard]] std::uint64_t random() { return random_(); }

 private:
  [[nodiscard]] static bool matches(const FaultRule& rule, std::int32_t broker, protocol::ApiKey api,
                                    const std::vector<FaultSubject>& subjects);

  std::map<RuleId, RuleState> rules_;
  std::map<FaultAction, std::int64_t> injected_;
  RuleId last_id_ = 0;
  std::mt19937_64 random_;
};

[[nodiscard]] std::string_view name_of(FaultAction action);

}  // namespace longhaul::sandbox
