#pragma once

#include <string_view>

#include "base/log.h"

namespace longhaul::log {

/// For tests: every line of at least the current level goes to `capture` instead of standard error, without
/// its time, exact repeats too. Null ends that. `capture` must not log.
void set_capture(void (*capture)(Level level, std::string_view line));

}  // namespace longhaul::log
