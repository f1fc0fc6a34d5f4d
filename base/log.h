#pragma once

#include <fmt/format.h>

#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>

namespace longhaul::log {

enum class Level { debug, info, warn, error };

/// One `key=value` of a log line; the value is quoted when it holds blanks or quotes.
struct Field {
  template <class T>
  Field(std::string_view k, const T& v) : key(k), value(fmt::format("{}", v)) {}
  std::string_view key;
  std::string value;
};

/// Lines below `level` are dropped. Lines go to standard error; standard output belongs to the commands.
void set_level(Level level);
/// Called before each line is printed, so that a terminal's status lines can make room. May be null.
void set_before_line(void (*hook)());
/// Runs `print` while no line is printed, nor the hook called: for other output to the same terminal.
void exclusively(const std::function<void()>& print);

/// One event, one line: `2026-01-31T12:00:00.123Z WARN text topic=orders partition=3`. Safe from any thread.
/// Exact repeats within five seconds are held back and counted on the next one (`repeated=3`).
void write(Level level, std::string_view text, std::initializer_list<Field> fields);

inline void debug(std::string_view text, std::initializer_list<Field> fields = {}) {
  write(Level::debug, text, fields);
}
inline void info(std::string_view text, std::initializer_list<Field> fields = {}) {
  write(Level::info, text, fields);
}
inline void warn(std::string_view text, std::initializer_list<Field> fields = {}) {
  write(Level::warn, text, fields);
}
inline void error(std::string_view text, std::initializer_list<Field> fields = {}) {
  write(Level::error, text, fields);
}

}  // namespace longhaul::log
