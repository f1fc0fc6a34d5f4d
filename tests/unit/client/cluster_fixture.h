#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/cluster.h"
#include "tests/unit/client/scripted_broker.h"

namespace longhaul::client {

/// A cluster of scripted brokers 1 to 3 in memory, behind two bootstrap addresses. Metadata is answered from
/// the members below; everything else as a test says.
struct ClusterFixture : testing::Test {
  struct Partition {
    std::int32_t leader = -1;
    std::int32_t epoch = 0;
  };

  ~ClusterFixture() override {
    if (cluster) core.loop.run(cluster->stop());
  }

  void make() {
    cluster.emplace(core.io, ClusterOptions{.alias = "A", .bootstrap = {{"boot-1", 9092}, {"boot-2", 9092}}});
    broker.on(protocol::ApiKey::metadata, [this](const test::ScriptedBroker::Request& request) {
      broker.answer(request, metadata_for(test::ScriptedBroker::decode<protocol::MetadataRequest>(request)));
    });
  }

  template <class T>
  Result<T> run(net::Async<T> coroutine) {
    return core.loop.run(std::move(coroutine));
  }
  [[nodiscard]] SteadyTime in(SteadyTime::duration duration) const { return core.loop.time.now() + duration; }
  std::shared_ptr<Connection> connected(BrokerId id, Lane lane) {
    auto connection = run(cluster->connection(id, lane, in(std::chrono::seconds(10))));
    EXPECT_TRUE(connection) << connection.error().message();
    return *connection;
  }
  /// The newest request of one kind.
  template <class Message>
  Message last(protocol::ApiKey api) {
    for (auto request = broker.requests.rbegin(); request != broker.requests.rend(); ++request) {
      if (request->parts.api_key == api) return test::ScriptedBroker::decode<Message>(*request);
    }
    ADD_FAILURE() << "no such request";
    return {};
  }

  protocol::MetadataResponse metadata_for(const protocol::MetadataRequest& request) {
    protocol::MetadataResponse response;
    for (const auto& [id, host] : hosts) {
      response.brokers.push_back({.node_id = id, .host = host, .port = 9092, .rack = std::nullopt});
    }
    response.cluster_id = "cluster-id";
    response.controller_id = controller;
    std::vector<std::string> names;
    if (request.topics) {
      for (const auto& topic : *request.topics) names.push_back(topic.name.value_or(""));
    } else {
      for (const auto& [name, partitions] : topics) names.push_back(name);
    }
    for (const auto& name : names) {
      auto& topic = response.topics.emplace_back();
      topic.name = name;
      const auto found = topics.find(name);
      if (found == topics.end()) {
        topic.error_code = protocol::KafkaErrc::unknown_topic_or_partition;
        continue;
      }
      for (const auto& partition : found->second) {
        auto& out = topic.partitions.emplace_back();
        out.partition_index = static_cast<std::int32_t>(topic.partitions.size()) - 1;
        out.leader_id = partition.leader;
        out.leader_epoch = partition.epoch;
      }
    }
    return response;
  }

  test::MemoryCore core;
  test::ScriptedBroker broker{core};
  std::map<std::int32_t, std::string> hosts = {{1, "host-1"}, {2, "host-2"}, {3, "host-3"}};
  std::int32_t controller = 1;
  std::map<std::string, std::vector<Partition>> topics;
  std::optional<Cluster> cluster;
};

}  // namespace longhaul::client
