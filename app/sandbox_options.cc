#include "app/sandbox_options.h"

#include <algorithm>
#include <charconv>

namespace longhaul::app {
namespace {

constexpr int kBrokersMax = 64;
constexpr std::int64_t kDefaultRecords = 100'000;
constexpr std::size_t kLeastMemory = 1 << 20;

template <class T>
std::optional<T> number(std::string_view text) {
  T value{};
  const auto* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || rest != end || text.empty()) return std::nullopt;
  return value;
}

std::unexpected<Error> refuse(std::string text) {
  return std::unexpected(Error{{}, std::move(text)});
}

Result<void> set_option(GenerateOptions& options, std::string_view name, std::string_view value) {
  const auto wrong = [&] { return refuse(fmt::format("'{}' is no value for {}", value, name)); };
  if (name == "records") {
    options.records = number<std::int64_t>(value);
    if (!options.records || *options.records < 0) return wrong();
  } else if (name == "rate") {
    options.rate = number<double>(value);
    if (!options.rate || !(*options.rate > 0) || *options.rate > 1e9) return wrong();
  } else if (name == "size") {
    LH_TRY(options.size, parse_size(value));
  } else if (name == "codec") {
    LH_TRY(options.codecs, parse_codecs(value));
  } else if (name == "mix") {
    LH_TRY(options.mix, parse_mix(value));
  } else if (name == "seed") {
    const auto seed = number<std::uint64_t>(value);
    if (!seed) return wrong();
    options.seed = *seed;
  } else if (name == "batch-bytes") {
    const auto bytes = number<std::size_t>(value);
    if (!bytes || *bytes == 0 || *bytes > (std::size_t{64} << 20)) return wrong();
    options.batch_bytes = *bytes;
  } else {
    return refuse(fmt::format("'{}' is none of records, rate, size, codec, mix, seed, batch-bytes", name));
  }
  return {};
}

}  // namespace

std::string_view to_string(SecurityProtocol protocol) {
  switch (protocol) {
    case SecurityProtocol::plaintext:
      return "PLAINTEXT";
    case SecurityProtocol::ssl:
      return "SSL";
    case SecurityProtocol::sasl_plaintext:
      return "SASL_PLAINTEXT";
    case SecurityProtocol::sasl_ssl:
      return "SASL_SSL";
  }
  return "";
}

Result<SandboxCluster> parse_sandbox_cluster(std::string_view text) {
  const auto colon = text.find(':');
  SandboxCluster cluster{.name = std::string(text.substr(0, colon)), .brokers = 1};
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  if (cluster.name.empty() || !std::ranges::all_of(cluster.name, is_plain))
    return refuse(
        fmt::format("'{}' is not a cluster: NAME or NAME:BROKERS, of letters, digits, - and _", text));
  if (colon == std::string_view::npos) return cluster;
  const auto brokers = number<int>(text.substr(colon + 1));
  if (!brokers || *brokers < 1 || *brokers > kBrokersMax)
    return refuse(
        fmt::format("'{}' is not a cluster: NAME or NAME:BROKERS, with 1 to {} brokers", text, kBrokersMax));
  cluster.brokers = *brokers;
  return cluster;
}

Result<SandboxGeneration> parse_sandbox_generation(std::string_view text,
                                                   const std::vector<SandboxCluster>& clusters) {
  SandboxGeneration generation{.cluster = clusters.front().name, .options = {}};
  generation.options.size = {.smallest = 100, .largest = 1000};
  auto comma = std::min(text.find(','), text.size());
  auto topic = text.substr(0, comma);
  if (const auto slash = topic.find('/'); slash != std::string_view::npos) {
    generation.cluster = topic.substr(0, slash);
    topic.remove_prefix(slash + 1);
  }
  if (std::ranges::find(clusters, generation.cluster, &SandboxCluster::name) == clusters.end())
    return refuse(fmt::format("there is no cluster '{}' to generate '{}' on", generation.cluster, topic));
  LH_TRY(auto parsed, parse_topic(topic));
  generation.options.topics.push_back(std::move(parsed));
  while (comma < text.size()) {
    const auto begin = comma + 1;
    comma = std::min(text.find(',', begin), text.size());
    const auto word = text.substr(begin, comma - begin);
    const auto equals = word.find('=');
    if (equals == std::string_view::npos)
      return refuse(fmt::format("'{}' in '{}' is not NAME=VALUE", word, text));
    LH_TRY_VOID(set_option(generation.options, word.substr(0, equals), word.substr(equals + 1)));
  }
  if (!generation.options.records && !generation.options.rate) generation.options.records = kDefaultRecords;
  return generation;
}

Result<std::size_t> parse_memory(std::string_view text) {
  auto digits = text;
  std::size_t unit = 1;
  if (!text.empty()) {
    const auto letter = text.back();
    if (letter == 'K') unit = std::size_t{1} << 10;
    if (letter == 'M') unit = std::size_t{1} << 20;
    if (letter == 'G') unit = std::size_t{1} << 30;
    if (unit > 1) digits.remove_suffix(1);
  }
  const auto count = number<std::size_t>(digits);
  if (!count || *count > (std::size_t{1} << 50) / unit || *count * unit < kLeastMemory)
    return refuse(fmt::format("'{}' is no amount of memory of at least 1M: 64M, 2G", text));
  return *count * unit;
}

Result<SecurityProtocol> parse_security_protocol(std::string_view text) {
  for (const auto protocol : {SecurityProtocol::plaintext, SecurityProtocol::ssl,
                              SecurityProtocol::sasl_plaintext, SecurityProtocol::sasl_ssl}) {
    if (to_string(protocol) == text) return protocol;
  }
  return refuse(fmt::format("'{}' is none of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL", text));
}

Result<SandboxUser> parse_sandbox_user(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == text.size())
    return refuse("--user wants NAME:PASSWORD");
  return SandboxUser{std::string(text.substr(0, colon)), Secret(std::string(text.substr(colon + 1)))};
}

Result<void> check_sandbox_options(const SandboxOptions& options) {
  for (std::size_t i = 0; i < options.clusters.size(); ++i) {
    for (std::size_t other = 0; other < i; ++other) {
      if (options.clusters[i].name == options.clusters[other].name)
        return refuse(fmt::format("cluster {} is named twice", options.clusters[i].name));
    }
  }
  constexpr int kPortMax = 65'535;
  int brokers = 0;
  for (const auto& cluster : options.clusters) brokers += cluster.brokers;
  if (options.port != 0 && options.port + brokers - 1 > kPortMax)
    return refuse(fmt::format("--port {} leaves no room for {} brokers", options.port, brokers));
  const auto protocol = to_string(options.protocol);
  const bool has_certificate = !options.tls_directory.empty() || !options.keystore.empty();
  if (uses_tls(options.protocol) && !has_certificate)
    return refuse(
        fmt::format("--security {} needs a certificate: --tls-directory DIR makes one, --keystore "
                    "FILE brings one",
                    protocol));
  if (!options.tls_directory.empty() && !options.keystore.empty())
    return refuse("--tls-directory makes a certificate and --keystore brings one: give one of them");
  if (!uses_tls(options.protocol) &&
      (has_certificate || !options.truststore.empty() || options.client_auth != net::ClientAuth::none))
    return refuse(fmt::format("certificates need --security SSL or SASL_SSL, not {}", protocol));
  if (options.client_auth != net::ClientAuth::none && !options.keystore.empty() && options.truststore.empty())
    return refuse(
        "--client-auth with --keystore needs --truststore FILE, to know whose certificates to accept");
  if (uses_sasl(options.protocol) && options.users.empty())
    return refuse(fmt::format("--security {} needs at least one --user NAME:PASSWORD", protocol));
  if (!uses_sasl(options.protocol) && (!options.users.empty() || !options.mechanisms.empty()))
    return refuse(
        fmt::format("--user and --mechanism need --security SASL_PLAINTEXT or SASL_SSL, not {}", protocol));
  if (!uses_sasl(options.protocol) && options.session_lifetime.count() > 0)
    return refuse(
        fmt::format("--reauthenticate needs --security SASL_PLAINTEXT or SASL_SSL, not {}", protocol));
  if (!options.generations.empty() && !options.keystore.empty() && options.truststore.empty())
    return refuse("--generate with --keystore needs --truststore FILE, as any client does");
  return {};
}

}  // namespace longhaul::app
