#include "app/generate_run.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>

#include "app/generation.h"
#include "app/load.h"
#include "app/signals.h"
#include "base/log.h"

namespace longhaul::app {
namespace {

constexpr milliseconds kTick{20};
constexpr double kLiveSeconds = 0.25;
constexpr double kLogSeconds = 10;

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// One live line on a terminal, a line every ten seconds elsewhere.
class Progress {
 public:
  explicit Progress(const ProduceTotals& totals) : totals_(totals), begin_(Clock::now()), last_(begin_) {}
  ~Progress() {
    if (is_terminal_) fmt::print(stderr, "\r\x1b[K");
  }
  void tick() {
    if (seconds_since(last_) < (is_terminal_ ? kLiveSeconds : kLogSeconds)) return;
    last_ = Clock::now();
    if (is_terminal_) {
      fmt::print(stderr, "\r\x1b[K{}", figures(totals_, seconds_since(begin_)));
    } else {
      log::info("generating", {{"records", totals_.records.load()}, {"bytes", totals_.bytes.load()}});
    }
  }

 private:
  const ProduceTotals& totals_;
  Clock::time_point begin_;
  Clock::time_point last_;
  bool is_terminal_ = isatty(STDERR_FILENO) != 0;
};

void watch(Generation& generation, const GenerateOptions& options, Signals& signals) {
  Progress progress(generation.totals());
  const auto begin = Clock::now();
  bool stopping = false;
  while (!generation.ended()) {
    const int signal = signals.wait(kTick);
    if (signal != 0 && stopping) std::_Exit(static_cast<int>(ExitCode::runtime_failure));
    const bool is_over = options.duration && Clock::now() - begin >= *options.duration;
    if (!stopping && (signal != 0 || is_over || generation.failed())) {
      stopping = true;
      generation.stop_soon();
    }
    progress.tick();
  }
}

}  // namespace

ExitCode generate(const GenerateOptions& options, const client::ClusterOptions& cluster) {
  auto shares = prepare_generation(options, cluster);
  if (!shares) {
    print_error(shares.error().message());
    return shares.error().code ? ExitCode::runtime_failure : ExitCode::wrong_usage;
  }
  Signals signals;
  const auto begin = Clock::now();
  Generation generation(options, cluster, *std::move(shares));
  watch(generation, options, signals);
  fmt::print("{}\n", figures(generation.totals(), seconds_since(begin)));
  if (const auto failure = generation.failure()) {
    print_error(failure->message());
    return ExitCode::runtime_failure;
  }
  return ExitCode::done;
}

}  // namespace longhaul::app
