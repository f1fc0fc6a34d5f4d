#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/generate_options.h"
#include "app/record_producer.h"
#include "client/options.h"
#include "net/io_threads.h"

namespace longhaul::app {

/// Creates the topics that are missing and says which partition gets how many records: every record belongs
/// to one partition from the start, so each core knows its share and the total is exact. Blocks; SIGINT and
/// SIGTERM end it with `operation_aborted`. An error without a code is a wrong wish, such as a topic that
/// exists with another number of partitions.
[[nodiscard]] Result<std::vector<ProduceShare>> prepare_generation(const GenerateOptions& options,
                                                                   const client::ClusterOptions& cluster);

/// Records being made and produced on threads of their own. Made, asked and destroyed by the main thread.
class Generation {
 public:
  /// Starts at once. `options` must outlive this.
  Generation(const GenerateOptions& options, const client::ClusterOptions& cluster,
             std::vector<ProduceShare> shares);
  /// To be called when it has ended.
  ~Generation();
  Generation(const Generation&) = delete;
  Generation& operator=(const Generation&) = delete;

  /// Makes no more records; what is under way is still acknowledged. Returns at once.
  void stop_soon();
  /// Whether all have ended; asked again and again, as each core answers a little later.
  [[nodiscard]] bool ended();
  /// One failure ends all: exactly the asked number of records is not to be had any more.
  [[nodiscard]] bool failed() const;
  /// Of the first producer that failed. Once all have ended.
  [[nodiscard]] std::optional<Error> failure() const;
  [[nodiscard]] const ProduceTotals& totals() const { return totals_; }

 private:
  struct Slot;
  ProduceTotals totals_;
  net::IoThreads threads_;
  std::vector<std::unique_ptr<Slot>> slots_;
};

/// "1000 records in 4 batches, 0.6 MB, 0.1 s: 10000 records/s, 6.0 MB/s".
[[nodiscard]] std::string figures(const ProduceTotals& totals, double seconds);

}  // namespace longhaul::app
