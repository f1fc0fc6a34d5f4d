#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "protocol/messages/join_group.h"
#include "sandbox/call.h"
#include "sandbox/timers.h"

namespace longhaul::sandbox {

enum class GroupState : std::uint8_t { empty, preparing_rebalance, completing_rebalance, stable };

/// Kafka's spelling, such as "PreparingRebalance".
[[nodiscard]] std::string_view name_of(GroupState state);

struct GroupMember {
  std::string id;
  std::optional<std::string> instance_id;
  std::string client_id;
  milliseconds session_timeout{0};
  milliseconds rebalance_timeout{0};
  std::vector<protocol::JoinGroupRequestProtocol> protocols;
  Bytes assignment;
  /// A JoinGroup or SyncGroup that waits for the others.
  std::optional<Call> joining;
  std::optional<Call> syncing;
  Timers::Id session_timer = 0;

  [[nodiscard]] const Bytes* metadata(std::string_view protocol) const;
  [[nodiscard]] bool has_same_protocols(const GroupMember& other) const;
};

struct CommittedOffset {
  std::int64_t offset = -1;
  std::int32_t leader_epoch = -1;
  std::string metadata;
  /// When it came, among all commits of the cluster.
  std::uint64_t serial = 0;
};

/// Kafka's offset.metadata.max.bytes.
constexpr std::size_t kOffsetMetadataBytesMax = 4096;

/// One group of the classic protocol: its members, and the offsets that were committed for it.
struct Group {
  std::string id;
  GroupState state = GroupState::empty;
  std::int32_t generation = 0;
  std::string protocol_type;
  std::string protocol_name;
  std::string leader;
  std::map<std::string, GroupMember> members;
  /// Ids that were given out and have not joined yet (KIP-394), with the timers that forget them.
  std::map<std::string, Timers::Id> pending;
  std::map<std::string, std::string> static_members;
  using Offsets = std::map<std::pair<std::string, std::int32_t>, CommittedOffset>;
  Offsets offsets;
  /// By producer id: what transactions that are not over have committed.
  std::map<std::int64_t, Offsets> open_offsets;
  Timers::Id rebalance_timer = 0;
  /// The first rebalance waits a little for more members, see group.initial.rebalance.delay.ms.
  bool is_initial_delay = false;

  [[nodiscard]] GroupMember* member(std::string_view member_id);
  /// Whether someone with these protocols could be a member beside the others.
  [[nodiscard]] bool supports(const std::string& type,
                              const std::vector<protocol::JoinGroupRequestProtocol>& protocols) const;
  [[nodiscard]] bool has_all_joined() const;
  /// Whether a transaction that is not over has committed for the partition.
  [[nodiscard]] bool is_unstable(const std::pair<std::string, std::int32_t>& place) const;
  /// The protocol that all members have and most prefer.
  [[nodiscard]] std::string elect_protocol() const;
  [[nodiscard]] milliseconds rebalance_timeout_max() const;
};

}  // namespace longhaul::sandbox
