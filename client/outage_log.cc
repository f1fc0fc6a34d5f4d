#include "client/outage_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace longhaul::client {
namespace {

constexpr std::chrono::seconds kSameOutage{60};
constexpr std::chrono::seconds kFirstRepeat{60};
constexpr std::chrono::seconds kRepeatMax{1800};

}  // namespace

void OutageLog::down(SteadyTime now, const Error& reason) {
  const bool goes_on = since_ && (is_down_ || now - ended_ < kSameOutage);
  is_down_ = true;
  if (!goes_on) {
    since_ = last_line_ = now;
    repeat_ = kFirstRepeat;
    log::warn(fmt::format("{}; trying again until it answers", reason.message()));
  } else {
    // When the last word was that it is back, its next absence is news sooner.
    if (now - last_line_ < (end_reported_ ? kFirstRepeat : repeat_)) return;
    last_line_ = now;
    repeat_ = std::min<SteadyTime::duration>(repeat_ * 2, kRepeatMax);
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - *since_).count();
    log::warn(fmt::format("{}; still trying", reason.message()), {{"for_s", seconds}});
  }
  end_reported_ = false;
}

void OutageLog::up(SteadyTime now, std::string_view what) {
  if (!std::exchange(is_down_, false)) return;
  ended_ = now;
  if (std::exchange(end_reported_, true)) return;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - *since_).count();
  log::info(fmt::format("{}: reachable again", what), {{"after_s", seconds}});
}

}  // namespace longhaul::client
