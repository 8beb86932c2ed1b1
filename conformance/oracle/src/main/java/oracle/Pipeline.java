package oracle;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.LongNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.stream.StreamSupport;
import oracle.Json.Key;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Aggregator;
import org.apache.kafka.streams.kstream.Branched;
import org.apache.kafka.streams.kstream.BranchedKStream;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Initializer;
import org.apache.kafka.streams.kstream.JoinWindows;
import org.apache.kafka.streams.kstream.Joined;
import org.apache.kafka.streams.kstream.KGroupedStream;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Merger;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.SessionWindows;
import org.apache.kafka.streams.kstream.SlidingWindows;
import org.apache.kafka.streams.kstream.StreamJoined;
import org.apache.kafka.streams.kstream.Suppressed;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.kstream.Windowed;
import org.apache.kafka.streams.kstream.ValueJoinerWithKey;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.SessionStore;
import org.apache.kafka.streams.state.WindowStore;

/** A topology of topology.schema.json as one of Kafka Streams: each operator becomes the one that Kafka has for it. */
final class Pipeline {
  static final String RESULTS = "the-results";

  private final StreamsBuilder builder = new StreamsBuilder();
  private final Map<String, KStream<Key, JsonNode>> streams = new HashMap<>();
  private final Map<String, KGroupedStream<Key, JsonNode>> groups = new HashMap<>();
  private final Map<String, KTable<Key, JsonNode>> tables = new HashMap<>();
  final Set<String> sources = new LinkedHashSet<>();
  final Set<String> sinks = new LinkedHashSet<>();

  Pipeline(JsonNode document) {
    document.get("nodes").forEach(this::add);
  }

  Topology build() {
    return builder.build();
  }

  private void add(JsonNode node) {
    String name = node.get("node").textValue();
    switch (node.get("operator").textValue()) {
      case "source" -> streams.put(name, builder.stream(source(node), Consumed.with(Json.KEYS, Json.VALUES)));
      case "table" -> tables.put(name, builder.table(source(node), Consumed.with(Json.KEYS, Json.VALUES), stored()));
      case "filter" -> streams.put(name, from(node).filter((k, v) -> truth(node.get("where"), scope(k, v))));
      case "map" -> streams.put(name, map(node));
      case "flat_map" -> streams.put(name, flatMap(node));
      case "group_by" -> groups.put(name, group(node));
      case "count", "reduce", "aggregate" -> streams.put(name, aggregation(node));
      case "join" -> streams.put(name, join(node));
      case "join_table" -> streams.put(name, joinTable(node));
      case "branch" -> branch(node);
      case "merge" -> streams.put(name, merge(node));
      case "through" -> { write(from(node), node.get("topic").textValue()); streams.put(name, from(node)); }
      case "to" -> write(from(node), node.get("topic").textValue());
      case "results" -> write(from(node), RESULTS);
      default -> throw new IllegalArgumentException("Kafka Streams has nothing for " + node.get("operator"));
    }
  }

  private String source(JsonNode node) {
    sources.add(node.get("topic").textValue());
    return node.get("topic").textValue();
  }

  private KStream<Key, JsonNode> from(JsonNode node) {
    return streams.get(node.get("from").textValue());
  }

  private void write(KStream<Key, JsonNode> stream, String topic) {
    sinks.add(topic);
    stream.to(topic, Produced.with(Json.KEYS, Json.VALUES));
  }

  private KStream<Key, JsonNode> map(JsonNode node) {
    if (!node.has("key")) return from(node).mapValues((k, v) -> make(node.get("value"), scope(k, v)));
    return from(node).map((k, v) -> KeyValue.pair(
        keyOf(node.get("key"), scope(k, v)), node.has("value") ? make(node.get("value"), scope(k, v)) : v));
  }

  private KStream<Key, JsonNode> flatMap(JsonNode node) {
    return from(node).flatMap((k, v) -> {
      JsonNode items = Expression.evaluate(node.get("each"), scope(k, v));
      return StreamSupport.stream(items.spliterator(), false).map(item -> {
        Map<String, JsonNode> scope = scope(k, v);
        scope.put("item", item);
        return KeyValue.pair(
            node.has("key") ? keyOf(node.get("key"), scope) : k,
            node.has("value") ? make(node.get("value"), scope) : Json.orNull(item));
      }).toList();
    });
  }

  private KGroupedStream<Key, JsonNode> group(JsonNode node) {
    Grouped<Key, JsonNode> as = Grouped.with(Json.KEYS, Json.VALUES);
    return node.has("key") ? from(node).groupBy((k, v) -> keyOf(node.get("key"), scope(k, v)), as) : from(node).groupByKey(as);
  }

  private KStream<Key, JsonNode> aggregation(JsonNode node) {
    KGroupedStream<Key, JsonNode> group = groups.get(node.get("from").textValue());
    String operator = node.get("operator").textValue();
    Initializer<JsonNode> initial = () -> switch (operator) {
      case "count" -> LongNode.valueOf(0);
      case "reduce" -> null;
      default -> Json.orNull(node.get("initial").deepCopy());
    };
    Aggregator<Key, JsonNode, JsonNode> add = (k, v, soFar) -> switch (operator) {
      case "count" -> LongNode.valueOf(soFar.longValue() + 1);
      case "reduce" -> soFar == null ? v : fold(node.get("with"), scope(k, v), soFar);
      default -> fold(node.get("with"), scope(k, v), soFar);
    };
    Merger<Key, JsonNode> merge = (k, one, other) -> switch (operator) {
      case "count" -> LongNode.valueOf(one.longValue() + other.longValue());
      case "reduce" -> one == null ? other : fold(node.get("with"), scope(k, other), one);
      default -> pair(node.get("merge"), k, one, other);
    };
    JsonNode window = node.get("window");
    if (window == null) return group.aggregate(initial, add, stored()).toStream();
    Duration grace = duration(window, "grace_ms");
    return switch (window.get("type").textValue()) {
      case "tumbling", "hopping" -> {
        TimeWindows size = TimeWindows.ofSizeAndGrace(duration(window, "size_ms"), grace);
        TimeWindows windows = window.has("advance_ms") ? size.advanceBy(duration(window, "advance_ms")) : size;
        yield results(node, group.windowedBy(windows).aggregate(initial, add, storedInWindows()));
      }
      case "sliding" -> {
        SlidingWindows windows = SlidingWindows.ofTimeDifferenceAndGrace(duration(window, "difference_ms"), grace);
        yield results(node, group.windowedBy(windows).aggregate(initial, add, storedInWindows()));
      }
      default -> {
        SessionWindows windows = SessionWindows.ofInactivityGapAndGrace(duration(window, "gap_ms"), grace);
        Materialized<Key, JsonNode, SessionStore<Bytes, byte[]>> as = Materialized.with(Json.KEYS, Json.VALUES);
        yield results(node, group.windowedBy(windows).aggregate(initial, add, merge, as));
      }
    };
  }

  private KStream<Key, JsonNode> results(JsonNode node, KTable<Windowed<Key>, JsonNode> table) {
    boolean last = node.has("emit") && node.get("emit").textValue().equals("final");
    return (last ? table.suppress(Suppressed.untilWindowCloses(Suppressed.BufferConfig.unbounded())) : table)
        .toStream((k, v) -> new Key(k.key().key(), k.window().start(), k.window().end()));
  }

  private KStream<Key, JsonNode> join(JsonNode node) {
    KStream<Key, JsonNode> left = streams.get(node.get("from").get(0).textValue());
    KStream<Key, JsonNode> right = streams.get(node.get("from").get(1).textValue());
    JsonNode on = node.get("on");
    if (on != null) {
      left = left.selectKey((k, v) -> keyOf(on.get("left_key"), scope(k, v)));
      right = right.selectKey((k, v) -> keyOf(on.get("right_key"), scope(k, v)));
    }
    JsonNode within = node.get("within");
    JoinWindows windows =
        JoinWindows.ofTimeDifferenceAndGrace(Duration.ZERO, duration(within, "grace_ms"))
            .before(duration(within, "before_ms")).after(duration(within, "after_ms"));
    StreamJoined<Key, JsonNode, JsonNode> as = StreamJoined.with(Json.KEYS, Json.VALUES, Json.VALUES);
    return switch (node.get("type").textValue()) {
      case "inner" -> left.join(right, joiner(node), windows, as);
      case "left" -> left.leftJoin(right, joiner(node), windows, as);
      default -> left.outerJoin(right, joiner(node), windows, as);
    };
  }

  private KStream<Key, JsonNode> joinTable(JsonNode node) {
    KStream<Key, JsonNode> stream = streams.get(node.get("from").get(0).textValue());
    if (node.has("key")) stream = stream.selectKey((k, v) -> keyOf(node.get("key"), scope(k, v)));
    KTable<Key, JsonNode> table = tables.get(node.get("from").get(1).textValue());
    Joined<Key, JsonNode, JsonNode> as = Joined.with(Json.KEYS, Json.VALUES, Json.VALUES);
    return node.get("type").textValue().equals("inner")
        ? stream.join(table, joiner(node), as) : stream.leftJoin(table, joiner(node), as);
  }

  private static ValueJoinerWithKey<Key, JsonNode, JsonNode, JsonNode> joiner(JsonNode node) {
    return (k, left, right) -> {
      if (node.has("value")) return pair(node.get("value"), k, left, right);
      return Json.MAPPER.createObjectNode().<com.fasterxml.jackson.databind.node.ObjectNode>set("left", Json.node(left))
          .set("right", Json.node(right));
    };
  }

  private void branch(JsonNode node) {
    BranchedKStream<Key, JsonNode> ways = from(node).split();
    for (JsonNode way : node.get("branches")) {
      Branched<Key, JsonNode> as = Branched.withConsumer(stream -> streams.put(way.get("as").textValue(), stream));
      if (way.has("where")) ways.branch((k, v) -> truth(way.get("where"), scope(k, v)), as);
      else ways.defaultBranch(as);
    }
  }

  private KStream<Key, JsonNode> merge(JsonNode node) {
    return StreamSupport.stream(node.get("from").spliterator(), false)
        .map(name -> streams.get(name.textValue())).reduce(KStream::merge).get();
  }

  private static Materialized<Key, JsonNode, KeyValueStore<Bytes, byte[]>> stored() {
    return Materialized.with(Json.KEYS, Json.VALUES);
  }

  private static Materialized<Key, JsonNode, WindowStore<Bytes, byte[]>> storedInWindows() {
    return Materialized.with(Json.KEYS, Json.VALUES);
  }

  private static Duration duration(JsonNode of, String member) {
    return Duration.ofMillis(of.has(member) ? of.get(member).longValue() : 0);
  }

  private static Map<String, JsonNode> scope(Key key, JsonNode value) {
    Map<String, JsonNode> scope = new HashMap<>();
    scope.put("key", key == null || key.key() == null ? null : TextNode.valueOf(key.key()));
    scope.put("value", value);
    if (key != null && key.start_ms() != null) {
      scope.put("window", Json.MAPPER.createObjectNode().put("start_ms", key.start_ms()).put("end_ms", key.end_ms()));
    }
    return scope;
  }

  private static JsonNode make(JsonNode expression, Map<String, JsonNode> scope) {
    return Json.orNull(Expression.evaluate(expression, scope));
  }

  private static JsonNode fold(JsonNode expression, Map<String, JsonNode> scope, JsonNode soFar) {
    scope.put("aggregate", soFar);
    return make(expression, scope);
  }

  private static JsonNode pair(JsonNode expression, Key key, JsonNode left, JsonNode right) {
    Map<String, JsonNode> scope = scope(key, null);
    scope.put("left", left);
    scope.put("right", right);
    return make(expression, scope);
  }

  private static boolean truth(JsonNode expression, Map<String, JsonNode> scope) {
    return Expression.truth(Expression.evaluate(expression, scope));
  }

  private static Key keyOf(JsonNode expression, Map<String, JsonNode> scope) {
    JsonNode made = Expression.evaluate(expression, scope);
    return made.isNull() ? null : Key.of(Expression.text(made));
  }
}
