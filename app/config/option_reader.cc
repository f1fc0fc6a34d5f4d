#include "app/config/option_reader.h"

#include <algorithm>

namespace longhaul::config {

const Setting* OptionReader::setting(std::string_view key) const {
  const auto it = settings_.find(key);
  return it == settings_.end() ? nullptr : &it->second;
}

const Setting* OptionReader::note(std::string_view key, std::string_view fallback) {
  const auto* found = setting(key);
  effective_.push_back(
      {std::string(key), found ? *found : Setting{std::string(fallback), {{}, 0, std::string(key)}}});
  return found;
}

void OptionReader::complain(std::unexpected<Error> error) {
  if (!error_) error_ = std::move(error).error();
}

void OptionReader::warn(WarningKind kind, const Setting& setting, std::string_view text) {
  const auto& origin = setting.origin;
  warnings_.push_back(
      {kind, fmt::format("{}:{}: {}: {}", origin.file, origin.line, origin.key, text), {origin.key}});
}

Result<void> OptionReader::result() const {
  if (error_) return fail(*error_);
  return {};
}

std::string OptionReader::text(std::string_view key, std::string_view fallback) {
  const auto* found = note(key, fallback);
  return std::string(found ? trimmed(found->value) : fallback);
}

bool OptionReader::boolean(std::string_view key, bool fallback) {
  const auto* found = note(key, fallback ? "true" : "false");
  if (!found) return fallback;
  const auto value = parse_boolean(found->value);
  if (!value) complain(wrong_value(*found, "true or false"));
  return value.value_or(fallback);
}

std::int64_t OptionReader::integer(std::string_view key, std::int64_t fallback, std::int64_t min,
                                   std::int64_t max) {
  const auto* found = note(key, std::to_string(fallback));
  if (!found) return fallback;
  const auto value = parse_integer(found->value);
  if (value && *value >= min && *value <= max) return *value;
  complain(wrong_value(*found, fmt::format("a whole number from {} to {}", min, max)));
  return fallback;
}

std::int16_t OptionReader::replication_factor(std::string_view key, std::int16_t fallback) {
  const auto* found = note(key, std::to_string(fallback));
  if (!found) return fallback;
  const auto value = parse_integer(found->value);
  if (value && (*value == kBrokerDefaultReplicationFactor ||
                (*value >= 1 && *value <= std::numeric_limits<std::int16_t>::max()))) {
    return static_cast<std::int16_t>(*value);
  }
  complain(wrong_value(*found, "-1 (the broker's default) or a whole number from 1 to 32767"));
  return fallback;
}

std::vector<std::string> OptionReader::list(std::string_view key, std::string_view fallback) {
  const auto* found = note(key, fallback);
  if (!found) return split_list(fallback);
  std::vector<std::string> items;
  for (auto& item : split_list(found->value)) {
    if (item.empty()) {
      complain(wrong_value(*found, "a list of items between commas, none of them empty"));
    } else if (std::ranges::find(items, item) != items.end()) {
      warn(WarningKind::value, *found,
           fmt::format("'{}' is listed twice", found->secret ? Setting::kHidden : std::string_view(item)));
    } else {
      items.push_back(std::move(item));
    }
  }
  return items;
}

std::chrono::milliseconds OptionReader::millis(std::string_view key, std::chrono::milliseconds fallback,
                                               std::int64_t min) {
  return std::chrono::milliseconds(
      integer(key, fallback.count(), min, std::numeric_limits<std::int32_t>::max()));
}

Interval OptionReader::interval(std::string_view name, bool enabled, std::int64_t seconds,
                                ZeroInterval zero) {
  const bool on = boolean(fmt::format("{}.enabled", name), enabled);
  const auto key = fmt::format("{}.interval.seconds", name);
  // The longest that fits MirrorMaker 2's milliseconds; nothing real comes near.
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max() / 1000;
  const auto period = integer(key, seconds, std::numeric_limits<std::int64_t>::min(), kMax);
  if (period == 0 && on) {
    const auto& found = *setting(key);
    switch (zero) {
      case ZeroInterval::refused:
        complain(wrong_value(found, "a number of seconds from 1, or a negative one to switch it off"));
        break;
      case ZeroInterval::disabled:
        warn(WarningKind::value, found,
             "0 switches it off, as in MirrorMaker 2; write a negative number to say so");
        return std::nullopt;
      case ZeroInterval::accepted:
        warn(WarningKind::value, found, "0 means without any pause");
        break;
    }
  }
  if (!on || period < 0) return std::nullopt;
  return std::chrono::seconds(period);
}

}  // namespace longhaul::config
