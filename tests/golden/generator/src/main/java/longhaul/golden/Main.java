package longhaul.golden;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.message.RequestHeaderData;
import org.apache.kafka.common.message.ResponseHeaderData;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.ObjectSerializationCache;

/** Writes the golden files to the folder named by the only argument; ORIGIN.md there says what they are. */
public final class Main {
    private record Api(String name, int min, int max) {}

    private static final List<Api> APIS = List.of(
            new Api("Produce", 3, 13),
            new Api("Fetch", 10, 17),
            new Api("ListOffsets", 1, 9),
            new Api("Metadata", 1, 13),
            new Api("OffsetCommit", 6, 9),
            new Api("OffsetFetch", 5, 9),
            new Api("FindCoordinator", 2, 4),
            new Api("JoinGroup", 3, 9),
            new Api("Heartbeat", 2, 4),
            new Api("LeaveGroup", 0, 5),
            new Api("SyncGroup", 2, 5),
            new Api("DescribeGroups", 2, 6),
            new Api("ListGroups", 2, 5),
            new Api("SaslHandshake", 1, 1),
            new Api("ApiVersions", 0, 3),
            new Api("CreateTopics", 3, 7),
            new Api("DeleteTopics", 3, 6),
            new Api("DeleteRecords", 1, 2),
            new Api("InitProducerId", 1, 5),
            new Api("OffsetForLeaderEpoch", 2, 4),
            new Api("AddPartitionsToTxn", 1, 3),
            new Api("AddOffsetsToTxn", 1, 4),
            new Api("EndTxn", 1, 5),
            new Api("TxnOffsetCommit", 2, 5),
            new Api("DescribeConfigs", 2, 4),
            new Api("SaslAuthenticate", 0, 2),
            new Api("CreatePartitions", 1, 3),
            new Api("IncrementalAlterConfigs", 0, 1),
            new Api("DescribeCluster", 0, 2),
            new Api("DescribeProducers", 0, 0),
            new Api("DescribeTransactions", 0, 0));

    private static final ObjectMapper JSON = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

    public static void main(String[] args) throws Exception {
        Path folder = Path.of(args[0]);
        for (Api api : APIS) {
            ObjectNode values = JSON.createObjectNode();
            for (int version = api.min; version <= api.max; ++version) {
                for (String kind : List.of("Request", "Response")) {
                    write(folder, api.name, kind, (short) version, values);
                }
            }
            Files.writeString(folder.resolve(api.name + ".json"), JSON.writeValueAsString(values) + "\n");
        }
        writeHeaders(folder);
        writeErrors(folder);
    }

    /** The variant full of nulls is left out where the message has no field that may be null. */
    private static void write(Path folder, String api, String kind, short version, ObjectNode values)
            throws Exception {
        String name = "v" + version + "." + kind.toLowerCase();
        Message message = filled(api + kind, version, Filler.Nulls.NONE);
        byte[] bytes = bytes(message, version);
        Files.write(folder.resolve(api + "." + name + ".bin"), bytes);
        values.set(name, json(message, version));

        Message nullsMessage = filled(api + kind, version, Filler.Nulls.ALL);
        byte[] nullsBytes = bytes(nullsMessage, version);
        if (Arrays.equals(bytes, nullsBytes)) return;
        Files.write(folder.resolve(api + "." + name + ".nulls.bin"), nullsBytes);
        values.set(name + ".nulls", json(nullsMessage, version));
    }

    private static Message filled(String name, short version, Filler.Nulls nulls)
            throws ReflectiveOperationException {
        Message message = (Message) Class.forName("org.apache.kafka.common.message." + name + "Data")
                .getConstructor()
                .newInstance();
        new Filler().fill(message, version, nulls);
        return message;
    }

    private static JsonNode json(Message message, short version) throws ReflectiveOperationException {
        Class<?> converter = Class.forName(message.getClass().getName() + "JsonConverter");
        return (JsonNode) converter.getMethod("write", message.getClass(), short.class, boolean.class)
                .invoke(null, message, version, false);
    }

    private static byte[] bytes(Message message, short version) {
        ObjectSerializationCache cache = new ObjectSerializationCache();
        ByteBuffer buffer = ByteBuffer.allocate(message.size(cache, version));
        message.write(new ByteBufferAccessor(buffer), cache, version);
        if (buffer.hasRemaining()) throw new IllegalStateException("size and write disagree");
        return buffer.array();
    }

    private static void writeHeaders(Path folder) throws IOException {
        for (short version = 1; version <= 2; ++version) {
            RequestHeaderData header = new RequestHeaderData()
                    .setRequestApiKey((short) 0)
                    .setRequestApiVersion((short) (version == 1 ? 8 : 9))
                    .setCorrelationId(0x01020304)
                    .setClientId("clïent");
            Files.write(folder.resolve("RequestHeader.v" + version + ".bin"), bytes(header, version));
        }
        for (short version = 0; version <= 1; ++version) {
            ResponseHeaderData header = new ResponseHeaderData().setCorrelationId(0x01020304);
            Files.write(folder.resolve("ResponseHeader.v" + version + ".bin"), bytes(header, version));
        }
    }

    private static void writeErrors(Path folder) throws IOException {
        StringBuilder table = new StringBuilder();
        for (Errors error : Errors.values()) {
            boolean retriable = error.exception() instanceof RetriableException;
            table.append(error.code()).append('\t').append(error.name()).append('\t').append(retriable).append('\n');
        }
        Files.writeString(folder.resolve("errors.tsv"), table);
    }
}
