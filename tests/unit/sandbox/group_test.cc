#include <gtest/gtest.h>

#include "tests/support/sandbox_driver.h"

namespace longhaul::sandbox {
namespace {

using protocol::JoinGroupRequest;
using protocol::KafkaErrc;
using protocol::SyncGroupRequest;
using testing::SandboxDriver;

Bytes bytes_of(std::string_view text) {
  const auto bytes = as_bytes(text);
  return {bytes.begin(), bytes.end()};
}

class GroupTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(driver.cluster.create_topic("orders", 1)); }

  static JoinGroupRequest join_request(const std::string& member, const std::string& metadata = "m") {
    JoinGroupRequest request;
    request.group_id = "g";
    request.session_timeout_ms = 10'000;
    request.rebalance_timeout_ms = 60'000;
    request.member_id = member;
    request.protocol_type = "consumer";
    request.protocols.push_back({.name = "range", .metadata = bytes_of(metadata)});
    return request;
  }
  /// The id that a new member is given before it joins.
  std::string new_member(ConnectionId client) {
    const auto response = driver.call(client, join_request(""), 9);
    EXPECT_EQ(response.error_code, KafkaErrc::member_id_required);
    return response.member_id;
  }
  protocol::JoinGroupResponse joined(ConnectionId client) {
    auto response = driver.take<JoinGroupRequest>(client, 9);
    return response ? *std::move(response) : protocol::JoinGroupResponse{.generation_id = -99};
  }
  SyncGroupRequest sync_request(const std::string& member, std::int32_t generation) {
    SyncGroupRequest request;
    request.group_id = "g";
    request.member_id = member;
    request.generation_id = generation;
    request.protocol_type = "consumer";
    request.protocol_name = "range";
    return request;
  }
  KafkaErrc beat(ConnectionId client, const std::string& member, std::int32_t generation) {
    protocol::HeartbeatRequest request{.group_id = "g", .generation_id = generation, .member_id = member};
    return driver.call(client, request, 4).error_code;
  }
  KafkaErrc commit(ConnectionId client, const std::string& member, std::int32_t generation,
                   std::int64_t offset, const std::string& topic = "orders") {
    protocol::OffsetCommitRequest request;
    request.group_id = "g";
    request.member_id = member;
    request.generation_id_or_member_epoch = generation;
    request.topics.push_back(
        {.name = topic, .partitions = {{.partition_index = 0, .committed_offset = offset}}});
    return driver.call(client, request, 9).topics.at(0).partitions.at(0).error_code;
  }
  std::int64_t committed(ConnectionId client) {
    protocol::OffsetFetchRequest request;
    request.groups.push_back({.group_id = "g", .topics = std::nullopt});
    const auto response = driver.call(client, request, 9);
    const auto& topics = response.groups.at(0).topics;
    return topics.empty() ? -1 : topics[0].partitions.at(0).committed_offset;
  }
  /// Two members of generation 1, the first being whoever leads.
  void form() {
    std::vector<std::string> ids = {new_member(a), new_member(b)};
    driver.send(a, join_request(ids[0], "of a"), 9);
    driver.send(b, join_request(ids[1], "of b"), 9);
    EXPECT_EQ(driver.frames(a), 0U) << "the first rebalance waits for more";
    driver.advance(milliseconds(3'000));
    const auto first = joined(a);
    const auto second = joined(b);
    ASSERT_EQ(first.error_code, KafkaErrc::none);
    ASSERT_EQ(first.generation_id, 1);
    ASSERT_EQ(first.leader, second.leader);
    if (first.leader != ids[0]) {
      std::swap(a, b);
      std::swap(ids[0], ids[1]);
    }
    EXPECT_EQ((first.leader == first.member_id ? first : second).members.size(), 2U);
    EXPECT_EQ((first.leader == first.member_id ? second : first).members.size(), 0U);
    leader = ids[0];
    follower = ids[1];
  }
  void assign() {
    driver.send(b, sync_request(follower, 1), 5);
    EXPECT_EQ(driver.frames(b), 0U) << "waits for the leader";
    auto request = sync_request(leader, 1);
    request.assignments = {{.member_id = leader, .assignment = bytes_of("1")},
                           {.member_id = follower, .assignment = bytes_of("2")}};
    EXPECT_EQ(driver.call(a, request, 5).assignment, bytes_of("1"));
    EXPECT_EQ(driver.take<SyncGroupRequest>(b, 5)->assignment, bytes_of("2"));
  }

  SandboxDriver driver;
  ConnectionId a = driver.connect();
  ConnectionId b = driver.connect();
  std::string leader;
  std::string follower;
};

TEST_F(GroupTest, FindsItsCoordinator) {
  const auto one = driver.call(a, protocol::FindCoordinatorRequest{.key = "g"}, 3);
  EXPECT_EQ(one.node_id, 1);
  const auto several = driver.call(a, protocol::FindCoordinatorRequest{.coordinator_keys = {"g", "h"}}, 4);
  EXPECT_EQ(several.coordinators.size(), 2U);
}

TEST_F(GroupTest, FormsAGeneration) {
  form();
  EXPECT_EQ(beat(b, follower, 1), KafkaErrc::none);
  assign();
  EXPECT_EQ(beat(a, leader, 1), KafkaErrc::none);
  EXPECT_EQ(beat(a, leader, 2), KafkaErrc::illegal_generation);
  EXPECT_EQ(beat(a, "nobody", 1), KafkaErrc::unknown_member_id);
}

TEST_F(GroupTest, AMemberThatLeavesMakesTheOthersJoinAgain) {
  form();
  assign();
  protocol::LeaveGroupRequest leave{.group_id = "g"};
  leave.members.push_back({.member_id = follower});
  EXPECT_EQ(driver.call(b, leave, 5).members.at(0).error_code, KafkaErrc::none);
  EXPECT_EQ(beat(a, leader, 1), KafkaErrc::rebalance_in_progress);
  driver.send(a, join_request(leader), 9);
  const auto next = joined(a);
  EXPECT_EQ(next.generation_id, 2);
  EXPECT_EQ(next.members.size(), 1U);
}

TEST_F(GroupTest, AMemberThatIsSilentIsOut) {
  form();
  assign();
  driver.advance(milliseconds(6'000));
  EXPECT_EQ(beat(a, leader, 1), KafkaErrc::none);
  driver.advance(milliseconds(6'000));
  EXPECT_EQ(beat(a, leader, 1), KafkaErrc::rebalance_in_progress);
  EXPECT_EQ(beat(b, follower, 1), KafkaErrc::unknown_member_id);
}

TEST_F(GroupTest, WhoDoesNotJoinInTimeIsOut) {
  form();
  assign();
  driver.send(a, join_request(leader, "changed"), 9);
  EXPECT_EQ(driver.frames(a), 0U);
  for (int i = 0; i < 7; ++i) {
    (void)beat(b, follower, 1);
    driver.advance(milliseconds(9'000));
  }
  EXPECT_EQ(joined(a).members.size(), 1U);
  EXPECT_EQ(beat(b, follower, 1), KafkaErrc::unknown_member_id);
}

TEST_F(GroupTest, OffsetsAreFenced) {
  EXPECT_EQ(commit(a, "", -1, 5), KafkaErrc::none) << "a group without members";
  EXPECT_EQ(committed(a), 5);
  EXPECT_EQ(commit(a, "", -1, 5, "nothing"), KafkaErrc::unknown_topic_or_partition);
  form();
  EXPECT_EQ(commit(a, leader, 1, 6), KafkaErrc::rebalance_in_progress);
  assign();
  EXPECT_EQ(commit(a, leader, 1, 7), KafkaErrc::none);
  EXPECT_EQ(commit(a, leader, 3, 8), KafkaErrc::illegal_generation);
  EXPECT_EQ(commit(a, "nobody", 1, 8), KafkaErrc::unknown_member_id);
  EXPECT_EQ(commit(a, "", -1, 8), KafkaErrc::unknown_member_id);
  EXPECT_EQ(committed(a), 7);
}

TEST_F(GroupTest, IsListedAndDescribed) {
  form();
  assign();
  const auto listed = driver.call(a, protocol::ListGroupsRequest{.states_filter = {"stable"}}, 5);
  ASSERT_EQ(listed.groups.size(), 1U);
  EXPECT_EQ(listed.groups[0].group_state, "Stable");
  EXPECT_TRUE(driver.call(a, protocol::ListGroupsRequest{.states_filter = {"Empty"}}, 5).groups.empty());
  const auto described = driver.call(a, protocol::DescribeGroupsRequest{.groups = {"g", "other"}}, 6);
  EXPECT_EQ(described.groups.at(0).protocol_data, "range");
  EXPECT_EQ(described.groups.at(0).members.size(), 2U);
  EXPECT_EQ(described.groups.at(1).error_code, KafkaErrc::group_id_not_found);
}

TEST_F(GroupTest, RefusesWhatDoesNotFit) {
  auto request = join_request("");
  request.session_timeout_ms = 10;
  EXPECT_EQ(driver.call(a, request, 9).error_code, KafkaErrc::invalid_session_timeout);
  EXPECT_EQ(driver.call(a, join_request("ghost"), 9).error_code, KafkaErrc::unknown_member_id);
  form();
  request = join_request("");
  request.protocol_type = "connect";
  const auto c = driver.connect();
  EXPECT_EQ(driver.call(c, request, 9).error_code, KafkaErrc::inconsistent_group_protocol);
}

TEST_F(GroupTest, AStaticMemberComesBackUnderANewId) {
  auto request = join_request("");
  request.group_instance_id = "s";
  driver.send(a, request, 9);
  driver.advance(milliseconds(3'000));
  const auto first = joined(a);
  ASSERT_EQ(first.error_code, KafkaErrc::none);
  driver.send(b, request, 9);
  const auto second = joined(b);
  ASSERT_EQ(second.error_code, KafkaErrc::none);
  EXPECT_NE(first.member_id, second.member_id);
  EXPECT_EQ(second.members.size(), 1U);
  protocol::HeartbeatRequest heartbeat{.group_id = "g",
                                       .generation_id = second.generation_id,
                                       .member_id = first.member_id,
                                       .group_instance_id = "s"};
  EXPECT_EQ(driver.call(a, heartbeat, 4).error_code, KafkaErrc::fenced_instance_id);
}

}  // namespace
}  // namespace longhaul::sandbox
