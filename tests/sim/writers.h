#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "codecs/compression.h"
#include "protocol/record.h"
#include "tests/sim/chance.h"
#include "tests/sim/oracle.h"
#include "tests/sim/sim_net.h"

namespace longhaul::sim {

/// What timestamps a producer gives.
enum class Stamps { now, around_now, old, ancient, none };

/// One producer of the source and what it writes.
struct WriterPlan {
  enum class Kind { plain, idempotent, transactional };
  Kind kind = Kind::plain;
  std::string topic;
  codecs::Compression compression = codecs::Compression::none;
  Stamps stamps = Stamps::now;
  bool keyed = false;  ///< every record has one of a few keys
  int records_max = 10;
  int value_max = 100;
  milliseconds pace{2'000};
};

/// The producers of the source. They write past the network, and what a broker acknowledges to them is the
/// oracle.
class Writers {
 public:
  Writers(net::TimeSource& time, SimNet& net, Trace& trace, Site& source, std::uint64_t seed,
          std::vector<WriterPlan> plans);

  /// From now until `end` each writes at its pace.
  void start(SteadyTime end);
  /// One batch of each.
  void write_once();
  /// Ends the transactions that are open; returns whether all could be ended.
  bool end_transactions();
  /// An unclean election has cut a log that ended at `end`: it ends at `cut` now.
  void cut(const TopicPartition& partition, std::int64_t cut, std::int64_t end);
  [[nodiscard]] const Oracle& oracle() const { return oracle_; }

 private:
  struct Writer {
    WriterPlan plan;
    std::string transactional_id;
    std::int64_t producer_id = -1;
    std::int16_t epoch = 0;
    std::map<std::int32_t, std::int32_t> sequences;
    /// The open transaction: its number (-1: none), its partitions, and how it is to end.
    std::int64_t transaction = -1;
    std::set<std::int32_t> partitions;
    std::optional<bool> ending;
  };
  void schedule(Writer& writer, SteadyTime end);
  void write(Writer& writer);
  [[nodiscard]] Record make_record(const Writer& writer);
  [[nodiscard]] std::int64_t timestamp(Stamps stamps);
  /// Whether the writer has the producer that its kind needs.
  [[nodiscard]] bool has_producer(Writer& writer, std::int32_t broker);
  [[nodiscard]] bool initialise(Writer& writer);
  /// Whether the partition is part of an open transaction now.
  [[nodiscard]] bool join_transaction(Writer& writer, std::int32_t partition);
  bool end_transaction(Writer& writer);
  void produce(Writer& writer, std::int32_t leader, std::int32_t partition);
  /// Asks the transaction coordinator, whichever broker that is.
  template <class Request>
  auto ask_coordinator(const Request& request, std::int16_t version);

  net::TimeSource& time_;
  SimNet& net_;
  Trace& trace_;
  Site& source_;
  Chance chance_;
  std::vector<std::unique_ptr<Writer>> writers_;
  Oracle oracle_;
  std::int64_t next_record_ = 0;
  std::int64_t next_transaction_ = 0;
};

}  // namespace longhaul::sim
