#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "protocol/header.h"
#include "protocol/messages/api_versions.h"
#include "protocol/messages/metadata.h"
#include "tests/unit/client/memory_net.h"

namespace longhaul::test {

/// Answers requests in memory as a script says. ApiVersions is answered with our own table unless told
/// otherwise.
class ScriptedBroker {
 public:
  struct Request {
    protocol::RequestParts parts;
    std::shared_ptr<const Bytes> frame;  ///< what `parts.body` points into, in copies of this too
    std::shared_ptr<Wire> wire;
    SteadyTime when;
  };
  /// What to do with a request; the answer, if any, goes through `answer`.
  using Script = std::function<void(const Request&)>;

  explicit ScriptedBroker(MemoryCore& core) : core_(core) {
    core.connector.on_connect = [this](const std::shared_ptr<Wire>& wire) -> Result<void> {
      if (refuse) return fail(*refuse);
      attach(wire);
      return {};
    };
    on(protocol::ApiKey::api_versions, [this](const Request& request) { answer(request, our_versions()); });
  }

  void on(protocol::ApiKey api, Script script) { scripts_[api] = std::move(script); }

  template <class Response>
  void answer(const Request& request, const Response& response) {
    answer_as(request, response, request.parts.correlation_id);
  }
  template <class Response>
  void answer_as(const Request& request, const Response& response, std::int32_t correlation_id) {
    const auto frame = protocol::encode_response(response, request.parts.api_version, correlation_id);
    LH_CHECK(frame.has_value());
    request.wire->send(frame->flattened());
  }
  template <class RequestMessage>
  static RequestMessage decode(const Request& request) {
    auto decoded = protocol::decode<RequestMessage>(request.parts.body, request.parts.api_version);
    LH_CHECK(decoded.has_value());
    return *std::move(decoded);
  }

  static protocol::ApiVersionsResponse our_versions() {
    protocol::ApiVersionsResponse response;
    for (const auto& api : protocol::kApis) {
      response.api_keys.push_back({static_cast<std::int16_t>(api.key), 0, api.version_max_described});
    }
    return response;
  }

  /// Requests of one kind seen so far.
  [[nodiscard]] std::size_t count(protocol::ApiKey api) const {
    return static_cast<std::size_t>(
        std::count_if(requests.begin(), requests.end(),
                      [api](const auto& request) { return request.parts.api_key == api; }));
  }

  std::vector<Request> requests;
  std::optional<ErrorCode> refuse;
  /// Above 0 requests are served one after the other, each so long after the one before.
  milliseconds service_time{0};

 private:
  void attach(const std::shared_ptr<Wire>& wire) {
    wire->on_write = [this, weak = std::weak_ptr(wire)] {
      if (const auto alive = weak.lock()) take_requests(alive);
    };
  }

  void take_requests(const std::shared_ptr<Wire>& wire) {
    auto& bytes = wire->from_client;
    while (bytes.size() >= 4) {
      const auto size = static_cast<std::size_t>(load_be<std::int32_t>(bytes));
      if (bytes.size() < 4 + size) return;
      const auto end = bytes.begin() + 4 + static_cast<std::ptrdiff_t>(size);
      auto frame = std::make_shared<const Bytes>(bytes.begin() + 4, end);
      bytes.erase(bytes.begin(), end);
      const auto parts = protocol::split_request(*frame);
      LH_CHECK(parts.has_value());
      requests.push_back({*parts, std::move(frame), wire, core_.loop.time.now()});
      // A copy: the script may lead to further requests.
      const auto request = requests.back();
      if (service_time == milliseconds(0)) {
        serve(request);
      } else {
        backlog_.push_back(request);
        if (backlog_.size() == 1) serve_next();
      }
    }
  }

  void serve(const Request& request) {
    const auto script = scripts_.find(request.parts.api_key);
    if (script != scripts_.end()) script->second(request);
  }
  void serve_next() {
    (void)core_.loop.time.call_at(core_.loop.time.now() + service_time, [this] {
      serve(backlog_.front());
      backlog_.pop_front();
      if (!backlog_.empty()) serve_next();
    });
  }

  std::deque<Request> backlog_;
  MemoryCore& core_;
  std::map<protocol::ApiKey, Script> scripts_;
};

}  // namespace longhaul::test
