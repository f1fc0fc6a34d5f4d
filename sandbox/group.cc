#include "sandbox/group.h"

#include <algorithm>

namespace longhaul::sandbox {

std::string_view name_of(GroupState state) {
  switch (state) {
    case GroupState::empty:
      return "Empty";
    case GroupState::preparing_rebalance:
      return "PreparingRebalance";
    case GroupState::completing_rebalance:
      return "CompletingRebalance";
    case GroupState::stable:
      return "Stable";
  }
  return "";
}

const Bytes* GroupMember::metadata(std::string_view protocol) const {
  for (const auto& known : protocols) {
    if (known.name == protocol) return &known.metadata;
  }
  return nullptr;
}

bool GroupMember::has_same_protocols(const GroupMember& other) const {
  return std::ranges::equal(protocols, other.protocols, [](const auto& a, const auto& b) {
    return a.name == b.name && a.metadata == b.metadata;
  });
}

GroupMember* Group::member(std::string_view member_id) {
  const auto found = members.find(std::string(member_id));
  return found == members.end() ? nullptr : &found->second;
}

bool Group::supports(const std::string& type,
                     const std::vector<protocol::JoinGroupRequestProtocol>& protocols) const {
  if (type.empty() || protocols.empty()) return false;
  if (members.empty()) return true;
  if (type != protocol_type) return false;
  return std::ranges::any_of(protocols, [&](const auto& offered) {
    return std::ranges::all_of(
        members, [&](const auto& item) { return item.second.metadata(offered.name) != nullptr; });
  });
}

bool Group::has_all_joined() const {
  return pending.empty() &&
         std::ranges::all_of(members, [](const auto& item) { return item.second.joining.has_value(); });
}

bool Group::is_unstable(const std::pair<std::string, std::int32_t>& place) const {
  return std::ranges::any_of(open_offsets, [&](const auto& item) { return item.second.contains(place); });
}

std::string Group::elect_protocol() const {
  std::map<std::string, int> votes;
  for (const auto& [member_id, member] : members) {
    for (const auto& offered : member.protocols) {
      const bool is_common = std::ranges::all_of(
          members, [&](const auto& item) { return item.second.metadata(offered.name) != nullptr; });
      if (!is_common) continue;
      ++votes[offered.name];
      break;
    }
  }
  const auto most = std::ranges::max_element(votes, {}, [](const auto& item) { return item.second; });
  return most == votes.end() ? std::string() : most->first;
}

milliseconds Group::rebalance_timeout_max() const {
  milliseconds longest{0};
  for (const auto& [member_id, member] : members) longest = std::max(longest, member.rebalance_timeout);
  return longest;
}

}  // namespace longhaul::sandbox
