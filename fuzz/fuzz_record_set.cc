// The records of a Fetch response: the walk, the header restamp, and the records inside every batch.
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/check.h"
#include "codecs/codec.h"
#include "protocol/record.h"
#include "protocol/record_batch.h"

namespace {

using namespace longhaul;

constexpr std::size_t kLargestPayload = 1 << 20;

void restamp(const protocol::RecordBatchView& batch) {
  Bytes patched(batch.bytes().begin(), batch.bytes().end());
  const auto header = protocol::restamped(batch, {ProducerId(77), 3, 5});
  std::copy(header.begin(), header.end(), patched.begin());
  const auto again = protocol::RecordBatchView::parse(patched);
  LH_CHECK(again.has_value());
  // A right checksum stays right, and a wrong one stays wrong.
  LH_CHECK(again->has_valid_crc() == batch.has_valid_crc());
}

void read_records(const protocol::RecordBatchView& batch) {
  const auto payload = codecs::decompress(batch.compression(), batch.payload(), kLargestPayload);
  if (!payload) return;
  LH_CHECK(payload->size() <= kLargestPayload);
  protocol::RecordReader reader(batch, *payload);
  std::int32_t count = 0;
  std::int32_t last_delta = -1;
  for (auto record = reader.next(); record && *record; record = reader.next()) {
    ++count;
    LH_CHECK((*record)->offset_delta > last_delta && (*record)->offset_delta <= batch.last_offset_delta());
    last_delta = (*record)->offset_delta;
    std::int32_t headers = 0;
    for (const auto& header : (*record)->headers) headers += header.key.size() <= payload->size() ? 1 : 0;
    LH_CHECK(headers == (*record)->headers.count());
  }
  LH_CHECK(count <= batch.records_count());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = std::as_bytes(std::span(data, size));
  protocol::RecordSetReader reader(input);
  std::size_t total = 0;
  while (const auto entry = reader.next()) {
    if (const auto* batch = std::get_if<protocol::RecordBatchView>(&*entry)) {
      total += batch->size();
      restamp(*batch);
      read_records(*batch);
      if (batch->is_control()) static_cast<void>(protocol::control_type(*batch));
    } else if (const auto* legacy = std::get_if<protocol::LegacyEntry>(&*entry)) {
      total += legacy->size();
    }
  }
  LH_CHECK(total == reader.consumed() && total <= size);
  return 0;
}
