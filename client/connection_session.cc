// How a connection's session begins, is renewed, and what it means when it ends too early.

#include <string.h>

#include <limits>

#include "client/connection.h"
#include "client/error.h"
#include "client/raw_call.h"
#include "net/error.h"
#include "net/tls.h"
#include "protocol/messages/api_versions.h"
#include "protocol/messages/sasl_authenticate.h"
#include "protocol/messages/sasl_handshake.h"

namespace longhaul::client {
namespace {

/// Our name in the broker's metrics (KIP-511).
constexpr const char* kSoftwareName = "longhaul";
constexpr const char* kSoftwareVersion = "0.1.0";

/// The eight highest correlation ids, which no other request uses, are those of a renewed authentication, as
/// in Kafka's clients.
constexpr std::int32_t kReservedIds = 8;
constexpr std::int32_t kFirstReservedId = std::numeric_limits<std::int32_t>::max() - (kReservedIds - 1);

struct Encoded {
  protocol::ApiKey api;
  std::int16_t version;
  protocol::GatherBuffer bytes;
};

template <class Request>
Result<Encoded> encoded(const Request& request, std::int16_t version, std::int32_t correlation_id,
                        const std::string& client_id) {
  LH_TRY(auto bytes, protocol::encode_request(request, version, correlation_id, client_id));
  return Encoded{Request::kApi, version, std::move(bytes)};
}

/// The request that a step asks for; null for a step that asks for nothing. Tokens are overwritten.
Result<Encoded> encode_step(SessionFsm::Step& step, std::int32_t correlation_id,
                            const std::string& client_id) {
  if (auto* const ask = std::get_if<AskToken>(&step)) {
    protocol::SaslAuthenticateRequest request{.auth_bytes = std::move(ask->token)};
    auto result = encoded(request, ask->version, correlation_id, client_id);
    ::explicit_bzero(request.auth_bytes.data(), request.auth_bytes.size());
    return result;
  }
  if (const auto* const ask = std::get_if<AskHandshake>(&step)) {
    return encoded(protocol::SaslHandshakeRequest{.mechanism = ask->mechanism}, 1, correlation_id, client_id);
  }
  return encoded(protocol::ApiVersionsRequest{.client_software_name = kSoftwareName,
                                              .client_software_version = kSoftwareVersion},
                 std::get<SessionFsm::AskVersions>(step).version, correlation_id, client_id);
}

bool asks(const SessionFsm::Step& step) {
  return !std::holds_alternative<SessionFsm::Ready>(step) && !std::holds_alternative<Error>(step);
}

std::optional<SaslSetup> setup_of(const ClusterOptions& options, const Endpoint& endpoint) {
  if (!options.sasl) return std::nullopt;
  return sasl_setup(*options.sasl, endpoint.host);
}

}  // namespace

net::Async<std::shared_ptr<Connection>> Connection::open(net::Io& io, net::TaskGroup& group,
                                                         const ClusterOptions& options, Endpoint endpoint,
                                                         SteadyTime deadline) {
  const auto name = fmt::format("cluster {}: broker {}", options.alias, endpoint.to_string());
  const auto copied_options = options;
  auto stream = co_await io.connector.connect(endpoint.host, endpoint.port, deadline);
  if (stream && copied_options.tls != nullptr) {
    stream =
        co_await net::tls_connect(*std::move(stream), copied_options.tls, endpoint.host, io.time, deadline);
  }
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
      session_(setup_of(options, endpoint_)),
      pipeline_(options.requests_max),
      wake_writer_(io.time),
      room_granted_(io.time) {}

net::Async<void> Connection::negotiate(SteadyTime deadline) {
  auto step = session_.start();
  SteadyTime sent{};
  while (asks(step)) {
    if (std::holds_alternative<AskToken>(step)) sent = io_.time.now();
    LH_CO_TRY(const auto correlation_id, begin_request());
    auto request = encode_step(step, correlation_id, options_.client_id);
    if (!request) co_return in_context(std::move(request).error(), "{}", name_);
    const auto call = std::make_shared<RawCall>(request->api, request->version,
                                                CallOptions{.deadline = deadline}, io_.time);
    enqueue(std::move(request->bytes), call, correlation_id);
    LH_CO_TRY(const auto body, co_await call->wait());
    step = session_.on_response(body);
  }
  if (auto* error = std::get_if<Error>(&step)) co_return fail(explain(*error));
  answered_ = 0;
  renew_after(std::get<SessionFsm::Ready>(step), sent);
  co_return Result<void>{};
}

// Runs in the writer's loop, so that nothing else is written meanwhile: a broker that is asked to renew takes
// only what belongs to it. Its requests go in front of those that wait to be written and behind those that
// were, whose answers come first.
net::Async<void> Connection::reauthenticate() {
  auto& step = renewal_step_.emplace(session_.reauthenticate());
  SteadyTime sent{};
  for (std::int32_t number = 0; asks(step); ++number) {
    sent = io_.time.now();
    const auto correlation_id = kFirstReservedId + number % kReservedIds;
    LH_CO_TRY(const auto request, encode_step(step, correlation_id, options_.client_id));
    // Its turn comes when all that was sent before has been answered.
    const auto deadline = net::saturating_add(pipeline_.latest_deadline(sent), options_.request_timeout);
    const auto call =
        std::make_shared<RawCall>(request.api, request.version, CallOptions{.deadline = deadline}, io_.time);
    pipeline_.add_before(queue_.size(), call, correlation_id);
    renewal_call_ = call;
    arm_deadline();
    const auto pieces = request.bytes.pieces();
    LH_CO_TRY_VOID(co_await stream_->write_all(pieces));
    // `on_renewal_answer` has taken the step when this returns.
    LH_CO_TRY_VOID(co_await call->wait());
    if (closed_reason_) co_return fail(net::aborted());
  }
  if (auto* error = std::get_if<Error>(&step)) co_return fail(std::move(*error));
  renew_after(std::get<SessionFsm::Ready>(step), sent);
  renewal_call_.reset();
  renewal_step_.reset();
  co_return Result<void>{};
}

// Called by the reader and not left to the writer, who waits for it: a broker that refuses hangs up next, and
// it is the refusal that counts.
void Connection::on_renewal_answer(ConstBytes body) {
  renewal_step_ = session_.on_response(body);
  if (const auto* const error = std::get_if<Error>(&*renewal_step_)) close(explain(*error));
}

void Connection::renew_after(const SessionFsm::Ready& ready, SteadyTime sent) {
  reauthenticate_at_ = reauthentication_time(sent, io_.time.now(), ready.lifetime, io_.random);
  wake_writer_.notify();
}

Error Connection::explain(const Error& error) const {
  if (net::is_aborted(error)) return Error{error.code, {}};
  const bool renewing = session_.ready() && session_.authenticating();
  const auto context = renewing ? name_ + ": authenticating again" : name_;
  Error explained{error.code, error.detail.empty() ? context : context + ": " + error.detail};
  if (error.code != net::NetErrc::closed_by_peer && error.code != boost::system::errc::connection_reset &&
      error.code != boost::system::errc::broken_pipe) {
    return explained;
  }
  if (session_.authenticating()) {
    explained.code = ClientErrc::closed_in_authentication;
  } else if (!session_.ready()) {
    explained.code = options_.tls != nullptr ? ClientErrc::closed_after_tls : ClientErrc::closed_in_handshake;
  } else if (answered_ == 0 && !pipeline_.empty() && !options_.sasl) {
    explained.code = ClientErrc::closed_at_first_request;
  }
  return explained;
}

}  // namespace longhaul::client
