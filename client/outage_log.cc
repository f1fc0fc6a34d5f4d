#include "client/outage_log.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"

namespace longhaul::client {
namespace {

constexpr std::chrono::seconds kBetweenOutages{10};
constexpr std::chrono::seconds kFirstRepeat{60};
constexpr std::chrono::seconds kRepeatMax{1800};

}  // namespace

void OutageLog::down(SteadyTime now, const Error& reason) {
  if (!since_) {
    since_ = now;
    reported_ = false;
    repeat_ = kFirstRepeat;
  }
  const SteadyTime::duration distance = reported_ ? repeat_ : kBetweenOutages;
  if (last_line_ && now - *last_line_ < distance) return;
  last_line_ = now;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - *since_).count();
  if (reported_) {
    repeat_ = std::min<SteadyTime::duration>(repeat_ * 2, kRepeatMax);
    log::warn(fmt::format("{}; still trying", reason.message()), {{"for_s", seconds}});
  } else {
    log::warn(fmt::format("{}; trying again until it answers", reason.message()));
  }
  reported_ = true;
}

void OutageLog::up(SteadyTime now, std::string_view what) {
  if (!since_) return;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - *since_).count();
  if (reported_) log::info(fmt::format("{}: reachable again", what), {{"after_s", seconds}});
  since_.reset();
}

}  // namespace longhaul::client
