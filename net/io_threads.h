#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "net/io.h"

namespace longhaul::net {

/// Whether threads are bound to one CPU each. Unbound is right where brokers or other programs share the
/// machine.
enum class Pinning { none, one_cpu_each };

struct IoThreadsOptions {
  std::size_t cores = 1;
  std::uint64_t seed = 0;  ///< of the cores' random sources; 0 takes one from the system
  Pinning pinning = Pinning::none;
};

/// One thread and one event loop per core. Everything a core runs stays there without locks; the only way
/// across is `post`. Made, started, stopped and joined by the main thread.
class IoThreads {
 public:
  explicit IoThreads(IoThreadsOptions options);
  /// `stop()` and `join()`.
  ~IoThreads();
  IoThreads(const IoThreads&) = delete;
  IoThreads& operator=(const IoThreads&) = delete;

  [[nodiscard]] std::size_t size() const { return cores_.size(); }
  /// The core's event loop, time, connector and random source. Before `start()`, and from the core itself.
  [[nodiscard]] Io& core(std::size_t index);

  void start();
  /// Runs `work` on the core, in order of posting per poster. From any thread; what it moves along changes
  /// its owner.
  void post(std::size_t index, std::move_only_function<void()> work);
  /// Ends the event loops without waiting for what runs on them: stop task groups first. From any thread.
  void stop();
  void join();

 private:
  struct Core;
  Pinning pinning_;
  std::vector<std::unique_ptr<Core>> cores_;
};

/// "epoll" or "io_uring": the backend this program was built with.
[[nodiscard]] const char* backend_name();

}  // namespace longhaul::net
