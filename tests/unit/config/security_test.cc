#include <gtest/gtest.h>

#include "app/config/client_file.h"
#include "app/config/security_reader.h"
#include "tests/unit/config/loaded.h"

namespace longhaul::config {
namespace {

constexpr std::string_view kPlain =
    "A.sasl.jaas.config = org.apache.kafka.common.security.plain.PlainLoginModule required username=\"u\" "
    "password=\"p\";\n";

SecuritySettings security_of(std::string_view lines) {
  return flow_with(lines).source_consumer.security;
}

/// Why the flow A->B cannot run, or "runs".
std::string not_runnable(std::string_view lines) {
  const auto runnable = require_runnable(flow_with(lines));
  return runnable ? "runs" : runnable.error().message();
}

// flow_with() enables A->B in line 4, so what a test writes begins at line 5; error_of() at line 4.

TEST(Security, PlaintextNeedsNothing) {
  const auto security = security_of("");
  EXPECT_EQ(security.protocol, SecurityProtocol::plaintext);
  EXPECT_FALSE(security.tls || security.sasl || security.not_served);
}

TEST(Security, ReadsStoresAndPasswordsWithTheirOrigins) {
  const auto flow = flow_with(
      "A.security.protocol = SSL\nA.ssl.truststore.location = /t.jks\nA.ssl.truststore.password = tp \n"
      "A.ssl.keystore.location = /k.p12\nA.ssl.keystore.password = kp\nA.ssl.key.password = keyp\n"
      "A.ssl.keystore.type = PKCS12\nA.ssl.truststore.type = jks\nA.ssl.cipher.suites = "
      "TLS_AES_128_GCM_SHA256\n"
      "A.consumer.ssl.key.password = mine\n");
  const auto& tls = flow.source_admin.security.tls;
  ASSERT_TRUE(tls.has_value());
  EXPECT_EQ(tls->truststore_location->value, "/t.jks");
  EXPECT_EQ(tls->truststore_location->origin.to_string(), "mm2.properties:6 (A.ssl.truststore.location)");
  EXPECT_EQ(tls->truststore_password->value.reveal(), "tp") << "trimmed, as all of Kafka's passwords";
  EXPECT_EQ(tls->keystore_location->value, "/k.p12");
  EXPECT_EQ(tls->keystore_password->value.reveal(), "kp");
  EXPECT_EQ(tls->key_password->value.reveal(), "keyp");
  EXPECT_EQ(tls->enabled_protocols.value, (std::vector<std::string>{"TLSv1.2", "TLSv1.3"}));
  EXPECT_EQ(tls->cipher_suites.value, std::vector<std::string>{"TLS_AES_128_GCM_SHA256"});
  EXPECT_TRUE(tls->verify_host);
  EXPECT_EQ(flow.source_consumer.security.tls->key_password->value.reveal(), "mine")
      << "roles have their own";
  EXPECT_EQ(flow.target_admin.security.protocol, SecurityProtocol::plaintext) << "and so have clusters";
}

TEST(Security, TheTopLevelServesAllClusters) {
  const auto flow =
      flow_with("security.protocol = SSL\nssl.truststore.location = /t\nB.security.protocol = plaintext\n");
  EXPECT_EQ(flow.source_admin.security.tls->truststore_location->value, "/t");
  EXPECT_EQ(flow.source_admin.security.origin.to_string(), "mm2.properties:5 (security.protocol)");
  EXPECT_EQ(flow.data_producer.security.protocol, SecurityProtocol::plaintext);
}

TEST(Security, ReadsPemInValues) {
  const auto security = security_of(
      "A.security.protocol = SSL\nA.ssl.truststore.type = PEM\n"
      "A.ssl.truststore.certificates = -----BEGIN CERTIFICATE----- \\\n  QUJD \\\n  REVG \\\n  -----END "
      "CERTIFICATE-----\n"
      "A.ssl.keystore.key = -----BEGIN PRIVATE KEY-----\\nQUJD\\n-----END PRIVATE KEY-----\n"
      "A.ssl.keystore.certificate.chain = -----BEGIN CERTIFICATE-----\\nQUJD\\n-----END CERTIFICATE-----\n");
  ASSERT_TRUE(security.tls.has_value());
  EXPECT_EQ(security.tls->truststore_certificates->value,
            "-----BEGIN CERTIFICATE-----\nQUJDREVG\n-----END CERTIFICATE-----\n");
  EXPECT_EQ(security.tls->keystore_key->value.reveal(),
            "-----BEGIN PRIVATE KEY-----\nQUJD\n-----END PRIVATE KEY-----\n");
  EXPECT_EQ(security.tls->keystore_certificate_chain->value,
            "-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----\n");
}

TEST(Security, PemKeepsWhatItsLinesMean) {
  EXPECT_EQ(normal_pem("no PEM at all"), "no PEM at all");
  EXPECT_EQ(normal_pem("-----BEGIN X-----AA"), "-----BEGIN X-----AA") << "not complete: OpenSSL says so";
  EXPECT_EQ(normal_pem("-----BEGIN A-----" + std::string(65, 'x') +
                       "-----END A----- -----BEGIN B-----y-----END B-----"),
            "-----BEGIN A-----\n" + std::string(64, 'x') +
                "\nx\n-----END A-----\n-----BEGIN B-----\ny\n-----END B-----\n");
  const std::string old =
      "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: X,Y\n\nQUJD\n"
      "-----END RSA PRIVATE KEY-----\n";
  EXPECT_EQ(normal_pem(old), old);
}

TEST(Security, StoreKeysThatContradictEachOtherAreRefused) {
  const std::string ssl = "A.security.protocol = SSL\n";
  EXPECT_EQ(error_of(ssl + "A.ssl.truststore.location = /t\nA.ssl.truststore.certificates = x\n"),
            "mm2.properties:6: A.ssl.truststore.certificates: must not be set together with "
            "A.ssl.truststore.location (line 5)");
  EXPECT_EQ(error_of(ssl + "A.ssl.keystore.location = /t\nA.ssl.keystore.key = x\n"
                           "A.ssl.keystore.certificate.chain = y\n"),
            "mm2.properties:6: A.ssl.keystore.key: must not be set together with A.ssl.keystore.location "
            "(line 5)");
  EXPECT_EQ(error_of(ssl + "A.ssl.keystore.key = x\n"),
            "mm2.properties:5: A.ssl.keystore.key: needs ssl.keystore.certificate.chain too");
  EXPECT_EQ(error_of(ssl + "A.ssl.keystore.certificate.chain = x\n"),
            "mm2.properties:5: A.ssl.keystore.certificate.chain: needs ssl.keystore.key too");
  EXPECT_EQ(error_of(ssl + "A.ssl.keystore.type = BCFKS\n"),
            "mm2.properties:5: A.ssl.keystore.type: found 'BCFKS', accepted: JKS, PKCS12, PEM");
}

TEST(Security, VersionsOfTls) {
  const auto versions = [](std::string_view lines) {
    return security_of("A.security.protocol = SSL\n" + std::string(lines)).tls->enabled_protocols.value;
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(versions("A.ssl.enabled.protocols = TLSv1.3"), Names{"TLSv1.3"});
  EXPECT_EQ(versions("A.ssl.enabled.protocols = TLSv1.2,TLSv1.1,TLSv1"), Names{"TLSv1.2"});
  EXPECT_EQ(versions("A.ssl.protocol = TLSv1.2"), Names{"TLSv1.2"}) << "Kafka: then TLSv1.3 is not used";
  EXPECT_EQ(versions("A.ssl.protocol = TLS"), (Names{"TLSv1.2", "TLSv1.3"}));
  const std::string ssl = "A.security.protocol = SSL\n";
  EXPECT_EQ(
      error_of(ssl + "A.ssl.enabled.protocols = TLSv1.1"),
      "mm2.properties:5: A.ssl.enabled.protocols: leaves no version of TLS: TLSv1.2 and TLSv1.3 are served");
  EXPECT_EQ(error_of(ssl + "A.ssl.enabled.protocols = TLSv1.4"),
            "mm2.properties:5: A.ssl.enabled.protocols: found 'TLSv1.4', accepted: TLSv1.2, TLSv1.3");
  EXPECT_EQ(error_of(ssl + "A.ssl.protocol = SSLv3"),
            "mm2.properties:5: A.ssl.protocol: found 'SSLv3', accepted: TLSv1.3, TLSv1.2, TLS");
  EXPECT_EQ(
      error_of(ssl + "A.ssl.protocol = TLSv1.2\nA.ssl.enabled.protocols = TLSv1.3"),
      "mm2.properties:6: A.ssl.enabled.protocols: leaves no version of TLS: TLSv1.2 and TLSv1.3 are served");
  EXPECT_EQ(
      warnings_of(loaded(ssl + "A.ssl.enabled.protocols = TLSv1.2,TLSv1\n"), WarningKind::value),
      std::vector<std::string>{"mm2.properties:5: A.ssl.enabled.protocols: TLSv1 is not safe and never used, "
                               "as with current Java releases"});
}

TEST(Security, AnEmptyIdentificationAlgorithmIsSaid) {
  const std::string ssl = "A.security.protocol = SSL\n";
  EXPECT_FALSE(security_of(ssl + "A.ssl.endpoint.identification.algorithm =\n").tls->verify_host);
  EXPECT_TRUE(security_of(ssl + "A.ssl.endpoint.identification.algorithm = HTTPS\n").tls->verify_host);
  EXPECT_EQ(
      warnings_of(loaded(ssl + "A.ssl.endpoint.identification.algorithm =\n"), WarningKind::value).size(),
      1U);
  EXPECT_EQ(error_of(ssl + "A.ssl.endpoint.identification.algorithm = none\n"),
            "mm2.properties:5: A.ssl.endpoint.identification.algorithm: found 'none', accepted: https, or "
            "nothing to "
            "accept a certificate of any host");
}

TEST(Security, ReadsTheCredentialsOfEveryServedMechanism) {
  for (const auto* mechanism : {"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"}) {
    for (const auto* protocol : {"SASL_PLAINTEXT", "SASL_SSL"}) {
      const auto security = security_of(
          fmt::format("A.security.protocol = {}\nA.sasl.mechanism = {}\n{}", protocol, mechanism, kPlain));
      ASSERT_TRUE(security.sasl.has_value());
      EXPECT_EQ(security.sasl->mechanism.value, mechanism);
      EXPECT_EQ(security.sasl->username, "u");
      EXPECT_EQ(security.sasl->password.reveal(), "p");
      EXPECT_EQ(security.sasl->jaas.to_string(), "mm2.properties:7 (A.sasl.jaas.config)");
      EXPECT_EQ(security.tls.has_value(), protocol == std::string_view("SASL_SSL"));
    }
  }
}

TEST(Security, WhatIsNotServedIsSaidWithItsKey) {
  const std::string sasl = "A.security.protocol = SASL_SSL\n";
  const std::string plain = sasl + "A.sasl.mechanism = PLAIN\n";
  for (const auto* mechanism : {"GSSAPI", "OAUTHBEARER", "AWS_MSK_IAM"}) {
    EXPECT_EQ(
        not_runnable(sasl + "A.sasl.mechanism = " + mechanism),
        fmt::format(
            "flow A->B: the consumer of cluster A: mm2.properties:6: A.sasl.mechanism: the mechanism {} is "
            "not served by this version; served: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512",
            mechanism));
  }
  EXPECT_EQ(not_runnable(sasl),
            "flow A->B: the consumer of cluster A: mm2.properties:5: A.security.protocol = SASL_SSL needs "
            "A.sasl.mechanism: Kafka's default, GSSAPI, is not served by this version; served: PLAIN, "
            "SCRAM-SHA-256, "
            "SCRAM-SHA-512");
  EXPECT_EQ(not_runnable(plain),
            "flow A->B: the consumer of cluster A: mm2.properties:5: A.security.protocol = SASL_SSL needs "
            "A.sasl.jaas.config (a file named by -Djava.security.auth.login.config is not read)");
  EXPECT_EQ(not_runnable(plain + "A.sasl.jaas.config = com.example.VaultLoginModule required x=y;"),
            "flow A->B: the consumer of cluster A: mm2.properties:7: A.sasl.jaas.config: the login module is "
            "not served "
            "by this version; served: PlainLoginModule, ScramLoginModule");
  EXPECT_EQ(not_runnable(plain + "A.sasl.jaas.config = ScramLoginModule required username=u password=p "
                                 "tokenauth=true;"),
            "flow A->B: the consumer of cluster A: mm2.properties:7: A.sasl.jaas.config: delegation tokens "
            "(tokenauth) "
            "are not served by this version");
  EXPECT_EQ(not_runnable(plain + std::string(kPlain)), "runs");
}

TEST(Security, WrongCredentialsStopTheLoadWithTheirKey) {
  const std::string plain = "A.security.protocol = SASL_SSL\nA.sasl.mechanism = PLAIN\nA.sasl.jaas.config = ";
  EXPECT_EQ(error_of(plain + "PlainLoginModule required username=\"u\" password=\"p\""),
            "mm2.properties:6: A.sasl.jaas.config: at character 52: the login module does not end with ';' "
            "(a line that "
            "goes on in the next one ends with a backslash)");
  EXPECT_EQ(error_of(plain + "PlainLoginModule required password=p;"),
            "mm2.properties:6: A.sasl.jaas.config: the login module has no username");
  EXPECT_EQ(error_of(plain + "PlainLoginModule required username=u;"),
            "mm2.properties:6: A.sasl.jaas.config: the login module has no password");
  EXPECT_EQ(error_of(plain + "A required a=b; B required c=d;"),
            "mm2.properties:6: A.sasl.jaas.config: has 2 login modules; a client has exactly one");
  EXPECT_EQ(
      error_of("A.security.protocol = SASL_SSL\nA.sasl.mechanism = plain\n"),
      "mm2.properties:5: A.sasl.mechanism: found 'plain', accepted: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512");
  EXPECT_EQ(error_of("A.security.protocol = TLS\n"),
            "mm2.properties:4: A.security.protocol: found 'TLS', accepted: PLAINTEXT, SSL, SASL_PLAINTEXT, "
            "SASL_SSL");
}

TEST(Security, CredentialsOnAPlaintextListenerAreSaid) {
  EXPECT_EQ(warnings_of(loaded(kPlain), WarningKind::value),
            std::vector<std::string>{
                "mm2.properties:4: A.sasl.jaas.config: not used: security.protocol is PLAINTEXT, "
                "which neither authenticates nor encrypts"});
}

TEST(Security, KeysWithoutEffectAreSaid) {
  const auto configuration =
      loaded("A.ssl.provider = SunJSSE\nssl.engine.factory.class = x\nsasl.login.class = y\n");
  ASSERT_EQ(warnings_of(configuration, WarningKind::no_effect).size(), 1U);
  for (const auto* key :
       {"A.ssl.provider (line 4)", "ssl.engine.factory.class (line 5)", "sasl.login.class (line 6)"}) {
    EXPECT_NE(warnings_of(configuration, WarningKind::no_effect)[0].find(key), std::string::npos) << key;
  }
}

TEST(Security, AClientFileIsReadAsKafkasToolsReadIt) {
  const auto path = testing::TempDir() + "longhaul-client.properties";
  const auto put = [&](std::string_view text) {
    auto* file = std::fopen(path.c_str(), "wb");
    ASSERT_NE(file, nullptr);
    std::fwrite(text.data(), 1, text.size(), file);
    std::fclose(file);
  };
  put("security.protocol=SASL_SSL\nsasl.mechanism=SCRAM-SHA-512\nssl.truststore.location=/t\n"
      "sasl.jaas.config=ScramLoginModule required username=\"u\" "
      "password=\"p\";\nbootstrap.servers=elsewhere:1\n");
  const auto client = load_client_file(path, ClientRole::producer, "a:9092,b:9093", "me");
  ASSERT_TRUE(client.has_value()) << client.error().message();
  EXPECT_EQ(client->settings.bootstrap_servers, (std::vector<HostPort>{{"a", 9092}, {"b", 9093}}));
  EXPECT_EQ(client->settings.client_id, "me");
  EXPECT_EQ(client->settings.security.sasl->username, "u");
  EXPECT_EQ(client->settings.security.tls->truststore_location->origin.to_string(),
            path + ":3 (ssl.truststore.location)");
  put("security.protocol=SSH\n");
  EXPECT_EQ(load_client_file(path, ClientRole::producer, "a:1", "me").error().message(),
            path + ":1: security.protocol: found 'SSH', accepted: PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL");
  std::remove(path.c_str());
  EXPECT_EQ(load_client_file(path, ClientRole::producer, "a:1", "me").error().message(),
            "cannot read " + path + ": no such file");
}

}  // namespace
}  // namespace longhaul::config
