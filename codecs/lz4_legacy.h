#pragma once

#include "base/bytes.h"

namespace longhaul::codecs {

/// An LZ4 frame of a message of magic 0, as `decompress` takes it. Kafka's clients of that time computed the
/// header checksum over the frame's magic number too (KIP-57); where that is what stands there, the right one
/// is put in its place. Anything else is returned as it is, and judged by the decoder.
[[nodiscard]] Bytes lz4_frame_of_magic0(ConstBytes frame);

}  // namespace longhaul::codecs
