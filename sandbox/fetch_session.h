#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "protocol/messages/fetch.h"

namespace longhaul::sandbox {

/// One partition that a fetch asks for. The topic has a name until version 12, an id from 13 on.
struct FetchedPartition {
  std::string topic;
  TopicId topic_id;
  protocol::FetchPartition request;
  /// What the session's last response said, so that the next one can leave it out; -1: nothing.
  std::int64_t high_watermark = -1;
  std::int64_t log_start_offset = -1;

  using Key = std::tuple<std::string, TopicId, std::int32_t>;
  [[nodiscard]] Key key() const { return {topic, topic_id, request.partition}; }
};

/// What one Fetch request asks for, after its session was looked up (KIP-227).
struct FetchPlan {
  enum class Kind : std::uint8_t {
    sessionless,
    full,         ///< Everything is answered, and a session begins if there is room.
    incremental,  ///< Only what changed is answered.
  };
  Kind kind = Kind::sessionless;
  protocol::KafkaErrc error = protocol::KafkaErrc::none;
  std::int32_t session_id = 0;
  bool uses_topic_ids = false;
  std::vector<FetchedPartition> partitions;
};

/// The fetch sessions of one broker.
class FetchSessions {
 public:
  /// Kafka's max.incremental.fetch.session.cache.slots.
  static constexpr std::size_t kSlots = 1000;
  /// An unused session of this age may be thrown out for a new one.
  static constexpr milliseconds kEvictableAfter{120'000};

  /// What `request` asks for; moves its session on.
  [[nodiscard]] FetchPlan begin(const protocol::FetchRequest& request, int version, SteadyTime now);

  /// Turns the answers for `plan`, one per partition in its order, into those that the response carries, and
  /// returns the session id that it carries.
  std::int32_t finish(const FetchPlan& plan, std::vector<protocol::PartitionData>& answers,
                      std::vector<std::size_t>& kept, SteadyTime now, std::mt19937_64& random);

  [[nodiscard]] std::size_t size() const { return sessions_.size(); }
  /// The partitions of a session, for faults that concern a topic; none when there is no such session.
  [[nodiscard]] std::vector<FetchedPartition> partitions_of(std::int32_t session_id) const;

 private:
  struct Session {
    std::int32_t epoch = 1;
    bool uses_topic_ids = false;
    SteadyTime last_used;
    /// In the order in which they are read; those that returned data go to the end.
    std::list<FetchedPartition> partitions;
    std::map<FetchedPartition::Key, std::list<FetchedPartition>::iterator> places;
  };

  [[nodiscard]] FetchPlan continue_session(const protocol::FetchRequest& request, int version,
                                           SteadyTime now);
  static void update(Session& session, const protocol::FetchRequest& request);
  std::int32_t create(const FetchPlan& plan, const std::vector<protocol::PartitionData>& answers,
                      SteadyTime now, std::mt19937_64& random);
  [[nodiscard]] bool make_room(SteadyTime now);

  std::map<std::int32_t, Session> sessions_;
};

}  // namespace longhaul::sandbox
