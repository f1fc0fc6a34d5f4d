#include "client/retry.h"

#include <gtest/gtest.h>

#include <boost/system/errc.hpp>
#include <map>

#include "client/error.h"
#include "net/error.h"
#include "net/sasl.h"

namespace longhaul::client {
namespace {

using protocol::KafkaErrc;
using std::chrono::milliseconds;

/// Every code of Kafka 4.3 with the reaction that is not fail_partition, written down independently of the
/// table.
const std::map<int, Reaction> kExpected = {
    {0, Reaction::proceed},
    {46, Reaction::proceed},

    {7, Reaction::retry},
    {13, Reaction::retry},
    {14, Reaction::retry},
    {19, Reaction::retry},
    {20, Reaction::retry},
    {27, Reaction::retry},
    {51, Reaction::retry},
    {55, Reaction::retry},
    {75, Reaction::retry},
    {78, Reaction::retry},
    {88, Reaction::retry},
    {89, Reaction::retry},

    {3, Reaction::refresh_metadata},
    {5, Reaction::refresh_metadata},
    {6, Reaction::refresh_metadata},
    {8, Reaction::refresh_metadata},
    {9, Reaction::refresh_metadata},
    {11, Reaction::refresh_metadata},
    {41, Reaction::refresh_metadata},
    {56, Reaction::refresh_metadata},
    {72, Reaction::refresh_metadata},
    {74, Reaction::refresh_metadata},
    {80, Reaction::refresh_metadata},
    {83, Reaction::refresh_metadata},
    {100, Reaction::refresh_metadata},
    {103, Reaction::refresh_metadata},
    {108, Reaction::refresh_metadata},
    {129, Reaction::refresh_metadata},

    {15, Reaction::find_coordinator},
    {16, Reaction::find_coordinator},

    {70, Reaction::restart_session},
    {71, Reaction::restart_session},
    {106, Reaction::restart_session},

    {1, Reaction::reset_position},

    {45, Reaction::check_sequence},
    {59, Reaction::check_sequence},

    {21, Reaction::fail_flow},
    {31, Reaction::fail_flow},
    {33, Reaction::fail_flow},
    {34, Reaction::fail_flow},
    {35, Reaction::fail_flow},
    {50, Reaction::fail_flow},
    {53, Reaction::fail_flow},
    {54, Reaction::fail_flow},
    {58, Reaction::fail_flow},
    {104, Reaction::fail_flow},
};

TEST(Retry, ClassifiesEveryKafkaCode) {
  for (int code = -1; code <= 133; ++code) {
    const auto kafka = static_cast<KafkaErrc>(code);
    const auto found = kExpected.find(code);
    const auto expected = found == kExpected.end() ? Reaction::fail_partition : found->second;
    EXPECT_EQ(reaction_to(kafka), expected) << code << " " << protocol::name_of(kafka);
    EXPECT_EQ(reaction_to(protocol::kafka_error(kafka)), expected) << code;
  }
  EXPECT_EQ(reaction_to(static_cast<KafkaErrc>(9999)), Reaction::fail_partition);
}

TEST(Retry, WhatIsRepeatedIsWhatKafkasClientsRepeat) {
  // Differences on purpose: CORRUPT_MESSAGE would be refused again with the same bytes; UNKNOWN_TOPIC_ID and
  // the like are covered by a refresh. Codes that Kafka does not repeat by itself but that another broker
  // answers differently, too.
  const std::map<KafkaErrc, Reaction> ours_alone = {
      {KafkaErrc::broker_not_available, Reaction::refresh_metadata},
      {KafkaErrc::stale_controller_epoch, Reaction::refresh_metadata},
      {KafkaErrc::operation_not_attempted, Reaction::retry},
      {KafkaErrc::rebalance_in_progress, Reaction::retry},
      {KafkaErrc::new_leader_elected, Reaction::refresh_metadata},
      {KafkaErrc::rebootstrap_required, Reaction::refresh_metadata},
  };
  for (int code = 1; code <= 133; ++code) {
    const auto kafka = static_cast<KafkaErrc>(code);
    const auto reaction = reaction_to(kafka);
    const bool repeats = reaction == Reaction::retry || reaction == Reaction::refresh_metadata ||
                         reaction == Reaction::find_coordinator;
    if (repeats && !protocol::is_retriable(kafka)) {
      EXPECT_TRUE(ours_alone.contains(kafka)) << protocol::name_of(kafka);
    }
  }
}

TEST(Retry, ConnectionErrorsAreRepeated) {
  namespace errc = boost::system::errc;
  const ErrorCode codes[] = {net::NetErrc::closed_by_peer,
                             net::NetErrc::timed_out,
                             net::NetErrc::host_not_found,
                             net::NetErrc::resolver_failed,
                             errc::make_error_code(errc::connection_refused),
                             errc::make_error_code(errc::connection_reset),
                             ErrorCode(ECONNREFUSED, boost::system::system_category()),
                             ClientErrc::not_kafka,
                             ClientErrc::answered_tls,
                             ClientErrc::closed_in_handshake,
                             ClientErrc::undecodable_response,
                             ClientErrc::connection_closed};
  for (const auto& code : codes) {
    EXPECT_TRUE(is_connection_error(code)) << code.message();
    EXPECT_EQ(reaction_to(code), Reaction::retry) << code.message();
  }
}

TEST(Retry, RefusalsFailAtOnceAndAreTriedAgainRarely) {
  const ErrorCode codes[] = {protocol::kafka_error(KafkaErrc::sasl_authentication_failed),
                             protocol::kafka_error(KafkaErrc::unsupported_sasl_mechanism),
                             protocol::kafka_error(KafkaErrc::illegal_sasl_state),
                             net::SaslErrc::server_not_authentic,
                             net::SaslErrc::weak_server,
                             net::NetErrc::tls_untrusted,
                             net::NetErrc::tls_wrong_host,
                             net::NetErrc::tls_expired,
                             net::NetErrc::tls_client_certificate_missing};
  net::Random random(1);
  for (const auto& code : codes) {
    EXPECT_TRUE(is_refusal(code)) << code.message();
    EXPECT_TRUE(is_connection_error(code)) << code.message();
    EXPECT_EQ(reaction_to(code), Reaction::fail_flow) << code.message();
    Backoff backoff(milliseconds(50), milliseconds(1'000), random);
    EXPECT_GE(backoff.next_after(code), milliseconds(4'000));
    for (int i = 0; i < 40; ++i) EXPECT_LE(backoff.next_after(code), milliseconds(72'000));
    EXPECT_GE(backoff.next_after(code), milliseconds(48'000));
    backoff.reset();
    EXPECT_LE(backoff.next_after(net::NetErrc::closed_by_peer), milliseconds(60));
  }
  for (const ErrorCode& code : {ErrorCode(net::NetErrc::not_tls), ErrorCode(net::NetErrc::timed_out),
                                ErrorCode(ClientErrc::closed_in_authentication), net::aborted(),
                                protocol::kafka_error(KafkaErrc::cluster_authorization_failed)}) {
    EXPECT_FALSE(is_refusal(code)) << code.message();
  }
  // Nothing was sent, or it was answered before.
  EXPECT_EQ(effect_of(net::SaslErrc::refused), Effect::none);
  EXPECT_EQ(effect_of(protocol::kafka_error(KafkaErrc::sasl_authentication_failed)), Effect::none);
  EXPECT_EQ(effect_of(ClientErrc::closed_in_authentication), Effect::unknown);
}

TEST(Retry, CancellationIsNeverRepeated) {
  EXPECT_EQ(reaction_to(net::aborted()), Reaction::fail_flow);
  EXPECT_FALSE(is_connection_error(net::aborted()));
}

TEST(Retry, MissingKnowledgeAsksForMetadata) {
  EXPECT_EQ(reaction_to(ErrorCode(ClientErrc::no_leader)), Reaction::refresh_metadata);
  EXPECT_EQ(reaction_to(ErrorCode(ClientErrc::unknown_topic)), Reaction::refresh_metadata);
  EXPECT_EQ(reaction_to(ErrorCode(ClientErrc::unknown_broker)), Reaction::refresh_metadata);
  EXPECT_EQ(reaction_to(ErrorCode(ClientErrc::no_controller)), Reaction::refresh_metadata);
  EXPECT_EQ(reaction_to(ErrorCode(ClientErrc::unsupported_version)), Reaction::fail_flow);
}

TEST(Retry, OurOwnMistakesAreNotRepeated) {
  EXPECT_EQ(reaction_to(ErrorCode(protocol::WireErrc::not_in_version)), Reaction::fail_flow);
  EXPECT_EQ(effect_of(ErrorCode(protocol::WireErrc::not_in_version)), Effect::none);
}

TEST(Retry, TellsWhatMayHaveHappened) {
  EXPECT_EQ(effect_of(protocol::kafka_error(KafkaErrc::not_leader_or_follower)), Effect::unknown)
      << "a leader that steps down answers so for what it has appended";
  EXPECT_EQ(effect_of(protocol::kafka_error(KafkaErrc::not_enough_replicas)), Effect::none);
  EXPECT_EQ(effect_of(protocol::kafka_error(KafkaErrc::not_enough_replicas_after_append)), Effect::unknown);
  EXPECT_EQ(effect_of(protocol::kafka_error(KafkaErrc::request_timed_out)), Effect::unknown);
  EXPECT_EQ(effect_of(net::NetErrc::timed_out), Effect::unknown);
  EXPECT_EQ(effect_of(net::NetErrc::closed_by_peer), Effect::unknown);
  EXPECT_EQ(effect_of(net::NetErrc::host_not_found), Effect::none);
  EXPECT_EQ(effect_of(ErrorCode(ECONNREFUSED, boost::system::system_category())), Effect::none);
  EXPECT_EQ(effect_of(ClientErrc::no_leader), Effect::none);
  EXPECT_EQ(effect_of(net::aborted()), Effect::unknown);
}

TEST(Backoff, DoublesUpToItsMaximumWithinTwentyPercent) {
  net::Random random(7);
  Backoff backoff(milliseconds(100), milliseconds(1000), random);
  const milliseconds expected[] = {milliseconds(100), milliseconds(200),  milliseconds(400),
                                   milliseconds(800), milliseconds(1000), milliseconds(1000)};
  for (const auto full : expected) {
    const auto waited = backoff.next();
    EXPECT_GE(waited, full * 8 / 10);
    EXPECT_LE(waited, full * 12 / 10);
  }
  for (int i = 0; i < 200; ++i) EXPECT_LE(backoff.next(), milliseconds(1200));
  backoff.reset();
  EXPECT_LE(backoff.next(), milliseconds(120));
}

TEST(Backoff, SpreadsThoseWhoFailedTogether) {
  net::Random random(7);
  std::map<SteadyTime::duration, int> waits;
  for (int i = 0; i < 50; ++i) ++waits[Backoff(milliseconds(100), milliseconds(1000), random).next()];
  EXPECT_GT(waits.size(), 40u);
}

}  // namespace
}  // namespace longhaul::client
