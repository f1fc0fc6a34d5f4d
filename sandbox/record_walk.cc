#include "sandbox/record_walk.h"

#include "protocol/wire.h"

namespace longhaul::sandbox {
namespace {

using protocol::KafkaErrc;
using protocol::Reader;

/// `length` bytes; null for any negative length.
protocol::NullableBytes nullable(Reader& in, std::int32_t length) {
  if (length < 0) return std::nullopt;
  return in.take(static_cast<std::size_t>(length));
}

bool skip_headers(Reader& in, std::int32_t count) {
  for (std::int32_t i = 0; i < count && in.ok(); ++i) {
    const auto key_length = in.varint();
    if (key_length < 0) return false;
    (void)in.take(static_cast<std::size_t>(key_length));
    (void)nullable(in, in.varint());
  }
  return in.ok();
}

}  // namespace

std::optional<WalkedRecord> RecordWalk::fail(KafkaErrc error) {
  error_ = error;
  left_ = 0;
  rest_ = {};
  return std::nullopt;
}

std::optional<WalkedRecord> RecordWalk::next() {
  if (left_ == 0) {
    if (error_ == KafkaErrc::none && !rest_.empty()) return fail(KafkaErrc::invalid_record);
    return std::nullopt;
  }
  --left_;
  Reader outer(rest_);
  const auto size = outer.varint();
  // A broker reads this one length without a guard, so a malformed one is an internal error to it.
  if (outer.error() == protocol::WireErrc::bad_varint) return fail(KafkaErrc::unknown_server_error);
  if (!outer.ok() || size < 0) return fail(KafkaErrc::invalid_record);
  const auto body = outer.take(static_cast<std::size_t>(size));
  if (!outer.ok()) return fail(KafkaErrc::invalid_record);

  Reader in(body);
  WalkedRecord record;
  (void)in.integer<std::int8_t>();
  record.timestamp_delta = in.varlong();
  record.offset_delta = in.varint();
  record.key = nullable(in, in.varint());
  record.value = nullable(in, in.varint());
  record.headers_count = in.varint();
  if (!in.ok() || record.headers_count < 0) return fail(KafkaErrc::invalid_record);
  const auto headers_at = body.size() - in.remaining();
  if (!skip_headers(in, record.headers_count) || in.remaining() > 0) return fail(KafkaErrc::invalid_record);
  record.headers = body.subspan(headers_at);
  rest_ = rest_.last(outer.remaining());
  return record;
}

}  // namespace longhaul::sandbox
