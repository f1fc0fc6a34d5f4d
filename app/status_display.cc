#include "app/status_display.h"

#include <fmt/format.h>

#include <cstdio>

#include "base/log.h"

namespace longhaul::app {
namespace {

constexpr milliseconds kTerminalInterval{500};
constexpr milliseconds kLogInterval{10'000};

// What the terminal shows below the log; the log's hook, which has no object, takes it away.
std::size_t lines_shown = 0;

void erase_lines() {
  for (; lines_shown > 0; --lines_shown) std::fputs("\x1b[1A\x1b[2K", stderr);
}

std::string grouped(std::int64_t number) {
  auto digits = std::to_string(number);
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > (number < 0 ? 1 : 0); at -= 3) {
    digits.insert(static_cast<std::size_t>(at), ",");
  }
  return digits;
}

std::string duration_text(double seconds) {
  const auto whole = static_cast<std::int64_t>(seconds + 0.5);
  if (whole < 120) return fmt::format("{} s", whole);
  if (whole < 7200) return fmt::format("{} min", whole / 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

}  // namespace

std::string status_text(const FlowSnapshot& flow, double bytes_per_second, double records_per_second) {
  if (!flow.failure.empty()) return fmt::format("{}  failed: {}", flow.name, flow.failure);
  if (!flow.started) return fmt::format("{}  connecting", flow.name);
  const auto& status = flow.status;
  auto text = fmt::format("{}  {} topics  {} partitions  {:.1f} MB/s  {} records/s  lag {}", flow.name,
                          flow.topics, status.partitions, bytes_per_second / 1e6,
                          grouped(static_cast<std::int64_t>(records_per_second)), grouped(status.lag));
  if (status.lag > 0 && records_per_second >= 1) {
    text += "  ETA " + duration_text(static_cast<double>(status.lag) / records_per_second);
  }
  if (status.missing_topics > 0) text += fmt::format("  {} topics missing", status.missing_topics);
  if (!status.stopped.empty()) text += fmt::format("  {} stopped", status.stopped.size());
  return text;
}

StatusDisplay::StatusDisplay(Kind kind) : kind_(kind) {
  if (kind_ == Kind::terminal) log::set_before_line(erase_lines);
}

StatusDisplay::~StatusDisplay() {
  // The last state stays on the screen.
  if (kind_ == Kind::terminal) log::set_before_line(nullptr);
}

void StatusDisplay::measure(const FlowSnapshot& flow, SteadyTime now) {
  auto& seen = seen_[flow.name];
  const auto seconds = std::chrono::duration<double>(now - seen.at).count();
  if (seen.at != SteadyTime{} && seconds > 0) {
    seen.records_per_second = static_cast<double>(flow.status.records - seen.records) / seconds;
    seen.bytes_per_second = static_cast<double>(flow.status.bytes - seen.bytes) / seconds;
  }
  seen.at = now;
  seen.records = flow.status.records;
  seen.bytes = flow.status.bytes;
}

void StatusDisplay::update(const std::vector<FlowSnapshot>& flows, SteadyTime now) {
  if (shown_ != SteadyTime{} && now - shown_ < (kind_ == Kind::terminal ? kTerminalInterval : kLogInterval))
    return;
  const bool first = shown_ == SteadyTime{};
  shown_ = now;
  std::vector<std::string> lines;
  for (const auto& flow : flows) {
    measure(flow, now);
    const auto& seen = seen_[flow.name];
    lines.push_back(status_text(flow, seen.bytes_per_second, seen.records_per_second));
  }
  if (kind_ == Kind::log) {
    for (std::size_t i = 0; i < flows.size() && !first; ++i) log::info(lines[i]);
    return;
  }
  log::exclusively([&] {
    erase_lines();
    for (const auto& line : lines) std::fprintf(stderr, "%s\n", line.c_str());
    lines_shown = lines.size();
    std::fflush(stderr);
  });
}

}  // namespace longhaul::app
