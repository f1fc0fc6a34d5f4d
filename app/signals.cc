#include "app/signals.h"

#include <ctime>

#include "base/check.h"

namespace longhaul::app {

Signals::Signals() {
  sigemptyset(&set_);
  sigaddset(&set_, SIGINT);
  sigaddset(&set_, SIGTERM);
  LH_CHECK(pthread_sigmask(SIG_BLOCK, &set_, nullptr) == 0);
  // A reader of our output that went away is told by the write's error.
  std::signal(SIGPIPE, SIG_IGN);
}

int Signals::wait(milliseconds timeout) {
  const timespec limit{.tv_sec = timeout.count() / 1000, .tv_nsec = timeout.count() % 1000 * 1'000'000};
  const int signal = sigtimedwait(&set_, nullptr, &limit);
  return signal > 0 ? signal : 0;
}

}  // namespace longhaul::app
