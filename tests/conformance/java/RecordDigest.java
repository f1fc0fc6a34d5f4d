import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HexFormat;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Header;

/**
 * The canonical digest of one partition: SHA-256 over its records in order, each as timestamp (int64), key, value,
 * number of headers (int32) and each header's key and value, where a byte string is its length (int32, -1 for null)
 * followed by its bytes, all big-endian. Every reader of the tests (Java, franz-go, kcat) computes the same one.
 */
final class RecordDigest {
  private final MessageDigest sha256;
  private final ByteBuffer number = ByteBuffer.allocate(8);
  long records = 0;
  long bytes = 0;
  long firstOffset = -1;
  long lastOffset = -1;

  RecordDigest() throws Exception {
    sha256 = MessageDigest.getInstance("SHA-256");
  }

  void add(ConsumerRecord<byte[], byte[]> record) {
    number.clear();
    sha256.update(number.putLong(record.timestamp()).array(), 0, 8);
    add(record.key());
    add(record.value());
    Header[] headers = record.headers().toArray();
    addInt(headers.length);
    for (Header header : headers) {
      add(header.key().getBytes(StandardCharsets.UTF_8));
      add(header.value());
    }
    if (firstOffset < 0) firstOffset = record.offset();
    lastOffset = record.offset();
    records++;
    bytes += Math.max(record.serializedKeySize(), 0) + Math.max(record.serializedValueSize(), 0);
  }

  String hex() {
    return HexFormat.of().formatHex(sha256.digest());
  }

  private void add(byte[] data) {
    addInt(data == null ? -1 : data.length);
    if (data != null) sha256.update(data);
  }

  private void addInt(int value) {
    number.clear();
    sha256.update(number.putInt(value).array(), 0, 4);
  }
}
