#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/config/configuration.h"
#include "app/config/setting.h"
#include "app/config/values.h"
#include "base/result.h"

namespace longhaul::config {

/// What an interval of 0 seconds means for a job of MirrorMaker 2.
enum class ZeroInterval {
  refused,   ///< its connector does not start with it
  disabled,  ///< it logs an error and the job never runs
  accepted,  ///< the job runs without a pause: surely not meant, so a warning
};

/// Reads typed options out of one map, remembers the first wrong value and lists what is in effect. After it,
/// reads still answer, with defaults: check `result()` once, at the end.
class OptionReader {
 public:
  OptionReader(const SettingMap& settings, std::vector<EffectiveOption>& effective,
               std::vector<Warning>& warnings)
      : settings_(settings), effective_(effective), warnings_(warnings) {}

  [[nodiscard]] const Setting* setting(std::string_view key) const;

  std::string text(std::string_view key, std::string_view fallback);
  bool boolean(std::string_view key, bool fallback);
  std::int64_t integer(std::string_view key, std::int64_t fallback, std::int64_t min, std::int64_t max);
  template <class T>
  T number(std::string_view key, T fallback, T min, T max = std::numeric_limits<T>::max()) {
    return static_cast<T>(integer(key, fallback, min, max));
  }
  /// -1 for the broker's default, or 1 and more.
  std::int16_t replication_factor(std::string_view key, std::int16_t fallback);
  /// Kafka's LIST: an empty item is refused, duplicates are dropped with a warning (as since 4.3).
  std::vector<std::string> list(std::string_view key, std::string_view fallback);
  /// A plain number of milliseconds, as all of Kafka's `.ms` options.
  std::chrono::milliseconds millis(std::string_view key, std::chrono::milliseconds fallback,
                                   std::int64_t min = 0);
  /// `<name>.enabled` and `<name>.interval.seconds` together.
  Interval interval(std::string_view name, bool enabled, std::int64_t seconds, ZeroInterval zero);
  /// One of `choices`, in any case; the fallback is one of them.
  template <class E>
  E choice(std::string_view key, E fallback, std::initializer_list<std::pair<std::string_view, E>> choices) {
    std::string_view fallback_name;
    std::string accepted;
    for (const auto& [name, value] : choices) {
      if (value == fallback) fallback_name = name;
      accepted += fmt::format("{}{}", accepted.empty() ? "" : ", ", name);
    }
    const auto* found = note(key, fallback_name);
    if (!found) return fallback;
    const auto word = lowered(trimmed(found->value));
    for (const auto& [name, value] : choices) {
      if (lowered(name) == word) return value;
    }
    complain(wrong_value(*found, accepted));
    return fallback;
  }

  /// Records `key` as in effect and returns what was written, if anything.
  const Setting* note(std::string_view key, std::string_view fallback);
  /// Remembers the first of several errors.
  void complain(std::unexpected<Error> error);
  void warn(WarningKind kind, const Setting& setting, std::string_view text);
  [[nodiscard]] Result<void> result() const;

 private:
  const SettingMap& settings_;
  std::vector<EffectiveOption>& effective_;
  std::vector<Warning>& warnings_;
  std::optional<Error> error_;
};

}  // namespace longhaul::config
