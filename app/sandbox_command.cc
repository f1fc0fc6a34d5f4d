#include "app/sandbox_command.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "app/load.h"
#include "app/sandbox_options.h"
#include "app/sandbox_run.h"

namespace longhaul::app {
namespace {

constexpr const char* kFooter =
    "Clusters in memory that speak Kafka's protocol on this machine and judge what they are sent as Apache "
    "Kafka does.\n"
    "Prints one NAME.bootstrap.servers line per cluster, as mm2.properties has it; Ctrl-C or SIGTERM ends "
    "it, and with\n"
    "it all that the clusters hold.\n\n"
    "  longhaul sandbox                                 two clusters, A and B, of one broker each\n"
    "  longhaul sandbox --cluster east:3 --port 19092 --generate orders:4,records=1000000,codec=mixed\n"
    "  longhaul sandbox --generate A/orders:4,rate=500 --control faults\n"
    "  longhaul sandbox --security SASL_SSL --tls-directory certificates --user ann:secret\n\n"
    "--control FILE: each line that is appended to FILE is carried out once, its outcome is appended to "
    "FILE.out.\n"
    "  fault action=error error=NOT_LEADER_OR_FOLLOWER api=Produce topic=orders count=3\n"
    "  fault action=disconnect api=Fetch broker=2 probability=0.1 cluster=A\n"
    "  broker id=2 state=down\n"
    "docs/cli.md lists all of them.\n\n"
    "Exit codes: 0 ended by a signal, 1 a port or a file is not to be had, 2 wrong usage.";

/// What stands on the command line, before it is understood.
struct SandboxArguments {
  std::vector<std::string> clusters = {"A", "B"};
  std::vector<std::string> generations;
  std::vector<std::string> users;
  std::vector<std::string> mechanisms;
  std::string memory = "1G";
  std::string protocol = "PLAINTEXT";
  std::string keystore_password;
  std::string truststore_password;
  std::string client_auth = "none";
  std::int64_t reauthenticate = 0;
  bool no_auto_create = false;
  SandboxOptions options;
};

Result<void> understand_security(const SandboxArguments& arguments, SandboxOptions& options) {
  LH_TRY(options.protocol, parse_security_protocol(arguments.protocol));
  for (const auto& text : arguments.users) {
    LH_TRY(auto user, parse_sandbox_user(text));
    options.users.push_back(std::move(user));
  }
  for (const auto& text : arguments.mechanisms) {
    const auto mechanism = net::parse_sasl_mechanism(text);
    if (!mechanism) {
      return std::unexpected(
          Error{{}, fmt::format("'{}' is none of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512", text)});
    }
    options.mechanisms.push_back(*mechanism);
  }
  if (!arguments.keystore_password.empty()) options.keystore_password = Secret(arguments.keystore_password);
  if (!arguments.truststore_password.empty())
    options.truststore_password = Secret(arguments.truststore_password);
  if (arguments.client_auth == "requested") options.client_auth = net::ClientAuth::requested;
  if (arguments.client_auth == "required") options.client_auth = net::ClientAuth::required;
  options.session_lifetime = milliseconds(arguments.reauthenticate * 1000);
  LH_TRY_VOID(check_sandbox_options(options));
  if (uses_sasl(options.protocol) && options.mechanisms.empty()) {
    options.mechanisms = {net::SaslMechanism::scram_sha_512, net::SaslMechanism::scram_sha_256,
                          net::SaslMechanism::plain};
  }
  return {};
}

Result<SandboxOptions> understood(const SandboxArguments& arguments) {
  auto options = arguments.options;
  for (const auto& text : arguments.clusters) {
    LH_TRY(auto cluster, parse_sandbox_cluster(text));
    options.clusters.push_back(std::move(cluster));
  }
  for (const auto& text : arguments.generations) {
    LH_TRY(auto generation, parse_sandbox_generation(text, options.clusters));
    options.generations.push_back(std::move(generation));
  }
  LH_TRY(options.memory_max, parse_memory(arguments.memory));
  options.auto_create_topics = !arguments.no_auto_create;
  LH_TRY_VOID(understand_security(arguments, options));
  return options;
}

ExitCode run(const SandboxArguments& arguments) {
  const auto options = understood(arguments);
  if (!options) {
    print_error(options.error().message());
    return ExitCode::wrong_usage;
  }
  return run_sandbox(*options);
}

void add_cluster_options(CLI::App& command, SandboxArguments& arguments) {
  command
      .add_option("--cluster", arguments.clusters,
                  "NAME or NAME:BROKERS; may be repeated. Default: A and B, one broker each")
      ->type_name("CLUSTER")
      ->allow_extra_args(false);
  command
      .add_option("--port", arguments.options.port,
                  "Of the first broker, the others on the ports behind it; default: free ones")
      ->type_name("P")
      ->check(CLI::Range(1, 65'535));
  command.add_option("--address", arguments.options.address, "To listen on and to be told to clients")
      ->capture_default_str();
  command
      .add_option(
          "--generate", arguments.generations,
          "[CLUSTER/]TOPIC[:PARTITIONS][,NAME=VALUE]... fills a topic, by default of the first "
          "cluster; may be\n"
          "repeated. NAME is records, rate, size, codec, mix, seed or batch-bytes, as longhaul generate "
          "has them;\n"
          "with a rate it goes on until the end")
      ->type_name("SPEC")
      ->allow_extra_args(false);
  command
      .add_option("--memory", arguments.memory,
                  "What the records of one cluster may take; above it the oldest go")
      ->type_name("BYTES")
      ->capture_default_str();
  command
      .add_option("--partitions", arguments.options.default_partitions,
                  "Of topics that are created without a number")
      ->type_name("N")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  command.add_flag("--no-auto-create", arguments.no_auto_create,
                   "Topics are not created by clients that ask for their metadata");
  command.add_option("--seed", arguments.options.seed, "Of ids and of faults by probability")
      ->capture_default_str();
  command.add_option("--control", arguments.options.control_file, "Watch FILE for commands, see below")
      ->type_name("FILE");
}

void add_security_options(CLI::App& command, SandboxArguments& arguments) {
  command.add_option("--security", arguments.protocol, "What all brokers speak")
      ->type_name("PLAINTEXT|SSL|SASL_PLAINTEXT|SASL_SSL")
      ->capture_default_str();
  command
      .add_option("--tls-directory", arguments.options.tls_directory,
                  "Make certificates in DIR: ca.pem to trust, server.pem, client.pem")
      ->type_name("DIR");
  command
      .add_option("--keystore", arguments.options.keystore,
                  "Or bring the server's key and certificate: PEM or PKCS12")
      ->type_name("FILE");
  command.add_option("--keystore-password", arguments.keystore_password)->type_name("TEXT");
  command
      .add_option("--truststore", arguments.options.truststore, "Certificates to trust: PEM, PKCS12 or JKS")
      ->type_name("FILE");
  command.add_option("--truststore-password", arguments.truststore_password)->type_name("TEXT");
  command.add_option("--client-auth", arguments.client_auth, "Whether clients show a certificate")
      ->type_name("none|requested|required")
      ->check(CLI::IsMember({"none", "requested", "required"}))
      ->capture_default_str();
  command.add_option("--user", arguments.users, "NAME:PASSWORD; may be repeated")
      ->type_name("USER")
      ->allow_extra_args(false);
  command
      .add_option("--mechanism", arguments.mechanisms,
                  "PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512; may be repeated. Default: all of them")
      ->type_name("NAME")
      ->allow_extra_args(false);
  command
      .add_option("--reauthenticate", arguments.reauthenticate,
                  "Seconds after which a client has to authenticate again")
      ->type_name("SECONDS")
      ->check(CLI::Range(1, 86'400));
}

}  // namespace

void add_sandbox_command(CLI::App& app, int& exit_code) {
  auto arguments = std::make_shared<SandboxArguments>();
  auto* command = app.add_subcommand("sandbox", "Serve Kafka clusters from memory, for trying things out");
  command->footer(kFooter);
  add_cluster_options(*command, *arguments);
  add_security_options(*command, *arguments);
  command->callback([arguments, &exit_code] { exit_code = static_cast<int>(run(*arguments)); });
}

}  // namespace longhaul::app
