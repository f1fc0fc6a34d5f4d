#include "replicator/stop_reason.h"

namespace longhaul::replicator {

std::string_view describe(StopReason reason) {
  switch (reason) {
    case StopReason::batch_too_large:
      return "the batch is larger than the target topic takes";
    case StopReason::unknown_codec:
      return "the batch has an unknown compression codec";
    case StopReason::malformed_batch:
      return "the batch is malformed";
    case StopReason::corrupt_batch:
      return "the source gives a damaged batch";
    case StopReason::inconsistent_source:
      return "the source answers with inconsistent batches";
    case StopReason::source_offset_out_of_range:
      return "the source no longer has this offset";
    case StopReason::source_deleted:
      return "the source topic was deleted";
    case StopReason::source_refused:
      return "the source refuses to be read";
    case StopReason::target_refused:
      return "the target refuses the batch";
    case StopReason::key_missing:
      return "a record has no key and the target topic is compacted";
    case StopReason::timestamp_refused:
      return "a timestamp lies outside what the target topic allows (message.timestamp.before.max.ms, "
             "message.timestamp.after.max.ms)";
    case StopReason::target_corrupt:
      return "the target reports a corrupt batch, so it was damaged on the source or on the way";
    case StopReason::target_deleted:
      return "the target topic was deleted";
    case StopReason::target_order_broken:
      return "the target stored batches out of order";
    case StopReason::sequence_mismatch:
      return "the target has another sequence of our producer than we have";
    case StopReason::write_in_doubt:
      return "whether the target stored a batch is unknown, and it is too old to be recognised when sent "
             "again";
    case StopReason::needs_transaction:
      return "the target forgets the producer of records that are so old: they are written in transactions";
    case StopReason::leaves_transactions:
      return "its records are recent again: they are written outside of transactions";
    case StopReason::transaction_aborted:
      return "the transaction it was written in was aborted";
    case StopReason::taken_over:
      return "another instance has taken this partition over";
    case StopReason::state_mismatch:
      return "the stored position does not fit what the clusters hold";
  }
  return "unknown";
}

}  // namespace longhaul::replicator
