import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Random;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.consumer.ConsumerGroupMetadata;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Writes the tests' input: exact batches with any content, transactions, bulk loads, and live background traffic. */
final class Producers {
  private final Map<String, KafkaProducer<byte[], byte[]>> transactional = new HashMap<>();
  private final Map<String, Live> live = new HashMap<>();

  /**
   * Sends each of "batches" (partition, records) as one record batch. With "transactional_id" all of them are one
   * transaction that ends as "end" says: commit, abort, or open (left open until a later call with the same id); "offset" of partition 0
   * is then committed for "group" in it.
   */
  ObjectNode produce(JsonNode request) throws Exception {
    String id = request.path("transactional_id").asText(null);
    KafkaProducer<byte[], byte[]> producer = id == null ? producer(request) : transactionalProducer(request, id);
    try {
      String end = request.path("end").asText("commit");
      if (id != null && !request.path("continue").asBoolean(false)) producer.beginTransaction();
      ObjectNode answer = LabTool.JSON.createObjectNode();
      ArrayNode offsets = answer.putArray("base_offsets");
      for (JsonNode batch : request.get("batches")) {
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        for (JsonNode record : batch.get("records")) sent.add(producer.send(record(request, batch, record)));
        producer.flush();
        for (Future<RecordMetadata> future : sent) future.get();
        offsets.add(sent.isEmpty() ? -1 : sent.get(0).get().offset());
      }
      if (id != null && request.has("group")) {
        producer.sendOffsetsToTransaction(
            Map.of(new TopicPartition(request.get("topic").asText(), 0),
                new OffsetAndMetadata(request.get("offset").asLong())),
            new ConsumerGroupMetadata(request.get("group").asText()));
      }
      if (id != null && end.equals("commit")) producer.commitTransaction();
      if (id != null && end.equals("abort")) producer.abortTransaction();
      return answer;
    } finally {
      if (id == null) producer.close();
    }
  }

  /**
   * "count" records of "value_size" bytes, spread over "partitions", each with its running number in the key; with "keys"
   * the numbers begin anew after so many.
   */
  ObjectNode bulk(JsonNode request) throws Exception {
    Filler filler = new Filler(request);
    long count = request.get("count").asLong();
    AtomicReference<Exception> failure = new AtomicReference<>();
    long started = System.nanoTime();
    try (KafkaProducer<byte[], byte[]> producer = producer(request)) {
      for (long i = 0; i < count && failure.get() == null; i++) {
        producer.send(filler.record(i), (metadata, e) -> failure.compareAndSet(null, e));
      }
      producer.flush();
    }
    if (failure.get() != null) throw failure.get();
    ObjectNode answer = LabTool.JSON.createObjectNode();
    return answer.put("records", count).put("seconds", (System.nanoTime() - started) / 1e9);
  }

  /**
   * Background producer "name" with "rate" records a second until it is stopped. With "transactional_id" each
   * "transaction_records" of them are a transaction, and every fifth transaction is aborted.
   */
  ObjectNode start(JsonNode request) {
    Live producer = new Live(request);
    if (live.putIfAbsent(request.get("name").asText(), producer) != null) {
      throw new IllegalArgumentException("there is such a producer already");
    }
    producer.start();
    return LabTool.JSON.createObjectNode();
  }

  ObjectNode stop(JsonNode request) throws Exception {
    Live producer = live.remove(request.get("name").asText());
    producer.running = false;
    producer.join();
    if (producer.failure.get() != null) throw producer.failure.get();
    return LabTool.JSON.createObjectNode().put("records", producer.sent);
  }

  private final class Live extends Thread {
    private final JsonNode request;
    private final AtomicReference<Exception> failure = new AtomicReference<>();
    private volatile boolean running = true;
    private volatile long sent = 0;

    Live(JsonNode request) {
      this.request = request;
      setDaemon(true);
    }

    @Override
    public void run() {
      Filler filler = new Filler(request);
      double perSecond = request.path("rate").asDouble(1000);
      long perTransaction = request.has("transactional_id") ? request.path("transaction_records").asLong(500) : 0;
      long started = System.nanoTime();
      try (KafkaProducer<byte[], byte[]> producer = producer(request)) {
        if (perTransaction > 0) producer.initTransactions();
        while (running && failure.get() == null) {
          long due = (long) ((System.nanoTime() - started) / 1e9 * perSecond);
          while (sent < due) {
            if (perTransaction > 0 && sent % perTransaction == 0) beginNext(producer, perTransaction);
            producer.send(filler.record(sent), (metadata, e) -> failure.compareAndSet(null, e));
            sent++;
          }
          LockSupport.parkNanos(2_000_000);
        }
        if (perTransaction > 0 && sent > 0) producer.commitTransaction();
        producer.flush();
      } catch (Exception e) {
        failure.compareAndSet(null, e);
      }
    }

    /** Ends the transaction before, where there is one, and begins another. */
    private void beginNext(KafkaProducer<byte[], byte[]> producer, long perTransaction) {
      if (sent > 0 && sent / perTransaction % 5 == 0) {
        producer.flush();  // what is aborted shall lie in the log, and not only in this client
        producer.abortTransaction();
      } else if (sent > 0) {
        producer.commitTransaction();
      }
      producer.beginTransaction();
    }
  }

  /** The records of a bulk load: a function of the request and the running number alone. */
  private static final class Filler {
    private final String topic;
    private final int partitions;
    private final byte[] noise;
    private final int valueSize;
    private final int run;
    private final long keys;
    /** Of the first record, one millisecond more for each that follows; null for the time of sending. */
    private final Long timestamp;

    Filler(JsonNode request) {
      topic = request.get("topic").asText();
      partitions = request.path("partitions").asInt(1);
      valueSize = request.path("value_size").asInt(100);
      run = request.path("run").asInt(1);
      keys = request.path("keys").asLong(Long.MAX_VALUE);
      timestamp = request.hasNonNull("timestamp") ? request.get("timestamp").asLong() : null;
      noise = new byte[valueSize + 4096];
      new Random(request.path("seed").asLong(1)).nextBytes(noise);
      // Text-like noise, so that compressed loads shrink by about a quarter and not to nothing.
      for (int i = 0; i < noise.length; i++) noise[i] = (byte) (' ' + (noise[i] & 63));
    }

    ProducerRecord<byte[], byte[]> record(long i) {
      int from = (int) (i * 31 % 4096);
      byte[] value = Arrays.copyOfRange(noise, from, from + valueSize);
      byte[] key = Long.toString(i % keys).getBytes();
      return new ProducerRecord<>(topic, (int) (i / run % partitions),
          timestamp == null ? null : Long.valueOf(timestamp + i), key, value);
    }
  }

  private KafkaProducer<byte[], byte[]> transactionalProducer(JsonNode request, String id) {
    return transactional.computeIfAbsent(request.get("bootstrap").asText() + "|" + id, key -> {
      KafkaProducer<byte[], byte[]> producer = producer(request);
      producer.initTransactions();
      return producer;
    });
  }

  private static KafkaProducer<byte[], byte[]> producer(JsonNode request) {
    Properties properties = LabTool.clientProperties(request);
    properties.put("acks", "all");
    properties.put("compression.type", request.path("compression").asText("none"));
    properties.put("batch.size", request.path("batch_size").asInt(32 << 20));
    properties.put("linger.ms", request.path("linger_ms").asInt(10_000));
    properties.put("buffer.memory", request.path("buffer_memory").asLong(128 << 20));
    properties.put("max.request.size", 64 << 20);
    properties.put("request.timeout.ms", 60_000);
    int patience = request.path("patience_ms").asInt(120_000);
    properties.put("delivery.timeout.ms", patience);
    properties.put("max.block.ms", patience);
    properties.put("partitioner.ignore.keys", "true");
    properties.put("enable.idempotence", request.path("idempotent").asText("true"));
    if (request.has("transactional_id")) {
      properties.put("transactional.id", request.get("transactional_id").asText());
    }
    return new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer());
  }

  private static ProducerRecord<byte[], byte[]> record(JsonNode request, JsonNode batch, JsonNode record) {
    List<Header> headers = new ArrayList<>();
    for (JsonNode header : record.path("headers")) {
      headers.add(new RecordHeader(header.get(0).asText(), bytes(header.get(1))));
    }
    Long timestamp = record.hasNonNull("timestamp") ? record.get("timestamp").asLong() : null;
    String topic = batch.has("topic") ? batch.get("topic").asText() : request.get("topic").asText();
    return new ProducerRecord<>(topic, batch.path("partition").asInt(0), timestamp, bytes(record.get("key")),
        bytes(record.get("value")), headers);
  }

  private static byte[] bytes(JsonNode node) {
    return node == null || node.isNull() ? null : Base64.getDecoder().decode(node.asText());
  }
}
