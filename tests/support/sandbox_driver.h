#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "protocol/header.h"
#include "protocol/messages/all.h"
#include "sandbox/cluster.h"

/// A sandbox cluster under hand-made time, and clients that talk to it in whole frames.
namespace longhaul::testing {

class SandboxDriver {
 public:
  explicit SandboxDriver(sandbox::ClusterOptions options = {}) : cluster(std::move(options)) {}

  sandbox::Cluster cluster;
  sandbox::Now now{.steady = SteadyTime(std::chrono::hours(1)), .wall_ms = 1'700'000'100'000};

  sandbox::ConnectionId connect(std::int32_t broker = 1) {
    const auto id = ++last_connection_;
    cluster.connected(id, BrokerId(broker), now);
    collect();
    return id;
  }
  void disconnect(sandbox::ConnectionId connection) {
    cluster.disconnected(connection, now);
    collect();
  }

  /// Time goes on, and everything that falls due meanwhile happens at its own time.
  void advance(milliseconds by) {
    const auto end = now.steady + by;
    for (auto next = cluster.next_timer(); next && *next <= end; next = cluster.next_timer()) {
      move_to(*next);
      cluster.on_timer(now);
      collect();
    }
    move_to(end);
  }

  template <protocol::RequestMessage Request>
  void send(sandbox::ConnectionId connection, const Request& request, int version) {
    const auto frame = must(protocol::encode_request(request, version, ++last_correlation_, client_id));
    const auto bytes = frame.flattened();
    cluster.received(connection, Slice::copy_of(ConstBytes(bytes).subspan(4)), now);
    collect();
  }

  /// The next response on that connection, nothing while there is none. The frame stays alive until the
  /// connection's next response is taken, as views into it do.
  template <protocol::RequestMessage Request>
  std::optional<typename Request::Response> take(sandbox::ConnectionId connection, int version) {
    auto& frames = frames_[connection];
    if (frames.empty()) return std::nullopt;
    current_[connection] = std::move(frames.front());
    frames.pop_front();
    const auto frame = ConstBytes(current_[connection]).subspan(4);
    const auto parts = must(protocol::split_response(frame, Request::kApi, version));
    return must(protocol::decode<typename Request::Response>(parts.body, version));
  }

  /// Sends and takes; throws where there is no response.
  template <protocol::RequestMessage Request>
  typename Request::Response call(sandbox::ConnectionId connection, const Request& request, int version) {
    send(connection, request, version);
    auto response = take<Request>(connection, version);
    if (!response) throw std::logic_error("no response");
    return *std::move(response);
  }

  [[nodiscard]] bool is_closed(sandbox::ConnectionId connection) const {
    return closed_.contains(connection);
  }
  [[nodiscard]] std::size_t frames(sandbox::ConnectionId connection) { return frames_[connection].size(); }
  Bytes take_frame(sandbox::ConnectionId connection) {
    auto frame = std::move(frames_[connection].front());
    frames_[connection].pop_front();
    return frame;
  }
  /// Sends bytes as they are, without their size.
  void send_raw(sandbox::ConnectionId connection, ConstBytes frame) {
    cluster.received(connection, Slice::copy_of(frame), now);
    collect();
  }
  void collect() {
    for (auto& output : cluster.take_outputs()) {
      if (output.kind == sandbox::Output::Kind::close) {
        closed_.emplace(output.connection, true);
      } else {
        frames_[output.connection].push_back(output.frame.flattened());
      }
    }
  }

  std::string client_id = "test";

 private:
  void move_to(SteadyTime time) {
    if (time <= now.steady) return;
    now.wall_ms += std::chrono::duration_cast<milliseconds>(time - now.steady).count();
    now.steady = time;
  }
  template <class T>
  static T must(Result<T> result) {
    if (!result) throw std::logic_error(result.error().message());
    return *std::move(result);
  }

  std::map<sandbox::ConnectionId, std::deque<Bytes>> frames_;
  std::map<sandbox::ConnectionId, Bytes> current_;
  std::map<sandbox::ConnectionId, bool> closed_;
  sandbox::ConnectionId last_connection_ = 0;
  std::int32_t last_correlation_ = 0;
};

/// A Produce request with one batch.
[[nodiscard]] inline protocol::ProduceRequest produce_request(const std::string& topic,
                                                              std::int32_t partition, ConstBytes records,
                                                              std::int16_t acks = -1) {
  protocol::ProduceRequest request;
  request.acks = acks;
  request.timeout_ms = 30'000;
  protocol::TopicProduceData data{.name = topic, .partition_data = {}};
  data.partition_data.push_back({.index = partition, .records = {.header = {}, .payload = records}});
  request.topic_data.push_back(std::move(data));
  return request;
}

/// A Fetch request by name for one partition, until version 12, without a session.
[[nodiscard]] inline protocol::FetchRequest fetch_request(const std::string& topic, std::int32_t partition,
                                                          std::int64_t offset) {
  protocol::FetchRequest request;
  request.max_wait_ms = 500;
  request.min_bytes = 1;
  request.max_bytes = 50 << 20;
  protocol::FetchTopic fetched;
  fetched.topic = topic;
  fetched.partitions.push_back(
      {.partition = partition, .fetch_offset = offset, .partition_max_bytes = 1 << 20});
  request.topics.push_back(std::move(fetched));
  return request;
}

}  // namespace longhaul::testing
