#include "app/produce_window.h"

#include <gtest/gtest.h>

namespace longhaul::app {
namespace {

ProducedBatch batch_of(std::int32_t records) {
  return {.header = {}, .payload = {}, .records = records, .codec = codecs::Compression::none};
}

/// Sends all that may be sent; the numbers of records tell the batches apart.
std::vector<std::int32_t> send_all(ProduceWindow& window, std::vector<std::uint64_t>* numbers = nullptr) {
  std::vector<std::int32_t> sent;
  for (auto next = window.next_to_send(); next.batch != nullptr; next = window.next_to_send()) {
    sent.push_back(next.batch->records);
    if (numbers != nullptr) numbers->push_back(next.number);
    window.sent();
  }
  return sent;
}

std::vector<std::int32_t> counts(const std::vector<ProducedBatch>& batches) {
  std::vector<std::int32_t> all;
  for (const auto& batch : batches) all.push_back(batch.records);
  return all;
}

/// The broker knows the producer: one batch is done already.
ProduceWindow filled(int batches) {
  ProduceWindow window;
  window.push(batch_of(100));
  std::vector<std::uint64_t> first;
  send_all(window, &first);
  EXPECT_EQ(window.acknowledged(first.at(0)).size(), 1U);
  for (int i = 1; i <= batches; ++i) window.push(batch_of(i));
  return window;
}

TEST(ProduceWindow, HoldsFiveBatchesAsBrokersRememberFive) {
  auto window = filled(4);
  EXPECT_TRUE(window.has_room());
  window.push(batch_of(5));
  EXPECT_FALSE(window.has_room());
  EXPECT_EQ(send_all(window), (std::vector<std::int32_t>{1, 2, 3, 4, 5}));
}

TEST(ProduceWindow, SendsNothingBehindTheFirstBatchBeforeTheBrokerKnowsTheProducer) {
  ProduceWindow window;
  for (int i = 1; i <= 3; ++i) window.push(batch_of(i));
  std::vector<std::uint64_t> numbers;
  EXPECT_EQ(send_all(window, &numbers), std::vector<std::int32_t>{1});
  window.failed(numbers.at(0));
  EXPECT_EQ(send_all(window), std::vector<std::int32_t>{1});
  EXPECT_EQ(counts(window.acknowledged(numbers.at(0))), std::vector<std::int32_t>{1});
  EXPECT_EQ(send_all(window), (std::vector<std::int32_t>{2, 3}));
}

TEST(ProduceWindow, EmptiesInOrder) {
  auto window = filled(2);
  std::vector<std::uint64_t> numbers;
  send_all(window, &numbers);
  EXPECT_EQ(counts(window.acknowledged(numbers[0])), std::vector<std::int32_t>{1});
  window.push(batch_of(3));
  EXPECT_EQ(send_all(window, &numbers), std::vector<std::int32_t>{3});
  EXPECT_EQ(counts(window.acknowledged(numbers[1])), std::vector<std::int32_t>{2});
  EXPECT_EQ(counts(window.acknowledged(numbers[2])), std::vector<std::int32_t>{3});
  EXPECT_TRUE(window.empty());
}

TEST(ProduceWindow, SendsAgainFromTheFailedBatchOnceAllAnswersAreThere) {
  auto window = filled(3);
  std::vector<std::uint64_t> numbers;
  send_all(window, &numbers);
  EXPECT_EQ(counts(window.acknowledged(numbers[0])), std::vector<std::int32_t>{1});
  window.failed(numbers[1]);
  EXPECT_TRUE(window.is_rewinding());
  EXPECT_TRUE(send_all(window).empty());
  window.failed(numbers[2]);
  EXPECT_FALSE(window.is_rewinding());
  EXPECT_EQ(send_all(window), (std::vector<std::int32_t>{2, 3}));
}

TEST(ProduceWindow, CountsABatchOnceHoweverOftenItWasSent) {
  auto window = filled(2);
  std::vector<std::uint64_t> numbers;
  send_all(window, &numbers);
  window.failed(numbers[0]);
  EXPECT_TRUE(window.acknowledged(numbers[1]).empty());
  numbers.clear();
  EXPECT_EQ(send_all(window, &numbers), (std::vector<std::int32_t>{1, 2}));
  EXPECT_EQ(counts(window.acknowledged(numbers[0])), std::vector<std::int32_t>{1});
  EXPECT_EQ(counts(window.acknowledged(numbers[1])), std::vector<std::int32_t>{2});
  EXPECT_TRUE(window.empty());
}

TEST(ProduceWindow, DoesNotSendNewBatchesWhileOneIsToBeRepeated) {
  auto window = filled(2);
  std::vector<std::uint64_t> numbers;
  send_all(window, &numbers);
  window.failed(numbers[0]);
  window.push(batch_of(3));
  EXPECT_TRUE(send_all(window).empty());
  window.failed(numbers[1]);
  EXPECT_EQ(send_all(window), (std::vector<std::int32_t>{1, 2, 3}));
}

}  // namespace
}  // namespace longhaul::app
