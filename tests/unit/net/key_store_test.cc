#include "net/key_store.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>

#include "net/error.h"
#include "net/tls_text.h"
#include "tests/unit/net/stores.h"

namespace longhaul::net {
namespace {

using test::read_store_text;
using test::store_path;

/// A file of its own, removed at the end.
class File {
 public:
  explicit File(std::string_view content) {
    const int fd = ::mkstemp(path_.data());
    EXPECT_GE(fd, 0);
    EXPECT_EQ(::write(fd, content.data(), content.size()), static_cast<ssize_t>(content.size()));
    ::close(fd);
  }
  ~File() { std::filesystem::remove(path_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_ = ::testing::TempDir() + "longhaul-store-XXXXXX";
};

TrustSource trust_file(const std::string& name, std::optional<std::string> password = std::nullopt) {
  TrustSource source{.path = store_path(name)};
  if (password) source.password = Secret(*password);
  return source;
}

IdentitySource identity_file(const std::string& path, std::optional<std::string> store_password,
                             std::optional<std::string> key_password = std::nullopt) {
  IdentitySource source{.path = path};
  if (store_password) source.store_password = Secret(*store_password);
  if (key_password) source.key_password = Secret(*key_password);
  return source;
}

IdentitySource pem_identity(const std::string& key, const std::string& chain,
                            std::optional<std::string> key_password = std::nullopt) {
  IdentitySource source{.pem_key = Secret(key), .pem_chain = chain};
  if (key_password) source.key_password = Secret(*key_password);
  return source;
}

template <class T>
ErrorCode code_of(const Result<T>& result) {
  return result ? ErrorCode() : result.error().code;
}

void expect_authority(const TrustSource& source) {
  const auto trusted = read_trust(source);
  ASSERT_TRUE(trusted) << trusted.error().message();
  ASSERT_EQ(trusted->size(), 1u) << source.path;
  EXPECT_EQ(subject_of(*trusted->front()), "CN = Test Authority") << source.path;
}

void expect_broker(const IdentitySource& source) {
  const auto identity = read_identity(source);
  ASSERT_TRUE(identity) << source.path << ": " << identity.error().message();
  EXPECT_EQ(subject_of(*identity->certificate), "O = Example, CN = broker-1") << source.path;
  EXPECT_EQ(X509_check_private_key(identity->certificate.get(), identity->key.get()), 1);
  ASSERT_EQ(identity->chain.size(), 1u) << source.path;
  EXPECT_EQ(subject_of(*identity->chain[0]), "CN = Test Authority");
  EXPECT_EQ(identity->warning, "");
}

TEST(TrustStore, IsReadInEveryFormatWhateverItsName) {
  expect_authority(trust_file("trust.jks", "storepass"));
  expect_authority(trust_file("trust.jks"));
  expect_authority(trust_file("trust-unicode.jks", "pässwörd-密码-😀"));
  expect_authority(trust_file("trust.p12", "storepass"));
  expect_authority(trust_file("trust-legacy.p12", "storepass"));
  expect_authority(trust_file("trust-openssl.p12", "storepass"));
  expect_authority(trust_file("trust-without-password.p12"));
  expect_authority(trust_file("trust-without-password.p12", "ignored"));
  expect_authority(trust_file("authority.pem"));
  expect_authority({.pem = read_store_text("authority.pem")});
}

TEST(TrustStore, TrustsTheOwnCertificatesOfPrivateKeysAndNotTheirChains) {
  for (const auto* name :
       {"identity.jks", "identity.p12", "identity-legacy.p12", "identity-openssl-legacy.p12"}) {
    const auto trusted = read_trust(trust_file(name, "storepass"));
    ASSERT_TRUE(trusted) << name << ": " << trusted.error().message();
    ASSERT_EQ(trusted->size(), 1u) << name;
    EXPECT_EQ(subject_of(*trusted->front()), "O = Example, CN = broker-1") << name;
  }
}

TEST(TrustStore, OfPemHoldsAllItsCertificatesAndSkipsTheRest) {
  const auto text = "a comment\n" + read_store_text("key.pem") + read_store_text("chain.pem") + "\nthe end";
  const auto trusted = read_trust({.pem = text});
  ASSERT_TRUE(trusted) << trusted.error().message();
  EXPECT_EQ(trusted->size(), 2u);
}

TEST(TrustStore, OfPemInOneLineIsRead) {
  auto text = read_store_text("authority.pem");
  std::ranges::replace(text, '\n', ' ');
  expect_authority({.pem = text});
  std::erase(text, '\r');
  expect_authority({.pem = text});
}

TEST(TrustStore, SaysWhatIsWrongWithIt) {
  const auto message = [](const TrustSource& source) {
    const auto trusted = read_trust(source);
    auto text = trusted ? "read" : trusted.error().message();
    if (!source.path.empty()) {
      const auto at = text.find(source.path);
      EXPECT_NE(at, std::string::npos) << text;
      if (at != std::string::npos) text.replace(at, source.path.size(), "FILE");
    }
    return text;
  };
  constexpr auto kWrong = "trusted certificates FILE: wrong store password, or the file was changed";
  EXPECT_EQ(message(trust_file("trust.jks", "secret1")), kWrong);
  EXPECT_EQ(message(trust_file("trust.p12", "secret1")), kWrong);
  EXPECT_EQ(message(trust_file("trust-legacy.p12", "secret1")), kWrong);
  EXPECT_EQ(message(trust_file("trust.p12", "")), kWrong);
  EXPECT_EQ(message(trust_file("trust.p12")),
            "trusted certificates FILE: encrypted, and no password is given");
  EXPECT_EQ(message(trust_file("missing.jks", "x")), "trusted certificates FILE: No such file or directory");
  EXPECT_EQ(message({.path = store_path("")}), "trusted certificates FILE: Is a directory");
  EXPECT_EQ(message(trust_file("key.pem")), "trusted certificates FILE: no certificate in it");
  EXPECT_EQ(message(trust_file("README.md")), "trusted certificates FILE: neither PEM nor PKCS12 nor JKS");
  EXPECT_EQ(
      message(trust_file("trust.jceks", "storepass")),
      "trusted certificates FILE: JCEKS store (keytool -importkeystore makes a PKCS12 of it): not supported");
  EXPECT_EQ(message({.pem = "nothing"}), "trusted certificates: no certificate in it");
  EXPECT_EQ(message({.pem = "-----BEGIN CERTIFICATE-----\nMIIB\n"}),
            "trusted certificates: PEM block CERTIFICATE: truncated");
  EXPECT_EQ(message({.pem = "-----BEGIN CERTIFICATE-----\n@@@@\n-----END CERTIFICATE-----"}),
            "trusted certificates: PEM block CERTIFICATE: damaged");
  EXPECT_TRUE(message({.pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"})
                  .ends_with(": damaged"));
  const File empty("");
  EXPECT_EQ(message({.path = empty.path()}),
            "trusted certificates FILE: empty file: neither PEM nor PKCS12 nor JKS");
}

TEST(TrustStore, ThatIsCutIsTruncated) {
  for (const auto* name : {"trust.jks", "trust.p12", "trust-legacy.p12", "authority.pem"}) {
    const auto whole = read_store_text(name);
    for (const auto size : {whole.size() - 1, whole.size() / 2, std::size_t{30}}) {
      if (name == std::string_view("authority.pem") && size == whole.size() - 1) continue;  // A line break.
      const File file(std::string_view(whole).substr(0, size));
      EXPECT_EQ(code_of(read_trust({.path = file.path(), .password = Secret("storepass")})),
                KeyStoreErrc::truncated)
          << name << " " << size;
    }
  }
}

TEST(TrustStore, AnyDamageEndsWithAnErrorOrAStoreThatWasNotMeantToBeChecked) {
  for (const auto* name : {"trust.p12", "identity.p12", "trust-legacy.p12"}) {
    const auto whole = read_store_text(name);
    for (std::size_t at = 0; at < whole.size(); at += 23) {
      auto damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ 0x41);
      const File file(damaged);
      const auto trusted = read_trust({.path = file.path(), .password = Secret("storepass")});
      EXPECT_TRUE(!trusted || !trusted->empty());
      if (!trusted)
        EXPECT_EQ(trusted.error().code.category(), key_store_category()) << trusted.error().message();
    }
  }
}

TEST(KeyStore, IsReadInEveryFormatWhateverItsName) {
  expect_broker(identity_file(store_path("identity.jks"), "storepass", "keypass"));
  expect_broker(identity_file(store_path("identity.jks"), std::nullopt, "keypass"));
  expect_broker(identity_file(store_path("identity.p12"), "storepass"));
  expect_broker(identity_file(store_path("identity.p12"), "storepass", "storepass"));
  expect_broker(identity_file(store_path("identity-legacy.p12"), "storepass"));
  expect_broker(identity_file(store_path("identity-openssl-legacy.p12"), "storepass"));
  expect_broker(identity_file(store_path("identity-openssl-empty-password.p12"), ""));
  expect_broker(identity_file(store_path("identity-openssl-empty-password.p12"), std::nullopt));
  const auto chain = read_store_text("chain.pem");
  const File file(read_store_text("key-pbes2.pem") + chain);
  expect_broker(identity_file(file.path(), std::nullopt, "keypass"));
  for (const auto* key : {"key.pem", "key-ec.pem"}) expect_broker(pem_identity(read_store_text(key), chain));
  for (const auto* key : {"key-pbes2.pem", "key-pbe-md5-des.pem", "key-ec-encrypted.pem"}) {
    expect_broker(pem_identity(read_store_text(key), chain, "keypass"));
  }
}

TEST(KeyStore, PutsThePemChainInOrder) {
  const auto chain = read_store_text("chain.pem");
  expect_broker(pem_identity(read_store_text("key.pem"), read_store_text("authority.pem") + chain));
}

TEST(KeyStore, SaysWhichOfSeveralKeysItUses) {
  const auto identity = read_identity(identity_file(store_path("two-keys.jks"), "storepass"));
  ASSERT_TRUE(identity) << identity.error().message();
  EXPECT_TRUE(identity->warning.starts_with("2 private keys in it, '")) << identity->warning;
}

TEST(KeyStore, SaysWhatIsWrongWithIt) {
  const auto chain = read_store_text("chain.pem");
  const auto jks = [](auto... passwords) {
    return read_identity(identity_file(store_path("identity.jks"), passwords...));
  };
  const auto p12 = [](auto... passwords) {
    return read_identity(identity_file(store_path("identity.p12"), passwords...));
  };
  EXPECT_EQ(code_of(jks("wrong", "keypass")), KeyStoreErrc::wrong_password);
  EXPECT_EQ(code_of(jks("storepass", "wrong")), KeyStoreErrc::wrong_key_password);
  EXPECT_EQ(code_of(jks("storepass")), KeyStoreErrc::wrong_key_password);
  EXPECT_EQ(code_of(jks(std::nullopt)), KeyStoreErrc::password_missing);
  EXPECT_EQ(code_of(p12("wrong")), KeyStoreErrc::wrong_password);
  EXPECT_EQ(code_of(p12("storepass", "wrong")), KeyStoreErrc::wrong_key_password);
  EXPECT_EQ(code_of(p12(std::nullopt)), KeyStoreErrc::password_missing);
  for (const auto* name : {"trust.jks", "trust.p12", "authority.pem"}) {
    EXPECT_EQ(code_of(read_identity(identity_file(store_path(name), "storepass"))), KeyStoreErrc::no_key)
        << name;
  }
  EXPECT_EQ(code_of(read_identity(pem_identity(read_store_text("key.pem"), ""))),
            KeyStoreErrc::no_certificate);
  EXPECT_EQ(code_of(read_identity(pem_identity("", chain))), KeyStoreErrc::no_key);
  EXPECT_EQ(
      code_of(read_identity(pem_identity(read_store_text("key.pem"), read_store_text("authority.pem")))),
      KeyStoreErrc::key_mismatch);
  for (const auto* name : {"key-pbes2.pem", "key-pbe-md5-des.pem", "key-ec-encrypted.pem"}) {
    const auto key = read_store_text(name);
    EXPECT_EQ(code_of(read_identity(pem_identity(key, chain))), KeyStoreErrc::password_missing) << name;
    const auto wrong = read_identity(pem_identity(key, chain, "hunter22"));
    EXPECT_EQ(code_of(wrong), KeyStoreErrc::wrong_key_password) << name;
    EXPECT_EQ(wrong.error().message().find("hunter22"), std::string::npos);
  }
}

}  // namespace
}  // namespace longhaul::net
