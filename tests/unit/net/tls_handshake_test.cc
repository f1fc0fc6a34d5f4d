#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include "net/error.h"
#include "net/tls_context.h"
#include "tests/unit/net/tls_peers.h"

namespace longhaul::net {
namespace {

using test::authority;
using test::Certificate;
using test::CertificateSpec;
using test::TlsPeers;
using test::usual_client;
using test::usual_server;
using test::usual_server_options;

/// A server whose certificate says `spec`, signed by the tests' authority.
test::ContextPtr server_of(const CertificateSpec& spec) {
  return test::server_context({.identity = Certificate(spec, &authority()).identity()});
}

/// The client's error when it dials `host`; also checks that the server saw the handshake fail.
Error refusal(const test::ContextPtr& client, const test::ContextPtr& server,
              const std::string& host = "broker.example") {
  TlsPeers peers;
  peers.shake_hands(client, server, host);
  EXPECT_FALSE(*peers.client);
  if (*peers.client) return {};
  EXPECT_FALSE(*peers.server);
  return peers.client->error();
}

TEST(TlsHandshake, CarriesDataBothWays) {
  TlsPeers peers;
  ASSERT_TRUE(peers.connect(usual_client(), usual_server()));
  EXPECT_EQ(peers.client_stream().peer(), "192.0.2.1:9093");
  EXPECT_FALSE(peers.ping());
  EXPECT_EQ(peers.pair.to_server->bytes.find("ping"), std::string::npos);
}

TEST(TlsHandshake, AcceptsEveryKindOfMatchingName) {
  const auto client = usual_client();
  const auto accepts = [&client](const std::string& names, const std::string& host) {
    TlsPeers peers;
    return peers.connect(client, server_of({.name = "other.example", .alternative_names = names}), host) &&
           !peers.ping();
  };
  EXPECT_TRUE(accepts("DNS:a.example,DNS:b.example", "b.example"));
  EXPECT_TRUE(accepts("DNS:b.example", "B.Example"));
  EXPECT_TRUE(accepts("DNS:b.example", "b.example."));
  EXPECT_TRUE(accepts("DNS:*.brokers.example", "b-1.brokers.example"));
  EXPECT_TRUE(accepts("IP:192.0.2.7", "192.0.2.7"));
  EXPECT_TRUE(accepts("IP:2001:db8::7", "2001:db8:0::7"));
  EXPECT_TRUE(accepts("IP:fe80::7", "fe80::7%eth0"));
  EXPECT_TRUE(accepts("", "other.example"));  // The common name counts where there are no others.
}

TEST(TlsHandshake, RefusesOtherNamesAndSaysWhich) {
  const auto client = usual_client();
  const auto server =
      server_of({.alternative_names = "DNS:a.example,DNS:*.b.example,IP:192.0.2.7,IP:2001:db8::7"});
  for (const auto* host :
       {"c.example", "b.example", "x.y.b.example", "192.0.2.8", "2001:db8::8", "localhost"}) {
    const auto error = refusal(client, server, host);
    EXPECT_EQ(error.code, NetErrc::tls_wrong_host) << host;
    EXPECT_EQ(error.message(),
              fmt::format("dialled {}, the certificate names a.example, *.b.example, 192.0.2.7, "
                          "2001:db8:0:0:0:0:0:7: certificate is for another host",
                          host));
  }
  // An address is not looked for among the names, nor the other way round.
  EXPECT_EQ(refusal(client, server_of({.name = "192.0.2.7"}), "192.0.2.7").code, NetErrc::tls_wrong_host);
}

TEST(TlsHandshake, ComparesNoNamesWhenToldNotTo) {
  const auto client = test::client_context({.trust = test::trust_in(authority()), .verify_host = false});
  TlsPeers peers;
  ASSERT_TRUE(peers.connect(client, usual_server(), "c.example"));
  EXPECT_FALSE(peers.ping());
  ASSERT_EQ(client->warnings().size(), 1u);
  // Everything else still counts.
  const auto expired = server_of({.valid_from = -7200, .valid_until = -3600});
  EXPECT_EQ(refusal(client, expired).code, NetErrc::tls_expired);
}

TEST(TlsHandshake, RefusesExpiredAndEarlyCertificatesAndSaysWhen) {
  const std::string names = "DNS:broker.example";
  auto error = refusal(usual_client(),
                       server_of({.alternative_names = names, .valid_from = -7200, .valid_until = -60}));
  EXPECT_EQ(error.code, NetErrc::tls_expired);
  EXPECT_TRUE(error.detail.starts_with("CN = broker was valid until 20")) << error.detail;
  error = refusal(usual_client(),
                  server_of({.alternative_names = names, .valid_from = 3600, .valid_until = 7200}));
  EXPECT_EQ(error.code, NetErrc::tls_not_yet_valid);
  EXPECT_TRUE(error.detail.starts_with("CN = broker is valid from 20")) << error.detail;
}

TEST(TlsHandshake, RefusesAnUnknownAuthorityAndSaysWhich) {
  const Certificate stranger({.name = "Stranger", .authority = true});
  const Certificate broker({.alternative_names = "DNS:broker.example"}, &stranger);
  auto error = refusal(usual_client(), test::server_context({.identity = broker.identity()}));
  EXPECT_EQ(error.code, NetErrc::tls_untrusted);
  EXPECT_TRUE(error.detail.starts_with("CN = broker, issued by CN = Stranger: ")) << error.detail;
  const Certificate alone({.alternative_names = "DNS:broker.example"});
  error = refusal(usual_client(), test::server_context({.identity = alone.identity()}));
  EXPECT_EQ(error.code, NetErrc::tls_untrusted);
  // What the system trusts does not include the tests' authority.
  EXPECT_EQ(refusal(test::client_context({}), usual_server()).code, NetErrc::tls_untrusted);
}

TEST(TlsHandshake, TrustsASingleCertificateWhoeverSignedIt) {
  const Certificate stranger({.name = "Stranger", .authority = true});
  const Certificate broker({.alternative_names = "DNS:broker.example"}, &stranger);
  TlsPeers peers;
  EXPECT_TRUE(peers.connect(test::client_context({.trust = test::trust_in(broker)}),
                            test::server_context({.identity = broker.identity()})));
}

TEST(TlsHandshake, SendsTheCertificatesBetween) {
  const Certificate between({.name = "Between", .authority = true}, &authority());
  const Certificate broker({.alternative_names = "DNS:broker.example"}, &between);
  auto identity = broker.identity();
  identity.pem_chain += between.pem();
  TlsPeers peers;
  EXPECT_TRUE(peers.connect(usual_client(), test::server_context({.identity = std::move(identity)})));
  EXPECT_EQ(refusal(usual_client(), test::server_context({.identity = broker.identity()})).code,
            NetErrc::tls_untrusted);
}

TEST(TlsHandshake, NamesTheHostInTheGreetingUnlessItIsAnAddress) {
  const auto greeting_for = [](const std::string& host) {
    TlsPeers peers;
    peers.spawn_client(usual_client(), host);
    peers.loop.settle();
    return peers.pair.to_server->bytes;
  };
  EXPECT_NE(greeting_for("broker.example").find("broker.example"), std::string::npos);
  EXPECT_EQ(greeting_for("broker.example.").find("broker.example."), std::string::npos);
  EXPECT_EQ(greeting_for("192.0.2.1").find("192.0.2.1"), std::string::npos);
}

// --- versions and cipher suites ---

test::ContextPtr client_with(std::vector<std::string> protocols, std::vector<std::string> suites = {}) {
  return test::client_context({.trust = test::trust_in(authority()),
                               .enabled_protocols = std::move(protocols),
                               .cipher_suites = std::move(suites)});
}
test::ContextPtr server_with(std::vector<std::string> protocols, std::vector<std::string> suites = {}) {
  auto options = usual_server_options();
  options.enabled_protocols = std::move(protocols);
  options.cipher_suites = std::move(suites);
  return test::server_context(options);
}

TEST(TlsHandshake, AgreesOnEveryCombinationOfVersionsThatHasOne) {
  const std::vector<std::vector<std::string>> all{{"TLSv1.2"}, {"TLSv1.3"}, {"TLSv1.3", "TLSv1.2"}, {}};
  for (const auto& ours : all) {
    for (const auto& theirs : all) {
      if (ours.size() == 1 && theirs.size() == 1 && ours != theirs) continue;
      TlsPeers peers;
      ASSERT_TRUE(peers.connect(client_with(ours), server_with(theirs)));
      EXPECT_FALSE(peers.ping());
    }
  }
}

TEST(TlsHandshake, SaysWhenNoVersionIsInCommon) {
  for (const auto& [ours, theirs] : {std::pair("TLSv1.2", "TLSv1.3"), std::pair("TLSv1.3", "TLSv1.2")}) {
    TlsPeers peers;
    peers.shake_hands(client_with({ours}), server_with({theirs}));
    ASSERT_FALSE(*peers.client);
    ASSERT_FALSE(*peers.server);
    EXPECT_EQ(peers.client->error().code, NetErrc::tls_no_common_version) << peers.client->error().message();
    EXPECT_EQ(peers.server->error().code, NetErrc::tls_no_common_version) << peers.server->error().message();
  }
}

TEST(TlsHandshake, TakesCipherSuitesByEitherName) {
  const auto agreed = [](std::vector<std::string> suites) -> std::string {
    const auto server = server_with({}, suites);
    const auto* iana =
        SSL_CIPHER_standard_name(sk_SSL_CIPHER_value(SSL_CTX_get_ciphers(server->impl().context.get()), 0));
    TlsPeers peers;
    return peers.connect(client_with({}, suites), server) && !peers.ping() ? iana : "failed";
  };
  EXPECT_EQ(agreed({"TLS_AES_128_GCM_SHA256"}), "TLS_AES_128_GCM_SHA256");
  EXPECT_EQ(agreed({"TLS_AES_128_CCM_SHA256"}), "TLS_AES_128_CCM_SHA256");
  EXPECT_EQ(agreed({"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "TLS_EMPTY_RENEGOTIATION_INFO_SCSV"}),
            "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384");
  EXPECT_EQ(agreed({"ECDHE-ECDSA-CHACHA20-POLY1305"}), "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256");
}

TEST(TlsHandshake, SaysWhenNoCipherSuiteIsInCommon) {
  TlsPeers peers;
  peers.shake_hands(client_with({}, {"TLS_AES_128_GCM_SHA256"}), server_with({}, {"TLS_AES_256_GCM_SHA384"}));
  ASSERT_FALSE(*peers.client);
  ASSERT_FALSE(*peers.server);
  EXPECT_EQ(peers.client->error().code, NetErrc::tls_no_common_cipher) << peers.client->error().message();
  EXPECT_EQ(peers.server->error().code, NetErrc::tls_no_common_cipher) << peers.server->error().message();
}

TEST(TlsContext, SaysWhichVersionOrSuiteIsWrong) {
  const auto message = [](std::vector<std::string> protocols, std::vector<std::string> suites) {
    const auto context = TlsContext::client({.trust = test::trust_in(authority()),
                                             .enabled_protocols = std::move(protocols),
                                             .cipher_suites = std::move(suites)});
    return context ? "made" : context.error().message();
  };
  EXPECT_EQ(message({"TLSv1.4"}, {}), "protocol 'TLSv1.4' does not exist: use TLSv1.2, TLSv1.3: TLS failed");
  EXPECT_EQ(message({"TLSv1.1", "SSLv3"}, {}),
            "none of the protocols TLSv1.1, SSLv3 is safe: use TLSv1.2, TLSv1.3: TLS failed");
  EXPECT_EQ(message({}, {"TLS_AES_1_GCM"}),
            "cipher suite 'TLS_AES_1_GCM' is not known to OpenSSL: TLS failed");
  EXPECT_EQ(message({"TLSv1.2"}, {"TLS_AES_128_GCM_SHA256"}),
            "no cipher suite is for a protocol that is enabled: TLS_AES_128_GCM_SHA256: TLS failed");
  EXPECT_EQ(message({"TLSv1.3", "TLSv1.1"}, {}), "made");
}

TEST(TlsContext, WarnsOfAnOwnCertificateOutsideItsTime) {
  const Certificate old({.valid_from = -7200, .valid_until = -60}, &authority());
  const auto context =
      test::server_context({.identity = old.identity(), .enabled_protocols = {"TLSv1.1", "TLSv1.3"}});
  ASSERT_EQ(context->warnings().size(), 2u);
  EXPECT_EQ(context->warnings()[0], "protocol TLSv1.1 is outdated and left out");
  EXPECT_TRUE(context->warnings()[1].starts_with("own certificate CN = broker expired at 20"));
}

TEST(TlsContext, OfAServerNeedsAKey) {
  const auto context = TlsContext::server({}, ClientAuth::none);
  ASSERT_FALSE(context);
  EXPECT_EQ(context.error().code, KeyStoreErrc::no_key);
}

// --- sessions ---

TEST(TlsHandshake, ResumesSessionsOfTheSameContextAndHost) {
  for (const auto* version : {"TLSv1.2", "TLSv1.3"}) {
    const auto client = client_with({version});
    const auto server = server_with({version});
    const auto handshake_bytes = [&](const std::string& host) {
      TlsPeers peers;
      EXPECT_TRUE(peers.connect(client, server, host));
      EXPECT_FALSE(peers.ping());
      return peers.pair.to_client->bytes_written;
    };
    const auto full = handshake_bytes("broker.example");
    // A resumed handshake carries no certificate.
    for (int i = 0; i < 3; ++i) EXPECT_LT(handshake_bytes("broker.example") + 200, full) << version;
  }
  TlsPeers other;
  const auto client = usual_client();
  const auto two_names = server_of({.alternative_names = "DNS:a.example"});
  ASSERT_TRUE(other.connect(client, two_names, "a.example"));
  EXPECT_FALSE(other.ping());
  EXPECT_EQ(refusal(client, two_names, "b.example").code, NetErrc::tls_wrong_host);
}

TEST(TlsHandshake, GoesOnInFullWhenTheServerForgotTheSession) {
  const auto client = usual_client();
  for (int i = 0; i < 3; ++i) {
    TlsPeers peers;
    ASSERT_TRUE(peers.connect(client, usual_server()));
    EXPECT_FALSE(peers.ping());
  }
}

// --- client certificates ---

test::ContextPtr demanding_server(std::vector<std::string> protocols,
                                  ClientAuth client_auth = ClientAuth::required) {
  auto options = usual_server_options();
  options.trust = test::trust_in(authority());
  options.enabled_protocols = std::move(protocols);
  return test::server_context(options, client_auth);
}
test::ContextPtr client_as(const Certificate& certificate) {
  return test::client_context({.trust = test::trust_in(authority()), .identity = certificate.identity()});
}

/// The client's error, from the handshake or, with TLS 1.3, from its first exchange; none when it is let in.
std::optional<Error> admission(const test::ContextPtr& client, const test::ContextPtr& server,
                               std::optional<Error>* server_error = nullptr) {
  TlsPeers peers;
  peers.shake_hands(client, server);
  if (server_error != nullptr && !*peers.server) *server_error = peers.server->error();
  if (!*peers.client) return peers.client->error();
  if (*peers.server) return peers.ping();
  const auto read = peers.loop.run(test::read_text(peers.client_stream(), 1));
  return read ? std::nullopt : std::optional(read.error());
}

TEST(TlsClientCertificate, LetsIn) {
  const Certificate known({.name = "client"}, &authority());
  for (const auto* version : {"TLSv1.2", "TLSv1.3"}) {
    for (const auto demand : {ClientAuth::required, ClientAuth::requested}) {
      const auto error = admission(client_as(known), demanding_server({version}, demand));
      EXPECT_FALSE(error) << error->message();
    }
    EXPECT_FALSE(admission(usual_client(), demanding_server({version}, ClientAuth::requested)));
  }
}

TEST(TlsClientCertificate, ThatIsMissingIsSaidOnBothSides) {
  for (const auto* version : {"TLSv1.2", "TLSv1.3"}) {
    std::optional<Error> server_error;
    const auto error = admission(usual_client(), demanding_server({version}), &server_error);
    ASSERT_TRUE(error) << version;
    EXPECT_EQ(error->code, NetErrc::tls_client_certificate_missing) << error->message();
    ASSERT_TRUE(server_error);
    EXPECT_EQ(server_error->code, NetErrc::tls_client_certificate_missing) << server_error->message();
  }
}

TEST(TlsClientCertificate, ThatIsNotAcceptedIsSaidOnBothSides) {
  const Certificate stranger({.name = "Stranger", .authority = true});
  const Certificate unknown({.name = "client"}, &stranger);
  const Certificate old({.name = "client", .valid_from = -7200, .valid_until = -60}, &authority());
  for (const auto* version : {"TLSv1.2", "TLSv1.3"}) {
    for (const auto& [client, why] :
         {std::pair(&unknown, NetErrc::tls_untrusted), std::pair(&old, NetErrc::tls_expired)}) {
      std::optional<Error> server_error;
      const auto error = admission(client_as(*client), demanding_server({version}), &server_error);
      ASSERT_TRUE(error) << version;
      EXPECT_EQ(error->code, NetErrc::tls_client_certificate_refused) << error->message();
      EXPECT_TRUE(error->detail.starts_with("the other side says '")) << error->detail;
      ASSERT_TRUE(server_error);
      EXPECT_EQ(server_error->code, why) << server_error->message();
    }
  }
}

}  // namespace
}  // namespace longhaul::net
