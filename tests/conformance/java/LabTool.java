import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ListTopicsOptions;
import org.apache.kafka.clients.admin.NewPartitionReassignment;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.ElectionType;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.ElectionNotNeededException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.quota.ClientQuotaAlteration;
import org.apache.kafka.common.quota.ClientQuotaEntity;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;

/**
 * Kafka's own Java client for the conformance tests: one long-lived process that takes one JSON request per line on
 * stdin and answers with one JSON line on stdout, so that a test pays for one start of the JVM only.
 *
 * <p>A failure is answered as {"ok": false, "error": ...}; the process goes on.
 */
public final class LabTool {
  static final ObjectMapper JSON = new ObjectMapper();
  private final Map<String, Admin> admins = new HashMap<>();
  private final Producers producers = new Producers();

  public static void main(String[] arguments) throws Exception {
    // The client libraries log to stderr; a stray print must not break the protocol on stdout.
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    System.setOut(System.err);
    LabTool tool = new LabTool();
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      ObjectNode answer;
      try {
        answer = tool.handle(JSON.readTree(line));
        answer.put("ok", true);
      } catch (Exception e) {
        Throwable cause = e instanceof ExecutionException && e.getCause() != null ? e.getCause() : e;
        answer = JSON.createObjectNode();
        answer.put("ok", false).put("error", cause.getClass().getSimpleName() + ": " + cause.getMessage());
        e.printStackTrace();
      }
      out.println(JSON.writeValueAsString(answer));
    }
    System.exit(0);
  }

  private ObjectNode handle(JsonNode request) throws Exception {
    switch (request.get("command").asText()) {
      case "create_topic": return createTopic(request);
      case "delete_topic": return deleteTopic(request);
      case "create_partitions": return createPartitions(request);
      case "alter_configs": return alterConfigs(request);
      case "describe_topic": return describeTopic(request);
      case "list_topics": return listTopics(request);
      case "under_replicated": return underReplicated(request);
      case "delete_records": return deleteRecords(request);
      case "deny_transactional_ids": return denyTransactionalIds(request);
      case "limit_clients": return limitClients(request);
      case "move_leaders": return moveLeaders(request);
      case "list_transactions": return listTransactions(request);
      case "offsets": return TopicReader.offsets(request);
      case "digest": return TopicReader.digest(request);
      case "dump": return TopicReader.dump(request);
      case "batches": return TopicReader.batches(request);
      case "produce": return producers.produce(request);
      case "bulk": return producers.bulk(request);
      case "start_producer": return producers.start(request);
      case "stop_producer": return producers.stop(request);
      default: throw new IllegalArgumentException("no such command: " + request);
    }
  }

  /** The addresses of the request's cluster, and how its listener is protected where the request says so. */
  static Properties clientProperties(JsonNode request) {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", request.get("bootstrap").asText());
    request.path("client").fields().forEachRemaining(e -> properties.put(e.getKey(), e.getValue().asText()));
    return properties;
  }

  private Admin admin(JsonNode request) {
    return admins.computeIfAbsent(request.get("bootstrap").asText() + request.path("client"), key -> {
      Properties properties = clientProperties(request);
      properties.put("default.api.timeout.ms", 60000);
      properties.put("reconnect.backoff.max.ms", 500);
      return Admin.create(properties);
    });
  }

  private ObjectNode createTopic(JsonNode request) throws Exception {
    NewTopic topic = newTopic(request);
    Map<String, String> configs = new HashMap<>();
    request.path("configs").fields().forEachRemaining(e -> configs.put(e.getKey(), e.getValue().asText()));
    admin(request).createTopics(List.of(topic.configs(configs))).all().get();
    // The controller has agreed; the leaders take part a moment later. A producer that comes before them has been
    // seen to leave a partition alone until its records expired, so this waits until every leader answers.
    Map<TopicPartition, OffsetSpec> ends = new HashMap<>();
    int partitions = request.has("replicas") ? request.get("replicas").size() : topic.numPartitions();
    for (int i = 0; i < partitions; i++) ends.put(new TopicPartition(topic.name(), i), OffsetSpec.latest());
    long deadline = System.nanoTime() + 30_000_000_000L;
    while (true) {
      try {
        admin(request).listOffsets(ends).all().get();
        return JSON.createObjectNode();
      } catch (ExecutionException e) {
        // A broker of a ZooKeeper cluster may hear of the topic after the one that was asked to create it.
        boolean passes = e.getCause() instanceof UnknownTopicOrPartitionException;
        if (!passes || System.nanoTime() > deadline) throw e;
        Thread.sleep(50);
      }
    }
  }

  /** With "replicas" each partition lies on the brokers that are listed for it, the first one of which leads it. */
  private static NewTopic newTopic(JsonNode request) {
    String name = request.get("topic").asText();
    if (!request.has("replicas")) {
      return new NewTopic(name, Optional.of(request.path("partitions").asInt(1)),
          Optional.of((short) request.path("replication").asInt(1)));
    }
    Map<Integer, List<Integer>> replicas = new HashMap<>();
    for (JsonNode brokers : request.get("replicas")) {
      List<Integer> list = new ArrayList<>();
      brokers.forEach(broker -> list.add(broker.asInt()));
      replicas.put(replicas.size(), list);
    }
    return new NewTopic(name, replicas);
  }

  private ObjectNode deleteTopic(JsonNode request) throws Exception {
    admin(request).deleteTopics(List.of(request.get("topic").asText())).all().get();
    return JSON.createObjectNode();
  }

  private ObjectNode createPartitions(JsonNode request) throws Exception {
    admin(request).createPartitions(Map.of(request.get("topic").asText(),
        NewPartitions.increaseTo(request.get("total").asInt()))).all().get();
    return JSON.createObjectNode();
  }

  private ObjectNode alterConfigs(JsonNode request) throws Exception {
    ConfigResource resource = request.has("broker")
        ? new ConfigResource(ConfigResource.Type.BROKER, request.get("broker").asText())
        : new ConfigResource(ConfigResource.Type.TOPIC, request.get("topic").asText());
    Collection<AlterConfigOp> operations = new ArrayList<>();
    request.get("configs").fields().forEachRemaining(e -> operations.add(new AlterConfigOp(
        new ConfigEntry(e.getKey(), e.getValue().isNull() ? "" : e.getValue().asText()),
        e.getValue().isNull() ? AlterConfigOp.OpType.DELETE : AlterConfigOp.OpType.SET)));
    admin(request).incrementalAlterConfigs(Map.of(resource, operations)).all().get();
    return JSON.createObjectNode();
  }

  /** Nobody may use transactional ids that begin with "prefix" any more. */
  private ObjectNode denyTransactionalIds(JsonNode request) throws Exception {
    var ids = new ResourcePattern(ResourceType.TRANSACTIONAL_ID, request.get("prefix").asText(), PatternType.PREFIXED);
    var nobody = new AccessControlEntry("User:*", "*", AclOperation.ALL, AclPermissionType.DENY);
    admin(request).createAcls(List.of(new AclBinding(ids, nobody))).all().get();
    return JSON.createObjectNode();
  }

  /** Rates ("producer_byte_rate"; null takes one away) that hold for each client, whatever it calls itself. */
  private ObjectNode limitClients(JsonNode request) throws Exception {
    Map<String, String> everyone = new HashMap<>();
    everyone.put(ClientQuotaEntity.CLIENT_ID, null);
    List<ClientQuotaAlteration.Op> limits = new ArrayList<>();
    request.get("limits").fields().forEachRemaining(e -> limits.add(new ClientQuotaAlteration.Op(
        e.getKey(), e.getValue().isNull() ? null : Double.valueOf(e.getValue().asDouble()))));
    var change = new ClientQuotaAlteration(new ClientQuotaEntity(everyone), limits);
    admin(request).alterClientQuotas(List.of(change)).all().get();
    return JSON.createObjectNode();
  }

  /** Has another replica of each partition of "topic" elected at each "turn"; answers with which. */
  private ObjectNode moveLeaders(JsonNode request) throws Exception {
    String name = request.get("topic").asText();
    int turn = request.get("turn").asInt();
    ObjectNode answer = JSON.createObjectNode();
    ArrayNode leaders = answer.putArray("leaders");
    Map<TopicPartition, Optional<NewPartitionReassignment>> rotated = new HashMap<>();
    admin(request).describeTopics(List.of(name)).allTopicNames().get().get(name).partitions().forEach(partition -> {
      List<Integer> replicas = new ArrayList<>();
      partition.replicas().forEach(node -> replicas.add(node.id()));
      // By number and turn, not by the order in which they are now: the broker that is asked may not know that one yet.
      Collections.sort(replicas);
      Collections.rotate(replicas, -(turn + partition.partition()));
      leaders.add(replicas.get(0));
      rotated.put(new TopicPartition(name, partition.partition()), Optional.of(new NewPartitionReassignment(replicas)));
    });
    admin(request).alterPartitionReassignments(rotated).all().get();
    var elected = admin(request).electLeaders(ElectionType.PREFERRED, rotated.keySet()).partitions().get();
    for (Optional<Throwable> error : elected.values()) {
      boolean fine = error.isEmpty() || error.get() instanceof ElectionNotNeededException;
      if (!fine) throw new ExecutionException(error.get());
    }
    return answer;
  }

  /** The transactional ids that the cluster remembers. */
  private ObjectNode listTransactions(JsonNode request) throws Exception {
    ObjectNode answer = JSON.createObjectNode();
    var ids = answer.putArray("transactions");
    admin(request).listTransactions().all().get().forEach(listing -> ids.add(listing.transactionalId()));
    return answer;
  }

  /** Partition count, topic id, and the configuration that was set on the topic itself (no defaults). */
  private ObjectNode describeTopic(JsonNode request) throws Exception {
    String name = request.get("topic").asText();
    TopicDescription description =
        admin(request).describeTopics(List.of(name)).allTopicNames().get().get(name);
    ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, name);
    ObjectNode answer = JSON.createObjectNode();
    answer.put("partitions", description.partitions().size());
    answer.put("replication", description.partitions().get(0).replicas().size());
    answer.put("topic_id", description.topicId().toString());
    // By partition: its leader (-1: it has none) and how many replicas are in sync.
    ArrayNode leaders = answer.putArray("leaders");
    ArrayNode inSync = answer.putArray("in_sync");
    description.partitions().forEach(partition -> {
      leaders.add(partition.leader() == null ? -1 : partition.leader().id());
      inSync.add(partition.isr().size());
    });
    ObjectNode configs = answer.putObject("configs");
    for (ConfigEntry entry : admin(request).describeConfigs(List.of(resource)).all().get().get(resource).entries()) {
      if (entry.source() == ConfigEntry.ConfigSource.DYNAMIC_TOPIC_CONFIG) configs.put(entry.name(), entry.value());
    }
    return answer;
  }

  private ObjectNode listTopics(JsonNode request) throws Exception {
    ObjectNode answer = JSON.createObjectNode();
    ArrayNode topics = answer.putArray("topics");
    new TreeSet<>(admin(request).listTopics().names().get()).forEach(topics::add);
    return answer;
  }

  /** Counts the partitions, internal topics included, whose replicas are not all in sync. */
  private ObjectNode underReplicated(JsonNode request) throws Exception {
    Collection<String> names =
        admin(request).listTopics(new ListTopicsOptions().listInternal(true)).names().get();
    long partitions = admin(request).describeTopics(names).allTopicNames().get().values().stream()
        .flatMap(topic -> topic.partitions().stream())
        .filter(partition -> partition.isr().size() < partition.replicas().size())
        .count();
    return JSON.createObjectNode().put("partitions", partitions);
  }

  private ObjectNode deleteRecords(JsonNode request) throws Exception {
    TopicPartition partition =
        new TopicPartition(request.get("topic").asText(), request.path("partition").asInt(0));
    admin(request).deleteRecords(Map.of(partition, RecordsToDelete.beforeOffset(request.get("before").asLong())))
        .all().get();
    return JSON.createObjectNode();
  }
}
