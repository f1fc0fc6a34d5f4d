#pragma once

#include <csignal>

#include "base/clock.h"

namespace longhaul::app {

/// SIGINT and SIGTERM as something the main thread asks for. Made before any other thread starts, so that all
/// of them leave these signals to it.
class Signals {
 public:
  Signals();
  /// The next signal, or 0 when none comes within `timeout`.
  [[nodiscard]] int wait(milliseconds timeout);

 private:
  sigset_t set_{};
};

}  // namespace longhaul::app
