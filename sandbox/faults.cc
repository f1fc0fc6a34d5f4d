#include "sandbox/faults.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <utility>

namespace longhaul::sandbox {
namespace {

using protocol::KafkaErrc;

constexpr std::array kActions = {
    std::pair{FaultAction::disconnect, std::string_view("disconnect")},
    std::pair{FaultAction::stall, std::string_view("stall")},
    std::pair{FaultAction::delay, std::string_view("delay")},
    std::pair{FaultAction::error, std::string_view("error")},
    std::pair{FaultAction::truncate, std::string_view("truncate")},
    std::pair{FaultAction::garbage, std::string_view("garbage")},
};

std::unexpected<Error> bad_word(std::string_view name, std::string_view value, std::string_view wanted) {
  return fail(kafka_error(KafkaErrc::invalid_request), "{}={}: {}", name, value, wanted);
}

template <class T>
Result<T> number(std::string_view name, std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) {
    return bad_word(name, text, "a number is wanted");
  }
  return value;
}

Result<protocol::ApiKey> api_named(std::string_view text) {
  for (const auto& api : protocol::kApis) {
    if (api.name == text) return api.key;
  }
  return bad_word("api", text, "no such API; names are Kafka's, such as Produce");
}

Result<KafkaErrc> error_named(std::string_view text) {
  constexpr std::int16_t kLast = 200;
  for (std::int16_t code = -1; code <= kLast; ++code) {
    if (!text.empty() && name_of(static_cast<KafkaErrc>(code)) == text) return static_cast<KafkaErrc>(code);
  }
  const auto code = number<std::int16_t>("error", text);
  if (!code)
    return bad_word("error", text, "no such error; names are Kafka's, such as NOT_LEADER_OR_FOLLOWER");
  return static_cast<KafkaErrc>(*code);
}

Result<void> set(FaultRule& rule, std::string_view name, std::string_view value) {
  if (name == "action") {
    const auto found = std::ranges::find(kActions, value, [](const auto& item) { return item.second; });
    if (found == kActions.end()) {
      return bad_word(name, value, "disconnect, stall, delay, error, truncate or garbage is wanted");
    }
    rule.action = found->first;
  } else if (name == "when") {
    if (value != "before" && value != "after") return bad_word(name, value, "before or after is wanted");
    rule.moment = value == "before" ? FaultMoment::before : FaultMoment::after;
  } else if (name == "delay_ms") {
    LH_TRY(const auto delay, number<std::int64_t>(name, value));
    if (delay < 0) return bad_word(name, value, "must not be negative");
    rule.delay = milliseconds(delay);
  } else if (name == "error") {
    LH_TRY(rule.error_code, error_named(value));
  } else if (name == "broker") {
    LH_TRY(rule.broker, number<std::int32_t>(name, value));
  } else if (name == "api") {
    LH_TRY(rule.api, api_named(value));
  } else if (name == "topic") {
    rule.topic = std::string(value);
  } else if (name == "partition") {
    LH_TRY(rule.partition, number<std::int32_t>(name, value));
  } else if (name == "skip") {
    LH_TRY(rule.skip, number<std::int64_t>(name, value));
  } else if (name == "count") {
    LH_TRY(rule.count, number<std::int64_t>(name, value));
  } else if (name == "probability") {
    LH_TRY(rule.probability, number<double>(name, value));
    if (!(rule.probability >= 0 && rule.probability <= 1)) return bad_word(name, value, "0 to 1 is wanted");
  } else {
    return bad_word(name, value, "no such word in a fault rule");
  }
  return {};
}

}  // namespace

std::string_view name_of(FaultAction action) {
  const auto found = std::ranges::find(kActions, action, [](const auto& item) { return item.first; });
  return found == kActions.end() ? std::string_view() : found->second;
}

Result<FaultRule> FaultRule::parse(std::string_view text) {
  FaultRule rule;
  bool has_action = false;
  while (true) {
    const auto begin = text.find_first_not_of(" \t");
    if (begin == std::string_view::npos) break;
    text.remove_prefix(begin);
    const auto word = text.substr(0, text.find_first_of(" \t"));
    text.remove_prefix(word.size());
    const auto equals = word.find('=');
    if (equals == std::string_view::npos) {
      return fail(kafka_error(KafkaErrc::invalid_request), "{}: name=value is wanted", word);
    }
    LH_TRY_VOID(set(rule, word.substr(0, equals), word.substr(equals + 1)));
    has_action = has_action || word.starts_with("action=");
  }
  if (!has_action) return fail(kafka_error(KafkaErrc::invalid_request), "a fault rule needs action=");
  if (rule.partition && !rule.topic) {
    return fail(kafka_error(KafkaErrc::invalid_request), "partition= needs topic=");
  }
  return rule;
}

std::string FaultRule::to_string() const {
  auto text = fmt::format("action={}", name_of(action));
  if (moment == FaultMoment::after) text += " when=after";
  if (action == FaultAction::delay) text += fmt::format(" delay_ms={}", delay.count());
  if (action == FaultAction::error) {
    const auto name = protocol::name_of(error_code);
    text += name.empty() ? fmt::format(" error={}", std::to_underlying(error_code))
                         : fmt::format(" error={}", name);
  }
  if (broker) text += fmt::format(" broker={}", *broker);
  if (api) text += fmt::format(" api={}", protocol::api_info(*api).name);
  if (topic) text += fmt::format(" topic={}", *topic);
  if (partition) text += fmt::format(" partition={}", *partition);
  if (skip != 0) text += fmt::format(" skip={}", skip);
  if (count) text += fmt::format(" count={}", *count);
  if (probability < 1) text += fmt::format(" probability={}", probability);
  return text;
}

Faults::RuleId Faults::add(FaultRule rule) {
  const auto id = ++last_id_;
  rules_.emplace(id, RuleState{.rule = std::move(rule)});
  return id;
}

bool Faults::remove(RuleId id) {
  return rules_.erase(id) > 0;
}

bool Faults::matches(const FaultRule& rule, std::int32_t broker, protocol::ApiKey api,
                     const std::vector<FaultSubject>& subjects) {
  if (rule.broker && *rule.broker != broker) return false;
  if (rule.api && *rule.api != api) return false;
  if (!rule.topic) return true;
  return std::ranges::any_of(subjects, [&](const FaultSubject& subject) {
    return subject.topic == *rule.topic &&
           (!rule.partition || subject.partition < 0 || subject.partition == *rule.partition);
  });
}

std::shared_ptr<const FaultRule> Faults::decide(std::int32_t broker, protocol::ApiKey api,
                                                const std::vector<FaultSubject>& subjects) {
  for (auto& [id, state] : rules_) {
    const auto& rule = state.rule;
    if (rule.count && state.injected >= *rule.count) continue;
    if (!matches(rule, broker, api, subjects)) continue;
    if (++state.matched <= rule.skip) continue;
    // Drawn by hand, because the standard distributions differ between libraries and seeds must not.
    constexpr double kScale = 1.0 / 9007199254740992.0;  // 2^-53
    if (rule.probability < 1 && static_cast<double>(random_() >> 11) * kScale >= rule.probability) continue;
    ++state.injected;
    ++injected_[rule.action];
    return std::make_shared<const FaultRule>(rule);
  }
  return nullptr;
}

bool Faults::looks_at_topics() const {
  return std::ranges::any_of(rules_, [](const auto& item) { return item.second.rule.topic.has_value(); });
}

std::int64_t Faults::injected(FaultAction action) const {
  const auto found = injected_.find(action);
  return found == injected_.end() ? 0 : found->second;
}

std::int64_t Faults::injected() const {
  std::int64_t sum = 0;
  for (const auto& [action, count] : injected_) sum += count;
  return sum;
}

}  // namespace longhaul::sandbox
