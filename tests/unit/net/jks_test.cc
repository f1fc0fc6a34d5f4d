#include "net/jks.h"

#include <gtest/gtest.h>

#include "net/error.h"
#include "tests/unit/net/stores.h"

namespace longhaul::net {
namespace {

using test::read_store;

TEST(Jks, ReadsTheTrustStoresThatKeytoolWrites) {
  const auto file = read_store("trust.jks");
  const auto store = read_jks(file, "storepass");
  ASSERT_TRUE(store) << store.error().message();
  ASSERT_EQ(store->trusted.size(), 1u);
  EXPECT_EQ(store->trusted[0][0], std::byte{0x30});
  EXPECT_TRUE(store->keys.empty());
}

TEST(Jks, ReadsKeysWithTheirChainsAndOpensThem) {
  const auto file = read_store("identity.jks");
  const auto store = read_jks(file, "storepass");
  ASSERT_TRUE(store) << store.error().message();
  EXPECT_TRUE(store->trusted.empty());
  ASSERT_EQ(store->keys.size(), 1u);
  EXPECT_EQ(store->keys[0].alias, "broker");
  EXPECT_EQ(store->keys[0].chain.size(), 2u);
  const auto key = unprotect_jks_key(store->keys[0].protected_key, "keypass");
  ASSERT_TRUE(key) << key.error().message();
  EXPECT_EQ((*key)[0], std::byte{0x30});
  const auto refused = unprotect_jks_key(store->keys[0].protected_key, "storepass");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, KeyStoreErrc::wrong_key_password);
}

TEST(Jks, ChecksTheStoreOnlyWithAPassword) {
  auto file = read_store("trust.jks");
  EXPECT_TRUE(read_jks(file, std::nullopt));
  const auto wrong = read_jks(file, "Storepass");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, KeyStoreErrc::wrong_password);
  file[100] ^= std::byte{1};
  const auto changed = read_jks(file, "storepass");
  ASSERT_FALSE(changed);
  EXPECT_EQ(changed.error().code, KeyStoreErrc::wrong_password);
}

TEST(Jks, HashesPasswordsBeyondAsciiAsJavaDoes) {
  const auto file = read_store("trust-unicode.jks");
  EXPECT_TRUE(read_jks(file, "pässwörd-密码-😀"));
  EXPECT_FALSE(read_jks(file, "passwörd-密码-😀"));
  EXPECT_FALSE(read_jks(file, "p\xffsswörd-密码-😀"));
}

TEST(Jks, EveryCutOfAStoreIsTruncated) {
  for (const auto* name : {"trust.jks", "identity.jks"}) {
    const auto file = read_store(name);
    for (std::size_t size = 4; size < file.size(); ++size) {
      const auto cut = read_jks(ConstBytes(file).first(size), "storepass");
      ASSERT_FALSE(cut) << name << " " << size;
      EXPECT_EQ(cut.error().code, KeyStoreErrc::truncated) << name << " " << size;
    }
  }
}

TEST(Jks, EveryDamagedByteIsFoundByTheCheck) {
  const auto file = read_store("identity.jks");
  for (std::size_t at = 0; at < file.size(); ++at) {
    auto damaged = file;
    damaged[at] ^= std::byte{0x81};
    EXPECT_FALSE(read_jks(damaged, "storepass")) << at;
  }
}

TEST(Jks, NoDamageOfAProtectedKeyGivesAnotherKey) {
  const auto file = read_store("identity.jks");
  const auto store = read_jks(file, "storepass");
  ASSERT_TRUE(store);
  const auto intact = store->keys.at(0).protected_key;
  const auto plain = unprotect_jks_key(intact, "keypass");
  ASSERT_TRUE(plain);
  for (std::size_t at = 0; at < intact.size(); ++at) {
    Bytes damaged(intact.begin(), intact.end());
    damaged[at] ^= std::byte{0x10};
    // The parameters of the algorithm, which has none, do not matter.
    const auto opened = unprotect_jks_key(damaged, "keypass");
    if (opened) EXPECT_EQ(*opened, *plain) << at;
    if (at >= intact.size() - 40) EXPECT_FALSE(opened) << at;
  }
}

TEST(Jks, ReadsVersionOneWhichNamesNoCertificateType) {
  const Bytes file = test::bytes(
      "feedfeed 00000001 00000001 00000002 0001 61 0000000000000000 00000003 010203"
      "0000000000000000000000000000000000000000");
  const auto store = read_jks(file, std::nullopt);
  ASSERT_TRUE(store) << store.error().message();
  ASSERT_EQ(store->trusted.size(), 1u);
  EXPECT_EQ(store->trusted[0].size(), 3u);
}

TEST(Jks, RefusesWhatItDoesNotKnow) {
  const auto code_of = [](std::string_view hex) {
    const auto file = test::bytes(hex);
    const auto store = read_jks(file, std::nullopt);
    return store ? ErrorCode() : store.error().code;
  };
  EXPECT_EQ(code_of("feedfeee 00000002 00000000"), KeyStoreErrc::not_a_key_store);
  EXPECT_EQ(code_of("feedfeed 00000003 00000000"), KeyStoreErrc::unsupported);
  EXPECT_EQ(code_of("feedfeed 00000002 00000001 00000003 0001 61"), KeyStoreErrc::damaged);
  // Counts and lengths that promise more than there is cost nothing.
  EXPECT_EQ(code_of("feedfeed 00000002 ffffffff 00000002 ffff 61"), KeyStoreErrc::truncated);
  EXPECT_EQ(code_of("feedfeed 00000001 00000001 00000001 0000 0000000000000000 00000000 ffffffff"),
            KeyStoreErrc::truncated);
  EXPECT_EQ(code_of("feedfeed 00000002 00000001 00000002 0000 0000000000000000 0003 504750 00000000"),
            KeyStoreErrc::unsupported);
}

}  // namespace
}  // namespace longhaul::net
