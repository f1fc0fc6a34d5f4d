#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "protocol/error_code.h"
#include "protocol/record.h"

namespace longhaul::sandbox {

/// A record as a broker reads it when it validates a batch.
struct WalkedRecord {
  std::int64_t timestamp_delta = 0;
  std::int32_t offset_delta = 0;
  protocol::NullableBytes key;
  protocol::NullableBytes value;
  std::int32_t headers_count = 0;
  /// The headers as they are encoded, without their count.
  ConstBytes headers;
};

/// Walks an uncompressed payload with exactly the strictness of a broker, which is another than that of
/// protocol::RecordReader: offset deltas may be anything, any negative length means null.
class RecordWalk {
 public:
  RecordWalk(ConstBytes payload, std::int32_t records_count) : rest_(payload), left_(records_count) {}

  /// The next record; nothing at the end and on failure, which error() tells apart.
  [[nodiscard]] std::optional<WalkedRecord> next();
  [[nodiscard]] protocol::KafkaErrc error() const { return error_; }

 private:
  [[nodiscard]] std::optional<WalkedRecord> fail(protocol::KafkaErrc error);

  ConstBytes rest_;
  std::int32_t left_;
  protocol::KafkaErrc error_ = protocol::KafkaErrc::none;
};

}  // namespace longhaul::sandbox
