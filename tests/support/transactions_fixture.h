#pragma once

#include <gtest/gtest.h>

#include <variant>
#include <vector>

#include "tests/support/transactional_client.h"

/// What the tests of transactions share.
namespace longhaul::testing {

/// One topic of three partitions on a broker that never waits.
class TransactionsFixture : public ::testing::Test {
 protected:
  explicit TransactionsFixture(sandbox::ClusterOptions options = {}) : driver(std::move(options)) {}
  void SetUp() override { ASSERT_TRUE(driver.cluster.create_topic("orders", 3)); }

  /// The answer of a fetch of partition 0, without waiting.
  protocol::PartitionData fetch(std::int64_t offset, protocol::IsolationLevel isolation,
                                std::int32_t partition = 0) {
    auto request = fetch_request("orders", partition, offset);
    request.max_wait_ms = 0;
    request.isolation_level = isolation;
    return driver.call(reader, request, 12).responses.at(0).partitions.at(0);
  }
  std::int64_t end_offset(std::int32_t partition = 0) const {
    return driver.cluster.partition("orders", PartitionIndex(partition))->end_offset;
  }
  /// Base offsets of what a transactional reader gets.
  std::vector<std::int64_t> committed_bases(std::int64_t offset = 0) {
    const auto answer = fetch(offset, protocol::IsolationLevel::read_committed);
    protocol::RecordSetReader batches(answer.records);
    std::vector<std::int64_t> bases;
    while (const auto entry = batches.next()) {
      bases.push_back(std::get<protocol::RecordBatchView>(*entry).base_offset().value());
    }
    return bases;
  }
  std::int64_t latest(protocol::IsolationLevel isolation) {
    protocol::ListOffsetsRequest request;
    request.isolation_level = isolation;
    request.topics.push_back({.name = "orders", .partitions = {{.partition_index = 0, .timestamp = -1}}});
    return driver.call(reader, request, 6).topics.at(0).partitions.at(0).offset;
  }

  SandboxDriver driver;
  sandbox::ConnectionId reader = driver.connect();
};

}  // namespace longhaul::testing
