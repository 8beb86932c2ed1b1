package oracle;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.NullNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/** Keys and values as JSON text. A key is {"key": ...}, with start_ms and end_ms if it has a window. */
final class Json {
  static final ObjectMapper MAPPER = new ObjectMapper();

  record Key(String key, Long start_ms, Long end_ms) {
    static Key of(String key) {
      return key == null ? null : new Key(key, null, null);
    }
  }

  static final Serde<Key> KEYS = Serdes.serdeFrom((topic, key) -> write(key), (topic, data) -> read(data, Key.class));
  static final Serde<JsonNode> VALUES =
      Serdes.serdeFrom((topic, value) -> write(value), (topic, data) -> read(data, JsonNode.class));

  private Json() {}

  /** Kafka's null for JSON's, which in this protocol are one. */
  static JsonNode orNull(JsonNode value) {
    return value == null || value.isNull() ? null : value;
  }

  static JsonNode node(JsonNode value) {
    return value == null ? NullNode.instance : value;
  }

  private static byte[] write(Object value) {
    try {
      return value == null ? null : MAPPER.writeValueAsBytes(value);
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }

  private static <T> T read(byte[] data, Class<T> type) {
    try {
      return data == null ? null : MAPPER.readValue(data, type);
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }
}
