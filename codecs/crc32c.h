#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

/// CRC-32C (Castagnoli), the checksum of Kafka's record batches since magic 2. Values are the finished ones,
/// as they stand in a batch header: initial state and final inversion are applied inside.
namespace longhaul::codecs::crc32c {

/// Checksum of `bytes`; 0 for none.
[[nodiscard]] std::uint32_t value(ConstBytes bytes);

/// Checksum of A followed by `bytes`, where `crc` is the checksum of A.
[[nodiscard]] std::uint32_t extend(std::uint32_t crc, ConstBytes bytes);

/// Checksum of new_prefix followed by S, where `old_crc` is the checksum of old_prefix followed by the same S
/// of `suffix_length` bytes. S itself is not read: CRC-32C is linear, so the difference of the two prefixes,
/// moved past `suffix_length` bytes, is the difference of the two checksums. If `old_crc` did not match its
/// bytes, the result does not match either, so damage stays visible. O(prefix + log suffix_length); both
/// prefixes have the same size.
[[nodiscard]] std::uint32_t replaced_prefix(std::uint32_t old_crc, ConstBytes old_prefix,
                                            ConstBytes new_prefix, std::size_t suffix_length);

/// Whether the processor's own CRC-32C instruction is in use.
[[nodiscard]] bool uses_hardware();

/// The path without special instructions, for processors that lack them; the other functions choose by
/// themselves.
namespace portable {
[[nodiscard]] std::uint32_t extend(std::uint32_t crc, ConstBytes bytes);
[[nodiscard]] std::uint32_t replaced_prefix(std::uint32_t old_crc, ConstBytes old_prefix,
                                            ConstBytes new_prefix, std::size_t suffix_length);
}  // namespace portable

}  // namespace longhaul::codecs::crc32c
