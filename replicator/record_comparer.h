#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "replicator/record_stream.h"

namespace longhaul::replicator {

enum class VerifySide { source, target };

/// Which part of a record differs first, in this order.
enum class RecordField { key, value, headers, timestamp };

/// The first thing that is not the same on both sides.
struct Difference {
  enum class Kind {
    record,             ///< both have a record here, but not the same one
    missing_on_target,  ///< the target ends before the source
    extra_on_target,    ///< the target goes on behind the end of the source
    latest_of_key,      ///< of two cleaned logs: the last records of a key are not the same
    order_of_keys,      ///< of two cleaned logs: the last records of two keys have changed places
  };
  Kind kind = Kind::record;
  /// Of `record` only.
  RecordField field = RecordField::key;
  /// Of the two records; where one side has none, of its end. Of cleaned logs: -1 where a side lacks the key.
  Offset source_offset;
  Offset target_offset;
  /// What was found, shortened for a line. Empty where a side has no record. Of cleaned logs: the key.
  std::string source_text;
  std::string target_text;
};

/// Compares one partition of the source with its copy out of the records of two streams. Sans-I/O: a driver
/// calls run(), performs what it needs, and calls it again. Owned by its driver, lives on one core.
class RecordComparer {
 public:
  struct Counts {
    /// Equal records; of cleaned logs, records of the target that were read.
    std::int64_t records = 0;
    /// Of cleaned logs: records of the source that were read, and keys of both.
    std::int64_t source_records = 0;
    std::int64_t keys = 0;
    /// Left out at the start of one side, because the other side's log begins later. Of cleaned logs: keys.
    std::int64_t skipped_on_source = 0;
    std::int64_t skipped_on_target = 0;
    /// Timestamps that were not compared, because the target's are times of appending.
    std::int64_t append_times = 0;
    /// Of cleaned logs: records without key, which are not compared.
    std::int64_t without_key = 0;
  };
  enum class Need {
    more_records,  ///< one or both streams want a fetch
    later_end,     ///< `lacking()` has come to its end: ask for its end again, then extend or give up
    turn,          ///< nothing, but others should have their turn
    done,          ///< see difference()
  };
  /// What it would mean that the lacking side has not grown.
  enum class Doubt {
    asked_only,  ///< nothing: give up at once, and run() goes on
    on_its_way,  ///< a difference, unless the flow is still to bring it
    overdue,     ///< a difference: what should come later is there already
  };

  RecordComparer() = default;
  RecordComparer(const RecordComparer&) = delete;
  RecordComparer& operator=(const RecordComparer&) = delete;
  virtual ~RecordComparer() = default;

  /// Compares up to `records_max` records. An error means that the partition cannot be compared further.
  [[nodiscard]] virtual Result<Need> run(std::int64_t records_max) = 0;
  [[nodiscard]] virtual RecordStream& stream(VerifySide side) = 0;
  /// Which side lacks records, while run() says later_end.
  [[nodiscard]] virtual VerifySide lacking() const = 0;
  [[nodiscard]] virtual Doubt doubt() const = 0;
  /// The lacking side has not grown and is not expected to.
  virtual void give_up() = 0;
  /// A number that changes whenever there is hope that the lacking side gets what it lacks.
  [[nodiscard]] virtual std::int64_t progress() const = 0;

  /// The log of one side begins at `begin` since a moment ago, behind what was to be read next.
  virtual void lost_start(VerifySide side, Offset begin) = 0;
  /// Gives back what was fetched and not compared; it is fetched again when run() goes on. Not while a fetch
  /// is under way.
  virtual void release() = 0;

  /// Nothing while all was the same.
  [[nodiscard]] virtual const std::optional<Difference>& difference() const = 0;
  [[nodiscard]] virtual const Counts& counts() const = 0;
};

}  // namespace longhaul::replicator
