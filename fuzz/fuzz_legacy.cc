// Messages of magic 0 and 1, bare and in wrappers, as a broker's old segments hold them.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/check.h"
#include "codecs/lz4_legacy.h"
#include "protocol/legacy_message.h"
#include "protocol/record_batch.h"
#include "replicator/entry_reader.h"

namespace {

using namespace longhaul;

constexpr std::size_t kLargestPayload = 1 << 20;

void read_entry(replicator::EntryReader& reader, const protocol::LegacyEntry& entry) {
  if (!reader.open(entry)) return;
  LH_CHECK(reader.end() == entry.offset + 1);
  Offset last;
  for (auto record = reader.next(); record && *record; record = reader.next()) {
    LH_CHECK((*record)->offset > last && (*record)->offset <= entry.offset);
    last = (*record)->offset;
    const auto size =
        ((*record)->key ? (*record)->key->size() : 0) + ((*record)->value ? (*record)->value->size() : 0);
    LH_CHECK(size <= std::max(kLargestPayload, entry.size()));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = std::as_bytes(std::span(data, size));
  replicator::EntryReader reader(kLargestPayload);
  protocol::RecordSetReader entries(input);
  while (const auto entry = entries.next()) {
    if (const auto* legacy = std::get_if<protocol::LegacyEntry>(&*entry)) read_entry(reader, *legacy);
  }
  // The bytes as what a wrapper holds, past every checksum but the messages' own.
  protocol::LegacyMessageReader messages(input);
  for (auto message = messages.next(); message && *message; message = messages.next()) {
    LH_CHECK((*message)->magic == 0 || (*message)->magic == 1);
  }
  LH_CHECK(codecs::lz4_frame_of_magic0(input).size() == input.size());
  return 0;
}
