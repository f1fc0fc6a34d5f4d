#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/call.h"
#include "client/frame_reader.h"
#include "client/options.h"
#include "client/pipeline.h"
#include "client/session_fsm.h"
#include "net/io.h"
#include "net/task_group.h"
#include "protocol/header.h"
#include "protocol/wire.h"

namespace longhaul::client {

/// One connection to one broker: TLS and authentication as configured, version negotiation, then requests in
/// order, several in flight, answers in the same order. One coroutine writes, one reads; both belong to the
/// task group given to `open`. Once closed, for whatever reason, it stays closed and every pending call has
/// failed with that reason. Lives on one core, as a shared_ptr.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  /// Connects, authenticates and negotiates versions. `group` outlives the connection's coroutines; `options`
  /// are copied. Errors say "cluster A: broker host:port: reason".
  [[nodiscard]] static net::Async<std::shared_ptr<Connection>> open(net::Io& io, net::TaskGroup& group,
                                                                    const ClusterOptions& options,
                                                                    Endpoint endpoint, SteadyTime deadline);
  ~Connection();

  /// Queues a request behind all earlier ones and returns without waiting. What `request` refers to through
  /// RecordsRef is kept alive by `call.keep`. Fails when the connection is closed, when the API has no common
  /// version, when the request has a value that the version cannot carry, or when too many requests are
  /// queued.
  template <class Request>
  [[nodiscard]] Result<Pending<typename Request::Response>> submit(const Request& request, CallOptions call);

  /// `submit`, then waits for the answer. `request` is used before the first suspension only.
  template <class Request>
  [[nodiscard]] net::Async<Owned<typename Request::Response>> call(Request request, CallOptions call_options);

  /// The version that requests of this kind are sent with here; an error when there is none in common.
  template <class Request>
  [[nodiscard]] Result<std::int16_t> version_of() const {
    return version_of(Request::kApi, std::nullopt);
  }
  [[nodiscard]] Result<std::int16_t> version_of(protocol::ApiKey api,
                                                std::optional<std::int16_t> max_version) const;

  /// Features that the broker has finalized, e.g. `transaction.version`; nullopt when it does not say.
  [[nodiscard]] std::optional<std::int16_t> finalized_feature(std::string_view name) const;

  /// Closes and fails all pending calls; the first reason counts.
  void close(const Error& reason);
  void close();
  [[nodiscard]] bool is_open() const { return !closed_reason_; }
  /// Why it is closed; null while it is open.
  [[nodiscard]] const Error* closed_reason() const { return closed_reason_ ? &*closed_reason_ : nullptr; }

  [[nodiscard]] const Endpoint& endpoint() const { return endpoint_; }
  /// "cluster A: broker kafka-1:9092", for messages.
  [[nodiscard]] const std::string& name() const { return name_; }
  /// Requests queued or in flight.
  [[nodiscard]] std::size_t pending() const { return pipeline_.size(); }
  /// Answers since version negotiation.
  [[nodiscard]] std::uint64_t answered() const { return answered_; }
  /// Until when the broker asked us to send nothing; in the past when it did not.
  [[nodiscard]] SteadyTime throttled_until() const { return pipeline_.throttled_until(); }

 private:
  struct Outgoing {
    protocol::GatherBuffer bytes;
    std::shared_ptr<Call> call;
  };

  Connection(net::Io& io, const ClusterOptions& options, Endpoint endpoint,
             std::unique_ptr<net::Stream> stream);

  [[nodiscard]] net::Async<void> negotiate(SteadyTime deadline);
  [[nodiscard]] net::Async<void> reauthenticate();
  void on_renewal_answer(ConstBytes body);
  /// Sets the time of the next authentication; the last token of this one was sent at `sent`.
  void renew_after(const SessionFsm::Ready& ready, SteadyTime sent);
  template <class Request>
  [[nodiscard]] Result<Pending<typename Request::Response>> submit_as(std::int16_t version,
                                                                      const Request& request,
                                                                      CallOptions call);
  [[nodiscard]] Result<std::int32_t> begin_request() const;
  void enqueue(protocol::GatherBuffer bytes, std::shared_ptr<Call> call, std::int32_t correlation_id);

  [[nodiscard]] net::Task write_loop();
  /// Until `until` or until the writer is woken.
  [[nodiscard]] net::Async<void> pause_writing(SteadyTime until);
  [[nodiscard]] net::Async<void> write_batch();
  [[nodiscard]] net::Task read_loop();
  [[nodiscard]] net::Async<void> read_response();
  [[nodiscard]] Result<void> check_size(std::int32_t size) const;
  [[nodiscard]] net::Async<void> skip_response(std::size_t size);
  /// Room for an answer from its call's pool; nullopt when the call was abandoned while it waited.
  [[nodiscard]] net::Async<std::optional<Slab>> make_room(Call& call, std::size_t size);
  [[nodiscard]] Result<void> deliver(Slice frame);

  void arm_deadline();
  void on_deadline();
  [[nodiscard]] Error explain(const Error& error) const;

  net::Io& io_;
  ClusterOptions options_;
  Endpoint endpoint_;
  std::string name_;
  std::unique_ptr<net::Stream> stream_;
  FrameReader reader_;
  SessionFsm session_;
  Pipeline pipeline_;
  std::deque<Outgoing> queue_;
  net::Event wake_writer_;
  net::Event room_granted_;
  net::TimerId deadline_timer_;
  SteadyTime armed_for_ = SteadyTime::max();
  SteadyTime reauthenticate_at_ = SteadyTime::max();
  std::shared_ptr<Call> renewal_call_;  ///< while an authentication is repeated
  std::optional<SessionFsm::Step> renewal_step_;
  std::uint64_t answered_ = 0;
  std::optional<Error> closed_reason_;
};

template <class Request>
Result<Pending<typename Request::Response>> Connection::submit(const Request& request, CallOptions call) {
  LH_TRY(const auto version, version_of(Request::kApi, call.max_version));
  return submit_as(version, request, std::move(call));
}

template <class Request>
Result<Pending<typename Request::Response>> Connection::submit_as(std::int16_t version,
                                                                  const Request& request, CallOptions call) {
  LH_TRY(const auto correlation_id, begin_request());
  auto bytes = protocol::encode_request(request, version, correlation_id, options_.client_id);
  if (!bytes) return in_context(std::move(bytes).error(), "{}", name_);
  auto state = std::make_shared<TypedCall<typename Request::Response>>(Request::kApi, version,
                                                                       std::move(call), io_.time);
  enqueue(*std::move(bytes), state, correlation_id);
  return Pending<typename Request::Response>(std::move(state));
}

template <class Request>
net::Async<Owned<typename Request::Response>> Connection::call(Request request, CallOptions call_options) {
  const auto self = shared_from_this();
  LH_CO_TRY(auto pending, submit(request, std::move(call_options)));
  co_return co_await pending.wait();
}

}  // namespace longhaul::client
