#include "client/connection.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/check.h"
#include "client/error.h"
#include "net/error.h"

namespace longhaul::client {
namespace {

/// An answer to ApiVersions is a few hundred bytes, a token at most some kilobytes; whatever announces more
/// is no Kafka.
constexpr std::int32_t kHandshakeBytesMax = 1 << 20;
/// Header of every answer.
constexpr std::int32_t kFrameBytesMin = 4;
/// One gather write takes queued requests up to here, so that a throttle that arrives meanwhile stops the
/// rest.
constexpr std::size_t kWriteBytesMax = 4 << 20;
/// Answers nobody waits for are decoded for their throttle time up to this size, and skipped above.
constexpr std::size_t kAbandonedBytesMax = 64 * 1024;

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

Connection::~Connection() {
  io_.time.cancel(deadline_timer_);
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

// --- writing ---

net::Task Connection::write_loop() {
  while (!closed_reason_) {
    const auto now = io_.time.now();
    const auto throttled_until = pipeline_.throttled_until();
    const bool due = now >= reauthenticate_at_;
    Result<void> outcome;
    if (queue_.empty() && !due) {
      outcome = co_await pause_writing(reauthenticate_at_);
    } else if (now < throttled_until) {
      outcome = co_await pause_writing(throttled_until);
    } else if (due) {
      outcome = co_await reauthenticate();
    } else {
      outcome = co_await write_batch();
    }
    if (!outcome) close(explain(outcome.error()));
  }
}

net::Async<void> Connection::pause_writing(SteadyTime until) {
  auto waited = co_await wake_writer_.wait_until(until);
  if (!waited && waited.error().code == net::NetErrc::timed_out) co_return Result<void>{};
  co_return waited;
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
    return {};
  }
  const auto due = pipeline_.head();
  const auto is_token = due != nullptr && (due->api == protocol::ApiKey::sasl_handshake ||
                                           due->api == protocol::ApiKey::sasl_authenticate);
  const auto limit = is_token ? std::size_t{kHandshakeBytesMax} : options_.response_bytes_max;
  if (size < kFrameBytesMin || static_cast<std::size_t>(size) > limit) {
    return fail(ClientErrc::bad_frame_size, "{} bytes, {} are allowed", size, limit);
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
  if (*call == renewal_call_) on_renewal_answer(parts->body);
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
