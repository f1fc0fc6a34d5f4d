#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "replicator/java_pattern.h"
#include "replicator/replication_policy.h"

namespace longhaul::replicator {

/// A list option of patterns, as Kafka reads it: the items joined with `|` are one expression.
class PatternList {
 public:
  PatternList() = default;
  /// The error names the item that does not compile.
  [[nodiscard]] static Result<PatternList> compile(std::vector<std::string> items);

  struct Hit {
    JavaPattern::Match match = JavaPattern::Match::no;
    /// The item that matched; the joined expression where no single item does (`(a` and `b)` are `(a|b)`).
    std::string rule;
  };
  /// An empty list matches nothing.
  [[nodiscard]] Hit match(std::string_view name) const;
  [[nodiscard]] bool empty() const { return items_.empty(); }
  [[nodiscard]] const std::vector<std::string>& items() const { return items_; }

 private:
  std::vector<std::string> items_;
  std::vector<std::optional<JavaPattern>> patterns_;
  std::optional<JavaPattern> joined_;
};

/// Why a name is taken or left.
enum class DecisionReason {
  included,        ///< taken: an include pattern matches, no exclude pattern does
  heartbeats,      ///< taken although the filter says no: a heartbeats topic
  not_included,    ///< left: no include pattern matches
  excluded,        ///< left: an exclude pattern matches
  internal_topic,  ///< left: belongs to Kafka or to MirrorMaker 2
  cycle,           ///< left: came from the target
  too_costly,      ///< left: matching a pattern took too many steps; an operator has to look at it
};

/// The reason as one phrase for a person, such as "excluded by".
[[nodiscard]] std::string_view to_string(DecisionReason reason);

struct Decision {
  bool replicate = false;
  DecisionReason reason = DecisionReason::not_included;
  /// What decided: the pattern, or for internal topics and cycles the name rule. Empty if no pattern matched.
  std::string rule;
};

/// Include and exclude patterns of topics, groups or configuration names; exclude wins (KIP-382).
class TopicFilter {
 public:
  TopicFilter() = default;
  TopicFilter(PatternList include, PatternList exclude)
      : include_(std::move(include)), exclude_(std::move(exclude)) {}

  [[nodiscard]] Decision decide(std::string_view name) const;
  [[nodiscard]] const PatternList& include() const { return include_; }
  [[nodiscard]] const PatternList& exclude() const { return exclude_; }

 private:
  PatternList include_;
  PatternList exclude_;
};

enum class HeartbeatsReplication { on, off };

/// The whole question "is this source topic mirrored by this flow": (filter or heartbeats), not internal, no
/// cycle. Immutable; safe from any thread.
class TopicSelection {
 public:
  TopicSelection(TopicFilter filter, ReplicationPolicy policy, std::string target_alias,
                 HeartbeatsReplication heartbeats)
      : filter_(std::move(filter)),
        policy_(std::move(policy)),
        target_alias_(std::move(target_alias)),
        heartbeats_(heartbeats) {}

  [[nodiscard]] Decision decide(std::string_view source_topic) const;
  [[nodiscard]] const TopicFilter& filter() const { return filter_; }
  [[nodiscard]] const ReplicationPolicy& policy() const { return policy_; }

 private:
  TopicFilter filter_;
  ReplicationPolicy policy_;
  std::string target_alias_;
  HeartbeatsReplication heartbeats_;
};

}  // namespace longhaul::replicator
