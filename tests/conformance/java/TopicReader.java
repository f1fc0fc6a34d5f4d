import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.File;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.record.internal.FileRecords;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** Reads topics with a plain KafkaConsumer, from the log start to the end that each partition has at the call. */
final class TopicReader {
  private static final long STALL_MS = 30_000;

  private TopicReader() {}

  static ObjectNode offsets(JsonNode request) {
    try (KafkaConsumer<byte[], byte[]> consumer = consumer(request)) {
      List<TopicPartition> partitions = partitions(consumer, request);
      Map<TopicPartition, Long> begin = consumer.beginningOffsets(partitions);
      Map<TopicPartition, Long> end = consumer.endOffsets(partitions);
      ObjectNode answer = LabTool.JSON.createObjectNode();
      ObjectNode list = answer.putObject("partitions");
      for (TopicPartition tp : partitions) {
        list.putArray(Integer.toString(tp.partition())).add(begin.get(tp)).add(end.get(tp));
      }
      return answer;
    }
  }

  static ObjectNode digest(JsonNode request) throws Exception {
    TreeMap<Integer, RecordDigest> digests = new TreeMap<>();
    ObjectNode answer = LabTool.JSON.createObjectNode();
    ObjectNode list = answer.putObject("partitions");
    try (KafkaConsumer<byte[], byte[]> consumer = consumer(request)) {
      for (TopicPartition tp : partitions(consumer, request)) digests.put(tp.partition(), new RecordDigest());
      readAll(consumer, request, record -> digests.get(record.partition()).add(record));
    }
    digests.forEach((partition, digest) -> list.putObject(Integer.toString(partition))
        .put("records", digest.records).put("bytes", digest.bytes).put("digest", digest.hex())
        .put("first_offset", digest.firstOffset).put("last_offset", digest.lastOffset));
    return answer;
  }

  /** Every record, base64 where it is bytes; for topics of a few thousand records. */
  static ObjectNode dump(JsonNode request) {
    ObjectNode answer = LabTool.JSON.createObjectNode();
    ArrayNode list = answer.putArray("records");
    try (KafkaConsumer<byte[], byte[]> consumer = consumer(request)) {
      readAll(consumer, request, record -> {
        ObjectNode node = list.addObject();
        node.put("partition", record.partition()).put("offset", record.offset());
        node.put("timestamp", record.timestamp()).put("timestamp_type", record.timestampType().name);
        node.put("key", base64(record.key())).put("value", base64(record.value()));
        ArrayNode headers = node.putArray("headers");
        for (Header header : record.headers()) headers.addArray().add(header.key()).add(base64(header.value()));
      });
    }
    return answer;
  }

  /** The batches in one segment file of a broker's log, as Kafka's own classes see them. */
  static ObjectNode batches(JsonNode request) throws Exception {
    ObjectNode answer = LabTool.JSON.createObjectNode();
    ArrayNode list = answer.putArray("batches");
    try (FileRecords records = FileRecords.open(new File(request.get("segment").asText()), false)) {
      for (RecordBatch batch : records.batches()) {
        ObjectNode node = list.addObject();
        node.put("base_offset", batch.baseOffset()).put("last_offset", batch.lastOffset());
        node.put("count", batch.countOrNull()).put("size", batch.sizeInBytes());
        node.put("compression", batch.compressionType().name).put("control", batch.isControlBatch());
        node.put("transactional", batch.isTransactional()).put("valid", batch.isValid());
        node.put("timestamp_type", batch.timestampType().name);
        node.put("producer_id", batch.producerId()).put("producer_epoch", batch.producerEpoch());
        node.put("base_sequence", batch.baseSequence()).put("leader_epoch", batch.partitionLeaderEpoch());
      }
    }
    return answer;
  }

  private static void readAll(KafkaConsumer<byte[], byte[]> consumer, JsonNode request,
                              Consumer<ConsumerRecord<byte[], byte[]>> sink) {
    List<TopicPartition> partitions = partitions(consumer, request);
    Map<TopicPartition, Long> end = consumer.endOffsets(partitions);
    consumer.assign(partitions);
    consumer.seekToBeginning(partitions);
    Set<TopicPartition> open = new HashSet<>(partitions);
    long progressed = System.currentTimeMillis();
    while (true) {
      // The position moves past control records and aborted transactions, which a record's offset does not show.
      open.removeIf(tp -> {
        boolean done = consumer.position(tp) >= end.get(tp);
        if (done) consumer.pause(List.of(tp));
        return done;
      });
      if (open.isEmpty()) return;
      ConsumerRecords<byte[], byte[]> polled = consumer.poll(Duration.ofMillis(500));
      for (ConsumerRecord<byte[], byte[]> record : polled) {
        if (record.offset() < end.get(new TopicPartition(record.topic(), record.partition()))) sink.accept(record);
      }
      if (!polled.isEmpty()) progressed = System.currentTimeMillis();
      if (System.currentTimeMillis() - progressed > STALL_MS) {
        throw new IllegalStateException("no record for " + STALL_MS + " ms before the end of " + open);
      }
    }
  }

  private static KafkaConsumer<byte[], byte[]> consumer(JsonNode request) {
    Properties properties = LabTool.clientProperties(request);
    properties.put("isolation.level", request.path("isolation").asText("read_uncommitted"));
    properties.put("enable.auto.commit", "false");
    properties.put("auto.offset.reset", "none");
    properties.put("check.crcs", "true");
    properties.put("fetch.max.bytes", 16 << 20);
    properties.put("max.partition.fetch.bytes", 4 << 20);
    properties.put("max.poll.records", 5000);
    return new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer());
  }

  private static List<TopicPartition> partitions(KafkaConsumer<byte[], byte[]> consumer, JsonNode request) {
    String topic = request.get("topic").asText();
    List<TopicPartition> partitions = new ArrayList<>();
    List<PartitionInfo> known = consumer.partitionsFor(topic, Duration.ofSeconds(20));
    if (known == null || known.isEmpty()) throw new IllegalStateException("topic " + topic + " does not exist");
    for (PartitionInfo info : known) partitions.add(new TopicPartition(topic, info.partition()));
    return partitions;
  }

  private static String base64(byte[] data) {
    return data == null ? null : Base64.getEncoder().encodeToString(data);
  }
}
