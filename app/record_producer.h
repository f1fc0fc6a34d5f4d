#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/generate_options.h"
#include "app/produce_window.h"
#include "app/record_generator.h"
#include "client/admin_requests.h"
#include "client/cluster.h"
#include "net/event.h"
#include "net/task_group.h"
#include "protocol/messages/produce.h"

namespace longhaul::app {

/// What all cores of `longhaul generate` have had acknowledged so far.
struct ProduceTotals {
  std::atomic<std::int64_t> records{0};
  std::atomic<std::int64_t> batches{0};
  std::atomic<std::int64_t> bytes{0};
};

/// A partition and how many records are still to be made for it.
struct ProduceShare {
  TopicPartition partition;
  std::optional<std::int64_t> records;
};

/// Makes records for some partitions and produces them: idempotent, acks=all, several requests under way on
/// one connection per broker, one batch per partition in each. Lives on one core.
class RecordProducer {
 public:
  /// `rate`: records per second of this producer alone.
  RecordProducer(net::Io& io, client::ClusterOptions cluster, const GenerateOptions& options,
                 std::vector<ProduceShare> shares, std::optional<double> rate, ProduceTotals& totals);
  ~RecordProducer();

  /// Until all records are acknowledged, or stop_soon() was called and what was sent by then is. To be called
  /// once.
  [[nodiscard]] net::Async<void> run();
  /// Makes no more records.
  void stop_soon();

 private:
  struct Partition;
  struct Broker;
  struct Sent {
    Partition* partition;
    std::uint64_t number;
  };
  struct Round {
    protocol::ProduceRequest request;
    std::vector<Slice> keep;
    std::vector<Sent> sent;
    std::size_t bytes = 0;
    /// When there may be more to send, if nobody says so before.
    SteadyTime try_again = SteadyTime::max();
  };

  [[nodiscard]] net::Async<void> produce_all();
  [[nodiscard]] net::Task route_loop();
  [[nodiscard]] bool route_all();
  [[nodiscard]] net::Task broker_loop(Broker& broker);
  [[nodiscard]] net::Async<void> send_round(Broker& broker);
  [[nodiscard]] Result<Round> gather(Broker& broker);
  [[nodiscard]] Result<void> make_batch(Partition& partition, std::int64_t records_max);
  [[nodiscard]] std::int64_t allowance() const;
  [[nodiscard]] net::Task collect(Broker& broker, client::Pending<protocol::ProduceResponse> pending,
                                  std::vector<Sent> sent);
  [[nodiscard]] bool take(const protocol::PartitionProduceResponse& answer, const Sent& sent);
  void give_back(const std::vector<Sent>& sent);
  void note_failure(Error error, bool is_final);
  [[nodiscard]] bool is_done() const;
  void wake_all();

  net::Io& io_;
  client::Cluster cluster_;
  const GenerateOptions& options_;
  std::optional<double> rate_;
  ProduceTotals& totals_;
  client::ProducerIdentity identity_;
  std::vector<std::unique_ptr<Partition>> partitions_;
  std::map<BrokerId, std::unique_ptr<Broker>> brokers_;
  protocol::BatchBuilder builder_;
  std::size_t unacknowledged_bytes_ = 0;
  std::int64_t made_ = 0;
  SteadyTime started_{};
  SteadyTime last_success_{};
  bool stopping_ = false;
  std::optional<Error> failure_;
  net::Event route_wanted_;
  net::Event done_;
  net::TaskGroup group_;
};

}  // namespace longhaul::app
