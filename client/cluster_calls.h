#pragma once

// Templates of Cluster; included by cluster.h only.

#include <string>
#include <utility>

#include "client/cluster.h"
#include "net/error.h"

namespace longhaul::client {

template <class Request, class Make, class ErrorOf>
net::Async<Owned<typename Request::Response>> Cluster::call_routed(Route route, Make make,
                                                                   SteadyTime deadline, ErrorOf error_of) {
  auto backoff = retry_backoff();
  while (true) {
    Error error;
    auto connection = co_await route_to(route, deadline);
    if (connection) {
      Result<Request> request = make(**connection);
      if (!request) co_return std::unexpected(std::move(request).error());
      // The caller's deadline must not close a connection that others use; only a silent peer does.
      CallOptions call{.deadline = attempt_deadline(SteadyTime::max()), .max_version = route.max_version};
      auto pending = (*connection)->submit(*request, std::move(call));
      if (pending) {
        auto answer = co_await pending->wait_until(deadline);
        if (answer) {
          const ErrorCode code = protocol::kafka_error(error_of(answer->body));
          if (reaction_to(code) == Reaction::proceed) co_return answer;
          error =
              Error{code, (*connection)->name() + ": " + std::string(protocol::api_info(Request::kApi).name)};
        } else {
          error = std::move(answer).error();
          if (error.detail.empty() && !net::is_aborted(error)) {
            error.detail = (*connection)->name() + ": no answer to " +
                           std::string(protocol::api_info(Request::kApi).name);
          }
        }
      } else {
        error = std::move(pending).error();
      }
    } else {
      error = std::move(connection).error();
    }
    LH_CO_TRY_VOID(co_await after_failure(route, std::move(error), backoff, deadline));
  }
}

/// Makes the same request for every attempt.
template <class Request>
[[nodiscard]] auto same_request(Request request) {
  return [request = std::move(request)](const Connection&) -> Result<Request> { return request; };
}

template <class Request>
net::Async<Owned<typename Request::Response>> Cluster::call_any(Request request, SteadyTime deadline) {
  return call_routed<Request>(Route{}, same_request(std::move(request)), deadline,
                              top_level_error<typename Request::Response>);
}

template <class Request>
net::Async<Owned<typename Request::Response>> Cluster::call_controller(Request request, SteadyTime deadline) {
  return call_controller(std::move(request), deadline, top_level_error<typename Request::Response>);
}

template <class Request, class ErrorOf>
net::Async<Owned<typename Request::Response>> Cluster::call_controller(
    Request request, SteadyTime deadline, ErrorOf error_of, std::optional<std::int16_t> max_version) {
  return call_routed<Request>(Route{.target = Target::controller, .max_version = max_version},
                              same_request(std::move(request)), deadline, std::move(error_of));
}

template <class Request, class ErrorOf>
net::Async<Owned<typename Request::Response>> Cluster::call_leader(TopicPartition partition, Request request,
                                                                   SteadyTime deadline, ErrorOf error_of) {
  return call_routed<Request>(Route{.target = Target::leader, .partition = std::move(partition)},
                              same_request(std::move(request)), deadline, std::move(error_of));
}

template <class Request>
net::Async<Owned<typename Request::Response>> Cluster::call_coordinator(CoordinatorType type, std::string key,
                                                                        Request request,
                                                                        SteadyTime deadline) {
  return call_coordinator(type, std::move(key), std::move(request), deadline,
                          top_level_error<typename Request::Response>);
}

template <class Request, class ErrorOf>
net::Async<Owned<typename Request::Response>> Cluster::call_coordinator(CoordinatorType type, std::string key,
                                                                        Request request, SteadyTime deadline,
                                                                        ErrorOf error_of) {
  return call_coordinator_with<Request>(type, std::move(key), same_request(std::move(request)), deadline,
                                        std::move(error_of));
}

template <class Request, class Make, class ErrorOf>
net::Async<Owned<typename Request::Response>> Cluster::call_coordinator_with(CoordinatorType type,
                                                                             std::string key, Make make,
                                                                             SteadyTime deadline,
                                                                             ErrorOf error_of) {
  return call_routed<Request>(Route{.target = Target::coordinator, .type = type, .key = std::move(key)},
                              std::move(make), deadline, std::move(error_of));
}

template <class Request>
net::Async<Owned<typename Request::Response>> Cluster::call_broker(BrokerId broker, Request request,
                                                                   SteadyTime deadline) {
  return call_routed<Request>(Route{.target = Target::broker, .broker = broker},
                              same_request(std::move(request)), deadline,
                              top_level_error<typename Request::Response>);
}

}  // namespace longhaul::client
