#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "net/async.h"
#include "net/stream.h"
#include "net/timer.h"

namespace longhaul::net {

struct ListenerOptions {
  /// An address of this machine, as a number: nothing is looked up.
  std::string address = "127.0.0.1";
  /// 0 takes a free one.
  std::uint16_t port = 0;
  /// Streams of this listener that may live at a time. Further connections wait in the system's queue.
  std::size_t connections_max = 1000;
};

/// A listening TCP socket. Accepts one stream per call; the streams carry no reference to it. Lives on one
/// core.
class Listener {
 public:
  /// Binds and listens at once, so that a port that is taken is told here. `time` outlives the listener.
  [[nodiscard]] static Result<std::unique_ptr<Listener>> open(Executor executor, TimeSource& time,
                                                              const ListenerOptions& options);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  /// The next connection, once there are fewer than `connections_max` streams. What is wrong with a single
  /// connection (reset before it was accepted) or passes by itself (no file descriptor free) is waited out
  /// here. Fails with `operation_aborted` when cancelled or closed, else with the system's error, after which
  /// the listener is of no more use. One call at a time.
  [[nodiscard]] Async<std::unique_ptr<Stream>> accept();

  /// Frees the port at once: connections that wait are reset, later ones refused. Accepted streams live on. A
  /// call of `accept` under way fails.
  void close();

  [[nodiscard]] std::uint16_t port() const;
  /// Accepted streams that still exist.
  [[nodiscard]] std::size_t connections() const;

 private:
  struct State;
  explicit Listener(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::shared_ptr<State> state_;
};

}  // namespace longhaul::net
