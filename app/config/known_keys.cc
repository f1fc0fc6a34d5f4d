#include "app/config/known_keys.h"

#include <algorithm>

namespace longhaul::config {
namespace {

using enum KeyState;
using enum KeyPlace;

constexpr std::string_view kConnect = "there is no Connect framework behind Longhaul";
constexpr std::string_view kBytes = "records pass as bytes; nothing is converted or transformed";
constexpr std::string_view kJava = "a Java plug-in cannot be loaded";
constexpr std::string_view kPartitions = "partitions are spread over all cores by themselves";
constexpr std::string_view kBatches = "batches keep the source's size and compression";
constexpr std::string_view kGroup = "partitions are assigned directly, without a consumer group";
constexpr std::string_view kDurable =
    "always acks=all, idempotent, in order, retried until it succeeds or stops";
constexpr std::string_view kMetrics = "there are no JMX metrics";
constexpr std::string_view kMemory = "longhaul.memory.max bounds all buffers";
constexpr std::string_view kSockets = "the system sizes socket buffers";
constexpr std::string_view kConnections = "connections stay open while their flow runs";
constexpr std::string_view kTransactionalIds = "ids are made of longhaul.deployment.id and the flow's name";
constexpr std::string_view kMemberNote = "Longhaul is no Connect worker group";

constexpr KnownKey kConnectorKeys[] = {
    // MirrorMakerConfig.
    {"clusters", served, "", top_only},
    {"config.providers", served, "", top_only},
    {"config.providers.*", served, "", top_only},
    {"dedicated.mode.enable.internal.rest", not_served, "", top_only},
    {"listeners", not_served, "", top_only},
    {"listeners.https.*", not_served, "", top_only},
    {"rest.advertised.host.name", not_served, "", top_only},
    {"rest.advertised.port", not_served, "", top_only},
    {"rest.advertised.listener", not_served, "", top_only},
    {"access.control.allow.origin", not_served, "", top_only},
    {"access.control.allow.methods", not_served, "", top_only},
    {"response.http.headers.config", not_served, "", top_only},
    {"ssl.client.auth", not_served, "", top_only},
    {"admin.listeners", not_served, "", top_only},
    {"admin.listeners.https.*", not_served, "", top_only},
    {"rest.extension.classes", no_effect, kJava, top_only},
    // Inherited connector options.
    {"name"},
    {"connector.class", no_effect, kConnect},
    {"tasks.max", no_effect, kPartitions},
    {"tasks.max.enforce", no_effect, kPartitions},
    {"errors.tolerance", no_effect, "a record that cannot be sent stops its partition, never vanishes"},
    {"errors.retry.timeout", no_effect, kBytes},
    {"errors.retry.delay.max.ms", no_effect, kBytes},
    {"errors.log.enable", no_effect, kBytes},
    {"errors.log.include.messages", no_effect, kBytes},
    {"config.action.reload", no_effect, kConnect},
    {"transforms", no_effect, kBytes},
    {"transforms.*", no_effect, kBytes, flow_only},
    {"predicates", no_effect, kBytes},
    {"predicates.*", no_effect, kBytes, flow_only},
    {"key.converter", no_effect, kBytes},
    {"key.converter.*", no_effect, kBytes},
    {"value.converter", no_effect, kBytes},
    {"value.converter.*", no_effect, kBytes},
    {"header.converter", no_effect, kBytes},
    {"header.converter.*", no_effect, kBytes},
    {"exactly.once.support", served, "", flow_only},
    {"transaction.boundary", served, "", flow_only},
    {"transaction.boundary.interval.ms", served, "", flow_only},
    {"offsets.storage.topic", served, "", flow_only},
    {"topic.creation.*", no_effect, "remote topics take their shape from the source topic", flow_only},
    {"producer.override.*", served, "", flow_only},
    {"consumer.override.*", no_effect, "MirrorMaker 2 does not read it either for its source consumer",
     flow_only},
    {"admin.override.*", no_effect, "MirrorMaker 2 does not read it either for its admin clients", flow_only},
    // MirrorConnectorConfig.
    {"enabled"},
    {"source.cluster.alias", no_effect, "the alias is part of the flow's name"},
    {"target.cluster.alias", no_effect, "the alias is part of the flow's name"},
    {"admin.timeout.ms"},
    {"replication.policy.class"},
    {"replication.policy.separator"},
    {"replication.policy.internal.topic.separator.enabled"},
    {"forwarding.admin.class", no_effect, kJava},
    {"metric.reporters", no_effect, kMetrics},
    {"metrics.context.*", no_effect, kMetrics},
    {"metric.names.formats", no_effect, kMetrics},
    {"add.source.alias.to.metrics", no_effect, kMetrics},
    {"topic.filter.class", no_effect, kJava},
    {"group.filter.class", no_effect, kJava},
    {"config.property.filter.class", no_effect, kJava},
    {"offset-syncs.topic.location", not_served},
    {"emit.offset-syncs.enabled", not_served},
    // MirrorSourceConfig.
    {"topics"},
    {"topics.exclude"},
    {"topics.blacklist"},
    {"config.properties.exclude"},
    {"config.properties.blacklist"},
    {"use.defaults.from", served, "", flow_only},
    {"use.incremental.alter.configs", no_effect, "configurations are always altered incrementally"},
    {"consumer.poll.timeout.ms", no_effect, "fetches wait by fetch.max.wait.ms"},
    {"replication.factor"},
    {"refresh.topics.enabled"},
    {"refresh.topics.interval.seconds"},
    {"sync.topic.configs.enabled", not_served},
    {"sync.topic.configs.interval.seconds", not_served},
    {"sync.topic.acls.enabled", not_served},
    {"sync.topic.acls.interval.seconds", not_served},
    {"offset-syncs.topic.replication.factor", not_served},
    {"offset.lag.max", not_served},
    {"heartbeats.replication.enabled"},
    {"offset-syncs.*", not_served},
    // MirrorCheckpointConfig.
    {"groups", not_served},
    {"groups.exclude", not_served},
    {"groups.blacklist", not_served},
    {"refresh.groups.enabled", not_served},
    {"refresh.groups.interval.seconds", not_served},
    {"emit.checkpoints.enabled", not_served},
    {"emit.checkpoints.interval.seconds", not_served},
    {"sync.group.offsets.enabled", not_served},
    {"sync.group.offsets.interval.seconds", not_served},
    {"checkpoints.topic.replication.factor", not_served},
    // MirrorHeartbeatConfig.
    {"emit.heartbeats.enabled", not_served},
    {"emit.heartbeats.interval.seconds", not_served},
    {"heartbeats.topic.replication.factor", not_served},
};

constexpr KnownKey kWorkerKeys[] = {
    {"group.id", no_effect, kMemberNote},
    {"client.id"},
    {"offset.storage.topic"},
    {"offset.storage.partitions"},
    {"offset.storage.replication.factor"},
    {"offset.storage.*"},
    {"offset.flush.interval.ms", no_effect,
     "positions are stored every longhaul.position.flush.interval.ms, and transactions have their own"},
    {"offset.flush.timeout.ms", no_effect, "positions are stored every longhaul.position.flush.interval.ms"},
    {"config.storage.*", no_effect, "Longhaul stores no configuration on the target"},
    {"status.storage.*", no_effect, "Longhaul stores no status on the target"},
    {"exactly.once.source.support"},
    {"session.timeout.ms", no_effect, kMemberNote},
    {"heartbeat.interval.ms", no_effect, kMemberNote},
    {"rebalance.timeout.ms", no_effect, kMemberNote},
    {"scheduled.rebalance.max.delay.ms", no_effect, kMemberNote},
    {"worker.sync.timeout.ms", no_effect, kMemberNote},
    {"worker.unsync.backoff.ms", no_effect, kMemberNote},
    {"connect.protocol", no_effect, kMemberNote},
    {"inter.worker.*", no_effect, kMemberNote},
    {"task.shutdown.graceful.timeout.ms", no_effect, "what was sent is always waited for"},
    {"plugin.path", no_effect, kJava},
    {"plugin.discovery", no_effect, kJava},
    {"connector.client.config.override.policy", no_effect, "every override is allowed"},
    {"key.converter", no_effect, kBytes},
    {"key.converter.*", no_effect, kBytes},
    {"value.converter", no_effect, kBytes},
    {"value.converter.*", no_effect, kBytes},
    {"header.converter", no_effect, kBytes},
    {"header.converter.*", no_effect, kBytes},
    {"topic.creation.enable", no_effect, "remote topics take their shape from the source topic"},
    {"topic.tracking.enable", no_effect, kConnect},
    {"topic.tracking.allow.reset", no_effect, kConnect},
    {"metric.reporters", no_effect, kMetrics},
    {"metrics.context.*", no_effect, kMetrics},
    {"metrics.num.samples", no_effect, kMetrics},
    {"metrics.recording.level", no_effect, kMetrics},
    {"metrics.sample.window.ms", no_effect, kMetrics},
    {"replication.policy.*"},
    {"request.timeout.ms", no_effect, kMemberNote},
    {"retry.backoff.ms", no_effect, kMemberNote},
    {"retry.backoff.max.ms", no_effect, kMemberNote},
    {"reconnect.backoff.ms", no_effect, kMemberNote},
    {"reconnect.backoff.max.ms", no_effect, kMemberNote},
    {"metadata.max.age.ms", no_effect, kMemberNote},
    {"connections.max.idle.ms", no_effect, kMemberNote},
    {"send.buffer.bytes", no_effect, kSockets},
    {"receive.buffer.bytes", no_effect, kSockets},
    {"client.dns.lookup", no_effect, "every address of a name is tried"},
    {"socket.connection.setup.timeout.ms", no_effect, kMemberNote},
    {"socket.connection.setup.timeout.max.ms", no_effect, kMemberNote},
};

constexpr KnownKey kOwnKeys[] = {
    {"longhaul.memory.max", served, "", top_only},
    {"longhaul.threads", served, "", top_only},
    {"longhaul.state.topic", served, "", flow_only},
    {"longhaul.replication.factor.override"},
    {"longhaul.position.flush.interval.ms"},
    {"longhaul.compatibility"},
    {"longhaul.log.append.time"},
    {"longhaul.exactly.once"},
    {"longhaul.transactions"},
    {"longhaul.transaction.interval.ms"},
    {"longhaul.transaction.timeout.ms"},
    {"longhaul.transaction.calm.ms"},
    {"longhaul.deployment.id"},
};

constexpr std::uint8_t kAll = kConsumer | kProducer | kAdmin;
constexpr KnownClientKey kClientKeys[] = {
    {"client.id", kAll},
    {"client.rack", kConsumer, not_served},
    {"client.dns.lookup", kAll, no_effect, "every address of a name is tried"},
    {"request.timeout.ms", kAll},
    {"retry.backoff.ms", kAll},
    {"retry.backoff.max.ms", kAll},
    {"reconnect.backoff.ms", kAll},
    {"reconnect.backoff.max.ms", kAll},
    {"socket.connection.setup.timeout.ms", kAll},
    {"socket.connection.setup.timeout.max.ms", kAll, no_effect,
     "attempts keep socket.connection.setup.timeout.ms"},
    {"metadata.max.age.ms", kAll},
    {"metadata.recovery.strategy", kAll, no_effect, "bootstrap servers are always tried again"},
    {"metadata.recovery.rebootstrap.trigger.ms", kAll, no_effect, "bootstrap servers are always tried again"},
    {"metadata.max.idle.ms", kProducer, no_effect, "metadata is kept while a topic is replicated"},
    {"connections.max.idle.ms", kAll, no_effect, kConnections},
    {"send.buffer.bytes", kAll, no_effect, kSockets},
    {"receive.buffer.bytes", kAll, no_effect, kSockets},
    {"default.api.timeout.ms", kConsumer | kAdmin, no_effect, "admin.timeout.ms limits each step"},
    {"retries", kProducer | kAdmin, no_effect, kDurable},
    {"metric.reporters", kAll, no_effect, kMetrics},
    {"metrics.num.samples", kAll, no_effect, kMetrics},
    {"metrics.recording.level", kAll, no_effect, kMetrics},
    {"metrics.sample.window.ms", kAll, no_effect, kMetrics},
    {"enable.metrics.push", kAll, no_effect, kMetrics},
    {"interceptor.classes", kConsumer | kProducer, no_effect, kJava},
    {"security.providers", kAll, no_effect, kJava},
    {"config.providers", kAll, no_effect, "providers are configured at top level"},
    // Consumers.
    {"isolation.level", kConsumer},
    {"auto.offset.reset", kConsumer},
    {"fetch.min.bytes", kConsumer},
    {"fetch.max.bytes", kConsumer},
    {"fetch.max.wait.ms", kConsumer},
    {"max.partition.fetch.bytes", kConsumer},
    {"max.poll.records", kConsumer, no_effect, "whole batches pass, bounded by fetch sizes"},
    {"max.poll.interval.ms", kConsumer, no_effect, kGroup},
    {"check.crcs", kConsumer, no_effect, "the checksum travels with the batch and the target checks it"},
    {"enable.auto.commit", kConsumer, no_effect, kGroup},
    {"auto.commit.interval.ms", kConsumer, no_effect, kGroup},
    {"group.id", kConsumer, no_effect, kGroup},
    {"group.instance.id", kConsumer, no_effect, kGroup},
    {"group.protocol", kConsumer, no_effect, kGroup},
    {"group.remote.assignor", kConsumer, no_effect, kGroup},
    {"session.timeout.ms", kConsumer, no_effect, kGroup},
    {"heartbeat.interval.ms", kConsumer, no_effect, kGroup},
    {"partition.assignment.strategy", kConsumer, no_effect, kGroup},
    {"exclude.internal.topics", kConsumer, no_effect, kGroup},
    {"allow.auto.create.topics", kConsumer, no_effect, "Longhaul never creates a topic on the source"},
    {"key.deserializer", kConsumer, no_effect, kBytes},
    {"value.deserializer", kConsumer, no_effect, kBytes},
    // Producers.
    {"acks", kProducer, no_effect, kDurable},
    {"enable.idempotence", kProducer, no_effect, kDurable},
    {"max.in.flight.requests.per.connection", kProducer, no_effect, kDurable},
    {"delivery.timeout.ms", kProducer, no_effect, kDurable},
    {"max.block.ms", kProducer, no_effect, kDurable},
    {"max.request.size", kProducer, no_effect, "the target topic's max.message.bytes decides"},
    {"batch.size", kProducer, no_effect, kBatches},
    {"linger.ms", kProducer, no_effect, kBatches},
    {"compression.type", kProducer, no_effect, kBatches},
    {"compression.gzip.level", kProducer, no_effect, kBatches},
    {"compression.lz4.level", kProducer, no_effect, kBatches},
    {"compression.zstd.level", kProducer, no_effect, kBatches},
    {"buffer.memory", kProducer, no_effect, kMemory},
    {"partitioner.class", kProducer, no_effect, "records keep their partition"},
    {"partitioner.ignore.keys", kProducer, no_effect, "records keep their partition"},
    {"partitioner.adaptive.partitioning.enable", kProducer, no_effect, "records keep their partition"},
    {"partitioner.availability.timeout.ms", kProducer, no_effect, "records keep their partition"},
    {"key.serializer", kProducer, no_effect, kBytes},
    {"value.serializer", kProducer, no_effect, kBytes},
    {"transactional.id", kProducer, no_effect, kTransactionalIds},
    {"transaction.timeout.ms", kProducer},
    {"transaction.two.phase.commit.enable", kProducer, not_served},
    // Admin clients.
    {"bootstrap.controllers", kAdmin, no_effect, "brokers are asked"},
};

constexpr std::string_view kCommonClientKeys[] = {
    "bootstrap.servers",
    "security.protocol",
    "ssl.protocol",
    "ssl.provider",
    "ssl.cipher.suites",
    "ssl.enabled.protocols",
    "ssl.keystore.type",
    "ssl.keystore.location",
    "ssl.keystore.password",
    "ssl.key.password",
    "ssl.keystore.key",
    "ssl.keystore.certificate.chain",
    "ssl.truststore.certificates",
    "ssl.truststore.type",
    "ssl.truststore.location",
    "ssl.truststore.password",
    "ssl.keymanager.algorithm",
    "ssl.trustmanager.algorithm",
    "ssl.endpoint.identification.algorithm",
    "ssl.secure.random.implementation",
    "ssl.engine.factory.class",
    "sasl.kerberos.service.name",
    "sasl.kerberos.kinit.cmd",
    "sasl.kerberos.ticket.renew.window.factor",
    "sasl.kerberos.ticket.renew.jitter",
    "sasl.kerberos.min.time.before.relogin",
    "sasl.login.refresh.window.factor",
    "sasl.login.refresh.window.jitter",
    "sasl.login.refresh.min.period.seconds",
    "sasl.login.refresh.buffer.seconds",
    "sasl.mechanism",
    "sasl.jaas.config",
    "sasl.client.callback.handler.class",
    "sasl.login.callback.handler.class",
    "sasl.login.class",
    "sasl.login.connect.timeout.ms",
    "sasl.login.read.timeout.ms",
    "sasl.login.retry.backoff.max.ms",
    "sasl.login.retry.backoff.ms",
    "sasl.oauthbearer.jwt.retriever.class",
    "sasl.oauthbearer.jwt.validator.class",
    "sasl.oauthbearer.scope",
    "sasl.oauthbearer.client.credentials.client.id",
    "sasl.oauthbearer.client.credentials.client.secret",
    "sasl.oauthbearer.assertion.algorithm",
    "sasl.oauthbearer.assertion.claim.aud",
    "sasl.oauthbearer.assertion.claim.exp.seconds",
    "sasl.oauthbearer.assertion.claim.iss",
    "sasl.oauthbearer.assertion.claim.jti.include",
    "sasl.oauthbearer.assertion.claim.nbf.seconds",
    "sasl.oauthbearer.assertion.claim.sub",
    "sasl.oauthbearer.assertion.file",
    "sasl.oauthbearer.assertion.private.key.file",
    "sasl.oauthbearer.assertion.private.key.passphrase",
    "sasl.oauthbearer.assertion.template.file",
    "sasl.oauthbearer.scope.claim.name",
    "sasl.oauthbearer.sub.claim.name",
    "sasl.oauthbearer.token.endpoint.url",
    "sasl.oauthbearer.jwks.endpoint.url",
    "sasl.oauthbearer.jwks.endpoint.refresh.ms",
    "sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms",
    "sasl.oauthbearer.jwks.endpoint.retry.backoff.ms",
    "sasl.oauthbearer.clock.skew.seconds",
    "sasl.oauthbearer.expected.audience",
    "sasl.oauthbearer.expected.issuer",
    "sasl.oauthbearer.header.urlencode",
};

constexpr std::string_view kOpenSsl = "OpenSSL speaks TLS here, with its own algorithms";
// The common keys that are not served; the others are.
constexpr KnownKey kCommonExceptions[] = {
    {"ssl.provider", no_effect, kOpenSsl},
    {"ssl.keymanager.algorithm", no_effect, kOpenSsl},
    {"ssl.trustmanager.algorithm", no_effect, kOpenSsl},
    {"ssl.secure.random.implementation", no_effect, kOpenSsl},
    {"ssl.engine.factory.class", no_effect, kJava},
    {"sasl.client.callback.handler.class", no_effect, kJava},
    {"sasl.login.callback.handler.class", no_effect, kJava},
    {"sasl.login.class", no_effect, kJava},
    {"sasl.kerberos.*", not_served},
    {"sasl.oauthbearer.*", not_served},
    // Java's background login threads, which PLAIN and SCRAM do not have.
    {"sasl.login.*", not_served},
};

constexpr std::string_view kTopLevelWorkerPrefixes[] = {
    "offset.storage",   "config.storage", "status.storage", "key.converter",      "value.converter",
    "header.converter", "task",           "worker",         "replication.policy",
};

bool matches(std::string_view known, std::string_view name) {
  if (!known.ends_with('*')) return known == name;
  known.remove_suffix(1);
  return name.size() > known.size() && name.starts_with(known);
}

}  // namespace

std::span<const KnownKey> connector_keys() {
  return kConnectorKeys;
}
std::span<const KnownKey> worker_keys() {
  return kWorkerKeys;
}
std::span<const KnownKey> own_keys() {
  return kOwnKeys;
}
std::span<const KnownClientKey> client_keys() {
  return kClientKeys;
}
std::span<const std::string_view> common_client_keys() {
  return kCommonClientKeys;
}
std::span<const std::string_view> top_level_worker_prefixes() {
  return kTopLevelWorkerPrefixes;
}

bool is_common_client_key(std::string_view name) {
  return std::ranges::find(kCommonClientKeys, name) != std::end(kCommonClientKeys);
}

KnownKey common_client_key(std::string_view name) {
  const auto* exception = find_key(kCommonExceptions, name);
  return exception ? *exception : KnownKey{.name = name};
}

const KnownKey* find_key(std::span<const KnownKey> table, std::string_view name) {
  // An exact entry goes before a pattern that also covers it.
  const auto exact = std::ranges::find(table, name, &KnownKey::name);
  if (exact != table.end()) return &*exact;
  const auto pattern =
      std::ranges::find_if(table, [&](const KnownKey& key) { return matches(key.name, name); });
  return pattern == table.end() ? nullptr : &*pattern;
}

const KnownClientKey* find_client_key(std::string_view name, std::uint8_t roles) {
  const auto it = std::ranges::find(kClientKeys, name, &KnownClientKey::name);
  return it != std::end(kClientKeys) && (it->roles & roles) != 0 ? &*it : nullptr;
}

}  // namespace longhaul::config
