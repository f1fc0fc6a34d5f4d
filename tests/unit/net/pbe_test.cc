#include "net/pbe.h"

#include <gtest/gtest.h>

#include <limits>

#include "net/error.h"
#include "net/pkcs12.h"
#include "tests/unit/net/stores.h"

namespace longhaul::net {
namespace {

using AlgorithmPtr = std::unique_ptr<X509_ALGOR, OpensslFree<&X509_ALGOR_free>>;

// Making an algorithm's description computes nothing, so even absurd ones are made at once.
AlgorithmPtr pbes2(int iterations) {
  return AlgorithmPtr(PKCS5_pbe2_set(EVP_aes_256_cbc(), iterations, nullptr, 8));
}
AlgorithmPtr pkcs12_pbe(int iterations) {
  return AlgorithmPtr(PKCS5_pbe_set(NID_pbe_WithSHA1And3_Key_TripleDES_CBC, iterations, nullptr, 8));
}

TEST(PasswordRounds, AreLimitedInEveryScheme) {
  for (const auto& make : {&pbes2, &pkcs12_pbe}) {
    EXPECT_TRUE(check_iterations(*make(1)));
    EXPECT_TRUE(check_iterations(*make(kIterationsMax)));
    for (const int count : {static_cast<int>(kIterationsMax) + 1, std::numeric_limits<int>::max()}) {
      const auto checked = check_iterations(*make(count));
      ASSERT_FALSE(checked);
      EXPECT_EQ(checked.error().message(), "more than 5000000 iterations: not supported");
    }
  }
}

TEST(PasswordRounds, OfAStoresCheckAreLimited) {
  const auto file = test::read_store("trust-without-password.p12");
  const auto* at = reinterpret_cast<const unsigned char*>(file.data());
  const std::unique_ptr<PKCS12, OpensslFree<&PKCS12_free>> store(
      d2i_PKCS12(nullptr, &at, static_cast<long>(file.size())));
  ASSERT_NE(store, nullptr);
  ASSERT_EQ(PKCS12_setup_mac(store.get(), std::numeric_limits<int>::max(), nullptr, 8, EVP_sha256()), 1);
  unsigned char* encoded = nullptr;
  const int size = i2d_PKCS12(store.get(), &encoded);
  ASSERT_GT(size, 0);
  const auto bytes = std::as_bytes(std::span(encoded, static_cast<std::size_t>(size)));
  const auto read = read_pkcs12(bytes, {.store = "storepass"}, Pkcs12Keys::skip);
  OPENSSL_free(encoded);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, KeyStoreErrc::unsupported);
}

}  // namespace
}  // namespace longhaul::net
