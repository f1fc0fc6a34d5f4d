import java.io.IOException;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.zip.CRC32C;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.message.LeaderChangeMessage;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.ControlRecordType;
import org.apache.kafka.common.record.internal.EndTransactionMarker;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MemoryRecordsBuilder;
import org.apache.kafka.common.record.internal.Record;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.common.record.internal.SimpleRecord;

/** Writes record sets with Kafka's own classes, and beside each what Kafka's own reader finds in it. */
public class GenerateBatches {
    private static final long T0 = 1_700_000_000_000L;
    private static final String[] CODECS = {"none", "gzip", "snappy", "lz4", "zstd"};
    private static Path folder;

    public static void main(String[] args) throws IOException {
        folder = Path.of(args[0]);
        Files.createDirectories(folder);
        for (String codec : CODECS) {
            write("varied." + codec, builder(codec, 1000, 4711, (short) 3, 77, false), varied());
            write("many." + codec, builder(codec, 0, -1, (short) -1, -1, false), many());
            write("large." + codec, builder(codec, 5, -1, (short) -1, -1, false), large());
        }
        write("log_append_time.gzip", logAppendTime(), many().subList(0, 20));
        write("transactional.zstd", builder("zstd", 42, 9000, (short) 1, 5, true), many().subList(0, 20));
        write("extreme.none", builder("none", Long.MAX_VALUE - 10, Long.MAX_VALUE, Short.MAX_VALUE, Integer.MAX_VALUE - 1, false),
              extreme());
        write("delete_horizon.none", deleteHorizon(), many().subList(0, 5));
        writeSparse("sparse.none", "none");
        writeSparse("sparse.lz4", "lz4");
        write("control.abort", MemoryRecords.withEndTransactionMarker(
            500, T0, 7, 9000, (short) 1, new EndTransactionMarker(ControlRecordType.ABORT, 12)));
        write("control.commit", MemoryRecords.withEndTransactionMarker(
            501, T0, 7, 9000, (short) 2, new EndTransactionMarker(ControlRecordType.COMMIT, 13)));
        write("control.leader_change", MemoryRecords.withLeaderChangeMessage(
            502, T0, 8, ByteBuffer.allocate(256), new LeaderChangeMessage().setLeaderId(1)));
        writeRecordSet();
        for (byte magic = 0; magic <= 1; magic++) {
            for (String codec : List.of("none", "gzip", "snappy", "lz4")) {
                write("legacy" + magic + "." + codec, legacy(magic, codec));
            }
        }
    }

    private static Compression compression(String codec) {
        return Compression.of(codec).build();
    }

    private static MemoryRecordsBuilder builder(String codec, long baseOffset, long producerId, short epoch, int sequence,
                                                boolean transactional) {
        return new MemoryRecordsBuilder(ByteBuffer.allocate(1 << 20), RecordBatch.MAGIC_VALUE_V2, compression(codec),
            TimestampType.CREATE_TIME, baseOffset, RecordBatch.NO_TIMESTAMP, producerId, epoch, sequence, transactional,
            false, 6, 1 << 20);
    }

    private static MemoryRecordsBuilder logAppendTime() {
        return new MemoryRecordsBuilder(ByteBuffer.allocate(1 << 20), RecordBatch.MAGIC_VALUE_V2, compression("gzip"),
            TimestampType.LOG_APPEND_TIME, 10, T0 + 99_999, -1, (short) -1, -1, false, false, 6, 1 << 20);
    }

    private static MemoryRecordsBuilder deleteHorizon() {
        return new MemoryRecordsBuilder(new org.apache.kafka.common.utils.ByteBufferOutputStream(1 << 16),
            RecordBatch.MAGIC_VALUE_V2, compression("none"), TimestampType.CREATE_TIME, 30, RecordBatch.NO_TIMESTAMP, -1,
            (short) -1, -1, false, false, 6, 1 << 16, T0 + 86_400_000);
    }

    private static byte[] bytes(String text) {
        return text == null ? null : text.getBytes(StandardCharsets.UTF_8);
    }

    private static SimpleRecord record(long timestamp, String key, String value, Header... headers) {
        return new SimpleRecord(timestamp, bytes(key), bytes(value), headers);
    }

    private static Header header(String key, String value) {
        return new RecordHeader(key, bytes(value));
    }

    private static List<SimpleRecord> varied() {
        return List.of(
            record(T0, "key", "value"),
            record(T0 + 1, null, "no key"),
            record(T0 - 5000, "tombstone, older than the first", null),
            record(T0 + 2, null, null),
            record(T0 + 3, "", ""),
            record(T0 + 1_000_000_000L, "k", "one header", header("trace", "abc")),
            record(T0 + 4, "k", "headers", header("a", "1"), header("a", "2"), header("null", null), header("empty", "")),
            record(T0 + 5, "k", "header without a name", header("", "x")),
            record(-1, "k", "no timestamp"),
            record(0, "k", "start of the epoch"),
            record(T0 + 6, "\u00fcml\u00e4ut", "\u20ac \ud83d\ude80", header("\u00e4", "\u00f6")),
            record(T0 + 7, "k".repeat(64), "v".repeat(64)),
            record(T0 + 8, "k".repeat(8192), "v".repeat(8191)));
    }

    private static List<SimpleRecord> many() {
        List<SimpleRecord> records = new ArrayList<>();
        for (int i = 0; i < 300; i++) records.add(record(T0 + i * 7L, "key-" + i % 17, "value number " + i));
        return records;
    }

    /** Spans many of the blocks in which snappy (32 KB) and lz4 (64 KB) compress; one part does not compress at all. */
    private static List<SimpleRecord> large() {
        Random random = new Random(1);
        byte[] noise = new byte[90_000];
        random.nextBytes(noise);
        StringBuilder text = new StringBuilder();
        while (text.length() < 150_000) text.append("order ").append(random.nextInt(1000)).append("; ");
        return List.of(new SimpleRecord(T0, bytes("noise"), noise), record(T0 + 1, "text", text.toString()),
                       new SimpleRecord(T0 + 2, bytes("zeros"), new byte[70_000]));
    }

    private static List<SimpleRecord> extreme() {
        return List.of(record(0, "a", "1"), record(Long.MAX_VALUE, "b", "2"), record(1, "c", "3"));
    }

    private static void writeSparse(String name, String codec) throws IOException {
        MemoryRecordsBuilder builder = builder(codec, 100, -1, (short) -1, -1, false);
        for (int delta : new int[] {3, 4, 10, 500}) {
            builder.appendWithOffset(100 + delta, record(T0 + delta, "key " + delta, "value " + delta));
        }
        builder.overrideLastOffset(700);
        write(name, builder.build());
    }

    private static MemoryRecords legacy(byte magic, String codec) {
        return MemoryRecords.withRecords(magic, 200, compression(codec), TimestampType.CREATE_TIME,
            record(T0, "old key", "old value"), record(T0 + 1, null, "no key"), record(T0 + 2, "tombstone", null));
    }

    /** What a Fetch response may hold: batches of two epochs, a marker, an old message set, and a batch that is cut. */
    private static void writeRecordSet() throws IOException {
        ByteBuffer whole = ByteBuffer.allocate(1 << 20);
        whole.put(filled(builder("lz4", 0, -1, (short) -1, -1, false), many().subList(0, 10)).buffer());
        whole.put(MemoryRecords.withEndTransactionMarker(10, T0, 6, 9000, (short) 1,
            new EndTransactionMarker(ControlRecordType.COMMIT, 0)).buffer());
        whole.put(legacy((byte) 1, "none").buffer());
        whole.put(filled(builder("none", 300, 1, (short) 0, 0, false), many().subList(10, 20)).buffer());
        ByteBuffer last = filled(builder("zstd", 310, 1, (short) 0, 10, false), many().subList(20, 40)).buffer();
        last.limit(last.limit() - 1);
        whole.put(last);
        whole.flip();
        write("record_set.cut", MemoryRecords.readableRecords(whole));
    }

    private static MemoryRecords filled(MemoryRecordsBuilder builder, List<SimpleRecord> records) {
        for (SimpleRecord record : records) builder.append(record);
        return builder.build();
    }

    private static void write(String name, MemoryRecordsBuilder builder, List<SimpleRecord> records) throws IOException {
        write(name, filled(builder, records));
    }

    private static void write(String name, MemoryRecords records) throws IOException {
        ByteBuffer buffer = records.buffer();
        byte[] all = new byte[buffer.remaining()];
        buffer.duplicate().get(all);
        Files.write(folder.resolve(name + ".bin"), all);
        try (PrintStream out = new PrintStream(Files.newOutputStream(folder.resolve(name + ".txt")), false, "UTF-8")) {
            for (RecordBatch batch : records.batches()) describe(out, batch);
        }
    }

    private static void describe(PrintStream out, RecordBatch batch) {
        out.printf("batch magic=%d base=%d last=%d size=%d", batch.magic(), batch.baseOffset(), batch.lastOffset(),
            batch.sizeInBytes());
        if (batch.magic() >= 2) {
            out.printf(" crc=%d count=%d codec=%s producer=%d/%d/%d epoch=%d max=%d%s%s%s", batch.checksum(),
                batch.countOrNull(), batch.compressionType().name, batch.producerId(), batch.producerEpoch(),
                batch.baseSequence(), batch.partitionLeaderEpoch(), batch.maxTimestamp(),
                batch.isTransactional() ? " transactional" : "", batch.isControlBatch() ? " control" : "",
                batch.timestampType() == TimestampType.LOG_APPEND_TIME ? " append-time" : "");
        }
        out.print('\n');
        for (Record record : batch) {
            out.printf("%d %d %s %s", record.offset(), record.timestamp(), hex(record.hasKey() ? record.key() : null),
                hex(record.hasValue() ? record.value() : null));
            for (Header header : record.headers()) {
                out.printf(" %s=%s", hex(ByteBuffer.wrap(bytes(header.key()))),
                    hex(header.value() == null ? null : ByteBuffer.wrap(header.value())));
            }
            out.print('\n');
        }
    }

    /** "null", quoted hexadecimal digits, or for long bytes their size and CRC-32C. */
    private static String hex(ByteBuffer buffer) {
        if (buffer == null) return "null";
        byte[] bytes = new byte[buffer.remaining()];
        buffer.duplicate().get(bytes);
        if (bytes.length <= 64) return "'" + HexFormat.of().formatHex(bytes) + "'";
        CRC32C crc = new CRC32C();
        crc.update(bytes);
        return bytes.length + ":" + Long.toHexString(crc.getValue());
    }
}
