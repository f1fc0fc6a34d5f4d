#include "app/generate_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "app/config/client_file.h"
#include "app/generate_run.h"
#include "app/load.h"
#include "app/wiring.h"
#include "base/log.h"

namespace longhaul::app {
namespace {

constexpr std::int64_t kDefaultRecords = 100'000;
constexpr std::size_t kLargestBatch = 64 << 20;

/// What stands on the command line, before it is understood.
struct GenerateArguments {
  std::string bootstrap;
  std::string command_config;
  std::vector<std::string> topics;
  std::int32_t partitions = 0;
  std::int16_t replication_factor = -1;
  std::int64_t records = -1;
  double duration = 0;
  double rate = 0;
  std::string size = "100-1000";
  std::string mix = "varied";
  std::string codecs = "none";
  std::size_t batch_bytes = 256 << 10;
  std::uint64_t seed = 1;
  std::int64_t first_timestamp = -1;
  std::size_t threads = 0;
};

Result<GenerateOptions> understood(const GenerateArguments& arguments) {
  GenerateOptions options;
  for (const auto& text : arguments.topics) {
    LH_TRY(auto topic, parse_topic(text));
    if (!topic.partitions && arguments.partitions > 0) topic.partitions = arguments.partitions;
    for (const auto& other : options.topics) {
      if (other.name == topic.name)
        return fail(Error{{}, fmt::format("topic {} is named twice", topic.name)});
    }
    options.topics.push_back(std::move(topic));
  }
  LH_TRY(options.size, parse_size(arguments.size));
  LH_TRY(options.mix, parse_mix(arguments.mix));
  LH_TRY(options.codecs, parse_codecs(arguments.codecs));
  if (arguments.records >= 0) {
    options.records = arguments.records;
  } else if (arguments.duration <= 0) {
    options.records = kDefaultRecords;
  }
  if (arguments.duration > 0)
    options.duration = milliseconds(static_cast<std::int64_t>(arguments.duration * 1000));
  if (arguments.rate > 0) options.rate = arguments.rate;
  if (arguments.first_timestamp >= 0) options.first_timestamp = arguments.first_timestamp;
  options.bootstrap = arguments.bootstrap;
  options.replication_factor = arguments.replication_factor;
  options.batch_bytes = arguments.batch_bytes;
  options.seed = arguments.seed;
  options.threads = arguments.threads;
  return options;
}

Result<client::ClusterOptions> cluster_of(const GenerateArguments& arguments) {
  constexpr auto kClientId = "longhaul-generate";
  if (!arguments.command_config.empty()) {
    LH_TRY(const auto file, config::load_client_file(arguments.command_config, config::ClientRole::producer,
                                                     arguments.bootstrap, kClientId));
    for (const auto& warning : file.warnings) log::warn(warning.text);
    return cluster_options(file.settings);
  }
  client::ClusterOptions cluster;
  LH_TRY(cluster.bootstrap, client::parse_bootstrap_servers(arguments.bootstrap));
  cluster.alias = arguments.bootstrap;
  cluster.client_id = kClientId;
  return cluster;
}

ExitCode run(const GenerateArguments& arguments) {
  const auto options = understood(arguments);
  if (!options) {
    print_error(options.error().message());
    return ExitCode::wrong_usage;
  }
  const auto cluster = cluster_of(arguments);
  if (!cluster) {
    print_error(cluster.error().message());
    return ExitCode::wrong_usage;
  }
  return generate(*options, *cluster);
}

void add_record_options(CLI::App& command, GenerateArguments& arguments) {
  command
      .add_option("--size", arguments.size,
                  "Bytes of a value: one number, or a range from which each is drawn")
      ->type_name("BYTES")
      ->capture_default_str();
  command
      .add_option("--mix", arguments.mix,
                  "varied: null and empty keys and values, headers; plain: key and value only; compact: 1000 "
                  "keys, never\n"
                  "null, and tombstones, for compacted topics")
      ->type_name("varied|plain|compact")
      ->capture_default_str();
  command
      .add_option("--codec", arguments.codecs,
                  "none, gzip, snappy, lz4, zstd, several with commas, or mixed for all; taken in turn, "
                  "batch by batch")
      ->type_name("TYPE")
      ->capture_default_str();
  command.add_option("--batch-bytes", arguments.batch_bytes, "Size of a batch before it is compressed")
      ->type_name("BYTES")
      ->check(CLI::Range(std::size_t{1}, kLargestBatch))
      ->capture_default_str();
  command.add_option("--seed", arguments.seed, "The same seed gives the same records")->capture_default_str();
  command
      .add_option(
          "--first-timestamp", arguments.first_timestamp,
          "Timestamp of each partition's first record in ms since 1970, the others 1 ms apart; default: now")
      ->type_name("MS")
      ->check(CLI::NonNegativeNumber);
}

void add_amount_options(CLI::App& command, GenerateArguments& arguments) {
  command
      .add_option("--records", arguments.records,
                  "How many, over all topics; exactly so many (default 100000)")
      ->type_name("N")
      ->check(CLI::NonNegativeNumber);
  command
      .add_option("--duration", arguments.duration,
                  "Stop after so many seconds; without --records no other limit")
      ->type_name("SECONDS")
      ->check(CLI::PositiveNumber);
  command
      .add_option("--rate", arguments.rate,
                  "Records per second over all topics; default: as fast as possible")
      ->type_name("N")
      ->check(CLI::PositiveNumber);
  command.add_option("--threads", arguments.threads, "Default: one per core, up to four")
      ->check(CLI::Range(0, 64));
}

}  // namespace

void add_generate_command(CLI::App& app, int& exit_code) {
  auto arguments = std::make_shared<GenerateArguments>();
  auto* command = app.add_subcommand("generate", "Fill topics with varied records, for trying things out");
  command->footer(
      "Creates topics that do not exist, spreads the records evenly over all partitions and ends when every "
      "one of\n"
      "them is acknowledged by all in-sync replicas (idempotent producing: exactly that many, each once). "
      "Ctrl-C stops\n"
      "after what is under way; a second one leaves at once.\n\n"
      "  longhaul generate localhost:9092 --topic orders:4 --records 1000000\n"
      "  longhaul generate localhost:9092 --topic orders --topic payments --partitions 8 --codec mixed "
      "--rate 5000\n"
      "  longhaul generate localhost:9092 --topic big:1 --size 1000 --mix plain --codec zstd --duration "
      "30\n"
      "  longhaul generate kafka:9093 --topic orders --command-config client.properties\n\n"
      "Exit codes: 0 done or stopped by a signal, 1 the cluster failed or refused, 2 wrong usage.");
  command->add_option("BOOTSTRAP", arguments->bootstrap, "host:port of a broker, several separated by commas")
      ->required();
  command->add_option("--topic", arguments->topics, "NAME or NAME:PARTITIONS; may be repeated")
      ->type_name("TOPIC")
      ->required()
      ->allow_extra_args(false);
  command
      ->add_option("--partitions", arguments->partitions,
                   "For topics without :PARTITIONS; default: as they are, or 1")
      ->type_name("N")
      ->check(CLI::Range(1, 100'000));
  command
      ->add_option("--replication-factor", arguments->replication_factor,
                   "Of topics that are created; default: the cluster's")
      ->type_name("N")
      ->check(CLI::Range(1, 32'767));
  command
      ->add_option("--command-config", arguments->command_config,
                   "Client properties, as Kafka's own tools take them: security.protocol, ssl.*, sasl.*, ...")
      ->type_name("FILE");
  add_amount_options(*command, *arguments);
  add_record_options(*command, *arguments);
  command->callback([arguments, &exit_code] { exit_code = static_cast<int>(run(*arguments)); });
}

}  // namespace longhaul::app
