// A record of the state topics: a byte that says what it is, then its text. What can be read is written
// again, and reads the same then.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "replicator/stored_position.h"

namespace {

using namespace longhaul::replicator;

void try_key(std::string_view text) {
  const auto key = parse_state_key("A", text);
  if (!key || !*key) return;
  const bool is_segment = (*key)->kind == StateKey::Kind::map_segment;
  const auto topic_id = longhaul::TopicId::parse((*key)->topic_id);
  if (is_segment && !topic_id) return;
  const auto again =
      parse_state_key("A", is_segment ? segment_key("A", (*key)->source, *topic_id, (*key)->segment)
                                      : position_key("A", (*key)->source));
  LH_CHECK(again && *again && (*again)->source == (*key)->source && (*again)->segment == (*key)->segment);
}

void try_position(std::string_view text) {
  const auto position = parse_position(text);
  if (!position) return;
  LH_CHECK(position->progress.source_offset >= longhaul::Offset(0));
  const auto written = position_value(*position);
  const auto again = parse_position(written);
  LH_CHECK(again.has_value());
  LH_CHECK(position_value(*again) == written);
}

void try_segment(std::string_view text) {
  const auto segment = parse_segment(3, text);
  if (!segment) return;
  OffsetMap map;
  for (const auto& run : segment->runs) map.add(run);
  for (const auto& run : segment->runs) LH_CHECK(map.to_target(run.source) == run.target);
  LH_CHECK(parse_segment(3, segment_value(*segment)).value() == *segment);
}

void try_mm2(std::string_view text) {
  (void)parse_mm2_offset_value(text);
  const auto source = parse_mm2_offset_key("MirrorSourceConnector", "A", text);
  if (!source) return;
  LH_CHECK(parse_mm2_offset_key("MirrorSourceConnector", "A",
                                mm2_offset_key("MirrorSourceConnector", "A", *source)) == source);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] & 3) {
    case 0:
      try_key(text);
      break;
    case 1:
      try_position(text);
      break;
    case 2:
      try_segment(text);
      break;
    default:
      try_mm2(text);
  }
  return 0;
}
