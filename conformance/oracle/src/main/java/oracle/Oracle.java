package oracle;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Properties;
import oracle.Json.Key;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.TestInputTopic;
import org.apache.kafka.streams.TestOutputTopic;
import org.apache.kafka.streams.TopologyTestDriver;
import org.apache.kafka.streams.state.BuiltInDslStoreSuppliers;
import org.apache.kafka.streams.test.TestRecord;

/**
 * Reads {"topology": ..., "records": [...]}, one a line, and writes what Kafka Streams makes of it: for each record the
 * outputs by their topics, or {"failed": why}.
 */
public final class Oracle {
  private Oracle() {}

  public static void main(String[] arguments) throws Exception {
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    System.setOut(System.err);
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      ObjectNode answer = Json.MAPPER.createObjectNode();
      try {
        answer.set("steps", run(Json.MAPPER.readTree(line)));
      } catch (Exception error) {
        answer.put("failed", error + (error.getCause() == null ? "" : ": " + error.getCause()));
      }
      out.println(Json.MAPPER.writeValueAsString(answer));
    }
  }

  private static ArrayNode run(JsonNode asked) throws Exception {
    Pipeline pipeline = new Pipeline(asked.get("topology"));
    Path state = Files.createTempDirectory("oracle");
    ArrayNode steps = Json.MAPPER.createArrayNode();
    try (TopologyTestDriver driver = new TopologyTestDriver(pipeline.build(), settings(state))) {
      for (JsonNode record : asked.get("records")) {
        String topic = record.get("topic").textValue();
        TestInputTopic<Key, JsonNode> input =
            driver.createInputTopic(topic, Json.KEYS.serializer(), Json.VALUES.serializer());
        input.pipeInput(Key.of(record.get("key").textValue()), Json.orNull(record.get("value")),
            record.get("timestamp_ms").longValue());
        steps.add(outputs(driver, pipeline));
      }
    } finally {
      Files.walk(state).sorted(Comparator.reverseOrder()).forEach(path -> path.toFile().delete());
    }
    return steps;
  }

  private static ObjectNode outputs(TopologyTestDriver driver, Pipeline pipeline) {
    ObjectNode step = Json.MAPPER.createObjectNode();
    for (String topic : pipeline.sinks) {
      TestOutputTopic<Key, JsonNode> output =
          driver.createOutputTopic(topic, Json.KEYS.deserializer(), Json.VALUES.deserializer());
      ArrayNode written = step.putArray(topic);
      while (!output.isEmpty()) written.add(output(output.readRecord()));
    }
    return step;
  }

  private static ObjectNode output(TestRecord<Key, JsonNode> record) {
    ObjectNode made = Json.MAPPER.createObjectNode();
    made.put("key", record.key() == null ? null : record.key().key());
    made.set("value", Json.node(record.value()));
    made.put("timestamp_ms", record.timestamp());
    if (record.key() != null && record.key().start_ms() != null) {
      made.putObject("window").put("start_ms", record.key().start_ms()).put("end_ms", record.key().end_ms());
    }
    return made;
  }

  /** Every update is emitted: no cache merges them, and no pause between results of joins hides one. Stores are quick. */
  private static Properties settings(Path state) {
    Properties settings = new Properties();
    settings.put(StreamsConfig.APPLICATION_ID_CONFIG, "oracle");
    settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, "127.0.0.1:1");
    settings.put(StreamsConfig.STATE_DIR_CONFIG, state.toString());
    settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 0);
    settings.put(StreamsConfig.DSL_STORE_SUPPLIERS_CLASS_CONFIG, BuiltInDslStoreSuppliers.InMemoryDslStoreSuppliers.class);
    settings.put(StreamsConfig.InternalConfig.EMIT_INTERVAL_MS_KSTREAMS_OUTER_JOIN_SPURIOUS_RESULTS_FIX, 0L);
    return settings;
  }
}
