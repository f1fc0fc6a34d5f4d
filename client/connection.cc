#include "client/connection.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/check.h"
#include "client/error.h"
#include "net/deadline.h"
#include "net/error.h"
#include "protocol/messages/api_versions.h"

namespace longhaul::client {
namespace {

/// Our name in the broker's metrics (KIP-511).
constexpr const char* kSoftwareName = "longhaul";
constexpr const char* kSoftwareVersion = "0.1.0";

/// An answer to ApiVersions is a few hundred bytes; whatever announces more is no Kafka.
constexpr std::int32_t kHandshakeBytesMax = 1 << 20;
/// Header of every answer.
constexpr std::int32_t kFrameBytesMin = 4;
/// One gather write takes queued requests up to here, so that a throttle that arrives meanwhile stops the
/// rest.
constexpr std::size_t kWriteBytesMax = 4 << 20;
/// Answers nobody waits for are decoded for their throttle time up to this size, and skipped above.
constexpr std::size_t kAbandonedBytesMax = 64 * 1024;

/// An answer left as it came: ApiVersions is decoded by the session, because its version is in doubt.
class RawCall final : public Call {
 public:
  using Call::Call;
  [[nodiscard]] Result<milliseconds> accept(Slice frame, ConstBytes body) override {
    frame_ = std::move(frame);
    result_ = body;
    done_.notify();
    return milliseconds(0);
  }
  void fail_with(const Error& error) override {
    if (!result_) result_ = std::unexpected(error);
    done_.notify();
  }
  [[nodiscard]] bool finished() const override { return result_.has_value(); }
  /// The body, a view that lives as long as this call.
  [[nodiscard]] net::Async<ConstBytes> wait() {
    while (!result_) LH_CO_TRY_VOID(co_await done_.wait());
    co_return *result_;
  }

 private:
  Slice frame_;
  std::optional<Result<ConstBytes>> result_;
};

/// What the first four bytes of a peer that is no Kafka broker look like.
ClientErrc recognise(std::int32_t size) {
  std::array<std::byte, 4> first{};
  store_be(first, 0, size);
  const auto is_tls_record = first[0] == std::byte{0x15} || first[0] == std::byte{0x16};
  if (is_tls_record && first[1] == std::byte{0x03}) return ClientErrc::answered_tls;
  if (as_text(first) == "HTTP") return ClientErrc::answered_http;
  return ClientErrc::not_kafka;
}

}  // namespace

net::Async<std::shared_ptr<Connection>> Connection::open(net::Io& io, net::TaskGroup& group,
                                                         const ClusterOptions& options, Endpoint endpoint,
                                                         SteadyTime deadline) {
  const auto name = fmt::format("cluster {}: broker {}", options.alias, endpoint.to_string());
  const auto copied_options = options;
  auto stream = co_await io.connector.connect(endpoint.host, endpoint.port, deadline);
  if (!stream) co_return in_context(std::move(stream).error(), "{}", name);
  const std::shared_ptr<Connection> self(
      new Connection(io, copied_options, std::move(endpoint), *std::move(stream)));
  const bool spawned = group.spawn([self]() -> net::Task { return self->write_loop(); }) &&
                       group.spawn([self]() -> net::Task { return self->read_loop(); });
  if (!spawned) {
    self->close(Error{net::aborted(), {}});
    co_return fail(net::aborted());
  }
  if (auto ready = co_await self->negotiate(deadline); !ready) {
    self->close(ready.error());
    co_return std::unexpected(std::move(ready).error());
  }
  co_return self;
}

Connection::Connection(net::Io& io, const ClusterOptions& options, Endpoint endpoint,
                       std::unique_ptr<net::Stream> stream)
    : io_(io),
      options_(options),
      endpoint_(std::move(endpoint)),
      name_(fmt::format("cluster {}: broker {}", options.alias, endpoint_.to_string())),
      stream_(std::move(stream)),
      reader_(*stream_),
      pipeline_(options.requests_max),
      wake_writer_(io.time),
      room_granted_(io.time) {}

Connection::~Connection() {
  io_.time.cancel(deadline_timer_);
}

net::Async<void> Connection::negotiate(SteadyTime deadline) {
  auto step = session_.start();
  while (const auto* ask = std::get_if<SessionFsm::Ask>(&step)) {
    const protocol::ApiVersionsRequest request{.client_software_name = kSoftwareName,
                                               .client_software_version = kSoftwareVersion};
    LH_CO_TRY(const auto correlation_id, begin_request());
    auto bytes = protocol::encode_request(request, ask->version, correlation_id, options_.client_id);
    if (!bytes) co_return in_context(std::move(bytes).error(), "{}", name_);
    const auto call = std::make_shared<RawCall>(protocol::ApiKey::api_versions, ask->version,
                                                CallOptions{.deadline = deadline}, io_.time);
    enqueue(*std::move(bytes), call, correlation_id);
    LH_CO_TRY(const auto body, co_await call->wait());
    step = session_.on_response(body);
  }
  if (auto* error = std::get_if<Error>(&step)) co_return fail(explain(*error));
  answered_ = 0;
  co_return Result<void>{};
}

Result<std::int16_t> Connection::version_of(protocol::ApiKey api,
                                            std::optional<std::int16_t> max_version) const {
  auto version = session_.version_of(api, max_version);
  if (!version) return in_context(std::move(version).error(), "{}", name_);
  return version;
}

std::optional<std::int16_t> Connection::finalized_feature(std::string_view name) const {
  return session_.finalized_feature(name);
}

Result<std::int32_t> Connection::begin_request() const {
  if (closed_reason_) return fail(*closed_reason_);
  if (pipeline_.full()) return fail(ClientErrc::too_many_requests, "{}", name_);
  return pipeline_.next_correlation_id();
}

void Connection::enqueue(protocol::GatherBuffer bytes, std::shared_ptr<Call> call,
                         std::int32_t correlation_id) {
  LH_CHECK(correlation_id == pipeline_.next_correlation_id());
  pipeline_.add(call);
  queue_.push_back({std::move(bytes), std::move(call)});
  arm_deadline();
  wake_writer_.notify();
}

void Connection::close() {
  close(Error{ClientErrc::connection_closed, name_});
}

void Connection::close(const Error& reason) {
  if (closed_reason_) return;
  closed_reason_ = reason;
  stream_->close();
  io_.time.cancel(deadline_timer_);
  queue_.clear();
  for (const auto& call : pipeline_.take_all()) call->fail_with(reason);
  wake_writer_.notify();
  room_granted_.notify();
}

Error Connection::explain(const Error& error) const {
  if (net::is_aborted(error)) return Error{error.code, {}};
  Error explained{error.code, error.detail.empty() ? name_ : name_ + ": " + error.detail};
  if (error.code != net::NetErrc::closed_by_peer && error.code != boost::system::errc::connection_reset &&
      error.code != boost::system::errc::broken_pipe) {
    return explained;
  }
  if (!session_.ready()) {
    explained.code = ClientErrc::closed_in_handshake;
  } else if (answered_ == 0 && !pipeline_.empty()) {
    explained.code = ClientErrc::closed_at_first_request;
  }
  return explained;
}

// --- writing ---

net::Task Connection::write_loop() {
  while (!closed_reason_) {
    Result<void> outcome;
    if (queue_.empty()) {
      outcome = co_await wake_writer_.wait();
    } else if (io_.time.now() < pipeline_.throttled_until()) {
      outcome = co_await wake_writer_.wait_until(pipeline_.throttled_until());
      if (!outcome && outcome.error().code == net::NetErrc::timed_out) continue;
    } else {
      outcome = co_await write_batch();
    }
    if (!outcome) close(explain(outcome.error()));
  }
}

net::Async<void> Connection::write_batch() {
  // Owned by this frame while it is written: `close` may empty the queue meanwhile.
  std::vector<Outgoing> batch;
  std::vector<ConstBytes> pieces;
  std::size_t size = 0;
  while (!queue_.empty() && (batch.empty() || size + queue_.front().bytes.size() <= kWriteBytesMax)) {
    size += queue_.front().bytes.size();
    batch.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  for (const auto& outgoing : batch) {
    const auto some = outgoing.bytes.pieces();
    pieces.insert(pieces.end(), some.begin(), some.end());
  }
  auto written = co_await stream_->write_all(pieces);
  for (const auto& outgoing : batch) outgoing.call->options.keep.clear();
  co_return written;
}

// --- reading ---

net::Task Connection::read_loop() {
  while (!closed_reason_) {
    const auto outcome = co_await read_response();
    if (!outcome) close(explain(outcome.error()));
  }
}

net::Async<void> Connection::read_response() {
  LH_CO_TRY(const auto announced, co_await reader_.read_size());
  LH_CO_TRY_VOID(check_size(announced));
  const auto size = static_cast<std::size_t>(announced);
  const auto call = pipeline_.head();
  if (call == nullptr) co_return fail(ClientErrc::unexpected_response);
  if (call->abandoned() && size > kAbandonedBytesMax) co_return co_await skip_response(size);
  LH_CO_TRY(auto room, co_await make_room(*call, size));
  if (!room) co_return co_await skip_response(size);
  LH_CO_TRY_VOID(co_await reader_.read_body(room->bytes()));
  if (closed_reason_) co_return fail(net::aborted());
  co_return deliver(std::move(*room).share());
}

Result<void> Connection::check_size(std::int32_t size) const {
  if (!session_.ready()) {
    if (size < kFrameBytesMin || size > kHandshakeBytesMax) return fail(recognise(size));
  } else if (size < kFrameBytesMin || static_cast<std::size_t>(size) > options_.response_bytes_max) {
    return fail(ClientErrc::bad_frame_size, "{} bytes, {} are allowed", size, options_.response_bytes_max);
  }
  return {};
}

net::Async<void> Connection::skip_response(std::size_t size) {
  std::array<std::byte, sizeof(std::int32_t)> head{};
  LH_CO_TRY_VOID(co_await reader_.read_body(head));
  LH_CO_TRY_VOID(co_await reader_.skip_body(size - head.size()));
  if (closed_reason_) co_return fail(net::aborted());
  LH_CO_TRY(const auto call, pipeline_.match(load_be<std::int32_t>(head)));
  ++answered_;
  co_return Result<void>{};
}

net::Async<std::optional<Slab>> Connection::make_room(Call& call, std::size_t size) {
  auto* const pool = call.abandoned() ? nullptr : call.options.response_pool;
  if (pool == nullptr) co_return Slab::unbudgeted(size);
  // Shared with the pool's callback, which may come when this coroutine has been cancelled.
  const auto granted = std::make_shared<std::optional<Slab>>();
  const auto ticket = pool->request(size, [granted, self = shared_from_this()](Slab slab) {
    *granted = std::move(slab);
    self->room_granted_.notify();
  });
  if (*granted) co_return std::move(*granted);

  // Waiting for room is no fault of the peer: deadlines stand still.
  pipeline_.pause(io_.time.now());
  call.set_wake_reader(&room_granted_);
  Result<void> outcome;
  while (outcome && !*granted && !closed_reason_ && !call.abandoned())
    outcome = co_await room_granted_.wait();
  call.set_wake_reader(nullptr);
  pool->cancel(ticket);
  pipeline_.resume(io_.time.now());
  arm_deadline();
  if (!outcome) co_return std::unexpected(std::move(outcome).error());
  if (closed_reason_) co_return fail(net::aborted());
  co_return std::move(*granted);
}

Result<void> Connection::deliver(Slice frame) {
  const auto* const due = pipeline_.head().get();
  if (due == nullptr) return fail(ClientErrc::unexpected_response);
  auto parts = protocol::split_response(frame.bytes(), due->api, due->version);
  if (!parts) {
    return fail(session_.ready() ? ClientErrc::undecodable_response : ClientErrc::not_kafka,
                "header of {}: {}", protocol::api_info(due->api).name, parts.error().message());
  }
  auto call = pipeline_.match(parts->correlation_id);
  if (!call) {
    if (session_.ready()) return std::unexpected(std::move(call).error());
    return fail(ClientErrc::not_kafka, "{}", call.error().detail);
  }
  const auto throttle = (*call)->accept(std::move(frame), parts->body);
  if (!throttle) {
    Error error{ClientErrc::undecodable_response, throttle.error().message()};
    (*call)->fail_with(explain(error));
    return fail(std::move(error));
  }
  ++answered_;
  pipeline_.throttle(io_.time.now(), *throttle);
  return {};
}

// --- deadlines ---

void Connection::arm_deadline() {
  const auto next = pipeline_.next_deadline();
  // A later deadline is found when the timer fires; moving the timer for each answer would cost more.
  if (closed_reason_ || next >= armed_for_) return;
  io_.time.cancel(deadline_timer_);
  armed_for_ = next;
  deadline_timer_ = io_.time.call_at(next, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->on_deadline();
  });
}

void Connection::on_deadline() {
  armed_for_ = SteadyTime::max();
  const auto* const late = pipeline_.expired(io_.time.now());
  if (late == nullptr) {
    arm_deadline();
    return;
  }
  const auto* const hint = session_.ready() ? "" : " (is it a Kafka listener?)";
  close(explain(Error{net::NetErrc::timed_out,
                      fmt::format("no answer to {}{}", protocol::api_info(late->api).name, hint)}));
}

}  // namespace longhaul::client
