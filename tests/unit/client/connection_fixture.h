#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "client/connection.h"
#include "client/error.h"
#include "protocol/messages/fetch.h"
#include "protocol/messages/metadata.h"
#include "tests/unit/client/scripted_broker.h"

namespace longhaul::client {

/// One connection to a scripted broker, in memory and under virtual time.
struct ConnectionFixture : testing::Test {
  ~ConnectionFixture() override { stop(); }

  void stop() { core.loop.run(group.stop()); }

  Result<std::shared_ptr<Connection>> open() {
    return core.loop.run(
        Connection::open(core.io, group, options, {"kafka-1", 9092}, in(std::chrono::seconds(10))));
  }
  std::shared_ptr<Connection> opened() {
    auto connection = open();
    EXPECT_TRUE(connection) << connection.error().message();
    return *connection;
  }
  std::string open_error() {
    const auto connection = open();
    return connection ? "opened" : connection.error().message();
  }
  [[nodiscard]] SteadyTime in(SteadyTime::duration duration) const { return core.loop.time.now() + duration; }
  [[nodiscard]] test::Wire& wire() const { return *core.connector.wires.back(); }

  static protocol::MetadataRequest metadata_request() {
    protocol::MetadataRequest request;
    request.topics.emplace();
    return request;
  }
  static protocol::MetadataResponse metadata_response(std::string cluster_id, std::int32_t throttle_ms = 0) {
    protocol::MetadataResponse response;
    response.cluster_id = std::move(cluster_id);
    response.throttle_time_ms = throttle_ms;
    return response;
  }
  /// A Fetch answer whose frame has about `size` bytes.
  static protocol::FetchResponse fetch_response(const Bytes& records) {
    protocol::FetchResponse response;
    response.responses.emplace_back();
    response.responses.back().partitions.emplace_back();
    response.responses.back().partitions.back().records = records;
    return response;
  }

  test::MemoryCore core;
  test::ScriptedBroker broker{core};
  net::TaskGroup group{core.loop.executor()};
  ClusterOptions options{.alias = "A", .bootstrap = {{"kafka-1", 9092}}};
};

}  // namespace longhaul::client
