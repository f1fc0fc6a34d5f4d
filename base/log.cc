#include "base/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <iterator>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/log_capture.h"

namespace longhaul::log {
namespace {

/// Held while something is printed. Lines are rare, so one lock for all threads costs nothing.
std::mutex printing;
void (*before_line)() = nullptr;
void (*captured_by)(Level, std::string_view) = nullptr;

spdlog::logger& logger() {
  static const auto instance = [] {
    auto made =
        std::make_shared<spdlog::logger>("longhaul", std::make_shared<spdlog::sinks::stderr_sink_st>());
    made->set_formatter(std::make_unique<spdlog::pattern_formatter>("%Y-%m-%dT%H:%M:%S.%eZ %v",
                                                                    spdlog::pattern_time_type::utc));
    made->set_level(spdlog::level::info);
    made->flush_on(spdlog::level::debug);
    return made;
  }();
  return *instance;
}

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warn:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

std::string_view name(Level level) {
  switch (level) {
    case Level::debug:
      return "DEBUG";
    case Level::info:
      return "INFO ";
    case Level::warn:
      return "WARN ";
    case Level::error:
      return "ERROR";
  }
  return "ERROR";
}

void append_value(fmt::memory_buffer& out, std::string_view value) {
  if (!value.empty() && value.find_first_of(" \"\\=\n\r\t") == std::string_view::npos) {
    out.append(value);
    return;
  }
  out.push_back('"');
  for (const char c : value) {
    if (c == '"' || c == '\\') out.push_back('\\');
    if (c == '\n' || c == '\r') {
      out.append(std::string_view(c == '\n' ? "\\n" : "\\r"));
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

/// Whether a line may be printed at `now`: exact repeats within a few seconds are counted instead, because
/// several cores see the same broker go. Returns how many were held back since the last one, or nullopt to
/// hold this one back. Called with `printing` held.
std::optional<int> pass_repeats(const std::string& line, std::chrono::steady_clock::time_point now) {
  struct Seen {
    std::chrono::steady_clock::time_point printed;
    int held_back = 0;
  };
  static std::unordered_map<std::string, Seen> recent;
  constexpr auto kQuiet = std::chrono::seconds(5);
  constexpr std::size_t kRemembered = 1000;
  if (recent.size() > kRemembered) {
    std::erase_if(recent, [&](const auto& entry) { return now - entry.second.printed > kQuiet; });
  }
  const auto [entry, is_new] = recent.try_emplace(line, Seen{now});
  auto& seen = entry->second;
  if (!is_new && now - seen.printed < kQuiet) {
    ++seen.held_back;
    return std::nullopt;
  }
  seen.printed = now;
  return std::exchange(seen.held_back, 0);
}

}  // namespace

void set_level(Level level) {
  logger().set_level(to_spdlog(level));
}

void set_before_line(void (*hook)()) {
  const std::lock_guard lock(printing);
  before_line = hook;
}

void set_capture(void (*capture)(Level, std::string_view)) {
  const std::lock_guard lock(printing);
  captured_by = capture;
}

void exclusively(const std::function<void()>& print) {
  const std::lock_guard lock(printing);
  print();
}

void write(Level level, std::string_view text, std::initializer_list<Field> fields) {
  if (!logger().should_log(to_spdlog(level))) return;
  fmt::memory_buffer line;
  line.append(name(level));
  line.push_back(' ');
  line.append(text);
  for (const auto& field : fields) {
    line.push_back(' ');
    line.append(field.key);
    line.push_back('=');
    append_value(line, field.value);
  }
  const std::lock_guard lock(printing);
  if (captured_by != nullptr) {
    captured_by(level, std::string_view(line.data(), line.size()));
    return;
  }
  const auto repeated = pass_repeats(fmt::to_string(line), std::chrono::steady_clock::now());
  if (!repeated) return;
  if (*repeated > 0) fmt::format_to(std::back_inserter(line), " repeated={}", *repeated);
  if (before_line != nullptr) before_line();
  logger().log(to_spdlog(level), std::string_view(line.data(), line.size()));
}

}  // namespace longhaul::log
