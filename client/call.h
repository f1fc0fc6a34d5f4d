#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/slab.h"
#include "client/error.h"
#include "net/async.h"
#include "net/event.h"
#include "protocol/api.h"
#include "protocol/message.h"

namespace longhaul::client {

/// How one request is sent.
struct CallOptions {
  /// When it passes without an answer the connection is closed and every pending call on it fails. Time in
  /// which the broker throttles us, or in which an answer waits for room in a `response_pool`, does not
  /// count.
  SteadyTime deadline = SteadyTime::max();
  /// What the request's RecordsRef point into; kept until the request is written.
  std::vector<Slice> keep = {};
  /// Where the answer's frame is put; null for memory outside of every budget. The answer is not read before
  /// the pool has room for it, and answers behind it on the same connection wait with it.
  SlabPool* response_pool = nullptr;
  /// A lower limit than the newest common version, where the newest cannot say what is asked.
  std::optional<std::int16_t> max_version = std::nullopt;
};

/// A response and the frame that its views (ConstBytes) point into. One core's property, as the frame's slice
/// is.
template <class Response>
struct Owned {
  Slice frame;
  Response body;
  std::int16_t version = 0;  ///< of request and response
};

/// One request on its way; shared by the connection and the caller's Pending.
class Call {
 public:
  Call(protocol::ApiKey api_key, std::int16_t api_version, CallOptions call_options, net::TimeSource& time)
      : api(api_key), version(api_version), options(std::move(call_options)), done_(time) {}
  virtual ~Call() = default;
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  const protocol::ApiKey api;
  const std::int16_t version;
  CallOptions options;

  /// Nobody waits for the answer any more: it is read and dropped.
  void abandon() {
    abandoned_ = true;
    if (wake_reader_ != nullptr) wake_reader_->notify();
  }
  [[nodiscard]] bool abandoned() const { return abandoned_; }
  /// What `abandon` notifies: set by a connection while it waits for room for this answer, null otherwise.
  void set_wake_reader(net::Event* event) { wake_reader_ = event; }

  /// Decodes the answer and wakes the caller; returns the answer's throttle_time_ms, or why it cannot be
  /// read.
  [[nodiscard]] virtual Result<milliseconds> accept(Slice frame, ConstBytes body) = 0;
  virtual void fail_with(const Error& error) = 0;
  [[nodiscard]] virtual bool finished() const = 0;

 protected:
  net::Event done_;

 private:
  bool abandoned_ = false;
  net::Event* wake_reader_ = nullptr;
};

template <class Response>
class TypedCall final : public Call {
 public:
  using Call::Call;

  [[nodiscard]] Result<milliseconds> accept(Slice frame, ConstBytes body) override {
    auto decoded = protocol::decode<Response>(body, version);
    if (!decoded) return std::unexpected(std::move(decoded).error());
    milliseconds throttle{0};
    if constexpr (requires { decoded->throttle_time_ms; }) throttle = milliseconds(decoded->throttle_time_ms);
    if (!result_) result_ = Owned<Response>{std::move(frame), *std::move(decoded), version};
    done_.notify();
    return throttle;
  }

  void fail_with(const Error& error) override {
    if (!result_) result_ = std::unexpected(error);
    done_.notify();
  }

  [[nodiscard]] bool finished() const override { return result_.has_value(); }

  [[nodiscard]] net::Async<Owned<Response>> wait_until(SteadyTime limit) {
    while (!result_) LH_CO_TRY_VOID(co_await done_.wait_until(limit));
    co_return *std::move(result_);
  }

 private:
  std::optional<Result<Owned<Response>>> result_;
};

/// The answer to come to a submitted request. Move-only; dropping it abandons the answer, not the request.
template <class Response>
class Pending {
 public:
  explicit Pending(std::shared_ptr<TypedCall<Response>> call) : call_(std::move(call)) {}
  Pending(Pending&&) noexcept = default;
  Pending& operator=(Pending&& other) noexcept {
    std::swap(call_, other.call_);
    return *this;
  }
  ~Pending() {
    if (call_ != nullptr) call_->abandon();
  }

  /// The answer, or why there is none. To be called once. When the waiting coroutine is cancelled the request
  /// stays in flight and its answer is dropped.
  [[nodiscard]] net::Async<Owned<Response>> wait() { return wait_until(SteadyTime::max()); }
  /// The same, but leaves with NetErrc::timed_out when `limit` passes first. Unlike the call's own deadline
  /// that says nothing about the peer: the connection goes on.
  [[nodiscard]] net::Async<Owned<Response>> wait_until(SteadyTime limit) {
    // A coroutine's own reference: the Pending may be moved or dropped while this waits.
    const auto call = call_;
    co_return co_await call->wait_until(limit);
  }
  /// Whether `wait()` returns at once.
  [[nodiscard]] bool ready() const { return call_->finished(); }

 private:
  std::shared_ptr<TypedCall<Response>> call_;
};

}  // namespace longhaul::client
