package longhaul.golden;

import java.lang.reflect.Field;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.types.BoundField;
import org.apache.kafka.common.protocol.types.Schema;
import org.apache.kafka.common.protocol.types.TaggedFields;
import org.apache.kafka.common.record.internal.BaseRecords;
import org.apache.kafka.common.record.internal.MemoryRecords;

/**
 * Fills the fields that a message's schema has in one version, all with different values that are not their defaults.
 * Arrays get two elements; in the second one every field that may be null is null.
 */
final class Filler {
    enum Nulls { NONE, ALL }

    private int counter = 0;

    void fill(Message message, short version, Nulls nulls) throws ReflectiveOperationException {
        Schema[] schemas = (Schema[]) message.getClass().getField("SCHEMAS").get(null);
        fillStruct(message, schemas[version], nulls);
    }

    private void fillStruct(Object struct, Schema schema, Nulls nulls) throws ReflectiveOperationException {
        for (BoundField bound : schema.fields()) {
            if (bound.def.type instanceof TaggedFields tagged) {
                for (Map.Entry<Integer, org.apache.kafka.common.protocol.types.Field> entry :
                        tagged.fields().entrySet()) {
                    fillField(struct, entry.getValue(), nulls);
                }
            } else {
                fillField(struct, bound.def, nulls);
            }
        }
    }

    private void fillField(Object struct, org.apache.kafka.common.protocol.types.Field def, Nulls nulls)
            throws ReflectiveOperationException {
        Field field = struct.getClass().getDeclaredField(camelCase(def.name));
        field.setAccessible(true);
        if (nulls == Nulls.ALL && def.type.isNullable()) {
            field.set(struct, null);
            return;
        }
        field.set(struct, value(field, struct, def, nulls));
    }

    private Object value(Field field, Object struct, org.apache.kafka.common.protocol.types.Field def, Nulls nulls)
            throws ReflectiveOperationException {
        Class<?> type = field.getType();
        if (type == boolean.class) return !field.getBoolean(struct);
        if (Collection.class.isAssignableFrom(type)) return collection(field, (Schema) elementSchema(def), nulls);
        if (Message.class.isAssignableFrom(type)) {
            Object nested = instance(type);
            fillStruct(nested, (Schema) def.type, nulls);
            return nested;
        }
        return scalar(type, def.name);
    }

    private static Object elementSchema(org.apache.kafka.common.protocol.types.Field def) {
        Object element = def.type.arrayElementType().orElseThrow();
        return element instanceof Schema ? element : null;
    }

    @SuppressWarnings("unchecked")
    private Object collection(Field field, Schema schema, Nulls nulls) throws ReflectiveOperationException {
        Class<?> type = field.getType();
        Collection<Object> elements =
                type == List.class ? new ArrayList<>() : (Collection<Object>) instance(type);
        Class<?> elementType = elementType(type == List.class ? field.getGenericType() : type.getGenericSuperclass());
        for (Nulls nullsOfElement : new Nulls[] {nulls, Nulls.ALL}) {
            if (schema == null) {
                elements.add(scalar(elementType, field.getName()));
            } else {
                Object element = instance(elementType);
                fillStruct(element, schema, nullsOfElement);
                elements.add(element);
            }
        }
        return elements;
    }

    private static Class<?> elementType(Type collection) {
        return (Class<?>) ((ParameterizedType) collection).getActualTypeArguments()[0];
    }

    private static Object instance(Class<?> type) throws ReflectiveOperationException {
        var constructor = type.getDeclaredConstructor();
        constructor.setAccessible(true);
        return constructor.newInstance();
    }

    /** Small types wrap around, which leaves neighbours different; no value is 0 or -1, which are defaults. */
    private Object scalar(Class<?> type, String name) {
        int n = ++counter;
        if (type == byte.class) return (byte) (1 + n % 100);
        if (type == short.class || type == Short.class) return (short) (1 + n % 100);
        if (type == int.class || type == Integer.class) return 0x01020000 + n;
        if (type == long.class || type == Long.class) return 0x0102030405060000L + n;
        if (type == String.class) return name + "-é" + n;
        if (type == Uuid.class) return new Uuid(0x1112131415160000L + n, 0x9192939495960000L + n);
        if (type == byte[].class) return blob(n);
        if (type == ByteBuffer.class) return ByteBuffer.wrap(blob(n));
        if (BaseRecords.class.isAssignableFrom(type)) {
            return MemoryRecords.readableRecords(ByteBuffer.wrap(blob(n)));
        }
        throw new IllegalStateException("no value for " + type + " " + name);
    }

    private static byte[] blob(int n) {
        return ("bytes number " + n + " \u0000\u0001\u007f").repeat(5).getBytes(StandardCharsets.UTF_8);
    }

    private static String camelCase(String snakeCase) {
        StringBuilder out = new StringBuilder();
        boolean upper = false;
        for (char c : snakeCase.toCharArray()) {
            if (c == '_') {
                upper = true;
            } else {
                out.append(upper ? Character.toUpperCase(c) : c);
                upper = false;
            }
        }
        return out.toString();
    }
}
