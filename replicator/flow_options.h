#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "protocol/messages/common.h"
#include "replicator/resume.h"
#include "replicator/topic_filter.h"

namespace longhaul::replicator {

/// What built-in defaults of the source do at the creation of a remote topic (`use.defaults.from`).
enum class DefaultsFrom { target, source };

/// `longhaul.exactly.once`. Off: batches carry no producer, and what was sent and not acknowledged before a
/// crash is sent again: at least once.
enum class ExactlyOnce { on, off };

/// Which partitions are written in transactions of the target (docs/decisions/061).
enum class Transactions {
  never,     ///< none: old data goes one batch at a time
  backfill,  ///< those whose producer the target may forget: old timestamps, compacted target
  always,    ///< all (`<target>.exactly.once.source.support = enabled`)
};

/// Everything one flow `source->target` needs, already validated. Plain data.
struct FlowOptions {
  std::string source_alias;
  std::string target_alias;
  [[nodiscard]] std::string name() const { return source_alias + "->" + target_alias; }

  std::shared_ptr<const TopicSelection> selection;
  std::shared_ptr<const PatternList> config_exclude;
  DefaultsFrom defaults_from = DefaultsFrom::target;
  /// Of remote topics; -1 is the broker's default.
  std::int16_t replication_factor = 2;
  /// How often new topics and partitions are looked for; never when empty.
  std::optional<std::chrono::seconds> refresh_interval;

  protocol::IsolationLevel isolation = protocol::IsolationLevel::read_uncommitted;
  /// Of records whose source topic stores times of appending (LogAppendTime).
  AppendTimes append_times = AppendTimes::preserve;
  CorruptBatches corrupt_batches = CorruptBatches::stop;
  OffsetReset reset = OffsetReset::earliest;
  std::int32_t fetch_min_bytes = 1;
  milliseconds fetch_max_wait{500};
  std::int32_t fetch_max_bytes = 8 << 20;
  std::int32_t max_partition_fetch_bytes = 1 << 20;

  milliseconds request_timeout{30'000};
  milliseconds retry_backoff{100};
  milliseconds retry_backoff_max{1'000};

  ExactlyOnce exactly_once = ExactlyOnce::on;
  Transactions transactions = Transactions::backfill;
  /// A transaction is committed when it is as old as this, or large.
  milliseconds transaction_interval{1'000};
  /// After which the target aborts what a process has left open that ended, unless another goes on before.
  milliseconds transaction_timeout{900'000};
  /// How long a partition has to be without old records before it leaves transactions.
  milliseconds transaction_calm{600'000};
  /// Part of the transactional ids: tells flows of the same name apart that write to one target.
  std::string deployment_id;
  /// Which process this is, for people who look for it: host and process id.
  std::string instance;

  // State on the target (docs/decisions/040).
  std::string connector_name = "MirrorSourceConnector";
  std::string offsets_topic;
  /// Read before `offsets_topic` where it is set.
  std::optional<std::string> connector_offsets_topic;
  std::string state_topic;
  std::int32_t offsets_partitions = 25;
  std::int16_t offsets_replication_factor = 3;
  std::vector<std::pair<std::string, std::string>> offsets_topic_configs;
  milliseconds position_flush_interval{1'000};
};

}  // namespace longhaul::replicator
