#include "protocol/frame.h"

#include <gtest/gtest.h>

#include <string>

#include "protocol/wire.h"

namespace longhaul::protocol {
namespace {

Bytes frame_of(const std::string& content) {
  Bytes frame(kFrameSizeBytes);
  store_be(frame, 0, static_cast<std::int32_t>(content.size()));
  const auto bytes = as_bytes(content);
  frame.insert(frame.end(), bytes.begin(), bytes.end());
  return frame;
}

TEST(FrameSplitter, FramesComeOutWhereverTheStreamWasCut) {
  Bytes stream;
  for (const auto* content : {"first", "a second one", "last"}) {
    const auto frame = frame_of(content);
    stream.insert(stream.end(), frame.begin(), frame.end());
  }
  for (std::size_t step = 1; step <= stream.size(); ++step) {
    FrameSplitter splitter(100);
    std::vector<std::string> frames;
    for (std::size_t at = 0; at < stream.size(); at += step) {
      splitter.append(ConstBytes(stream).subspan(at, std::min(step, stream.size() - at)));
      for (;;) {
        const auto frame = splitter.next();
        ASSERT_TRUE(frame.has_value());
        if (!frame->has_value()) break;
        frames.emplace_back(as_text(**frame));
      }
    }
    EXPECT_EQ(frames, (std::vector<std::string>{"first", "a second one", "last"})) << "steps of " << step;
    EXPECT_EQ(splitter.buffered(), 0);
  }
}

TEST(FrameSplitter, LimitIsInclusiveAndHoldsBeforeTheBodyArrives) {
  FrameSplitter fits(10);
  fits.append(frame_of("0123456789"));
  EXPECT_TRUE(fits.next()->has_value());

  FrameSplitter splitter(9);
  splitter.append(ConstBytes(frame_of("0123456789")).first(kFrameSizeBytes));
  const auto frame = splitter.next();
  ASSERT_FALSE(frame.has_value());
  EXPECT_EQ(frame.error().code, WireErrc::frame_too_large);
  EXPECT_FALSE(splitter.next().has_value()) << "the stream has lost its boundaries for good";
}

TEST(FrameSplitter, WaitsForTheWholeFrame) {
  FrameSplitter splitter(100);
  const auto frame = frame_of("content");
  splitter.append(ConstBytes(frame).first(frame.size() - 1));
  ASSERT_TRUE(splitter.next().has_value());
  EXPECT_FALSE(splitter.next()->has_value());
  EXPECT_EQ(splitter.buffered(), frame.size() - 1);
  splitter.append(ConstBytes(frame).last(1));
  EXPECT_EQ(as_text(splitter.next()->value()), "content");
}

TEST(FrameSize, SizesOfNoFrameAreRefused) {
  const auto size_of = [](std::int32_t size) {
    Bytes prefix(kFrameSizeBytes);
    store_be(prefix, 0, size);
    return frame_size(prefix, 1000);
  };
  EXPECT_EQ(size_of(-1).error().code, WireErrc::bad_frame_size);
  EXPECT_EQ(size_of(0).error().code, WireErrc::bad_frame_size);
  EXPECT_EQ(size_of(3).error().code, WireErrc::bad_frame_size);
  EXPECT_EQ(size_of(4), 4);
  EXPECT_EQ(size_of(1000), 1000);
  EXPECT_EQ(size_of(1001).error().code, WireErrc::frame_too_large);
  EXPECT_EQ(frame_size(as_bytes("HTTP"), 100'000'000).error().code, WireErrc::frame_too_large);
}

}  // namespace
}  // namespace longhaul::protocol
