#include "app/runner.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "base/log.h"

namespace longhaul::app {
namespace {

constexpr milliseconds kWatchInterval{200};

std::size_t cores(const config::ProcessSettings& process) {
  if (process.threads) return static_cast<std::size_t>(*process.threads);
  return std::max(1U, std::thread::hardware_concurrency());
}

}  // namespace

struct Runner::Running {
  Running(net::Io& control, std::vector<replicator::FlowCore> cores, WiredFlow wired,
          replicator::CorruptBatches corrupt_batches)
      : flow(control, std::move(cores), options(*wired.config, corrupt_batches), std::move(wired.clients)) {
    snapshot.name = wired.config->name();
  }
  static replicator::FlowOptions options(const config::FlowConfig& config,
                                         replicator::CorruptBatches corrupt_batches) {
    auto options = flow_options(config);
    options.corrupt_batches = corrupt_batches;
    return options;
  }
  replicator::Flow flow;
  FlowSnapshot snapshot;
};

Runner::Runner(const config::ProcessSettings& process, std::vector<WiredFlow> flows, RunOptions options)
    : options_(options), threads_({.cores = cores(process)}) {
  std::vector<replicator::FlowCore> flow_cores;
  for (std::size_t i = 0; i < threads_.size(); ++i) {
    pools_.push_back(std::make_unique<SlabPool>(process.memory_max_bytes / threads_.size()));
    flow_cores.push_back({.io = &threads_.core(i), .pool = pools_.back().get()});
  }
  auto& control_io = threads_.core(0);
  group_ = std::make_unique<net::TaskGroup>(control_io.executor);
  starting_ = std::make_unique<net::TaskGroup>(control_io.executor);
  wake_ = std::make_unique<net::Event>(control_io.time);
  for (auto& flow : flows) {
    flows_.push_back(
        std::make_unique<Running>(control_io, flow_cores, std::move(flow), options_.corrupt_batches));
    snapshots_.push_back(flows_.back()->snapshot);
  }
}

Runner::~Runner() {
  // The groups must have seen the ends of their coroutines before they go.
  std::atomic<bool> empty = !started_;
  while (!empty) {
    threads_.post(0, [&] { empty = group_->size() == 0; });
    std::this_thread::sleep_for(milliseconds(1));
  }
  threads_.stop();
  threads_.join();
}

void Runner::start() {
  started_ = true;
  group_->spawn([this] { return control(); });
  threads_.start();
}

void Runner::drain() {
  threads_.post(0, [this] {
    drain_wanted_ = true;
    wake_->notify();
  });
}

bool Runner::ended() const {
  const std::lock_guard lock(mutex_);
  return ended_;
}

std::vector<FlowSnapshot> Runner::snapshot() const {
  const std::lock_guard lock(mutex_);
  return snapshots_;
}

bool Runner::succeeded() const {
  const std::lock_guard lock(mutex_);
  return positions_stored_ && std::ranges::all_of(snapshots_, [](const FlowSnapshot& flow) {
           return flow.failure.empty() && flow.status.stopped.empty() && flow.status.missing_topics == 0;
         });
}

net::Task Runner::control() {
  for (const auto& running : flows_) {
    auto* one = running.get();
    starting_->spawn([this, one] { return start_flow(*one); });
  }
  co_await watch_until_end();
  co_await starting_->stop();
  co_await drain_all();
  const std::lock_guard lock(mutex_);
  ended_ = true;
}

net::Task Runner::start_flow(Running& running) {
  const auto started = co_await running.flow.start();
  if (started) {
    running.snapshot.started = true;
  } else if (!net::is_aborted(started.error())) {
    running.snapshot.failure = started.error().message();
    log::error("flow failed", {{"flow", running.snapshot.name}, {"reason", running.snapshot.failure}});
  }
  wake_->notify();
}

boost::asio::awaitable<bool> Runner::publish() {
  bool all_failed = true;
  bool all_caught_up = true;
  for (const auto& running : flows_) {
    auto& snapshot = running->snapshot;
    snapshot.status = co_await running->flow.status();
    snapshot.topics = running->flow.topics();
    const bool failed = !snapshot.failure.empty();
    all_failed = all_failed && failed;
    all_caught_up = all_caught_up && (failed || (snapshot.started && snapshot.status.behind_goal == 0));
  }
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < flows_.size(); ++i) snapshots_[i] = flows_[i]->snapshot;
  co_return all_failed || (options_.until == RunUntil::caught_up && all_caught_up);
}

net::Task Runner::watch_until_end() {
  auto& time = threads_.core(0).time;
  while (!drain_wanted_) {
    const bool finished = co_await publish();
    if (finished) co_return;
    (void)co_await wake_->wait_until(net::saturating_add(time.now(), kWatchInterval));
  }
}

net::Task Runner::drain_all() {
  auto& io = threads_.core(0);
  const auto deadline = net::saturating_add(io.time.now(), options_.drain_timeout);
  // Side by side: a flow whose target is gone must not use up the time of the others.
  net::TaskGroup draining(io.executor);
  net::Event drained(io.time);
  std::size_t left = flows_.size();
  for (const auto& running : flows_) {
    auto* one = running.get();
    draining.spawn([this, one, deadline, &left, &drained]() -> net::Task {
      co_await drain_flow(*one, deadline);
      --left;
      drained.notify();
    });
  }
  while (left > 0) (void)co_await drained.wait();
  co_await draining.stop();
  (void)co_await publish();
}

net::Task Runner::drain_flow(Running& running, SteadyTime deadline) {
  const auto drained = co_await running.flow.drain(deadline);
  if (drained) co_return;
  log::error("positions could not be stored at the end; the next start looks for them on the target",
             {{"flow", running.snapshot.name}, {"reason", drained.error().message()}});
  const std::lock_guard lock(mutex_);
  positions_stored_ = false;
}

}  // namespace longhaul::app
