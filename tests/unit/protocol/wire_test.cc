#include "protocol/wire.h"

#include <gtest/gtest.h>

#include <limits>

namespace longhaul::protocol {
namespace {

Bytes bytes_of(std::initializer_list<int> values) {
  Bytes bytes;
  for (const int value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

constexpr bool kFlexible = true;
constexpr bool kNotFlexible = false;

TEST(Reader, FailureIsStickyAndConsumesNothingMore) {
  const auto wire = bytes_of({0, 7, 1, 2, 3});
  Reader in(wire);
  EXPECT_EQ(in.integer<std::int16_t>(), 7);
  EXPECT_EQ(in.integer<std::int32_t>(), 0);
  EXPECT_EQ(in.error(), WireErrc::truncated);
  EXPECT_EQ(in.integer<std::int8_t>(), 0) << "three bytes are left, but not after a failure";
  EXPECT_TRUE(in.take(1).empty());
  EXPECT_EQ(in.string(kNotFlexible), "");
  EXPECT_EQ(in.array(kFlexible, 1), 0);
  in.fail(WireErrc::bad_length);
  EXPECT_EQ(in.error(), WireErrc::truncated) << "the first error stays";
}

TEST(Reader, EmptyInputReadsNothing) {
  Reader in({});
  EXPECT_TRUE(in.ok());
  EXPECT_EQ(in.remaining(), 0);
  EXPECT_TRUE(in.take(0).empty());
  EXPECT_TRUE(in.ok());
  EXPECT_EQ(in.unsigned_varint(), 0);
  EXPECT_EQ(in.error(), WireErrc::truncated);
}

TEST(Varint, UnsignedRoundTripsAtEveryWidth) {
  for (unsigned shift = 0; shift < 32; ++shift) {
    for (const std::uint32_t value : {(1U << shift) - 1, 1U << shift, (1U << shift) + 1, ~0U >> shift}) {
      GatherBuffer out;
      Writer(out).unsigned_varint(value);
      const auto wire = out.flattened();
      EXPECT_EQ(wire.size(), unsigned_varint_size(value)) << value;
      Reader in(wire);
      EXPECT_EQ(in.unsigned_varint(), value);
      EXPECT_TRUE(in.ok());
      EXPECT_EQ(in.remaining(), 0);
    }
  }
}

TEST(Varint, ZigZagRoundTripsTheExtremes) {
  for (const std::int64_t value :
       {std::int64_t{0}, std::int64_t{-1}, std::int64_t{1}, std::int64_t{-65}, std::int64_t{1} << 40,
        std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()}) {
    GatherBuffer out;
    Writer(out).varlong(value);
    const auto wire = out.flattened();
    Reader in(wire);
    EXPECT_EQ(in.varlong(), value);
    EXPECT_TRUE(in.ok());
  }
  for (const std::int32_t value : {0, -1, 1, 63, -64, 64, std::numeric_limits<std::int32_t>::min(),
                                   std::numeric_limits<std::int32_t>::max()}) {
    GatherBuffer out;
    Writer(out).varint(value);
    const auto wire = out.flattened();
    Reader in(wire);
    EXPECT_EQ(in.varint(), value);
    EXPECT_TRUE(in.ok());
  }
  GatherBuffer out;
  Writer(out).varint(-2);
  EXPECT_EQ(out.flattened(), bytes_of({3}));
}

TEST(Varint, EndlessAndTooLargeOnesAreRefused) {
  const auto endless = bytes_of({0x80, 0x80, 0x80, 0x80, 0x80, 0x80});
  Reader in(endless);
  EXPECT_EQ(in.unsigned_varint(), 0);
  EXPECT_EQ(in.error(), WireErrc::bad_varint);

  const auto too_large = bytes_of({0xff, 0xff, 0xff, 0xff, 0x1f});
  Reader large(too_large);
  EXPECT_EQ(large.unsigned_varint(), 0);
  EXPECT_EQ(large.error(), WireErrc::bad_varint);

  const auto endless_long =
      bytes_of({0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80});
  Reader in_long(endless_long);
  EXPECT_EQ(in_long.varlong(), 0);
  EXPECT_EQ(in_long.error(), WireErrc::bad_varint);

  const auto too_large_long = bytes_of({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02});
  Reader large_long(too_large_long);
  EXPECT_EQ(large_long.varlong(), 0);
  EXPECT_EQ(large_long.error(), WireErrc::bad_varint);
}

TEST(Varint, CutAndPaddedForms) {
  const auto cut = bytes_of({0x80});
  Reader in(cut);
  EXPECT_EQ(in.unsigned_varint(), 0);
  EXPECT_EQ(in.error(), WireErrc::truncated);
  const auto padded = bytes_of({0x83, 0x00});
  Reader padded_in(padded);
  EXPECT_EQ(padded_in.unsigned_varint(), 3);
  EXPECT_TRUE(padded_in.ok());
}

TEST(ReaderString, NullEmptyAndContentInBothForms) {
  const auto plain = bytes_of({0xff, 0xff, 0, 0, 0, 2, 'a', 'b'});
  Reader in(plain);
  EXPECT_EQ(in.string(kNotFlexible), std::nullopt);
  EXPECT_EQ(in.string(kNotFlexible), "");
  EXPECT_EQ(in.string(kNotFlexible), "ab");
  EXPECT_TRUE(in.ok());
  const auto compact = bytes_of({0, 1, 3, 'a', 'b'});
  Reader compact_in(compact);
  EXPECT_EQ(compact_in.string(kFlexible), std::nullopt);
  EXPECT_EQ(compact_in.string(kFlexible), "");
  EXPECT_EQ(compact_in.string(kFlexible), "ab");
  EXPECT_TRUE(compact_in.ok());
}

TEST(ReaderString, ImpossibleLengthsAreRefused) {
  const auto negative = bytes_of({0xff, 0xfe, 'a', 'b'});
  Reader in(negative);
  EXPECT_EQ(in.string(kNotFlexible), "");
  EXPECT_EQ(in.error(), WireErrc::bad_length);

  // 32768 bytes are there, but a string has at most 32767.
  GatherBuffer out;
  Writer writer(out);
  writer.unsigned_varint(32769);
  writer.raw(Bytes(32768));
  const auto too_long = out.flattened();
  Reader long_in(too_long);
  EXPECT_EQ(long_in.string(kFlexible), "");
  EXPECT_EQ(long_in.error(), WireErrc::bad_length);

  const auto behind_the_end = bytes_of({0, 3, 'a', 'b'});
  Reader end_in(behind_the_end);
  EXPECT_EQ(end_in.string(kNotFlexible), "");
  EXPECT_EQ(end_in.error(), WireErrc::truncated);
}

TEST(ReaderBytes, HugeAndNegativeLengthsAreRefused) {
  const auto huge = bytes_of({0x7f, 0xff, 0xff, 0xff, 1, 2});
  Reader in(huge);
  EXPECT_TRUE(in.bytes(kNotFlexible)->empty());
  EXPECT_EQ(in.error(), WireErrc::truncated);

  const auto huge_compact = bytes_of({0xff, 0xff, 0xff, 0xff, 0x0f, 1});
  Reader compact_in(huge_compact);
  EXPECT_TRUE(compact_in.bytes(kFlexible)->empty());
  EXPECT_EQ(compact_in.error(), WireErrc::truncated);

  const auto negative = bytes_of({0x80, 0, 0, 0});
  Reader negative_in(negative);
  EXPECT_TRUE(negative_in.bytes(kNotFlexible)->empty());
  EXPECT_EQ(negative_in.error(), WireErrc::bad_length);
}

TEST(ReaderArray, CountIsHeldAgainstTheBytesThatRemain) {
  const auto wire = bytes_of({0, 0, 0, 3, 1, 1, 1, 1, 1, 1});
  Reader fits(wire);
  EXPECT_EQ(fits.array(kNotFlexible, 2), 3);
  EXPECT_TRUE(fits.ok());
  Reader does_not(wire);
  EXPECT_EQ(does_not.array(kNotFlexible, 3), 0);
  EXPECT_EQ(does_not.error(), WireErrc::truncated);

  const auto huge = bytes_of({0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0});
  Reader in(huge);
  EXPECT_EQ(in.array(kNotFlexible, 0), 0) << "even an element of no size counts as a byte";
  EXPECT_EQ(in.error(), WireErrc::truncated);

  const auto negative = bytes_of({0xff, 0xff, 0xff, 0xfe});
  Reader negative_in(negative);
  EXPECT_EQ(negative_in.array(kNotFlexible, 1), 0);
  EXPECT_EQ(negative_in.error(), WireErrc::bad_length);

  const auto null = bytes_of({0xff, 0xff, 0xff, 0xff, 0});
  Reader null_in(null);
  EXPECT_EQ(null_in.array(kNotFlexible, 1), std::nullopt);
  EXPECT_EQ(null_in.array(kFlexible, 1), std::nullopt);
  EXPECT_TRUE(null_in.ok());
}

TEST(ReaderTags, SectionIsSkippedBySize) {
  const auto wire = bytes_of({2, 0, 3, 9, 9, 9, 5, 0, 42});
  Reader in(wire);
  in.skip_tagged_fields();
  EXPECT_TRUE(in.ok());
  EXPECT_EQ(in.integer<std::int8_t>(), 42);
}

TEST(ReaderTags, DisorderRepetitionAndOverrunAreRefused) {
  for (const auto& wire : {bytes_of({2, 4, 0, 3, 0}), bytes_of({2, 4, 0, 4, 0})}) {
    Reader in(wire);
    in.skip_tagged_fields();
    EXPECT_EQ(in.error(), WireErrc::bad_tagged_fields);
  }
  for (const auto& wire :
       {bytes_of({1, 0, 2, 9}), bytes_of({0xff, 0xff, 0xff, 0xff, 0x0f}), bytes_of({3, 0, 0})}) {
    Reader in(wire);
    in.skip_tagged_fields();
    EXPECT_EQ(in.error(), WireErrc::truncated);
  }
}

TEST(GatherBuffer, PiecesComeInOrderWithoutCopiesOfReferences) {
  const auto first = bytes_of({1, 2});
  const auto second = bytes_of({3});
  GatherBuffer out;
  out.reference(first);
  out.append(bytes_of({9}));
  out.reference({});
  out.reference(second);
  out.reference(first);
  Writer(out).integer(std::int16_t{0x0405});
  EXPECT_EQ(out.size(), 8);
  EXPECT_EQ(out.owned_size(), 3);
  out.patch(1, std::int16_t{0x0607});
  const auto pieces = out.pieces();
  ASSERT_EQ(pieces.size(), 5);
  EXPECT_EQ(pieces[0].data(), first.data());
  EXPECT_EQ(pieces[2].data(), second.data());
  EXPECT_EQ(pieces[3].data(), first.data());
  EXPECT_EQ(out.flattened(), bytes_of({1, 2, 9, 3, 1, 2, 6, 7}));
  EXPECT_TRUE(GatherBuffer().pieces().empty());
}

TEST(WireErrc, EveryCodeHasItsOwnText) {
  for (int code = 1; code <= static_cast<int>(WireErrc::unknown_api); ++code) {
    const auto text = make_error_code(static_cast<WireErrc>(code)).message();
    EXPECT_EQ(text.find("unknown wire error"), std::string::npos) << code;
    for (int other = 1; other < code; ++other) {
      EXPECT_NE(text, make_error_code(static_cast<WireErrc>(other)).message());
    }
  }
}

}  // namespace
}  // namespace longhaul::protocol
