#include "replicator/topic_filter.h"

#include <fmt/ranges.h>

namespace longhaul::replicator {

using Match = JavaPattern::Match;

Result<PatternList> PatternList::compile(std::vector<std::string> items) {
  PatternList list;
  list.items_ = std::move(items);
  if (list.items_.empty()) return list;

  const auto text = fmt::format("{}", fmt::join(list.items_, "|"));
  std::optional<Error> first_error;
  for (const auto& item : list.items_) {
    auto pattern = JavaPattern::compile(item);
    if (pattern) {
      list.patterns_.emplace_back(*std::move(pattern));
    } else {
      // Not an error yet: Kafka compiles the joined text, so `(a` and `b)` are fine together.
      list.patterns_.emplace_back(std::nullopt);
      if (!first_error) first_error = std::move(pattern).error();
    }
  }
  auto joined = JavaPattern::compile(text);
  if (!joined) return fail(first_error ? *std::move(first_error) : std::move(joined).error());
  list.joined_ = *std::move(joined);
  return list;
}

PatternList::Hit PatternList::match(std::string_view name) const {
  if (!joined_) return {};
  Hit hit{joined_->match(name), joined_->text()};
  if (hit.match == Match::no) return {};
  for (const auto& pattern : patterns_) {
    if (pattern && pattern->match(name) == hit.match) {
      hit.rule = pattern->text();
      break;
    }
  }
  return hit;
}

std::string_view to_string(DecisionReason reason) {
  switch (reason) {
    case DecisionReason::included:
      return "matches";
    case DecisionReason::heartbeats:
      return "heartbeats topic";
    case DecisionReason::not_included:
      return "no pattern matches";
    case DecisionReason::excluded:
      return "excluded by";
    case DecisionReason::internal_topic:
      return "internal topic";
    case DecisionReason::cycle:
      return "came from the target";
    case DecisionReason::too_costly:
      return "matching takes too many steps";
  }
  return "unknown";
}

Decision TopicFilter::decide(std::string_view name) const {
  auto include = include_.match(name);
  if (include.match == Match::no) return {};
  auto exclude = exclude_.match(name);
  if (exclude.match == Match::yes) return {false, DecisionReason::excluded, std::move(exclude.rule)};
  if (exclude.match == Match::too_costly) return {false, DecisionReason::too_costly, std::move(exclude.rule)};
  if (include.match == Match::too_costly) return {false, DecisionReason::too_costly, std::move(include.rule)};
  return {true, DecisionReason::included, std::move(include.rule)};
}

Decision TopicSelection::decide(std::string_view source_topic) const {
  auto decision = filter_.decide(source_topic);
  if (!decision.replicate && heartbeats_ == HeartbeatsReplication::on &&
      policy_.is_heartbeats_topic(source_topic)) {
    decision = {true, DecisionReason::heartbeats, "heartbeats.replication.enabled"};
  }
  if (!decision.replicate) return decision;
  if (policy_.is_internal_topic(source_topic)) {
    return {false, DecisionReason::internal_topic, "topics of Kafka and of MirrorMaker 2 are not mirrored"};
  }
  if (policy_.is_cycle(source_topic, target_alias_)) {
    return {false, DecisionReason::cycle, "the name says it passed through " + target_alias_};
  }
  return decision;
}

}  // namespace longhaul::replicator
